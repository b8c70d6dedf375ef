from collections.abc import Callable
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from touchstone.statistics import (
    Estimate,
    Interval,
    RateRule,
    UnusableNumbersError,
    VerdictWord,
    clopper_pearson,
    clustered_mean,
    effective_clusters,
    grader_corrected,
    paired_difference,
    pass_at_k,
    population_verdict,
    unpaired_difference,
)

RULE = RateRule(0.5, 0.0, 0.05, 0.08)


def names(count: int, each: int) -> list[str]:
    return [f"family-{number // each}" for number in range(count)]


def test_clusters_of_one_give_the_usual_error():
    outcomes = np.array([1.0, 0, 1, 1, 0, 1, 0, 1])
    got = clustered_mean(outcomes, names(8, 1))
    assert got.error == pytest.approx(outcomes.std(ddof=1) / 8**0.5)
    assert got.value == pytest.approx(0.625)


def test_repeats_within_a_cluster_add_nothing():
    once = np.array([1.0, 0, 1, 1, 0])
    many = np.repeat(once, 20)
    assert clustered_mean(many, names(100, 20)).error == pytest.approx(
        clustered_mean(once, names(5, 1)).error
    )


def test_clustered_intervals_cover_where_plain_ones_do_not():
    rng = np.random.default_rng(0)
    held = naive = 0
    for _ in range(300):
        chance = rng.beta(1, 1, 25)
        outcomes = (rng.random((25, 8)) < chance[:, None]).astype(float).ravel()
        got = clustered_mean(outcomes, names(200, 8))
        held += got.interval.low <= 0.5 <= got.interval.high
        naive += abs(outcomes.mean() - 0.5) <= 1.96 * outcomes.std() / 200**0.5
    assert held >= 300 * 0.92
    assert naive < 300 * 0.8


def test_pairing_removes_what_items_share():
    rng = np.random.default_rng(1)
    hard = rng.normal(0, 3, 300)
    draw = rng.logistic(size=300)
    one, other = ((hard + shift + draw > 0).astype(float) for shift in (0.8, 0.0))
    pair = paired_difference(one, other, names(300, 1))
    apart = unpaired_difference(
        clustered_mean(one, names(300, 1)), clustered_mean(other, names(300, 1))
    )
    assert pair.value == pytest.approx(apart.value)
    assert pair.error < 0.6 * apart.error
    assert apart.interval.low < pair.interval.low < pair.interval.high < apart.interval.high


def test_ends_of_a_difference_lie_as_far_as_those_of_both_together():
    one = Estimate(0.6, 0.05, Interval(0.3, 0.8, 0.95), 11)
    other = Estimate(0.5, 0.05, Interval(0.1, 0.9, 0.95), 11)
    got = unpaired_difference(one, other)
    assert got.interval.low == pytest.approx(0.1 - (0.3**2 + 0.4**2) ** 0.5)
    assert got.interval.high == pytest.approx(0.1 + (0.2**2 + 0.4**2) ** 0.5)
    with pytest.raises(UnusableNumbersError, match="same level"):
        unpaired_difference(one, Estimate(0.5, 0.1, Interval(0, 1, 0.9), 4))


def test_clusters_of_one_are_exact():
    got, wanted = (
        clustered_mean(np.repeat([1.0, 0.0], [3, 17]), names(20, 1)),
        clopper_pearson(3, 20),
    )
    assert (got.interval.low, got.interval.high) == pytest.approx((wanted.low, wanted.high))


def test_clusters_of_unlike_sizes_count_for_fewer():
    assert effective_clusters(["a"] * 4 + ["b"] * 4) == 2
    assert effective_clusters(["a"] * 7 + ["b"]) == pytest.approx(64 / 50)
    with pytest.raises(UnusableNumbersError, match="no clusters"):
        effective_clusters([])


def perfect(count: int, value: float = 1.0) -> Estimate:
    return clustered_mean(np.full(count, value), names(count, 1))


@pytest.mark.parametrize(
    ("got", "inside"),
    [
        (lambda: perfect(5), 0.9),
        (lambda: perfect(3, 0.0), 0.2),
        (lambda: clustered_mean(np.ones(20), names(20, 4)), 0.9),
        (lambda: paired_difference(np.ones(10), np.zeros(10), names(10, 1)), 0.9),
        (lambda: paired_difference(np.ones(10), np.ones(10), names(10, 5)), 0.2),
        (lambda: unpaired_difference(perfect(5), perfect(5, 0.0)), 0.8),
        (lambda: grader_corrected(0, 50, perfect(20), perfect(20)), 0.03),
        (lambda: grader_corrected(50, 50, perfect(20), perfect(20)), 0.97),
        (
            lambda: grader_corrected(
                0, 50, perfect(20), clustered_mean(np.repeat([1.0, 0], [15, 5]), names(20, 1))
            ),
            0.01,
        ),
    ],
)
def test_no_interval_has_a_width_of_nothing(got: Callable[[], Estimate], inside: float):
    interval = got().interval
    assert interval.low < interval.high
    assert interval.low <= inside <= interval.high


