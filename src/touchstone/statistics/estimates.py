"""Estimates that people expect to see beside a verdict. None of them is a verdict.

They are for designs of fixed size: at a data-dependent stop only a confidence sequence is valid.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.foresight import Numbers, require_outcomes
from touchstone.statistics.intervals import Interval, lower_bound, require_level, upper_bound
from touchstone.statistics.verdicts import RateRule, VerdictWord


@dataclass(frozen=True)
class Estimate:
    """A mean or a difference, with its uncertainty."""

    value: float
    error: float
    """Standard error."""
    interval: Interval
    clusters: int
    """Independent units behind it."""


def clustered(
    outcomes: Numbers, clusters: Sequence[str] | NDArray[np.str_], confidence: float = 0.95
) -> Estimate:
    """The mean, with an error that lets outcomes of one cluster depend on one another.

    The ratio estimator's sandwich variance with G/(G-1), and Student's t with G - 1 degrees
    (Liang and Zeger 1986; Cameron and Miller 2015). Use families as clusters for capability beyond
    these items.

    Raises:
        UnusableNumbersError: values outside [0, 1], or fewer than two clusters.
    """
    require_outcomes(outcomes)
    return _sandwich(outcomes, clusters, confidence, (0.0, 1.0))


def paired_difference(
    outcomes: Numbers,
    reference: Numbers,
    clusters: Sequence[str] | NDArray[np.str_],
    confidence: float = 0.95,
) -> Estimate:
    """Mean difference on the same items, clustered; an item with no relatives is its own cluster.

    Raises:
        UnusableNumbersError: shapes that differ, values outside [0, 1], fewer than two clusters.
    """
    if outcomes.shape != reference.shape:
        raise UnusableNumbersError(
            f"a pair needs both outcomes: {outcomes.size} against {reference.size}"
        )
    require_outcomes(outcomes)
    require_outcomes(reference, "a reference outcome")
    return _sandwich(outcomes - reference, clusters, confidence, (-1.0, 1.0))


def unpaired_difference(one: Estimate, other: Estimate, confidence: float = 0.95) -> Estimate:
    """Difference of two independent means, with Welch's degrees of freedom.

    Use it for restricted against public siblings on different items, and held-out against public
    items.
    """
    require_level(confidence, "confidence")
    error = float(np.hypot(one.error, other.error))
    parts = one.error**4 / (one.clusters - 1) + other.error**4 / (other.clusters - 1)
    degrees = error**4 / parts if parts else one.clusters + other.clusters - 2
    value = one.value - other.value
    reach = float(student.ppf((1 + confidence) / 2, degrees)) * error
    ends = Interval(max(-1.0, value - reach), min(1.0, value + reach), confidence)
    return Estimate(value, error, ends, one.clusters + other.clusters)


def _sandwich(
    values: Numbers,
    clusters: Sequence[str] | NDArray[np.str_],
    confidence: float,
    limits: tuple[float, float],
) -> Estimate:
    require_level(confidence, "confidence")
    if values.ndim != 1 or len(clusters) != values.size:
        raise UnusableNumbersError(f"{values.size} outcomes need one cluster each")
    names, places = np.unique(np.asarray(clusters), return_inverse=True)
    if names.size < 2:  # noqa: PLR2004 - a spread
        raise UnusableNumbersError("an error between clusters needs at least two clusters")
    value = float(values.mean())
    sums = np.bincount(places, values - value)
    error = float(np.sqrt((sums**2).sum() * names.size / (names.size - 1)) / values.size)
    reach = float(student.ppf((1 + confidence) / 2, names.size - 1)) * error
    ends = Interval(max(limits[0], value - reach), min(limits[1], value + reach), confidence)
    return Estimate(value, error, ends, int(names.size))


def beyond(
    outcomes: Numbers, clusters: Sequence[str] | NDArray[np.str_], rule: RateRule
) -> VerdictWord:
    """What the whole battery says of capability beyond its items, clusters being the sample.

    Two targets must be told apart: a battery that was run to its end says for certain what *it*
    says; this asks about the population of clusters that it stands for. One-sided bounds at alpha
    and beta from `clustered`; where all or none were solved, the exact bounds for as many trials
    as there are clusters. If those cannot tell, the battery is at its ceiling (or floor).

    Raises:
        UnusableNumbersError: as for `clustered`.
    """
    fit = clustered(outcomes, clusters)
    if fit.value in (0.0, 1.0):
        solved = fit.clusters if fit.value else 0
        low = lower_bound(solved, fit.clusters, rule.alpha)
        high = upper_bound(solved, fit.clusters, rule.beta)
        unclear = VerdictWord.AT_CEILING
    else:
        degrees = fit.clusters - 1
        low = fit.value - float(student.ppf(1 - rule.alpha, degrees)) * fit.error
        high = fit.value + float(student.ppf(1 - rule.beta, degrees)) * fit.error
        unclear = VerdictWord.UNDETERMINED
    if low > rule.threshold:
        return VerdictWord.ABOVE
    if high < rule.threshold:
        return VerdictWord.BELOW
    if low > rule.above_claims and high < rule.below_claims:
        return VerdictWord.WITHIN_ZONE
    return unclear


def pass_at(k: int, solved: Sequence[int], attempts: Sequence[int]) -> float:
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
        fails = np.arange(n - c + 1, n + 1)
        total += 1.0 if n - c < k else 1 - float(np.prod(1 - k / fails))
    return total / len(attempts)


def over_budget(tokens: Numbers, solved: Numbers, limit: Numbers, budgets: Numbers) -> Numbers:
    """Share of samples solved within each token budget, (budgets,); nan past what was tried.

    A sample is one row: the tokens that it took, whether it was solved (0 or 1), and the limit it
    ran under. A budget is answered only if no sample ran under a lower limit without success, since
    it might have succeeded later. It says what happened within a budget, not what a model told of
    that budget would have done.

    Raises:
        UnusableNumbersError: no sample, arrays of different shapes, negative tokens.
    """
    if not tokens.size or not tokens.shape == solved.shape == limit.shape:
        raise UnusableNumbersError("a curve over tokens needs three equally long columns")
    require_outcomes(solved)
    if not np.all(tokens >= 0) or not np.all(limit >= tokens):
        raise UnusableNumbersError("tokens must be at least 0 and at most their sample's limit")
    within = (tokens[None, :] <= budgets[:, None]) * solved[None, :]
    cut_off = (limit[None, :] < budgets[:, None]) & (solved[None, :] == 0)
    return np.where(cut_off.any(1), np.nan, within.mean(1))


def grader_corrected(
    passed: int, graded: int, sensitivity: Estimate, specificity: Estimate, confidence: float = 0.95
) -> Estimate:
    """The success rate behind a grader that errs (Rogan and Gladen 1978), kept within [0, 1].

    `sensitivity` is its rate of passing real successes, `specificity` of failing real failures,
    each measured on samples of its own; their errors enter by the delta method.

    Raises:
        UnusableNumbersError: counts that cannot be, or a grader no better than chance.
    """
    if graded < 1 or not 0 <= passed <= graded:
        raise UnusableNumbersError(f"{passed} of {graded} passed cannot be")
    require_level(confidence, "confidence")
    skill = sensitivity.value + specificity.value - 1
    if not skill > 0:
        raise UnusableNumbersError("a grader no better than chance cannot be corrected for")
    seen = passed / graded
    value = (seen + specificity.value - 1) / skill
    variance = (
        seen * (1 - seen) / graded
        + (value * sensitivity.error) ** 2
        + ((1 - value) * specificity.error) ** 2
    ) / skill**2
    error = float(np.sqrt(variance))
    reach = float(student.ppf((1 + confidence) / 2, max(graded - 1, 1))) * error
    ends = Interval(
        float(np.clip(value - reach, 0, 1)), float(np.clip(value + reach, 0, 1)), confidence
    )
    return Estimate(float(np.clip(value, 0, 1)), error, ends, graded)
