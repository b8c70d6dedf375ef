"""McNemar's exact test and the paired difference, against known answers."""

from itertools import product
from math import comb

import pytest

from touchstone.statistics import UnusableNumbersError
from touchstone.statistics.paired_outcomes import compare_paired


def outcomes(both: int, one: int, other: int, neither: int) -> tuple[list[bool], list[bool]]:
    kinds = [(True, True)] * both + [(True, False)] * one
    kinds += [(False, True)] * other + [(False, False)] * neither
    return [a for a, _ in kinds], [b for _, b in kinds]


def test_a_known_answer():
    found = compare_paired(*outcomes(10, 9, 2, 5))
    assert (found.both, found.one, found.other, found.neither, found.items) == (10, 9, 2, 5, 26)
    # 2 * P(X <= 2), X of 11 fair tosses.
    assert found.p_value == pytest.approx(2 * (1 + 11 + 55) / 2**11)
    assert found.difference is not None
    assert found.difference.value == pytest.approx(7 / 26)
    assert found.difference.interval.low < 7 / 26 < found.difference.interval.high


@pytest.mark.parametrize(("one", "other"), [*product(range(6), range(6))])
def test_it_is_the_sign_test_of_the_items_that_differ(one: int, other: int):
    n = one + other
    tail = sum(comb(n, k) for k in range(min(one, other) + 1)) / 2**n
    assert compare_paired(*outcomes(3, one, other, 1)).p_value == pytest.approx(min(1, 2 * tail))


def test_items_on_which_both_agree_change_no_p_value():
    few, many = compare_paired(*outcomes(0, 6, 0, 1)), compare_paired(*outcomes(90, 6, 0, 40))
    assert few.p_value == many.p_value == pytest.approx(2 / 2**6)


def test_the_false_alarm_rate_is_at_most_what_it_says():
    """All splits of 12 items that differ, each weighed by its chance where nothing differs."""
    for alpha in (0.01, 0.05, 0.2):
        said = sum(
            comb(12, k) / 2**12
            for k in range(13)
            if compare_paired(*outcomes(0, k, 12 - k, 2)).p_value <= alpha
        )
        assert said <= alpha


def test_near_copies_widen_the_interval_of_the_difference():
    one, other = outcomes(5, 6, 2, 5)
    alone = compare_paired(one, other).difference
    alike = compare_paired(one, other, [str(n // 3) for n in range(18)]).difference
    assert alone is not None
    assert alike is not None
    assert alike.interval.high - alike.interval.low > alone.interval.high - alone.interval.low
    assert compare_paired(one, other, ["all"] * 18).difference is None


def test_what_cannot_be_paired_is_refused():
    for one, other in (([], []), ([True], [True, False])):
        with pytest.raises(UnusableNumbersError, match="cannot be paired"):
            compare_paired(one, other)
