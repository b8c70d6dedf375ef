"""Estimates that people expect to see beside a verdict. None of them is a verdict.

They are for designs of fixed size: at a data-dependent stop only a confidence sequence is valid.
None has a width of 0, whatever was seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.intervals import Interval, lower_bound, require_level, upper_bound
from touchstone.statistics.item_model import Numbers, require_outcomes
from touchstone.statistics.verdict_words import VerdictWord
from touchstone.statistics.verdicts import RateRule

_LEAST = 1e-12

Labels = Sequence[str] | NDArray[np.str_]
"""Which cluster each outcome belongs to, in the order of the outcomes."""


@dataclass(frozen=True)
class Estimate:
    """A mean or a difference, with its uncertainty."""

    value: float
    error: float
    """Standard error; 0 where all outcomes are alike. No interval rests on it."""
    interval: Interval
    clusters: int
    """Independent units behind it."""


def clustered_mean(outcomes: Numbers, clusters: Labels, confidence: float = 0.95) -> Estimate:
    """The mean, with an interval that lets outcomes of one cluster depend on one another.

    The interval is exact at the level of clusters: Clopper and Pearson's, with each cluster as one
    trial, for as many as clusters of equal size would say as much. No way in which outcomes within
    a cluster may hang together makes it too narrow, down to near-copies, and none is estimated:
    estimated from few clusters, or near 0 and 1, where most are alike, such intervals missed the
    truth in up to half of the samples (ADR 151). Use families, or flaws, as clusters for
    capability beyond these items.

    Args:
        outcomes: In [0, 1], (items,).
        clusters: The label of each outcome's cluster; what has no relatives has its own.
        confidence: Coverage of the two-sided interval.

    Raises:
        UnusableNumbersError: values outside [0, 1], or fewer than two clusters.
    """
    require_outcomes(outcomes)
    require_level(confidence, "confidence")
    places, count = _clusters(outcomes, clusters)
    value, tail = _mean(outcomes), (1 - confidence) / 2
    ends = Interval(*_bounds(value, effective_clusters(places), tail, tail), confidence)
    return Estimate(value, _sandwich(outcomes, places, count), ends, count)


def effective_clusters(clusters: Labels | NDArray[np.int64]) -> float:
    """How many clusters of equal size say as much as these: n^2 over the sum of squared sizes.

    Raises:
        UnusableNumbersError: no label.
    """
    sizes = np.unique(np.asarray(clusters), return_counts=True)[1].astype(float)
    if not sizes.size:
        raise UnusableNumbersError("without labels there are no clusters")
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def paired_difference(
    outcomes: Numbers, reference: Numbers, clusters: Labels, confidence: float = 0.95
) -> Estimate:
    """Mean difference on the same items, clustered; an item with no relatives is its own cluster.

    What was gained and what was lost against the reference are two shares, each with its exact
    bounds by clusters, put together by the distances to them (Zou and Donner 2008), with the
    correlation that two shares of one whole have. So pairs that are all alike leave it a width.

    Raises:
        UnusableNumbersError: shapes that differ, values outside [0, 1], fewer than two clusters.
    """
    if outcomes.shape != reference.shape:
        raise UnusableNumbersError(
            f"a pair needs both outcomes: {outcomes.size} against {reference.size}"
        )
    require_outcomes(outcomes)
    require_outcomes(reference, "a reference outcome")
    require_level(confidence, "confidence")
    places, count = _clusters(outcomes, clusters)
    apart, trials, tail = outcomes - reference, effective_clusters(places), (1 - confidence) / 2
    gained, lost = (_mean(np.maximum(side * apart, 0)) for side in (1, -1))
    # Two shares of one whole, as a multinomial has them.
    both = gained * lost / max((1 - gained) * (1 - lost), _LEAST)
    ends = _apart(
        (gained, *_bounds(gained, trials, tail, tail)),
        (lost, *_bounds(lost, trials, tail, tail)),
        -min(1.0, both**0.5),
    )
    error = _sandwich(apart, places, count)
    return Estimate(gained - lost, error, Interval(*ends, confidence), count)


def unpaired_difference(one: Estimate, other: Estimate) -> Estimate:
    """Difference of two independent means, each with its own interval at the same confidence.

    By the distances to the ends of the two (Newcombe 1998, with exact limits). Use it for
    restricted against public siblings on different items, and held-out against public items.

    Raises:
        UnusableNumbersError: intervals at different levels.
    """
    if one.interval.confidence != other.interval.confidence:
        raise UnusableNumbersError(
            f"two intervals make one only at the same level, not at {one.interval.confidence:g} "
            f"and {other.interval.confidence:g}"
        )
    ends = _apart(
        (one.value, one.interval.low, one.interval.high),
        (other.value, other.interval.low, other.interval.high),
        0.0,
    )
    return Estimate(
        one.value - other.value,
        float(np.hypot(one.error, other.error)),
        Interval(*ends, one.interval.confidence),
        one.clusters + other.clusters,
    )


def _clusters(values: Numbers, clusters: Labels) -> tuple[NDArray[np.int64], int]:
    """The number of each outcome's cluster, and how many clusters there are."""
    if values.ndim != 1 or len(clusters) != values.size:
        raise UnusableNumbersError(f"{values.size} outcomes need one cluster each")
    names, places = np.unique(np.asarray(clusters), return_inverse=True)
    if names.size < 2:  # noqa: PLR2004 - a spread
        raise UnusableNumbersError("an error between clusters needs at least two clusters")
    return places, int(names.size)