@pytest.mark.parametrize("size", [5, 36, 75])
@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9, 0.95])
def test_beyond_the_items_either_word_keeps_to_its_own_error(size: int, threshold: float):
    """Exact, over all counts; 36 items at 0.9 were wrong in .113 of the samples for .025."""
    rule, labels = RateRule(threshold, 0.0, 0.025, 0.1), names(size, 1)
    said = [
        population_verdict(np.repeat([1.0, 0.0], [k, size - k]), labels, rule)
        for k in range(size + 1)
    ]
    probabilities = binom.pmf(np.arange(size + 1), size, threshold)
    shares = {
        word: sum(c for c, w in zip(probabilities, said, strict=True) if w is word)
        for word in VerdictWord
    }
    assert shares[VerdictWord.ABOVE] <= 0.025
    assert shares[VerdictWord.BELOW] <= 0.1
    if size == 75 and threshold == 0.5:
        assert shares[VerdictWord.BELOW] > 0.04  # of more than alpha: the two are not exchanged


@pytest.mark.parametrize(
    ("outcomes", "each", "word"),
    [
        (np.ones(40), 8, VerdictWord.ABOVE),
        (np.ones(40), 10, VerdictWord.AT_CEILING),
        (np.zeros(40), 10, VerdictWord.BELOW),
        (np.zeros(40), 4, VerdictWord.BELOW),
        (np.tile([1.0, 0.0], 20), 1, VerdictWord.UNDETERMINED),
        (np.tile([1.0, 1, 1, 0], 20), 2, VerdictWord.ABOVE),
    ],
)
def test_beyond_the_items_clusters_are_the_sample(
    outcomes: np.ndarray, each: int, word: VerdictWord
):
    assert population_verdict(outcomes, names(outcomes.size, each), RULE) is word


def test_a_zone_beyond_the_items():
    outcomes = np.tile([1.0, 0.0], 200)
    rule = RateRule(0.5, 0.1, 0.05, 0.02)
    assert population_verdict(outcomes, names(400, 1), rule) is VerdictWord.WITHIN_ZONE


@given(st.integers(1, 8), st.integers(0, 12), st.integers(8, 12))
def test_pass_at_k_is_the_hypergeometric_miss(k: int, c: int, n: int):
    c = min(c, n)
    expected = 1 - comb(n - c, k) / comb(n, k)
    assert pass_at_k(k, [c], [n]) == pytest.approx(expected)


def test_pass_at_k_is_unbiased():
    rng = np.random.default_rng(2)
    solved = rng.binomial(6, 0.3, 4000)
    assert pass_at_k(3, list(solved), [6] * 4000) == pytest.approx(1 - 0.7**3, abs=0.02)


def test_a_perfect_grader_changes_nothing_and_a_blunt_one_is_mended():
    sure = Estimate(1.0, 0.0, Interval(1, 1, 0.95), 100)
    assert grader_corrected(30, 100, sure, sure).value == pytest.approx(0.3)
    sharp = Estimate(0.9, 0.03, Interval(0.84, 0.96, 0.95), 100)
    loose = Estimate(0.8, 0.04, Interval(0.72, 0.88, 0.95), 100)
    got = grader_corrected(410, 1000, sharp, loose)
    assert got.value == pytest.approx(0.3)
    known = grader_corrected(
        410,
        1000,
        Estimate(0.9, 0, sharp.interval, 10_000),
        Estimate(0.8, 0, loose.interval, 10_000),
    )
    assert got.error > known.error > (0.3 * 0.7 / 1000) ** 0.5
    assert got.interval.low < 0.3 < got.interval.high


def test_bad_estimates_are_refused():
    half = Estimate(0.5, 0.1, Interval(0, 1, 0.95), 10)
    with pytest.raises(UnusableNumbersError, match="no better than chance"):
        grader_corrected(3, 10, half, half)
    with pytest.raises(UnusableNumbersError, match="cannot be"):
        grader_corrected(11, 10, half, half)
    with pytest.raises(UnusableNumbersError, match="at least two clusters"):
        clustered_mean(np.ones(3), ["a"] * 3)
    with pytest.raises(UnusableNumbersError, match="one cluster each"):
        clustered_mean(np.ones(3), ["a", "b"])
    with pytest.raises(UnusableNumbersError, match=r"\[0, 1\]"):
        clustered_mean(np.array([1, np.nan]), ["a", "b"])
    with pytest.raises(UnusableNumbersError, match="both outcomes"):
        paired_difference(np.ones(3), np.ones(2), ["a"] * 3)
    with pytest.raises(UnusableNumbersError, match="pass@3"):
        pass_at_k(3, [1], [2])
    for solved, attempts in ((3, 2), (-1, 2)):
        with pytest.raises(UnusableNumbersError, match="pass@1"):
            pass_at_k(1, [solved], [attempts])
    with pytest.raises(UnusableNumbersError, match="pass@k"):
        pass_at_k(0, [1], [2])


def test_a_corrected_rate_counts_clusters_and_not_their_copies():
    """With a grader that never errs, it is as wide as the rate by itself."""
    outcomes, clusters = np.repeat([1.0, 1.0, 1.0, 0.0], 50), names(200, 50)
    sure = Estimate(1.0, 0.0, perfect(5).interval, 1_000_000)
    alone = clustered_mean(outcomes, clusters).interval
    found = grader_corrected(150, 200, sure, sure, clusters=clusters)
    assert found.interval.low <= alone.low + 1e-9
    assert found.interval.high >= alone.high - 1e-9
    assert found.clusters == 4
    with pytest.raises(UnusableNumbersError, match="one cluster each"):
        grader_corrected(150, 200, sure, sure, clusters=clusters[:3])
