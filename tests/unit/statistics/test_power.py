"""What a battery resolves beyond its items: against known figures and against simulation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm as normal
from scipy.stats import t as student

from touchstone.statistics import (
    RateRule,
    UnusableNumbersError,
    VerdictWord,
    population_verdict,
    rate_against_threshold,
)
from touchstone.statistics.power_analysis import (
    ClusteredDesign,
    PowerComparison,
    comparison_probabilities,
    detectable_difference,
    difference_variance,
    extremes_conclusive,
    fixed_verdict_probabilities,
    power,
    rate_variance,
    tasks_needed,
)

# One-sided at 0.025: what a two-sided 95% interval asks.
INDEPENDENT = ClusteredDesign(83, 83, 0.0)


def about(number: int | None) -> Any:
    """What compares as equal to within half a hundredth."""
    assert number is not None
    return pytest.approx(number, rel=0.005)


def test_five_points_need_what_the_textbook_says():
    """(1.960 + 0.842)^2 * variance / 0.05^2 tasks, and a few for Student's t."""
    assert about(tasks_needed(INDEPENDENT, 0.05, rate_variance(0.5, 0.05), 0.025)) == 785
    unpaired = difference_variance(0.5, 0.05, 0.0)
    assert about(tasks_needed(INDEPENDENT, 0.05, unpaired, 0.025)) == 1570
    paired = difference_variance(0.5, 0.05, 0.57)
    assert about(tasks_needed(INDEPENDENT, 0.05, paired, 0.025)) == 675


def test_the_ends_of_what_a_number_of_tasks_can_tell():
    assert tasks_needed(ClusteredDesign(2000, 2, 0.0), 0.5, 0.25, 0.05) == 2000
    assert tasks_needed(INDEPENDENT, 1e-6, 0.25, 0.05) is None


def test_a_variance_is_the_larger_of_two_and_a_comparison_asks_for_its_own():
    assert rate_variance(0.25, 0.125) == 0.375 * 0.625
    for at, beyond in ((0.25, -0.5), (0.25, -0.125), (0.75, 0.5)):
        assert rate_variance(at, beyond) == 0.1875
    assert PowerComparison(0.25, 0.05).variance(0.25) == 0.25
    assert PowerComparison(0.25, 0.05, relative=True).variance(0.25) == 0.5
    assert PowerComparison(0.25, 0.05, relative=True, paired_correlation=0.5).variance(0.25) == 0.25


def test_clusters_cost_their_design_effect():
    clustered = ClusteredDesign(83, 20, 0.3)
    assert clustered.design_effect == pytest.approx(1.945)
    alone = tasks_needed(INDEPENDENT, 0.05, 0.25, 0.025)
    together = tasks_needed(clustered, 0.05, 0.25, 0.025)
    assert alone
    assert together
    assert together / alone == pytest.approx(1.945, rel=0.01)
    assert power(clustered, 0.05, 0.25, 0.025) < power(INDEPENDENT, 0.05, 0.25, 0.025) < 0.2


def _clustered_outcomes(
    rate: float, design: ClusteredDesign, rng: np.random.Generator
) -> np.ndarray:
    """Beta-binomial clusters: outcomes within one correlate at the design's ICC."""
    each = design.tasks // design.clusters
    total = 1 / design.icc - 1
    probabilities = rng.beta(rate * total, (1 - rate) * total, design.clusters)
    return (rng.random((design.clusters, each)) < probabilities[:, None]).astype(float).ravel()


def test_power_is_what_a_clustered_t_test_reaches():
    """Simulated; the twin ignores clusters and is far off, and exact bounds tell less often."""
    rng, design = np.random.default_rng(5), ClusteredDesign(120, 30, 0.3)
    rule, names = RateRule(0.5, 0.0, 0.05, 0.02), np.repeat([str(n) for n in range(30)], 4)
    said, exactly = [], []
    for _ in range(800):
        outcomes = _clustered_outcomes(0.65, design, rng)
        means = outcomes.reshape(30, 4).mean(1)
        reach = float(student.ppf(0.95, 29)) * means.std(ddof=1) / 30**0.5
        said.append(means.mean() - reach > 0.5)
        exactly.append(population_verdict(outcomes, names, rule) is VerdictWord.ABOVE)
    assert np.mean(exactly) < np.mean(said)
    told = power(design, 0.15, rate_variance(0.5, 0.15), 0.05)
    assert np.mean(said) == pytest.approx(told, abs=0.05)
    blind_to_clusters = power(ClusteredDesign(120, 120, 0.0), 0.15, rate_variance(0.5, 0.15), 0.05)
    assert blind_to_clusters > told + 0.15


