"""Verdicts where some samples measured nothing: a word stands only if it would either way.

A sample whose answer never came, was cut or was refused says nothing of the model. Whoever could
bring that about must not gain by it, so the battery is judged twice over the same order: *low*,
with each such sample unsolved, and *high*, with each solved. "Above" needs the low one, "below"
the high one, and any word needs both.

Losses may be chosen as measuring goes, by whoever sees every answer so far and the one to come.
The bettor for "above" then still has a fair game at worst. What a low outcome pays is never more
than what the true one would, since the stake is never negative. The claim "the mean is at most m"
leaves the items to come a mean of at most (size * m - true sum) / left, and the low sum, being
smaller, gives a larger edge to divide by. So the wealth is a supermartingale under the true claim,
whatever was lost, and Ville's inequality holds as before; the high one mirrors it. ADR 180.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import inf

import numpy as np

from touchstone.statistics.confidence_sequences import (
    EvidencePath,
    battery_and_population,
    evidence_path,
)
from touchstone.statistics.e_process import (
    ParallelTests,
    Wealth,
    initial_wealth,
    parallel_tests,
    update_wealth,
)
from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.estimates import Labels
from touchstone.statistics.intervals import Interval, require_counts
from touchstone.statistics.item_model import Numbers, require_outcomes
from touchstone.statistics.sequential import Progress, Reason, SequentialDesign, sequential_verdict
from touchstone.statistics.verdict_words import VerdictWord
from touchstone.statistics.verdicts import RateRule, common_verdict

UNSOLVED, SOLVED = 0.0, 1.0
# For rounding alone, as a share of the battery.
_SLACK = 1e-9
Said = tuple[VerdictWord, Reason]
"""A word, and why it stands."""


@dataclass(frozen=True)
class WorstCaseTest:
    """One criterion between its two worst cases; a frozen value."""

    design: SequentialDesign
    setup: ParallelTests
    """Two batteries: what measured nothing is unsolved in the first, solved in the second."""
    wealth: Wealth
    progress: Progress
    """Of both: `total` counts what was measured, `log_above` is the low battery's, `log_below` the
    high one's."""


_BEGINNING = Progress(VerdictWord.UNDETERMINED, Reason.OPEN, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)


def worst_case_test(design: SequentialDesign) -> WorstCaseTest:
    """A criterion before its first sample."""
    low = np.full((2, 1), design.rule.above_claims)
    high = np.full((2, 1), design.rule.below_claims)
    # Both batteries are bet on in the same order, drawn by the same weights: they are one battery
    # with two answers in the place of each loss.
    weights = np.tile(design.sampling_weights[None, None, :], (2, 1, 1))
    setup = parallel_tests([design.item_model] * 2, low, high, weights)
    return WorstCaseTest(design, setup, initial_wealth(setup), _BEGINNING)


def advance_worst_case(state: WorstCaseTest, outcome: float | None) -> WorstCaseTest:
    """The outcome at the next place of the order; None: it ran, and measured nothing.

    A criterion that is decided takes no more evidence: what comes is counted as overshoot. Without
    losses the words, and the numbers, are those of `advance_panel`.

    Raises:
        UnusableNumbersError: an outcome outside [0, 1], or more outcomes than items.
    """
    design, now = state.design, state.progress
    if now.used + now.overshoot >= design.size:
        raise UnusableNumbersError(
            f"more outcomes than the battery's {design.size} items: the battery has changed"
        )
    if now.decided:
        return replace(state, progress=replace(now, overshoot=now.overshoot + 1))
    values = np.array([[UNSOLVED], [SOLVED]]) if outcome is None else np.full((2, 1), outcome)
    require_outcomes(values)
    kind = np.full((2, 1), design.item_model.classes[design.order[now.used]])
    wealth = update_wealth(state.setup, state.wealth, kind, values)
    progress = _judged(design, now, wealth, now.unmeasured + (outcome is None))
    return replace(state, wealth=wealth, progress=progress)


def _judged(
    design: SequentialDesign, before: Progress, wealth: Wealth, unmeasured: int
) -> Progress:
    used = before.used + 1
    sides = [
        sequential_verdict(
            design.rule,
            design.size,
            used,
            float(wealth.total[side, 0]),
            float(wealth.logs[0, side, 0]),
            float(wealth.logs[1, side, 0]),
        )
        for side in (0, 1)
    ]
    word, reason = _joined(sides[0], sides[1], unmeasured, over=used == design.size)
    # The evidence for a word counts where losses speak against it (ADR 180).
    above, below = float(wealth.logs[0, 0, 0]), float(wealth.logs[1, 1, 0])
    return Progress(
        word,
        reason,
        used,
        0,
        float(wealth.total[0, 0]),
        above,
        below,
        max(before.peak_above, above),
        max(before.peak_below, below),
        unmeasured,
    )


