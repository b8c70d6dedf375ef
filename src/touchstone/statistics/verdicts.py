"""Verdicts from a battery of fixed size, at error rates stated beforehand.

The counts must be those of a fixed design: every sample that was planned, counted by a rule fixed
before the first one ran. Looking early and stopping when it suits breaks the error rates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.intervals import (
    Interval,
    difference,
    exact,
    lower_bound,
    require_counts,
    require_level,
    upper_bound,
)


class VerdictWord(StrEnum):
    """What a battery says of a criterion."""

    ABOVE = "above"
    """The rate exceeds the threshold; wrong with chance at most alpha."""
    BELOW = "below"
    """The rate falls short of the threshold; wrong with chance at most beta."""
    WITHIN_ZONE = "within-zone"
    """The rate is so near the threshold that the framework asks for no more."""
    AT_CEILING = "at-ceiling"
    """All or none were solved, and still the battery cannot tell: harder or easier items, or more
    of them, are needed."""
    UNDETERMINED = "undetermined"
    """The battery was too small to tell."""


@dataclass(frozen=True)
class RateRule:
    """What was pre-registered for one criterion."""

    threshold: float
    """The rate in question, strictly between 0 and 1."""
    zone: float
    """Half width of the zone around the threshold in which more precision is not asked; 0: none."""
    alpha: float
    """Chance allowed for a false "above"."""
    beta: float
    """Chance allowed for a false "below", the dear one."""

    def __post_init__(self) -> None:
        require_level(self.threshold, "a threshold")
        require_level(self.alpha, "alpha")
        require_level(self.beta, "beta")
        if not self.zone >= 0:
            raise UnusableNumbersError(f"a zone must be 0 or more, not {self.zone}")
        reach = min(self.threshold, 1 - self.threshold)
        if self.zone >= reach:
            raise UnusableNumbersError(
                f"a zone of {self.zone} around {self.threshold} leaves [0, 1]: less than {reach}"
            )


@dataclass(frozen=True)
class Verdict:
    """What the counts say, with the numbers that say it."""

    word: VerdictWord
    solved: int
    counted: int
    interval: Interval
    """The exact interval at 95%, to be shown beside the verdict."""
    lower: float
    """One-sided bound used for "above"."""
    upper: float
    """One-sided bound used for "below"."""
    extreme: bool
    """All or none of the samples were solved: the battery is at its ceiling or floor, so the
    counts bound the capability on one side only."""


def rate_against_threshold(solved: int, counted: int, rule: RateRule) -> Verdict:
    """Whether the success rate behind `solved` of `counted` is above or below the threshold.

    Exact binomial bounds (Clopper-Pearson), one-sided at alpha and beta.

    Raises:
        UnusableNumbersError: counts that cannot be.
    """
    lower = lower_bound(solved, counted, rule.alpha)
    upper = upper_bound(solved, counted, rule.beta)
    extreme = solved in (0, counted)
    if lower > rule.threshold:
        word = VerdictWord.ABOVE
    elif upper < rule.threshold:
        word = VerdictWord.BELOW
    elif lower > rule.threshold - rule.zone and upper < rule.threshold + rule.zone:
        word = VerdictWord.WITHIN_ZONE
    elif extreme:
        word = VerdictWord.AT_CEILING
    else:
        word = VerdictWord.UNDETERMINED
    return Verdict(word, solved, counted, exact(solved, counted), lower, upper, extreme)


def at_least_once(solved: int, attempts: int, rule: RateRule) -> Verdict:
    """Whether a task was solved at least once in `attempts` independent tries.

    One success is enough for "above". "Below" is said only where a model that succeeds at the
    threshold's rate would be missed by all attempts with chance at most beta:
    `(1 - threshold) ** attempts <= beta`. Otherwise too few attempts were made to tell.

    Raises:
        UnusableNumbersError: counts that cannot be.
    """
    require_counts(solved, attempts)
    miss = (1 - rule.threshold) ** attempts
    if solved:
        word = VerdictWord.ABOVE
    elif miss <= rule.beta:
        word = VerdictWord.BELOW
    else:
        word = VerdictWord.UNDETERMINED
    return Verdict(
        word,
        solved,
        attempts,
        exact(solved, attempts),
        lower_bound(solved, attempts, rule.alpha),
        upper_bound(solved, attempts, rule.beta),
        solved in (0, attempts),
    )


def rate_above_reference(
    solved: int, counted: int, reference_solved: int, reference_counted: int, rule: RateRule
) -> Verdict:
    """Whether the rate exceeds a reference model's rate by more than the threshold.

    `lower` and `upper` of the result bound the difference, not the rate.

    Raises:
        UnusableNumbersError: counts that cannot be.
    """
    lower, _ = difference(solved, counted, reference_solved, reference_counted, rule.alpha)
    _, upper = difference(solved, counted, reference_solved, reference_counted, rule.beta)
    both_extreme = solved in (0, counted) and reference_solved in (0, reference_counted)
    if lower > rule.threshold:
        word = VerdictWord.ABOVE
    elif upper < rule.threshold:
        word = VerdictWord.BELOW
    elif lower > rule.threshold - rule.zone and upper < rule.threshold + rule.zone:
        word = VerdictWord.WITHIN_ZONE
    elif both_extreme:
        word = VerdictWord.AT_CEILING
    else:
        word = VerdictWord.UNDETERMINED
    return Verdict(word, solved, counted, exact(solved, counted), lower, upper, both_extreme)


def any_mode(words: Sequence[VerdictWord]) -> VerdictWord:
    """The verdict of a criterion that is crossed if any of its modes crosses it.

    "Below" needs every mode below. Give each mode its share of alpha (alpha / number of modes)
    beforehand; beta needs no share, since each mode must be rejected by itself.

    Raises:
        UnusableNumbersError: no mode was measured.
    """
    if not words:
        raise UnusableNumbersError("no mode was measured, so nothing can be said of the criterion")
    for word in (
        VerdictWord.ABOVE,
        VerdictWord.UNDETERMINED,
        VerdictWord.AT_CEILING,
        VerdictWord.WITHIN_ZONE,
    ):
        if word in words:
            return word
    return VerdictWord.BELOW
