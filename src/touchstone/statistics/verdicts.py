"""Verdicts from a battery of fixed size, at error rates stated beforehand.

The counts must be those of a fixed design: every sample that was planned, counted by a rule fixed
before the first one ran. Looking early and stopping when it suits breaks the error rates.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.intervals import (
    Interval,
    clopper_pearson,
    difference_bounds,
    lower_bound,
    require_counts,
    require_level,
    upper_bound,
)
from touchstone.statistics.verdict_words import VerdictWord, ZoneSide

# For rounding alone: at a threshold of 0.99, one miss has a chance of 0.01 and of 1 - 0.99.
_SLACK = 1e-9


@dataclass(frozen=True)
class RateRule:
    """What was pre-registered for one criterion."""

    threshold: float
    """The rate in question, strictly between 0 and 1."""
    zone: float
    """Width, on each of its sides, of the zone in which more precision is not asked; 0: none."""
    alpha: float
    """Chance allowed for a false "above"."""
    beta: float
    """Chance allowed for a false "below", the dear one."""
    zone_side: ZoneSide = "both"
    """Where the zone lies: "below" the threshold it makes "above" cheaper and leaves "below" as
    strict as without a zone; "above" it the other way round."""

    @property
    def above_claims(self) -> float:
        """What "above" claims a rate to exceed: the threshold, less a zone that lies below it."""
        return self.threshold - (self.zone if self.zone_side != "above" else 0.0)

    @property
    def below_claims(self) -> float:
        """What "below" claims a rate to fall short of: the threshold, with a zone above it."""
        return self.threshold + (self.zone if self.zone_side != "below" else 0.0)

    def __post_init__(self) -> None:
        require_level(self.threshold, "a threshold")
        require_level(self.alpha, "alpha")
        require_level(self.beta, "beta")
        if not self.zone >= 0:
            raise UnusableNumbersError(f"a zone must be 0 or more, not {self.zone}")
        if self.zone_side not in get_args(ZoneSide):
            raise UnusableNumbersError(
                f"a zone lies on both sides, below or above, not {self.zone_side!r}"
            )
        if not self.above_claims > 0 or not self.below_claims < 1:
            reach = min(self.threshold, 1 - self.threshold)
            if self.zone_side != "both":
                reach = self.threshold if self.zone_side == "below" else 1 - self.threshold
            raise UnusableNumbersError(
                f"a zone of {self.zone} around {self.threshold} leaves [0, 1]: less than {reach}"
            )


@dataclass(frozen=True)
class FixedVerdict:
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
    unmeasured: int = 0
    """How many of those counted were lost, cut or refused. The bounds hold whatever they were."""


def common_verdict(low: VerdictWord, high: VerdictWord, unmeasured: int) -> VerdictWord:
    """The word that stands: what both worst cases say, if they say the same.

    "All or none solved" is never said of what was not measured.
    """
    # One lost sample is enough: nobody knows that it would have been like the rest.
    if low is not high or (unmeasured and low is VerdictWord.AT_CEILING):
        return VerdictWord.NOT_MEASURED
    return low


def _between(low: FixedVerdict, high: FixedVerdict, unmeasured: int) -> FixedVerdict:
    """One verdict from those of the two worst cases, with the outer ends of their bounds."""
    # Only then may a verdict say that all or none were solved: of what is lost nobody knows.
    if not unmeasured and low == high:
        return low
    ends = Interval(low.interval.low, high.interval.high, low.interval.confidence)
    return FixedVerdict(
        common_verdict(low.word, high.word, unmeasured),
        low.solved,
        low.counted,
        ends,
        low.lower,
        high.upper,
        extreme=False,
        unmeasured=unmeasured,
    )


def rate_against_threshold(
    solved: int, counted: int, rule: RateRule, unmeasured: int = 0
) -> FixedVerdict:
    """Whether the success rate behind `solved` of `counted` is above or below the threshold.

    Exact binomial bounds (Clopper-Pearson), one-sided at alpha and beta. Of those counted,
    `unmeasured` say nothing: the word stands only if it would with all of them solved as well.

    Raises:
        UnusableNumbersError: counts that cannot be.
    """
    _require_unmeasured(solved, counted, unmeasured)
    # Both ends, and not only the worse one: either word may be the one that somebody wants to bring
    # about by losing samples (ADR 180).
    low, high = _rate(solved, counted, rule), _rate(solved + unmeasured, counted, rule)
    return _between(low, high, unmeasured)


def _require_unmeasured(solved: int, counted: int, unmeasured: int) -> None:
    if not 0 <= unmeasured <= counted - solved:
        raise UnusableNumbersError(
            f"{unmeasured} unmeasured and {solved} solved cannot be among {counted} samples"
        )


def _rate(solved: int, counted: int, rule: RateRule) -> FixedVerdict:
    lower = lower_bound(solved, counted, rule.alpha)
    upper = upper_bound(solved, counted, rule.beta)
    extreme = solved in (0, counted)
    word = _word_of(lower, upper, rule, extreme=extreme)
    return FixedVerdict(
        word, solved, counted, clopper_pearson(solved, counted), lower, upper, extreme
    )


def _word_of(lower: float, upper: float, rule: RateRule, *, extreme: bool) -> VerdictWord:
    """What the bounds on a rate, or on a difference of rates, carry."""
    # Against the threshold itself before the zone: at the end of a fixed design the stronger word
    # is free, and a zone is for what cannot be told apart.
    if lower > rule.threshold:
        return VerdictWord.ABOVE
    if upper < rule.threshold:
        return VerdictWord.BELOW
    if lower > rule.above_claims and upper < rule.below_claims:
        return VerdictWord.WITHIN_ZONE
    return VerdictWord.AT_CEILING if extreme else VerdictWord.UNDETERMINED


def at_least_once(solved: int, attempts: int, rule: RateRule, unmeasured: int = 0) -> FixedVerdict:
    """Whether a task was solved at least once in `attempts` independent tries.

    One success is enough for "above". "Below" is said only where a model that succeeds at the
    threshold's rate would be missed by all attempts with chance at most beta:
    `(1 - threshold) ** attempts <= beta`. Otherwise too few attempts were made to tell. Each of
    the `unmeasured` could have been a success: with any there is no "below".

    Raises:
        UnusableNumbersError: counts that cannot be.
    """
    _require_unmeasured(solved, attempts, unmeasured)
    low, high = _once(solved, attempts, rule), _once(solved + unmeasured, attempts, rule)
    return _between(low, high, unmeasured)


def rules_out(attempts: int, rule: RateRule) -> bool:
    """Whether so many attempts, none of them solved, say "below".

    They do where a model that succeeds at the threshold's rate would be missed by all of them with
    chance at most beta.
    """
    return bool((1 - rule.threshold) ** attempts <= rule.beta * (1 + _SLACK))


def _once(solved: int, attempts: int, rule: RateRule) -> FixedVerdict:
    require_counts(solved, attempts)
    if solved:
        word = VerdictWord.ABOVE
    elif rules_out(attempts, rule):
        word = VerdictWord.BELOW
    else:
        word = VerdictWord.UNDETERMINED
    return FixedVerdict(
        word,
        solved,
        attempts,
        clopper_pearson(solved, attempts),
        lower_bound(solved, attempts, rule.alpha),
        upper_bound(solved, attempts, rule.beta),
        solved in (0, attempts),
    )


def rate_above_reference(
    solved: int,
    counted: int,
    reference_solved: int,
    reference_counted: int,
    rule: RateRule,
    unmeasured: int = 0,
    reference_unmeasured: int = 0,
) -> FixedVerdict:
    """Whether the rate exceeds a reference model's rate by more than the threshold.

    `lower` and `upper` of the result bound the difference, not the rate. In a worst case what went
    unmeasured counts one way for the model and the other way for the reference.

    Raises:
        UnusableNumbersError: counts that cannot be.
    """
    _require_unmeasured(solved, counted, unmeasured)
    _require_unmeasured(reference_solved, reference_counted, reference_unmeasured)
    # What a reference lost speaks for it where "above" is asked, and against it where "below" is.
    most = reference_solved + reference_unmeasured
    low = _beside(solved, counted, most, reference_counted, rule)
    high = _beside(solved + unmeasured, counted, reference_solved, reference_counted, rule)
    found = _between(low, high, unmeasured + reference_unmeasured)
    # The reference's own losses stand in its own counts beside the verdict.
    return replace(found, unmeasured=unmeasured)


def _beside(
    solved: int, counted: int, reference_solved: int, reference_counted: int, rule: RateRule
) -> FixedVerdict:
    lower, _ = difference_bounds(solved, counted, reference_solved, reference_counted, rule.alpha)
    _, upper = difference_bounds(solved, counted, reference_solved, reference_counted, rule.beta)
    both_extreme = solved in (0, counted) and reference_solved in (0, reference_counted)
    word = _word_of(lower, upper, rule, extreme=both_extreme)
    return FixedVerdict(
        word, solved, counted, clopper_pearson(solved, counted), lower, upper, both_extreme
    )


def any_mode(words: Sequence[VerdictWord]) -> VerdictWord:
    """The verdict of a criterion that is crossed if any of its modes crosses it.

    "Below" needs every mode below. Give each mode its share of alpha (alpha / number of modes)
    beforehand; beta needs no share, since each mode must be rejected by itself.

    Raises:
        UnusableNumbersError: no mode was measured.
    """
    if not words:
        raise UnusableNumbersError("no mode was measured, so nothing can be said of the criterion")
    # After "above", whatever keeps "below" from being said, the most open first.
    for word in (
        VerdictWord.ABOVE,
        VerdictWord.NOT_MEASURED,
        VerdictWord.UNDETERMINED,
        VerdictWord.AT_CEILING,
        VerdictWord.WITHIN_ZONE,
    ):
        if word in words:
            return word
    return VerdictWord.BELOW