def _mean(values: Numbers) -> float:
    """The mean, exactly 0 or 1 where all are."""
    return float(np.clip(values.mean(), values.min(), values.max()))


def _bounds(value: float, trials: float, below: float, above: float) -> tuple[float, float]:
    """Exact one-sided bounds of a share, each at its own error."""
    return lower_bound(value * trials, trials, below), upper_bound(value * trials, trials, above)


def _apart(
    one: tuple[float, float, float], other: tuple[float, float, float], correlation: float
) -> tuple[float, float]:
    """Ends of a difference, each of the two given as (value, low, high)."""
    (value, low, high), (less, least, most) = one, other

    def reach(own: float, others: float) -> float:
        square = own**2 + others**2 - 2 * correlation * own * others
        return float(max(square, 0.0) ** 0.5)

    apart = value - less
    down, up = reach(value - low, most - less), reach(high - value, less - least)
    # Combined distances may reach further than a difference of two rates can.
    return max(-1.0, apart - down), min(1.0, apart + up)


def _sandwich(values: Numbers, places: NDArray[np.int64], count: int) -> float:
    """The ratio estimator's standard error with G/(G-1) (Liang and Zeger 1986)."""
    sums = np.bincount(places, values - values.mean())
    return float(np.sqrt((sums**2).sum() * count / (count - 1)) / values.size)


def population_verdict(outcomes: Numbers, clusters: Labels, rule: RateRule) -> VerdictWord:
    """What the whole battery says of capability beyond its items, clusters being the sample.

    Two targets must be told apart: a battery that was run to its end says for certain what *it*
    says; this asks about the population of clusters that it stands for. One-sided exact bounds at
    alpha and beta, as `clustered_mean` has them. Where all or none were solved and that cannot
    tell, the battery is at its ceiling (or floor).

    Raises:
        UnusableNumbersError: as for `clustered_mean`.
    """
    require_outcomes(outcomes)
    places, _ = _clusters(outcomes, clusters)
    value = _mean(outcomes)
    low, high = _bounds(value, effective_clusters(places), rule.alpha, rule.beta)
    if low > rule.threshold:
        return VerdictWord.ABOVE
    if high < rule.threshold:
        return VerdictWord.BELOW
    if low > rule.above_claims and high < rule.below_claims:
        return VerdictWord.WITHIN_ZONE
    return VerdictWord.AT_CEILING if value in (0.0, 1.0) else VerdictWord.UNDETERMINED


