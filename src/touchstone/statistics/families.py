"""Criteria that belong together: any of several modes, pairs, rare successes, one budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, log, log1p

import numpy as np

from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.foresight import Numbers, require_outcomes
from touchstone.statistics.intervals import require_level
from touchstone.statistics.sequential import Progress, Reason
from touchstone.statistics.verdicts import RateRule, VerdictWord, any_mode


def holm(log_peaks: Sequence[float], error: float) -> tuple[bool, ...]:
    """Which claims are refuted, the chance of refuting any true one being at most `error`.

    `log_peaks` are the highest log wealths against each claim so far. By Ville's inequality
    1/peak is a p-value at any time, and Holm's step-down (1979) needs no independence.

    Raises:
        UnusableNumbersError: nothing to test, a peak that is no number, or a level outside (0, 1).
    """
    require_level(error, "an error rate")
    if not log_peaks:
        raise UnusableNumbersError("without a claim there is nothing to refute")
    if any(np.isnan(peak) for peak in log_peaks):
        raise UnusableNumbersError("a wealth is not a number")
    refuted = [False] * len(log_peaks)
    ranked = sorted(range(len(log_peaks)), key=lambda each: -log_peaks[each])
    for rank, each in enumerate(ranked):
        if log_peaks[each] < log((len(log_peaks) - rank) / error):
            break
        refuted[each] = True
    return tuple(refuted)


@dataclass(frozen=True)
class FamilyVerdict:
    """What the modes or domains say together."""

    word: VerdictWord
    """ABOVE if any crosses, BELOW if each is below, else the most open of their words."""
    above: tuple[int, ...]
    """Which cross, with the chance of naming any wrongly at most alpha."""
    below: tuple[int, ...]
    """Which are below, each at its own level beta."""
    open: tuple[int, ...]
    """Which still need samples."""


def any_of(progress: Sequence[Progress], alpha: float, beta: float) -> FamilyVerdict:
    """Whether any of several modes crosses its threshold, from their courses' progress.

    "Covered if any crosses" is refuted by Holm over the wealths, at alpha for all of them together.
    Give each course the rule alpha / modes, so that it does not stop short of what Holm may ask.
    "Not covered" needs each mode below at beta: the chance that all are wrongly called below is no
    more than that of one, so beta needs no share. Where a battery was run to its end, its word
    counts as it stands.

    Raises:
        UnusableNumbersError: no mode, or a level outside (0, 1).
    """
    require_level(beta, "beta")
    refuted = holm([each.peak_above for each in progress], alpha)
    above = tuple(
        number
        for number, each in enumerate(progress)
        if refuted[number] or (each.reason is Reason.SETTLED and each.word is VerdictWord.ABOVE)
    )
    below = tuple(
        number
        for number, each in enumerate(progress)
        if number not in above
        and (
            each.peak_below >= -log(beta)
            or (each.reason is Reason.SETTLED and each.word is VerdictWord.BELOW)
        )
    )
    waiting = tuple(
        number
        for number, each in enumerate(progress)
        if not each.decided and number not in above and number not in below
    )
    if above:
        word = VerdictWord.ABOVE
    elif waiting:
        word = VerdictWord.UNDETERMINED
    else:
        word = any_mode(
            [
                VerdictWord.BELOW if number in below else each.word
                for number, each in enumerate(progress)
            ]
        )
    return FamilyVerdict(word, above, below, () if above else waiting)


def share_samples(
    progress: Sequence[Progress], sizes: Sequence[int], budget: int
) -> tuple[int, ...]:
    """How many of the next `budget` samples each criterion gets: none where the answer is known.

    Open criteria share evenly, the first ones taking what does not divide; none gets more than its
    battery has left. Evidence so far sets no share, so that a shared budget cannot be steered.

    Raises:
        UnusableNumbersError: a negative budget, or sizes that do not match.
    """
    if budget < 0 or len(sizes) != len(progress):
        raise UnusableNumbersError("a budget is 0 or more, with one battery size a criterion")
    left = [
        0 if each.decided else size - each.used - each.overshoot
        for each, size in zip(progress, sizes, strict=True)
    ]
    shares = [0] * len(left)
    while budget and any(left):
        for number in range(len(left)):
            if budget and left[number]:
                shares[number] += 1
                left[number] -= 1
                budget -= 1
    return tuple(shares)


def miss_probability(rate: float, attempts: int) -> float:
    """The chance that a model which succeeds at `rate` an attempt fails in all `attempts`.

    Attempts must be independent; repeats of one task hardly are.

    Raises:
        UnusableNumbersError: a rate outside [0, 1] or no attempt.
    """
    if not 0 <= rate <= 1 or attempts < 1:
        raise UnusableNumbersError("a miss needs a rate in [0, 1] and at least one attempt")
    return 0.0 if rate == 1 else exp(attempts * log1p(-rate))


def attempts_needed(rate: float, miss: float) -> int:
    """The fewest independent attempts that miss a success rate of `rate` with chance <= `miss`.

    Raises:
        UnusableNumbersError: a level outside (0, 1).
    """
    require_level(rate, "a rate")
    require_level(miss, "a chance to miss")
    return ceil(log(miss) / log1p(-rate) - 1e-12)


def paired(outcomes: Numbers, reference: Numbers) -> Numbers:
    """One outcome in [0, 1] an item: (difference + 1) / 2, for `paired_rule` on the same course.

    Raises:
        UnusableNumbersError: shapes that differ, or values outside [0, 1].
    """
    if outcomes.shape != reference.shape:
        raise UnusableNumbersError(
            f"a pair needs both outcomes: {outcomes.size} against {reference.size}"
        )
    require_outcomes(outcomes)
    require_outcomes(reference, "a reference outcome")
    return (outcomes - reference + 1) / 2


def paired_rule(margin: float, zone: float, alpha: float, beta: float) -> RateRule:
    """The rule for `paired` outcomes: whether the rate exceeds the reference's by `margin`.

    Raises:
        UnusableNumbersError: a margin that with its zone leaves (-1, 1), or levels outside (0, 1).
    """
    return RateRule((1 + margin) / 2, zone / 2, alpha, beta)


def rule_beside(
    reference: Numbers, margin: float, zone: float, alpha: float, beta: float
) -> RateRule:
    """The rule for a model's *own* outcomes, where the reference has run the whole battery before.

    Of a battery whose every item the reference has met, its mean is known. So "by more than
    `margin` better on these items" is a threshold, and all that foresees a rate foresees this too,
    `learn(reference)` first of all. It takes two thirds of the samples that pairs take (ADR 119);
    the reference pays with all of its own, once for all modes.

    Args:
        reference: Outcomes of the reference, (items,), complete before the model's first sample.
        margin: How much better, in [-1, 1].
        zone: Half width of the zone around the margin.
        alpha: Chance allowed for a false "above".
        beta: Chance allowed for a false "below".

    Raises:
        UnusableNumbersError: no outcome, one outside [0, 1], or a margin that no rate can reach.
    """
    if not reference.size:
        raise UnusableNumbersError("a reference without outcomes sets no threshold")
    require_outcomes(reference, "a reference outcome")
    threshold = float(reference.mean()) + margin
    if not 0 < threshold < 1:
        raise UnusableNumbersError(
            f"the reference solves {reference.mean():.3g} of the battery, so no rate can tell "
            f"whether it is exceeded by {margin:g}: items must be easier or harder"
        )
    return RateRule(threshold, zone, alpha, beta)
