"""Power: what a battery can say of capability beyond its own items, before any of it has run.

Here the items are a sample: of the tasks like them, drawn in clusters (families, templates) whose
outcomes resemble one another. What a battery says of *itself* needs no power: run to its end it
always answers; `simulation` says after how many samples.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.random import Generator
from scipy.special import betaincinv, gammaln, stdtrit, xlog1py, xlogy

from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.intervals import require_level
from touchstone.statistics.item_model import Numbers, require_outcomes
from touchstone.statistics.verdicts import RateRule

_MOST_TASKS = 1e9


@dataclass(frozen=True)
class ClusteredDesign:
    """A battery as a sample of clusters of tasks."""

    tasks: int
    clusters: int
    """Independent groups among them; as many as tasks: each stands for itself."""
    icc: float
    """Correlation of outcomes within a cluster, from 0 to below 1."""

    def __post_init__(self) -> None:
        if self.tasks < 2 or not 2 <= self.clusters <= self.tasks:  # noqa: PLR2004 - a spread
            raise UnusableNumbersError(
                f"{self.tasks} tasks in {self.clusters} clusters: there must be at least two "
                "clusters, and no more than tasks"
            )
        if not 0 <= self.icc < 1:
            raise UnusableNumbersError(
                f"outcomes within a cluster correlate at 0 to below 1, not {self.icc}"
            )

    @property
    def design_effect(self) -> float:
        """By how much clusters widen a variance: 1 + (tasks a cluster - 1) * icc (Kish)."""
        return 1 + (self.tasks / self.clusters - 1) * self.icc

    @property
    def effective_size(self) -> float:
        """Independent tasks that would say as much."""
        return self.tasks / self.design_effect


def rate_variance(threshold: float, distance: float) -> float:
    """Variance of one outcome: the larger of that at the threshold and `distance` from it."""
    # Beyond 0 and 1 it would be negative, and so is never the larger.
    other = threshold + distance
    return max(threshold * (1 - threshold), other * (1 - other))


def difference_variance(reference: float, distance: float, paired_correlation: float) -> float:
    """Variance of one task's difference between two models, whose outcomes correlate so.

    0 for models on different tasks (or that have nothing in common on the same ones).
    """
    return 2 * rate_variance(reference, distance) * (1 - paired_correlation)


def power(design: ClusteredDesign, distance: float, variance: float, error: float) -> float:
    """Chance that a one-sided bound at `error` detects a mean `distance` away from the threshold.

    A clustered t-test of a fixed design: non-central t with clusters - 1 degrees.
    `population_verdict` asks for more, its bounds being exact whatever the clusters hold; no review
    makes either.

    Raises:
        UnusableNumbersError: an error rate outside (0, 1), or a variance that is not positive.
    """
    require_level(error, "an error rate")
    if not variance > 0:
        raise UnusableNumbersError("outcomes without variance need no test")
    degrees = design.clusters - 1
    shift = abs(distance) / (variance / design.effective_size) ** 0.5
    return _power_at_shift(shift, degrees, error)


def _power_at_shift(shift: float, degrees: float, error: float) -> float:
    """Chance that a one-sided t-test at `error` detects a mean that lies `shift` errors away."""
    # It takes longer to load than all the rest together, and only questions of power ask for it.
    from scipy.stats import nct  # noqa: PLC0415

    bound = stdtrit(degrees, 1 - error)
    return float(nct.sf(bound, degrees, shift))


def tasks_needed(
    design: ClusteredDesign, distance: float, variance: float, error: float, wanted: float = 0.8
) -> int | None:
    """The fewest tasks, in clusters as large as the design's, that detect it with power `wanted`.

    None where a thousand million would not do.

    Raises:
        UnusableNumbersError: as for `detectable_difference`, or a distance of 0.
    """
    _require_wanted(wanted, error)
    if not distance:
        raise UnusableNumbersError("no number of tasks tells a difference of 0")
    each = design.tasks / design.clusters

    # By the logarithm, so that one search spans two clusters to a thousand million.
    def lacking(logarithm: float) -> float:
        clusters = float(np.exp(logarithm))
        shift = abs(distance) / (variance * design.design_effect / (each * clusters)) ** 0.5
        return _power_at_shift(shift, clusters - 1, error) - wanted

    # For its refusals alone.
    power(design, distance, variance, error)
    few, many = log(2.0), log(_MOST_TASKS)
    if lacking(few) >= 0:
        return int(np.ceil(2 * each))
    if lacking(many) < 0:
        return None
    return int(np.ceil(each * np.exp(_root(lacking, few, many, 1e-6))))


@dataclass(frozen=True)
class PowerComparison:
    """What is compared with what, apart from the battery."""

    at: float
    """The threshold, or the reference model's rate."""
    error: float
    """One-sided."""
    relative: bool = False
    """Whether a difference from a reference model is asked for."""
    paired_correlation: float = 0.0
    """Correlation between the two models' outcomes; 0 on different tasks."""

    def variance(self, distance: float) -> float:
        """Of one task's outcome or difference, at a distance from the threshold."""
        if self.relative:
            return difference_variance(self.at, distance, self.paired_correlation)
        return rate_variance(self.at, distance)


