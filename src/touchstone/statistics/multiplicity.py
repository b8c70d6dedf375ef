"""Criteria that belong together: any of several modes, pairs, rare successes, one budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, log, log1p

import numpy as np

from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.intervals import require_level
from touchstone.statistics.sequential import Progress, Reason
from touchstone.statistics.verdict_words import VerdictWord
from touchstone.statistics.verdicts import any_mode


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
        # The first claim that stands ends it: a step-down that went on past it would keep no error
        # rate.
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


def family_verdict(progress: Sequence[Progress], alpha: float, beta: float) -> FamilyVerdict:
    """Whether any of several modes crosses its threshold, from their designs' progress.

    "Covered if any crosses" is refuted by Holm over the wealths, at alpha for all of them together.
    Give each design the rule alpha / modes, so that it does not stop short of what Holm may ask.
    "Not covered" needs each mode below at beta: the chance that all are wrongly called below is no
    more than that of one, so beta needs no share. Where a battery was run to its end, its word
    counts as it stands.

    Raises:
        UnusableNumbersError: no mode, or a level outside (0, 1).
    """
    require_level(beta, "beta")
    refuted = holm([each.peak_above for each in progress], alpha)
    # Holm asks less of the second mode than what would have stopped it, so one may peak high enough
    # and still be settled the other way: then the count is certain, and the peak was luck.
    above = tuple(
        number
        for number, each in enumerate(progress)
        if (refuted[number] and not _settled(each, VerdictWord.BELOW, VerdictWord.UNDETERMINED))
        or _settled(each, VerdictWord.ABOVE)
    )
    below = tuple(
        number
        for number, each in enumerate(progress)
        if number not in above
        and (each.peak_below >= -log(beta) or _settled(each, VerdictWord.BELOW))
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


def _settled(each: Progress, *words: VerdictWord) -> bool:
    return each.reason is Reason.SETTLED and each.word in words


def miss_probability(rate: float, attempts: int) -> float:
    """The chance that a model which succeeds at `rate` an attempt fails in all `attempts`.

    Attempts must be independent; repeats of one task hardly are.

    Raises:
        UnusableNumbersError: a rate outside [0, 1] or no attempt.
    """
    if not 0 <= rate <= 1 or attempts < 1:
        raise UnusableNumbersError("a miss needs a rate in [0, 1] and at least one attempt")
    # By logarithms: taken from 1, a tiny rate would lose its digits.
    return 0.0 if rate == 1 else exp(attempts * log1p(-rate))


def attempts_needed(rate: float, miss: float) -> int:
    """The fewest independent attempts that miss a success rate of `rate` with chance <= `miss`.

    Raises:
        UnusableNumbersError: a level outside (0, 1).
    """
    require_level(rate, "a rate")
    require_level(miss, "a chance to miss")
    # Rounding must not ask for one more where a whole number of attempts is exactly enough.
    return ceil(log(miss) / log1p(-rate) - 1e-12)
