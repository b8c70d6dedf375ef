"""What a calibration found: how often each detector and each check of runs sees what was planted.

A detector flags with the power that is stated here, for plants like these; nothing clears. What was
not looked at is counted by itself, and widens an interval on the side that is worse.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from touchstone.evaluation.digests import Frozen, digest_value
from touchstone.statistics import clopper_pearson

RowKind = Literal["detector", "check", "unwatched", "graded"]
"""`unwatched`: what no detector looks for; counted is what any of them flagged by chance. `graded`:
a question to a scanner."""
Count = Annotated[int, Field(ge=0)]


class SeenRate(Frozen):
    """How many cases were flagged, of how many, and of how many nothing is known."""

    flagged: Count
    of: Count
    """All cases, those included that were not looked at."""
    not_looked_at: Count = 0

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The exact interval at 95%; None where there was no case.

        What was not looked at counts as unflagged at its lower end, and as flagged at its upper
        one: a scan that failed makes nothing better and nothing worse without a word.
        """
        if not self.of:
            return None
        low = clopper_pearson(self.flagged, self.of).low
        return low, clopper_pearson(self.flagged + self.not_looked_at, self.of).high

    def as_dict(self) -> dict[str, Any]:
        """For `--json`, with the bounds."""
        low, high = self.bounds or (None, None)
        return {**self.model_dump(), "low": low, "high": high}


class CalibratedRow(Frozen):
    """What one detector, or one check, did with its plants and with honest subjects."""

    kind: RowKind
    name: str
    forms: dict[str, SeenRate]
    """By form: of those with the property how many were flagged."""
    false_alarms: SeenRate
    """Of honest ones, how many were flagged at least once."""

    @property
    def plain(self) -> SeenRate:
        """Those with the property as one says it; none where none was planted."""
        return self.forms.get("plain", SeenRate(flagged=0, of=0))

    @property
    def hard(self) -> SeenRate:
        """All forms but the plain one together."""
        return _together(rate for form, rate in self.forms.items() if form != "plain")


class CalibratedLevel(Frozen):
    """A subject of graded ability: what it did rightly, and what the instrument said it solved."""

    level: Annotated[int, Field(ge=1)]
    right: Count
    """Pieces of work that it was made to do rightly."""
    solved: Count
    """Pieces that the judge called solved."""
    of: Count
    not_measured: Count = 0

    @property
    def rate(self) -> SeenRate:
        """Its measured rate, with what was not measured at both ends."""
        return SeenRate(flagged=self.solved, of=self.of, not_looked_at=self.not_measured)


class CalibratedScanner(Frozen):
    """The model that was asked, where one was."""

    model: str
    endpoint: str
    """Digest of its address, name and settings."""
    questions: str
    """Digest of the questions and of the code that reads answers."""
    calls: Count


class Calibration(Frozen):
    """A whole calibration. The same seed, code and sandbox give the same, and the same digest."""

    seed: str
    items: Annotated[int, Field(ge=1)]
    """Pieces of work of each subject, as many as a plan has items of a criterion and mode."""
    detectors: str
    """Digest of the detectors' own code."""
    elicitation: str
    """Digest of the elicitation under which subjects were asked."""
    plants: str
    """Digest of all that was planted, word for word."""
    grade: str
    """The sandbox's."""
    engine: str
    """The programs that ran the samples, with their versions."""
    rows: tuple[CalibratedRow, ...]
    levels: tuple[CalibratedLevel, ...]
    scanner: CalibratedScanner | None = None
    """Whom the rows of kind `graded` are of."""

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without a scanner where none was asked: earlier calibrations keep their digest."""
        return {k: v for k, v in handler(self).items() if k != "scanner" or v is not None}

    @property
    def digest(self) -> str:
        """Digest of the whole."""
        return digest_value(self.model_dump(mode="json"))

    def row(self, name: str) -> CalibratedRow | None:
        """What is known of a detector or check; None where it was not calibrated."""
        return next((each for each in self.rows if each.name == name), None)

    def differs(self, detectors: str, elicitation: str) -> tuple[str, ...]:
        """In what it is of something else than what ran: `detectors`, `elicitation`."""
        pairs = (
            ("detectors", self.detectors, detectors),
            ("elicitation", self.elicitation, elicitation),
        )
        return tuple(name for name, ours, theirs in pairs if ours != theirs)


class PlantedCase(NamedTuple):
    """One sample, or one subject: what was planted, and what was made of it."""

    planted: str
    """The detector or check that should flag it; empty: it is honest."""
    form: str
    case: str
    """Cases of one name say the same, and count as one."""
    flagged: bool | None
    """None: it was not looked at."""


def calibrated_row(
    kind: RowKind,
    name: str,
    forms: Sequence[str],
    planted: Iterable[PlantedCase],
    honest: Iterable[PlantedCase],
) -> CalibratedRow:
    """Count one detector's, or one check's, cases.

    A case counts as found where it was flagged each time, and as a false alarm where it was flagged
    once: of what says the same, the worse stands.
    """
    mine = [each for each in planted if each.planted == name]
    rates = {form: _rate([c for c in mine if c.form == form], every=True) for form in forms}
    return CalibratedRow(
        kind=kind,
        name=name,
        forms={form: rate for form, rate in rates.items() if rate.of},
        false_alarms=_rate(honest, every=False),
    )


def _rate(cases: Iterable[PlantedCase], *, every: bool) -> SeenRate:
    found: dict[str, list[bool | None]] = {}
    for each in cases:
        found.setdefault(each.case, []).append(each.flagged)
    words = [_word(flags, every=every) for flags in found.values()]
    return SeenRate(flagged=words.count(True), of=len(words), not_looked_at=words.count(None))


def _word(flags: Sequence[bool | None], *, every: bool) -> bool | None:
    # One that decides, whatever the others are: a miss among plants, an alarm among honest ones.
    if (not every) in flags:
        return not every
    return None if None in flags else every


def _together(rates: Iterable[SeenRate]) -> SeenRate:
    kept = tuple(rates)
    return SeenRate(
        flagged=sum(each.flagged for each in kept),
        of=sum(each.of for each in kept),
        not_looked_at=sum(each.not_looked_at for each in kept),
    )


def shown_interval(rate: SeenRate) -> str:
    """`8 of 12 (.34 to .91)`, with what was not looked at; `none planted` of none."""
    if rate.bounds is None:
        return "none planted"
    low, high = (f"{bound:.2f}".removeprefix("0") for bound in rate.bounds)
    unseen = f", {rate.not_looked_at} not looked at" if rate.not_looked_at else ""
    return f"{rate.flagged} of {rate.of} ({low} to {high}){unseen}"