def detectable_difference(
    design: ClusteredDesign, comparison: PowerComparison, side: int, wanted: float = 0.8
) -> float | None:
    """The least distance detected with power `wanted`, in [0, 1]; `side` is 1 above, -1 below.

    None where not even the farthest possible rate is detected.

    Raises:
        UnusableNumbersError: a level outside (0, 1), or a chance to be wrong as large as `wanted`.
    """
    _require_wanted(wanted, comparison.error)
    room = 1 - comparison.at if side > 0 else comparison.at

    def lacking(distance: float) -> float:
        variance = comparison.variance(side * distance)
        return power(design, distance, variance, comparison.error) - wanted

    if lacking(room) < 0:
        return None
    # From just above 0: at 0 itself power is the error rate, which is below what is wanted, so the
    # root is bracketed.
    return _root(lacking, 1e-9, room, 1e-7)


def _root(function: Callable[[float], float], low: float, high: float, error: float) -> float:
    from scipy.optimize import brentq  # noqa: PLC0415  the same: 0.3 s of every command's start

    return float(brentq(function, low, high, xtol=error))


def _require_wanted(wanted: float, error: float) -> None:
    require_level(wanted, "a power")
    require_level(error, "an error rate")
    if error >= wanted:
        raise UnusableNumbersError(
            f"alpha {error} must be smaller than the required power {wanted}: choose a smaller one"
        )


def extremes_conclusive(independent: int, rule: RateRule) -> tuple[bool, bool]:
    """Whether all solved would say "above", and none solved "below", beyond these items.

    With the exact bounds that `population_verdict` uses there, for as many trials as there are
    independent clusters. Where it is false, the most extreme result is *at ceiling* (or floor): no
    answer.
    """
    if independent < 1:
        raise UnusableNumbersError("a battery without items allows no verdict")
    above = rule.alpha ** (1 / independent) > rule.threshold
    below = 1 - rule.beta ** (1 / independent) < rule.threshold
    return above, below


def fixed_verdict_probabilities(
    size: int, rule: RateRule, rates: Numbers
) -> tuple[Numbers, Numbers]:
    """Chances that a fixed design of independent tasks says above, and below, at each rate.

    By the exact bounds of `rate_against_threshold`, summed over every count that may come.

    Raises:
        UnusableNumbersError: no task.
    """
    if size < 1:
        raise UnusableNumbersError("a battery without items allows no verdict")
    probabilities = binomial_probabilities(size, rates)
    words = _words(rule, _lower(size, rule.alpha), _upper(size, rule.beta))
    above, below = ((probabilities * word).sum(1) for word in words[:2])
    return above, below


def binomial_probabilities(size: int, rates: Numbers) -> Numbers:
    """The binomial chances of 0 to `size` solved at each rate, (rates, size + 1)."""
    solved, rate = np.arange(size + 1)[None, :], rates[:, None]
    ways = gammaln(size + 1) - gammaln(solved + 1) - gammaln(size - solved + 1)
    probabilities: Numbers = np.exp(ways + xlogy(solved, rate) + xlog1py(size - solved, -rate))
    return probabilities


def comparison_probabilities(
    size: int,
    rule: RateRule,
    reference: float,
    differences: Numbers,
    rng: Generator,
    draws: int,
    references: int = 1,
) -> tuple[Numbers, Numbers, Numbers]:
    """Chances that a comparison with a reference says above, below, and within the zone.

    By the bounds of `rate_above_reference`, on counts drawn for both models.

    Args:
        size: Tasks, run by both.
        rule: What was pre-registered of the difference.
        reference: The reference's true rate.
        differences: By how much the model's true rate exceeds it, (differences,).
        rng: Draws the counts.
        draws: How many draws of all counts, for each difference.
        references: In how many modes the reference is compared with, each at its rate: "above" must
            hold beside every one, and "below" beside one.

    Returns:
        Three arrays, (differences,).

    Raises:
        UnusableNumbersError: no task, or a rate outside [0, 1].
    """
    if size < 1:
        raise UnusableNumbersError("a battery without items allows no verdict")
    # Sums of decimals may end a hair above 1, which is no rate.
    rates = np.round(reference + differences, 12)
    require_outcomes(rates, "a rate")
    own = rng.binomial(size, rates[:, None], (rates.size, draws))
    other = rng.binomial(size, reference, (references, rates.size, draws))
    # Each rate is bounded at half of the error, as in `rate_above_reference`.
    low = _lower(size, rule.alpha / 2)[own] - _upper(size, rule.alpha / 2)[other]
    high = _upper(size, rule.beta / 2)[own] - _lower(size, rule.beta / 2)[other]
    above, below, within = _words(rule, low, high)
    # As `recounting` judges: above every mode of the reference, below any one of them.
    every, some = above.min(0), below.max(0)
    # A comparison is never both, so the sum is one or the other.
    near = (above + within).min(0) - every
    return every.mean(1), some.mean(1), near.mean(1)


def _lower(size: int, error: float) -> Numbers:
    """Exact lower bounds for every count from 0 to `size`."""
    solved = np.arange(1, size + 1)
    return np.concatenate([[0.0], betaincinv(solved, size - solved + 1, error)])


def _upper(size: int, error: float) -> Numbers:
    """Exact upper bounds for every count from 0 to `size`."""
    solved = np.arange(size)
    return np.concatenate([betaincinv(solved + 1, size - solved, 1 - error), [1.0]])


def _words(rule: RateRule, low: Numbers, high: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Where a fixed design says above, below and within the zone, as 0 or 1."""
    above = low > rule.threshold
    below = ~above & (high < rule.threshold)
    within = ~above & ~below & (low > rule.above_claims) & (high < rule.below_claims)
    return above.astype(float), below.astype(float), within.astype(float)
