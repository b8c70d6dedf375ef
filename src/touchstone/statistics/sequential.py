"""Verdicts on a finite battery that may stop at any sample, at error rates stated beforehand.

What is judged is what this battery would say if all of it were run. Items come in a committed
random order; evidence is taken only from outcomes on its contiguous prefix, so the order in which
samples happen to end cannot matter. A verdict stands as soon as one bettor of `e_process` is rich
enough, or as soon as the items that are left cannot change it.

A small battery may be settled by samples that are all alike and say nothing beyond it. No word is
given then until they do: see `is_informative`.

With a pre-registered zone, "above" claims a mean above threshold - zone and "below" one beneath
threshold + zone: inside the zone either word is right, which is what makes a zone cheaper. A zone
may lie on one side of the threshold only; the word of the other side then claims the threshold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics.e_process import (
    ParallelTests,
    Wealth,
    initial_wealth,
    parallel_tests,
    update_wealth,
)
from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.item_model import ItemModel, Numbers, difficulty_model, require_outcomes
from touchstone.statistics.verdict_words import VerdictWord
from touchstone.statistics.verdicts import RateRule

# Sums of outcomes are compared with a slack for rounding, as a share of the battery.
_SLACK = 1e-9
# Components count for the weights by their nearness to the threshold; the surest item is drawn too.
_NEAR = 0.1
_LEAST_WEIGHT = 0.02


class Reason(StrEnum):
    """Why a verdict stands."""

    OPEN = "open"
    """It does not yet."""
    EVIDENCE = "evidence"
    """A bettor is rich enough."""
    SETTLED = "settled"
    """The items that are left cannot change it."""


_WON = (VerdictWord.ABOVE, VerdictWord.BELOW, VerdictWord.WITHIN_ZONE)
_WORDS = (VerdictWord.AT_CEILING, *_WON, VerdictWord.UNDETERMINED, *_WON)
"""By "above is won", twice "below is won" and four times "the battery tells"."""
_REASONS = (Reason.OPEN, Reason.SETTLED, Reason.EVIDENCE)


@dataclass(frozen=True)
class SequentialDesign:
    """All that is fixed for one criterion before its first sample."""

    rule: RateRule
    item_model: ItemModel
    order: NDArray[np.int64]
    """Item at each place, a permutation of the battery, shape (items,)."""
    sampling_weights: Numbers
    """How strongly each class was drawn towards the front, shape (classes,); all 1: evenly."""

    def __post_init__(self) -> None:
        size = self.item_model.classes.size
        if size < 2:  # noqa: PLR2004 - one
            raise UnusableNumbersError("a battery of one item allows no verdict")
        if self.order.shape != (size,) or not np.array_equal(np.sort(self.order), np.arange(size)):
            raise UnusableNumbersError(
                f"the order is no permutation of the battery's {size} items: "
                "it must name each item once, from 0"
            )
        if self.sampling_weights.shape != self.item_model.class_sizes.shape or not np.all(
            (self.sampling_weights > 0) & np.isfinite(self.sampling_weights)
        ):
            raise UnusableNumbersError("each class of items needs a positive sampling weight")

    @property
    def size(self) -> int:
        """Number of items."""
        return self.order.size


@dataclass(frozen=True)
class Progress:
    """Where one criterion stands: a frozen value, made again by replaying the same outcomes."""

    word: VerdictWord
    """UNDETERMINED as long as `reason` is open."""
    reason: Reason
    used: int
    """Samples in the contiguous prefix that the verdict rests on."""
    overshoot: int
    """Samples recorded beyond them, which the verdict does not look at."""
    total: float
    """Sum of the outcomes used."""
    log_above: float
    """Log wealth against "at most threshold - zone": "above" at log(1/alpha)."""
    log_below: float
    """Log wealth against "at least threshold + zone": "below" at log(1/beta)."""
    peak_above: float
    """The highest `log_above` so far; for families of criteria."""
    peak_below: float
    """The highest `log_below` so far."""
    unmeasured: int = 0
    """How many of those used measured nothing, and are in `total` as 0: see `worst_case`."""

    @property
    def decided(self) -> bool:
        """Whether no more samples are needed."""
        return self.reason is not Reason.OPEN


def sampling_weights(item_model: ItemModel, rule: RateRule) -> Numbers:
    """Sampling weights that bring informative items forward, shape (classes,).

    An item whose outcome every component predicts tells little. The weight is the variance that
    the components near the threshold leave, from 0.02 up, so that the surest item is drawn too.
    """
    beliefs = np.log(item_model.weights) - np.abs(item_model.means - rule.threshold) / _NEAR
    beliefs = np.exp(beliefs - beliefs.max())
    chance = beliefs @ item_model.probabilities / beliefs.sum()
    weights: Numbers = np.maximum(chance * (1 - chance), _LEAST_WEIGHT)
    return weights


def order_weights(item_model: ItemModel, rule: RateRule, *, uniform_order: bool) -> Numbers:
    """Weights with which an order is drawn, shape (classes,): all 1 if it is to be uniform."""
    if uniform_order:
        return np.ones(item_model.class_sizes.size)
    return sampling_weights(item_model, rule)


def draw_order(uniforms: Numbers, weights: Numbers) -> NDArray[np.int64]:
    """The order that uniform numbers in (0, 1) give, one an item, and a weight an item.

    Smallest -log(u)/weight first: each next item is drawn with chance proportional to its weight
    among those left (Efraimidis and Spirakis, 2006). Equal sampling weights give a uniform
    permutation.

    Raises:
        UnusableNumbersError: a number outside (0, 1), or counts that differ.
    """
    if uniforms.shape != weights.shape or not np.all((uniforms > 0) & (uniforms < 1)):
        raise UnusableNumbersError("an order needs one number strictly between 0 and 1 an item")
    # Stable, so that two equal keys give the same order on every machine: the order is committed by
    # its digest.
    return np.argsort(-np.log(uniforms) / weights, kind="stable").astype(np.int64)


def sequential_design(
    rule: RateRule, item_model: ItemModel, uniforms: Numbers, *, uniform_order: bool = False
) -> SequentialDesign:
    """A design whose order is drawn by `sampling_weights`, or uniformly if `uniform_order`."""
    weights = order_weights(item_model, rule, uniform_order=uniform_order)
    return SequentialDesign(
        rule, item_model, draw_order(uniforms, weights[item_model.classes]), weights
    )


def difficulty_design(rule: RateRule, levels: Sequence[int]) -> SequentialDesign:
    """A design over places of a uniformly drawn order, by the difficulty of the item at each place.

    The items are named by their places, so the order is 0, 1, 2, ...

    Raises:
        UnusableNumbersError: fewer than two items.
    """
    item_model = difficulty_model(levels)
    order = np.arange(len(levels), dtype=np.int64)
    return SequentialDesign(rule, item_model, order, np.ones(item_model.class_sizes.size))


@dataclass(frozen=True)
class SequentialPanel:
    """Several criteria that go forward together, one test each; a frozen value."""

    designs: tuple[SequentialDesign, ...]
    setup: ParallelTests
    wealth: Wealth
    progress: tuple[Progress, ...]


_BEGINNING = Progress(VerdictWord.UNDETERMINED, Reason.OPEN, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)


def sequential_panel(designs: Sequence[SequentialDesign]) -> SequentialPanel:
    """Criteria before their first sample.

    Raises:
        UnusableNumbersError: no criterion.
    """
    if not designs:
        raise UnusableNumbersError("without a criterion there is nothing to decide")
    low = np.array([[each.rule.above_claims] for each in designs])
    high = np.array([[each.rule.below_claims] for each in designs])
    widest = max(each.sampling_weights.size for each in designs)
    weights = np.ones((len(designs), 1, widest))
    for number, each in enumerate(designs):
        weights[number, 0, : each.sampling_weights.size] = each.sampling_weights
    setup = parallel_tests([each.item_model for each in designs], low, high, weights)
    return SequentialPanel(
        tuple(designs), setup, initial_wealth(setup), (_BEGINNING,) * len(designs)
    )


def advance_panel(state: SequentialPanel, outcomes: Sequence[float | None]) -> SequentialPanel:
    """One decision step: the outcome at each criterion's next place, None where there is none.

    A criterion that is decided takes no more evidence: what comes is counted as overshoot.

    Raises:
        UnusableNumbersError: an outcome outside [0, 1], more outcomes than items, or a count that
            differs from the criteria's.
    """
    if len(outcomes) != len(state.designs):
        raise UnusableNumbersError(
            f"{len(outcomes)} outcomes for {len(state.designs)} criteria: the battery has changed"
        )
    values = np.array([0.0 if each is None else each for each in outcomes])[:, None]
    require_outcomes(values)
    # A class of -1 draws nothing.
    classes = np.full(values.shape, -1, np.int64)
    for number, (each, now, outcome) in enumerate(
        zip(state.designs, state.progress, outcomes, strict=True)
    ):
        if outcome is None:
            continue
        if now.used + now.overshoot >= each.size:
            raise UnusableNumbersError(
                f"more outcomes than the battery's {each.size} items: the battery has changed"
            )
        # Once decided it bets no more: the word must not depend on what was in flight at the stop.
        if not now.decided:
            classes[number, 0] = each.item_model.classes[each.order[now.used]]
    wealth = update_wealth(state.setup, state.wealth, classes, values)
    progress = tuple(
        now
        if outcome is None
        else replace(now, overshoot=now.overshoot + 1)
        if now.decided
        else _judge(each, now, wealth, number)
        for number, (each, now, outcome) in enumerate(
            zip(state.designs, state.progress, outcomes, strict=True)
        )
    )
    return replace(state, wealth=wealth, progress=progress)


def _judge(each: SequentialDesign, now: Progress, wealth: Wealth, number: int) -> Progress:
    used, total = now.used + 1, float(wealth.total[number, 0])
    above, below = (float(side) for side in wealth.logs[:, number, 0])
    word, reason = sequential_verdict(each.rule, each.size, used, total, above, below)
    return Progress(
        word,
        reason,
        used,
        0,
        total,
        above,
        below,
        max(now.peak_above, above),
        max(now.peak_below, below),
    )


def sequential_verdict(
    rule: RateRule, size: int, used: int, total: float, above: float, below: float
) -> tuple[VerdictWord, Reason]:
    """The verdict after `used` of `size` outcomes with sum `total`, and log wealths."""
    words, reasons = sequential_verdicts(
        rule, size, used, np.array([total]), np.array([above]), np.array([below])
    )
    return words[0], reasons[0]


def sequential_verdicts(
    rule: RateRule, size: int, used: int, total: Numbers, above: Numbers, below: Numbers
) -> tuple[list[VerdictWord], list[Reason]]:
    """The verdicts of many batteries at once, of which as many outcomes have been used.

    The one place where evidence becomes a word: a review, a plan and a bench all come through here.

    Args:
        rule: What was pre-registered.
        size: Items of each battery.
        used: Outcomes used of each.
        total: Sum of them, (batteries,).
        above: Log wealth against "at most what above claims", (batteries,).
        below: Log wealth against "at least what below claims", (batteries,).

    Returns:
        The word and the reason of each.
    """
    # All alike, outcomes may settle a small battery and yet say nothing: see `is_informative`.
    informative = ((total < used) | is_informative(rule, used, used)) & (
        (total > 0) | is_informative(rule, used, 0.0)
    )
    claims = np.array([rule.above_claims]), np.array([rule.below_claims])
    sure_above, sure_below = (side & informative for side in settled(claims, size, used, total))
    # Evidence needs no such guard: it is counted against the claim itself, and all alike are many
    # by the time that a bettor is rich.
    won_above = sure_above | (above >= -np.log(rule.alpha))
    won_below = sure_below | (below >= -np.log(rule.beta))
    won, over = won_above | won_below, used >= size
    # All run and neither claim refuted: without a zone, a mean of exactly the threshold.
    words = won_above + 2 * won_below + 4 * (informative | (not over))
    reasons = (won | over) * (2 - (sure_above | sure_below | ~won))
    return [_WORDS[each] for each in words.tolist()], [_REASONS[each] for each in reasons.tolist()]


def settled(
    claims: tuple[Numbers, Numbers], size: int, used: int, total: Numbers
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the items left cannot bring the mean to at most, or at least, what is claimed.

    `claims` are threshold - zone and threshold + zone, and `total` the sum of the `used` outcomes,
    an entry a test; so are the answers.
    """
    # Decimals are no exact floats: 0.29 of 100 items is 28.999999999999996, which 29 solved would
    # exceed.
    slack = _SLACK * size
    above = total > size * claims[0] + slack
    below = total + size - used < size * claims[1] - slack
    return above, below


