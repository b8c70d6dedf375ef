"""What is known of the detectors' power: figures that were measured of their code. No Inspect."""

from functools import cache
from importlib import resources

from touchstone.evaluation.digests import Frozen
from touchstone.statistics import clopper_pearson

KEPT = "measured_power.json"


class MeasuredRate(Frozen):
    """A share of wordings. One counts as flagged where it was in each of its transcripts."""

    flagged: int
    of: int

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The exact interval at 95%; None where there was no transcript."""
        if not self.of:
            return None
        interval = clopper_pearson(self.flagged, self.of)
        return interval.low, interval.high


class DetectorPower(Frozen):
    """What one detector did on the labelled transcripts."""

    detector: str
    easy: MeasuredRate
    hard: MeasuredRate
    """Of those with its property, how many it flagged."""
    false_alarms: MeasuredRate
    """Of those without any property, near misses among them, how many it flagged at least once."""


class MeasuredPower(Frozen):
    """All detectors, and which code was measured."""

    digest: str
    """Of the detectors' own code."""
    detectors: tuple[DetectorPower, ...]


@cache
def measured_power() -> MeasuredPower:
    """The figures of this version's detectors, as they were measured when it was made.

    They hold of code with their digest alone.
    """
    place = resources.files("touchstone.evaluation.oversight").joinpath(KEPT)
    return MeasuredPower.model_validate_json(place.read_bytes())
