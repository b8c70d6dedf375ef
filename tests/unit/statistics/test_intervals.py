import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from touchstone.statistics import (
    UnusableNumbersError,
    clopper_pearson,
    difference_bounds,
    lower_bound,
    upper_bound,
    wilson,
)

counts = st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_exact_interval_is_the_beta_quantile():
    got = clopper_pearson(7, 20)
    assert got.low == pytest.approx(beta.ppf(0.025, 7, 14))
    assert got.high == pytest.approx(beta.ppf(0.975, 8, 13))


def test_wilson_known_answer():
    """Newcombe (1998), table I: 81 of 263."""
    got = wilson(81, 263)
    assert (round(got.low, 4), round(got.high, 4)) == (0.2553, 0.3662)


@given(counts)
def test_bounds_surround_the_rate(count: tuple[int, int]):
    solved, counted = count
    assert 0 <= lower_bound(solved, counted, 0.05) <= solved / counted
    assert solved / counted <= upper_bound(solved, counted, 0.05) <= 1


@pytest.mark.parametrize(
    ("counted", "rate"), list(itertools.product((5, 17, 40), (0.1, 0.5, 0.83)))
)
def test_exact_coverage_by_full_enumeration(counted: int, rate: float):
    covered = sum(
        binom.pmf(k, counted, rate)
        for k in range(counted + 1)
        if clopper_pearson(k, counted).low <= rate <= clopper_pearson(k, counted).high
    )
    assert covered >= 0.95


@given(counts, counts)
def test_difference_is_antisymmetric(a: tuple[int, int], b: tuple[int, int]):
    low, high = difference_bounds(*a, *b, 0.05)
    other_low, other_high = difference_bounds(*b, *a, 0.05)
    assert low == pytest.approx(-other_high)
    assert high == pytest.approx(-other_low)
    assert low <= a[0] / a[1] - b[0] / b[1] <= high


@pytest.mark.parametrize(("solved", "counted"), [(0, 0), (-1, 3), (4, 3), (1, -1)])
def test_counts_that_cannot_be_are_refused(solved: int, counted: int):
    with pytest.raises(UnusableNumbersError):
        clopper_pearson(solved, counted)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, float("nan")])
def test_levels_outside_are_refused(level: float):
    with pytest.raises(UnusableNumbersError):
        lower_bound(1, 2, level)
