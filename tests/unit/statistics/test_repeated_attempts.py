"""Rates of pass@k: their intervals count items, and hold wherever the items ended."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.statistics import UnusableNumbersError, clopper_pearson, pass_at_k, pass_rate


@given(
    st.integers(1, 5).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.lists(st.tuples(st.integers(0, n), st.integers(0, n)), min_size=1, max_size=12),
        )
    )
)
def test_what_was_lost_counts_both_ways_and_the_interval_holds_both(
    given_: tuple[int, list[tuple[int, int]]],
):
    attempts, items = given_
    solved = [min(c, attempts) for c, _ in items]
    lost = [min(m, attempts - c) for c, (_, m) in zip(solved, items, strict=True)]
    for k in (1, attempts):
        found = pass_rate(k, attempts, solved, lost, len(items))
        tried = [attempts] * len(items)
        assert found.least == pytest.approx(pass_at_k(k, solved, tried))
        most = [c + m for c, m in zip(solved, lost, strict=True)]
        assert found.most == pytest.approx(pass_at_k(k, most, tried))
        assert found.interval.low <= found.least <= found.most <= found.interval.high


def test_attempts_at_one_item_are_no_further_evidence():
    """Twenty items, each solved always or never: five attempts at each say what one does."""
    once = clopper_pearson(10, 20)
    five = pass_rate(1, 5, [5, 0] * 10, [0] * 20, 20)
    assert (five.interval.low, five.interval.high) == pytest.approx((once.low, once.high))
    copies = pass_rate(1, 5, [5, 0] * 10, [0] * 20, 20, ["one", "other"] * 10)
    assert copies.interval.high - copies.interval.low > 0.9


def test_wherever_the_items_ended_the_interval_holds_the_rate():
    """Ended where it looks best: the interval of a fixed design would then miss far too often."""
    rng = np.random.default_rng(7)
    missed = fixed = 0
    for _ in range(60):
        solved = rng.binomial(3, 0.5, 40).tolist()
        passed = np.array([c > 0 for c in solved])
        means = passed.cumsum() / np.arange(1, 41)
        ends = 5 + int(means[5:35].argmax())
        found = pass_rate(3, 3, solved[:ends], [0] * ends, 40)
        truth = 1 - 0.5**3
        missed += not found.interval.low <= truth <= found.interval.high
        low = clopper_pearson(int(passed[:ends].sum()), ends).low
        fixed += low > truth
    assert missed <= 3
    assert missed <= fixed


@pytest.mark.parametrize(
    ("solved", "lost", "size"), [([], [], 3), ([1, 1], [0, 0], 1), ([1], [0, 0], 3), ([3], [0], 3)]
)
def test_counts_that_cannot_be_are_refused(solved: list[int], lost: list[int], size: int):
    with pytest.raises(UnusableNumbersError):
        pass_rate(2, 2, solved, lost, size)
    with pytest.raises(UnusableNumbersError, match="one cluster"):
        pass_rate(1, 1, [1, 1], [0, 0], 3, ["one"])