def is_informative(rule: RateRule, used: int, total: float) -> bool:
    """Whether outcomes say anything beyond their items.

    They do unless all are alike and so few that their exact one-sided bound, at alpha where all
    were solved and at beta where none was, does not reach the rate that the word would claim. Two
    of two solved settle a battery of two, and yet a model that solves a third of such items does
    that too often for "above" to mean anything: the battery is at its ceiling (or floor).
    """
    if total >= used:
        return bool(rule.alpha ** (1 / used) > rule.above_claims)
    if total <= 0:
        return bool(1 - rule.beta ** (1 / used) < rule.below_claims)
    return True


def prefix_outcomes(each: SequentialDesign, recorded: Mapping[int, float]) -> Numbers:
    """Outcomes on the contiguous prefix of the committed order.

    `recorded` maps items to adjudicated outcomes, in whatever order they arrived.

    Raises:
        UnusableNumbersError: an item that the battery does not have, or no outcome.
    """
    strangers = [item for item in recorded if not 0 <= item < each.size]
    if strangers:
        raise UnusableNumbersError(
            f"item {strangers[0]} is not among the battery's {each.size}: the battery has changed"
        )
    found: list[float] = []
    for item in each.order:
        # At the first gap: what comes after it ended sooner, and what ends sooner is solved more
        # often. Taken in, it turned an error of 2% into 35% at a concurrency of 100.
        if int(item) not in recorded:
            break
        found.append(float(recorded[int(item)]))
    outcomes = np.array(found)
    require_outcomes(outcomes)
    return outcomes


def replay_outcomes(each: SequentialDesign, recorded: Mapping[int, float]) -> Progress:
    """The verdict from what is recorded; the order of arrival changes nothing.

    Recorded samples beyond the prefix, and beyond the verdict, are its overshoot.

    Raises:
        UnusableNumbersError: as for `prefix_outcomes`.
    """
    state = sequential_panel([each])
    for outcome in prefix_outcomes(each, recorded):
        state = advance_panel(state, [float(outcome)])
        # Replaying on would spend time on outcomes that no word may rest on.
        if state.progress[0].decided:
            break
    now = state.progress[0]
    return replace(now, overshoot=len(recorded) - now.used)
