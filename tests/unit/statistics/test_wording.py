"""Rates in words: no 0% or 100% that is not exact, and no interval that reads as one number."""

import pytest

from touchstone.statistics import percent, percent_interval


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (0.0, "0%"),
        (1e-9, "<1%"),
        (0.005, "<1%"),
        (0.0051, "1%"),
        (0.123, "12%"),
        (0.994, "99%"),
        (0.995, ">99%"),
        (1.0, "100%"),
        (-0.001, ">-1%"),
        (-0.12, "-12%"),
    ],
)
def test_never_and_always_are_said_of_nothing_else(rate: float, said: str):
    assert percent(rate) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.0, 0.27, "0% to 27%"),
        (0.003, 0.27, "<1% to 27%"),
        (0.4964, 0.5041, "49.6% to 50.4%"),
        (0.6431, 0.6438, "64.3% to 64.4%"),
        (0.99901, 0.99999, "99.9% to >99.9%"),
        (-0.004, 0.004, ">-1% to <1%"),
        (0.5, 0.5, "50% to 50%"),
    ],
)
def test_both_ends_can_be_told_apart(low: float, high: float, said: str):
    assert percent_interval(low, high) == said