def _joined(low: Said, high: Said, unmeasured: int, *, over: bool) -> Said:
    """What both worst cases say together."""
    words, reasons = (low[0], high[0]), {low[1], high[1]}
    # What is settled on both sides stays so: nothing to come makes two words one.
    if over or reasons == {Reason.SETTLED}:
        word = common_verdict(*words, unmeasured)
        if word is low[0] and Reason.EVIDENCE in reasons:
            return word, Reason.EVIDENCE
        return word, Reason.SETTLED
    if low[0] is high[0] and Reason.OPEN not in reasons:
        # The evidence as it stands now, and not its peak: the two batteries peak at different
        # samples, and one word must hold for both at once.
        return low[0], Reason.EVIDENCE
    return VerdictWord.UNDETERMINED, Reason.OPEN


def attainable_verdicts(
    rule: RateRule, size: int, used: int, solved: int, unmeasured: int = 0
) -> frozenset[Said]:
    """What a run of which so much is known may have said: each word with its reason.

    Evidence rests on what was expected of each item and is not known from counts; so either is
    taken to be there wherever it can be. It cannot where the claim that it speaks against is
    certain, nor without an outcome that speaks for it. For those who hold counts alone.

    Args:
        rule: What was pre-registered.
        size: Items of the battery.
        used: Samples that ran, from the first of the order on.
        solved: How many of them were solved.
        unmeasured: How many of them measured nothing.

    Raises:
        UnusableNumbersError: counts that cannot be.
    """
    require_counts(solved + unmeasured, used)
    require_counts(used, size)
    sides = []
    for total in (solved, solved + unmeasured):
        # A guard that took evidence where there can be none would let a signer claim any word with
        # counts that exclude it.
        rising = total > 0 and total + size - used > size * (rule.above_claims + _SLACK)
        falling = total < used and total < size * (rule.below_claims - _SLACK)
        sides.append(
            {
                sequential_verdict(rule, size, used, float(total), above, below)
                # Without evidence and with enough of it; the latter only where it can be.
                for above in (-inf, inf)[: 1 + rising]
                for below in (-inf, inf)[: 1 + falling]
            }
        )
    # Where nothing was lost both are one battery.
    return frozenset(
        _joined(low, high, unmeasured, over=used == size)
        for low, high in product(*sides)
        if unmeasured or low == high
    )


def advance_attempts(now: Progress, outcome: float | None, size: int) -> Progress:
    """One more try where one success in `size` tries is enough; None: it measured nothing.

    One measured success is "above". None in all tries is "below" only if no try went unmeasured,
    since each such one could have been the success.

    Raises:
        UnusableNumbersError: more tries than there are.
    """
    if now.used >= size:
        raise UnusableNumbersError(f"more tries than {size}: the battery has changed")
    used, total = now.used + 1, now.total + (outcome or 0.0)
    unmeasured = now.unmeasured + (outcome is None)
    if total:
        word, reason = VerdictWord.ABOVE, Reason.SETTLED
    elif used == size:
        word = VerdictWord.NOT_MEASURED if unmeasured else VerdictWord.BELOW
        reason = Reason.SETTLED
    else:
        word, reason = VerdictWord.UNDETERMINED, Reason.OPEN
    return replace(now, word=word, reason=reason, used=used, total=total, unmeasured=unmeasured)


def impute(outcomes: Sequence[float | None], value: float) -> Numbers:
    """Outcomes with `value` in the place of each that measured nothing."""
    return np.array([value if each is None else each for each in outcomes], float)


@dataclass(frozen=True)
class InferenceAtStop:
    """What may be said at any stop, whatever chose it, and whatever was lost until then."""

    battery_interval: Interval
    """Where the battery's mean lies: the low battery's lower end, the high one's upper end."""
    population_interval: Interval
    """Where the rate on further items of the same makes lies."""
    evidence_path: EvidencePath
    """Evidence for "above" of the low battery, for "below" of the high one; the estimates are the
    low one's."""


def inference_at_stop(
    design: SequentialDesign,
    outcomes: Sequence[float | None],
    confidence: float = 0.95,
    clusters: Labels | None = None,
) -> InferenceAtStop:
    """Intervals and path over a prefix of the order, valid at any stop.

    Each end of an interval bears its own half of the error, so one battery may bear each.
    `clusters` are those of `population_interval`.

    Raises:
        UnusableNumbersError: no outcome, too many, or one outside [0, 1].
    """
    low = impute(outcomes, UNSOLVED)
    within, beyond = battery_and_population(design, low, confidence, clusters)
    way = evidence_path(design, low)
    # Most runs lose nothing, and bets on a second battery take as long as on the first.
    if None not in outcomes:
        return InferenceAtStop(within, beyond, way)
    high = impute(outcomes, SOLVED)
    top, farther = battery_and_population(design, high, confidence, clusters)
    return InferenceAtStop(
        Interval(within.low, max(within.low, top.high), confidence),
        Interval(beyond.low, max(beyond.low, farther.high), confidence),
        EvidencePath(way.above, evidence_path(design, high).below, way.estimate),
    )
