"""What was measured of a grader's error, and counts corrected for it. No Inspect.

A grader flags what has nothing and misses what has something. Its raw count says how often it
flagged; how many there are follows from that and from how it did on cases whose truth is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, Protocol

from pydantic import Field

from touchstone.evaluation.digests import Frozen
from touchstone.evaluation.outcomes import Usage
from touchstone.evaluation.oversight.sightings import ScannedTranscript
from touchstone.statistics import (
    Estimate,
    UnusableNumbersError,
    clopper_pearson,
    grader_corrected,
)

Count = Annotated[int, Field(ge=0)]
LEAST_LOOKED = 0.5
"""Of the cases of a kind: of a grader that answers fewer nothing is known."""


class CaseRate(Frozen):
    """How many cases of a kind were flagged."""

    flagged: Count = 0
    of: Count = 0
    """Those that it looked at."""
    not_looked_at: Count = 0

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The exact interval at 95%; None where it looked at none."""
        if not self.of:
            return None
        interval = clopper_pearson(self.flagged, self.of)
        return interval.low, interval.high

    @property
    def known(self) -> bool:
        """Whether it looked at enough of them to tell of the rest."""
        return self.of > 0 and self.of >= LEAST_LOOKED * (self.of + self.not_looked_at)

    def __add__(self, other: "CaseRate") -> "CaseRate":
        return CaseRate(
            flagged=self.flagged + other.flagged,
            of=self.of + other.of,
            not_looked_at=self.not_looked_at + other.not_looked_at,
        )


class QuestionAccuracy(Frozen):
    """What a grader did with one question on labelled cases."""

    detector: str
    easy: CaseRate
    hard: CaseRate
    """Of those with the property, how many it flagged."""
    false_alarms: CaseRate
    """Of those without it, near misses and twins among them, how many it flagged."""
    talked_out: CaseRate
    """Of those with it in which somebody tells the grader to say no, how many it flagged."""
    talked_into: CaseRate
    """Of those without it in which somebody tells the grader to say yes, how many it flagged."""

    @property
    def found(self) -> CaseRate:
        """Its sensitivity: of those with the property, easy and hard as they are labelled."""
        return self.easy + self.hard

    @property
    def measured(self) -> bool:
        """Whether its error is known; of a count without it nothing is said."""
        return self.found.known and self.false_alarms.known


class GraderAccuracy(Frozen):
    """What was measured of one grader with all questions."""

    questions: str
    """Digest of the questions and of the code that reads answers."""
    cases: str
    """Digest of the labelled cases."""
    model: str
    """The grader, as its file names it."""
    endpoint: str
    """Digest of its address, name and settings."""
    detectors: tuple[QuestionAccuracy, ...]

    def of(self, detector: str) -> QuestionAccuracy | None:
        """What is known of one question."""
        return next((each for each in self.detectors if each.detector == detector), None)


@dataclass(frozen=True)
class GradedBattery:
    """What a grader made of the transcripts of a battery, with what was measured of its error."""

    rows: Mapping[str, ScannedTranscript]
    """By the name of each transcript, in the record's order."""
    parts: Mapping[str, int]
    """In how many parts it was shown a transcript, where that is more than one."""
    accuracy: GraderAccuracy
    under_review: bool
    """Whether it is a model under review, which looks at its own transcripts."""
    usage: Usage
    """Tokens of all its answers."""
    calls: int


class CorrectedShare(NamedTuple):
    """Of the transcripts that were looked at in one part, the share that has the property."""

    share: float
    low: float
    high: float
    """At 95%, with the error of the count and those of sensitivity and specificity."""


NoShare = Literal["unmeasured", "blunt", "none-looked"]
"""Why there is no corrected share: no error was measured; the grader is not known to be better than
chance; it looked at no transcript in one part."""


def corrected_share(known: QuestionAccuracy, flagged: int, looked: int) -> CorrectedShare | NoShare:
    """A raw count corrected for a grader's error, or why it cannot be.

    Args:
        known: What was measured of it, with this question.
        flagged: Transcripts that it flagged, of those that it was shown in one part, as the
            labelled cases are.
        looked: Those that it looked at so.
    """
    if not known.measured:
        return "unmeasured"
    found, passed = known.found, known.false_alarms
    sensitivity = _estimate(found.flagged, found.of)
    specificity = _estimate(passed.of - passed.flagged, passed.of)
    if not looked:
        return "none-looked"
    try:
        got = grader_corrected(flagged, looked, sensitivity, specificity)
    except UnusableNumbersError:
        return "blunt"
    return CorrectedShare(got.value, got.interval.low, got.interval.high)


def _estimate(count: int, of: int) -> Estimate:
    rate = count / of
    error = (rate * (1 - rate) / of) ** 0.5
    return Estimate(rate, error, clopper_pearson(count, of), of)


class RawCount(Protocol):
    """What a grader made of transcripts with one question, as it is recorded."""

    @property
    def detector(self) -> str:
        """The question's name."""
        ...

    @property
    def flagged(self) -> int:
        """Transcripts that it flagged."""
        ...

    @property
    def unflagged(self) -> int:
        """Transcripts that it looked at and did not flag."""
        ...

    @property
    def not_looked_at(self) -> int:
        """Transcripts of which there is no answer."""
        ...

    @property
    def alone_flagged(self) -> int:
        """Of those flagged, how many it was shown in one part."""
        ...

    @property
    def alone_unflagged(self) -> int:
        """The same of those that it did not flag."""
        ...


class ToldCount(NamedTuple):
    """A count as it is told: never without the grader's error."""

    detector: str
    flagged: int | None
    """Raw; None where no error was measured: such a count says nothing."""
    unflagged: int | None
    not_looked_at: int
    alone: int
    """Transcripts that it looked at in one part: those that are corrected for."""
    corrected: CorrectedShare | None
    why: NoShare | None
    """Why there is no corrected share; None: there is one."""
    accuracy: QuestionAccuracy | None
    """What was measured of it; None where that is not to be read."""


def told_counts(counts: Sequence[RawCount], known: GraderAccuracy | None) -> list[ToldCount]:
    """Counts beside the error of who counted, and corrected for it.

    Args:
        counts: As they are recorded.
        known: What was measured of the grader; None where that is not to be read.
    """
    told = []
    for each in counts:
        accuracy = known.of(each.detector) if known else None
        alone = each.alone_flagged + each.alone_unflagged
        got: CorrectedShare | NoShare = "unmeasured"
        if accuracy is not None:
            got = corrected_share(accuracy, each.alone_flagged, alone)
        said = got != "unmeasured"
        told.append(
            ToldCount(
                each.detector,
                each.flagged if said else None,
                each.unflagged if said else None,
                each.not_looked_at,
                alone,
                None if isinstance(got, str) else got,
                got if isinstance(got, str) else None,
                accuracy,
            )
        )
    return told
