"""Confidence sequences: what may be said at any stop besides the verdict, at every sample at once.

One call: `confidence_sequence(difficulty_design(rule, levels), np.array([1.0, 0.0, 1.0]))`.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics.e_process import (
    ParallelTests,
    Wealth,
    initial_wealth,
    parallel_tests,
    predicted_probabilities,
    update_wealth,
)
from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.estimates import Labels, effective_clusters
from touchstone.statistics.intervals import Interval, lower_bound, require_level, upper_bound
from touchstone.statistics.item_model import ItemModel, Numbers, require_outcomes
from touchstone.statistics.sequential import SequentialDesign

_GRID = 200


@dataclass(frozen=True)
class EvidencePath:
    """The evidence after each sample, each array of shape (samples,)."""

    above: Numbers
    """Log wealth against "at most threshold - zone"; crosses at log(1/alpha)."""
    below: Numbers
    """Log wealth against "at least threshold + zone"; crosses at log(1/beta)."""
    estimate: Numbers
    """Difference estimate of the battery's mean, in [0, 1]."""


def _played(design: SequentialDesign, outcomes: Numbers, what: str) -> None:
    if not 0 < outcomes.size <= design.size:
        raise UnusableNumbersError(
            f"{what} needs between 1 and {design.size} outcomes, not {outcomes.size}"
        )
    require_outcomes(outcomes)


def confidence_sequence(
    design: SequentialDesign, outcomes: Numbers, confidence: float = 0.95
) -> Interval:
    """The battery's mean lies in here at every sample at once with chance `confidence`.

    The ends are the outermost of 200 means that no bettor has refuted, one step outward, and what
    the outcomes drawn leave possible. `outcomes` are those of the contiguous prefix, in its order.

    Raises:
        UnusableNumbersError: no outcome, too many, or one outside [0, 1].
    """
    _played(design, outcomes, "a confidence sequence")
    require_level(confidence, "confidence")
    return _sequences(design, outcomes, (confidence,))[0]


def _sequences(
    design: SequentialDesign, outcomes: Numbers, levels: tuple[float, ...]
) -> list[Interval]:
    """The sequence at each level of confidence, all of the same bets."""
    # Means of 0 and 1 are left to what the outcomes drawn leave possible: no bet on them is open.
    means = np.arange(1, _GRID)[None, :] / _GRID
    setup = parallel_tests(
        [design.item_model], means, means, np.tile(design.sampling_weights, (1, means.size, 1))
    )
    wealth = initial_wealth(setup)
    # Two bettors stand against each mean, each at half of the error.
    bounds = np.log(2 / (1 - np.array(levels)))[:, None, None]
    refuted = np.zeros((len(levels), 2, means.size), bool)
    standing = np.ones((len(levels), 1, means.size), bool)
    betting = np.arange(means.size)
    total, left = float(outcomes.sum()), design.size - outcomes.size
    for place, outcome in enumerate(outcomes):
        kind = np.full((1, betting.size), design.item_model.classes[design.order[place]])
        wealth = update_wealth(setup, wealth, kind, np.full(kind.shape, outcome))
        fallen = (wealth.logs[:, 0] >= bounds) & standing[..., betting]
        refuted[..., betting] |= fallen
        standing[..., betting] &= ~fallen.any(1, keepdims=True)
        # A mean that has fallen at every level needs no more bets; most do soon.
        kept: NDArray[np.bool_] = np.any(standing[..., betting], axis=(0, 1))
        if not kept.all():
            betting, setup, wealth = betting[kept], setup.select(kept), wealth.select(kept)
        if not betting.size:
            break
    # What is drawn already settles the means that are out of reach; no bet was made on them.
    refuted[:, 0] |= means[0] * design.size < total
    refuted[:, 1] |= means[0] * design.size > total + left
    possible = total / design.size, (total + left) / design.size
    return [_interval(each, possible, level) for each, level in zip(refuted, levels, strict=True)]


def _interval(
    refuted: NDArray[np.bool_], possible: tuple[float, float], confidence: float
) -> Interval:
    # Only unbroken runs of refuted means count, so that one test alone bears each end's error.
    low = max(np.cumprod(refuted[0]).sum() / _GRID, possible[0])
    high = min(1 - np.cumprod(refuted[1][::-1]).sum() / _GRID, possible[1])
    # At the end rounding may set the two a hair past one another.
    return Interval(float(min(low, high)), float(max(low, high)), confidence)