def pass_at_k(k: int, solved: Sequence[int], attempts: Sequence[int]) -> float:
    """Chance that at least one of k attempts succeeds, averaged over tasks; unbiased.

    1 - C(n-c, k)/C(n, k) for c of n attempts solved (Chen et al. 2021), as a running product.

    Raises:
        UnusableNumbersError: no task, counts that cannot be, or fewer than k attempts at a task.
    """
    if k < 1 or not attempts or len(solved) != len(attempts):
        raise UnusableNumbersError("pass@k needs k of at least 1 and two counts for every task")
    total = 0.0
    for c, n in zip(solved, attempts, strict=True):
        if n < k or not 0 <= c <= n:
            raise UnusableNumbersError(f"pass@{k} cannot be told from {c} of {n} attempts solved")
        # A running product, since the factorials of some hundred attempts overflow.
        fails = np.arange(n - c + 1, n + 1)
        total += 1.0 if n - c < k else 1 - float(np.prod(1 - k / fails))
    return total / len(attempts)


def grader_corrected(
    passed: int,
    graded: int,
    sensitivity: Estimate,
    specificity: Estimate,
    confidence: float = 0.95,
    clusters: Labels | None = None,
) -> Estimate:
    """The success rate behind a grader that errs (Rogan and Gladen 1978), kept within [0, 1].

    `sensitivity` is its rate of passing real successes, `specificity` of failing real failures,
    each measured on samples of its own. The interval is Lang and Reiczigel's (Prev. Vet. Med.
    2014): all three counts are drawn towards a half before their errors are put together, so that
    it has a width even where every sample was passed, or the grader never erred. Samples that hang
    together count for no more than their clusters, as in `clustered_mean`: `clusters` then labels
    each of the graded ones; None: each stands for itself.

    Raises:
        UnusableNumbersError: counts that cannot be, other than one label for each sample, or a
            grader no better than chance.
    """
    if graded < 1 or not 0 <= passed <= graded:
        raise UnusableNumbersError(f"{passed} of {graded} passed cannot be")
    require_level(confidence, "confidence")
    if not sensitivity.value + specificity.value > 1:
        raise UnusableNumbersError("a grader no better than chance cannot be corrected for")
    trials, units = float(graded), graded
    if clusters is not None:
        if len(clusters) != graded:
            raise UnusableNumbersError(
                f"{graded} graded samples need one cluster each, not {len(clusters)}"
            )
        trials, units = effective_clusters(clusters), len(set(clusters))
    skill = sensitivity.value + specificity.value - 1
    value = (passed / graded + specificity.value - 1) / skill
    z = -float(ndtri((1 - confidence) / 2))
    seen, spread = _drawn_in(passed / graded * trials, trials + z**2, z**2 / 2)
    # Lang and Reiczigel: z^2 more trials for the sample, two more for each rate of the grader.
    hits, hit_spread = _drawn_in(
        sensitivity.value * sensitivity.clusters, sensitivity.clusters + 2, 1
    )
    fails, fail_spread = _drawn_in(
        specificity.value * specificity.clusters, specificity.clusters + 2, 1
    )
    skilled = hits + fails - 1
    if not skilled > 0:
        raise UnusableNumbersError(
            "the grader was tried on too few samples to be told from one that guesses"
        )
    middle = (seen + fails - 1) / skilled
    shift = 2 * z**2 * (middle * hit_spread - (1 - middle) * fail_spread)
    variance = spread + middle**2 * hit_spread + (1 - middle) ** 2 * fail_spread
    error = float(np.sqrt(variance)) / skilled
    value = float(np.clip(value, 0, 1))
    # Never narrower than with a grader that is known not to err: kept within [0, 1], both ends
    # could else come to lie on one of its own.
    low, high = _bounds(value, trials, (1 - confidence) / 2, (1 - confidence) / 2)
    low = min(low, max(0.0, middle + shift - z * error))
    high = max(high, min(1.0, middle + shift + z * error))
    ends = Interval(low, high, confidence)
    return Estimate(value, error, ends, units)


def _drawn_in(count: float, trials: float, more: float) -> tuple[float, float]:
    """A share drawn towards a half by `more` successes, which `trials` counts; its variance."""
    share = (count + more) / trials
    return share, share * (1 - share) / trials