@given(st.integers(2, 400), st.floats(0, 0.9), st.floats(0.05, 0.95), st.sampled_from([1, -1]))
def test_the_smallest_difference_is_told_with_the_power_asked(
    clusters: int, icc: float, at: float, side: int
):
    design, comparison = ClusteredDesign(clusters * 3, clusters, icc), PowerComparison(at, 0.05)
    found = detectable_difference(design, comparison, side)
    if found is None:
        room = 1 - at if side > 0 else at
        assert power(design, room, comparison.variance(side * room), 0.05) < 0.8
    else:
        reached = power(design, found, comparison.variance(side * found), 0.05)
        assert reached == pytest.approx(0.8, abs=0.01)


@given(st.integers(1, 60), st.floats(0.02, 0.98))
def test_extremes_are_told_as_the_exact_bounds_say(tasks: int, threshold: float):
    rule = RateRule(threshold, 0.0, 0.05, 0.02)
    above, below = extremes_conclusive(tasks, rule)
    assert above == (rate_against_threshold(tasks, tasks, rule).word is VerdictWord.ABOVE)
    assert below == (rate_against_threshold(0, tasks, rule).word is VerdictWord.BELOW)


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.5, 0.62, 1.0])
def test_chances_of_a_fixed_design_are_those_of_its_verdicts(rate: float):
    rule = RateRule(0.5, 0.05, 0.05, 0.01)
    words = [rate_against_threshold(solved, 20, rule).word for solved in range(21)]
    drawn = np.random.default_rng(1).binomial(20, rate, 20_000)
    above, below = fixed_verdict_probabilities(20, rule, np.array([rate]))
    said = np.array([words[each] for each in drawn])
    assert above[0] == pytest.approx((said == VerdictWord.ABOVE).mean(), abs=0.01)
    assert below[0] == pytest.approx((said == VerdictWord.BELOW).mean(), abs=0.01)


def test_a_fixed_design_errs_no_more_than_it_says():
    above, below = fixed_verdict_probabilities(83, RateRule(0.4, 0.0, 0.05, 0.02), np.array([0.4]))
    assert above[0] <= 0.05
    assert below[0] <= 0.02


@pytest.mark.parametrize(
    "refused",
    [
        lambda: ClusteredDesign(1, 1, 0.0),
        lambda: ClusteredDesign(83, 84, 0.0),
        lambda: ClusteredDesign(83, 1, 0.0),
        lambda: ClusteredDesign(83, 20, 1.0),
        lambda: ClusteredDesign(83, 20, float("nan")),
        lambda: power(INDEPENDENT, 0.1, 0.25, 0.0),
        lambda: power(INDEPENDENT, 0.1, 0.0, 0.05),
        lambda: tasks_needed(INDEPENDENT, 0.0, 0.25, 0.05),
        lambda: detectable_difference(INDEPENDENT, PowerComparison(0.5, 0.05), 1, 1.0),
        lambda: detectable_difference(INDEPENDENT, PowerComparison(0.5, 0.9), 1),
        lambda: tasks_needed(INDEPENDENT, 0.05, 0.25, 0.8),
        lambda: extremes_conclusive(0, RateRule(0.5, 0, 0.05, 0.02)),
        lambda: fixed_verdict_probabilities(0, RateRule(0.5, 0, 0.05, 0.02), np.array([0.5])),
    ],
)
def test_what_means_nothing_is_refused(refused: Callable[[], object]):
    with pytest.raises(UnusableNumbersError):
        refused()


def test_beside_several_references_above_needs_all_and_below_one():
    """The same seed draws the first reference alike, so each chance moves one way alone."""
    rule, at = RateRule(0.2, 0.1, 0.05, 0.05), np.array([-0.2, 0.2, 0.45])
    told = [
        comparison_probabilities(60, rule, 0.5, at, np.random.default_rng(5), 4_000, references)
        for references in (1, 3)
    ]
    (above, below, _), (above_all, below_any, within) = told
    assert above_all[2] < above[2] - 0.05
    assert below_any[0] > below[0] + 0.01
    assert all((a + b + w).max() <= 1 for a, b, w in told)
    assert within.min() >= 0


def test_above_is_not_within_the_zone_as_well():
    """Bounds of so many tasks fit into the zone above the threshold."""
    rule, at = RateRule(0.2, 0.1, 0.05, 0.05), np.array([0.25])
    above, _, within = comparison_probabilities(20_000, rule, 0.5, at, np.random.default_rng(5), 50)
    assert (above[0], within[0]) == (1, 0)


def test_two_clusters_and_a_small_error_need_a_far_mean():
    """With one degree of freedom t is Cauchy's, and no mean is so far that power is 1 by itself.

    It exceeds its bound b where |chi| < (Z + shift) / b: about 2 Phi(shift / b) - 1.
    """
    design, bound = ClusteredDesign(100_000, 2, 0.0), student.ppf(0.999, 1)
    shift = 0.5 / (0.25 / 100_000) ** 0.5
    expected = 2 * normal.cdf(shift / bound) - 1
    assert 0.6 < expected < 0.7
    assert power(design, 0.5, 0.25, 0.001) == pytest.approx(expected, abs=0.005)