def population_interval(
    design: SequentialDesign,
    outcomes: Numbers,
    confidence: float = 0.95,
    clusters: Labels | None = None,
) -> Interval:
    """Where the success rate on further items of the same makes lies, valid at the stop.

    Half of the error goes to a confidence sequence for what this battery would say, half to the
    exact bounds of a battery that says so, if its items were drawn independently, so many of each
    make. Such bounds are not too narrow where makes differ (Hoeffding, Ann. Math. Stat. 1956).
    Items that are near-copies are not drawn independently: `clusters` then labels each of the
    outcomes, and the battery counts for no more items than there are clusters among those used:
    what the others are like nobody may yet know.

    Args:
        design: What was fixed beforehand.
        outcomes: Those of the contiguous prefix, in its order.
        confidence: Coverage at the stop.
        clusters: A label for each outcome, such as the flaw in its item; None: no two are alike.

    Raises:
        UnusableNumbersError: as for `confidence_sequence`, or other than one label an outcome.
    """
    return battery_and_population(design, outcomes, confidence, clusters)[1]


def battery_and_population(
    design: SequentialDesign,
    outcomes: Numbers,
    confidence: float = 0.95,
    clusters: Labels | None = None,
) -> tuple[Interval, Interval]:
    """`confidence_sequence` and `population_interval`, for little more than either costs.

    Raises:
        UnusableNumbersError: as for either.
    """
    _played(design, outcomes, "a confidence sequence")
    require_level(confidence, "confidence")
    error = (1 - confidence) / 2
    # One pass of bets for both: the battery's own interval, and half of the error of the other's.
    battery, within = _sequences(design, outcomes, (confidence, 1 - error))
    least, most = (
        # A share of the battery is a count of items; rounding may lie a hair beside it.
        np.floor(within.low * design.size + 1e-9),
        np.ceil(within.high * design.size - 1e-9),
    )
    trials = float(design.size)
    if clusters is not None:
        if len(clusters) != outcomes.size:
            raise UnusableNumbersError(
                f"{outcomes.size} outcomes need one cluster each, not {len(clusters)}"
            )
        # Of the items used alone: that the unseen ones are as different as these is not known.
        trials = effective_clusters(clusters)
    low = lower_bound(float(least) / design.size * trials, trials, error / 2)
    high = upper_bound(float(most) / design.size * trials, trials, error / 2)
    return battery, Interval(low, high, confidence)


def evidence_path(design: SequentialDesign, outcomes: Numbers) -> EvidencePath:
    """The evidence and the estimate after each outcome of the prefix.

    The estimate joins, for each draw, the sum so far, what the components expect of the rest and
    the surprise of the item drawn by the inverse of its chance (Des Raj, JASA 1956), weighted by
    (items / items left)^2. Each is unbiased at a fixed number of samples; at a stopping time the
    mean leans towards the verdict, and only the confidence sequence is valid there.

    Raises:
        UnusableNumbersError: as for `confidence_sequence`.
    """
    _played(design, outcomes, "a path")
    low = np.array([[design.rule.above_claims]])
    high = np.array([[design.rule.below_claims]])
    setup = parallel_tests([design.item_model], low, high, design.sampling_weights[None, None, :])
    wealth = initial_wealth(setup)
    logs, estimates = np.zeros((2, outcomes.size)), np.zeros(outcomes.size)
    joined = weight = 0.0
    for place, outcome in enumerate(outcomes):
        kind = int(design.item_model.classes[design.order[place]])
        # Later draws know more of what is left, so each counts by how much of the battery it leaves
        # undecided.
        share = (design.size / (design.size - place)) ** 2
        joined += share * _raj(design, setup, wealth, kind, float(outcome))
        weight += share
        estimates[place] = joined / weight
        wealth = update_wealth(setup, wealth, np.array([[kind]]), np.array([[outcome]]))
        logs[:, place] = wealth.logs[:, 0, 0]
    total = np.cumsum(outcomes)
    left = design.size - np.arange(1, outcomes.size + 1)
    possible = np.clip(estimates, total / design.size, (total + left) / design.size)
    return EvidencePath(logs[0], logs[1], possible)


def _raj(
    design: SequentialDesign, setup: ParallelTests, wealth: Wealth, kind: int, outcome: float
) -> float:
    """One draw's estimate of the battery's mean."""
    # A bettor's own beliefs lean to its side, and an estimate must lean to none.
    components = _unpartisan(design.item_model, setup)
    q = predicted_probabilities(components, wealth, 0)[0, 0]
    left = wealth.left[0, 0]
    drawn = setup.sampling_weights[0, 0]
    chance = drawn[kind] / (left @ drawn)
    rest = left @ q + (outcome - q[kind]) / chance
    return float((wealth.total[0, 0] + rest) / design.size)


def _unpartisan(item_model: ItemModel, setup: ParallelTests) -> ParallelTests:
    """The same tests, with the components believed as they were before any claim was made."""
    log_priors = np.log(item_model.weights)[None, None, None, :]
    return replace(setup, log_priors=log_priors)
