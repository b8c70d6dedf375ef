"""Scores that decide nothing: the mean, and an interval that holds wherever the scores ended."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from touchstone.statistics import UnusableNumbersError, clopper_pearson, mean_score

SCORES = st.lists(st.none() | st.floats(0, 1), max_size=30)


@given(SCORES)
def test_what_has_no_score_counts_both_ways(scores: list[float | None]):
    found = mean_score(scores, 30)
    known = [each for each in scores if each is not None]
    assert (found.scored, found.unscored, found.size) == (
        len(known),
        len(scores) - len(known),
        30,
    )
    ends = found.interval
    assert 0 <= ends.low <= ends.high <= 1
    if found.mean is None:
        assert not known
    else:
        assert found.mean == pytest.approx(np.mean(known))
        assert ends.low <= found.mean <= ends.high
    for filled in (0.0, 1.0):
        other = mean_score([filled if each is None else each for each in scores], 30).interval
        assert ends.low <= other.low + 1e-12
        assert other.high - 1e-12 <= ends.high


@pytest.mark.parametrize(
    ("draw", "mean"),
    [
        (lambda rng, n: (rng.random(n) < 0.1).astype(float), 0.1),
        (lambda rng, n: (rng.random(n) < 0.5).astype(float), 0.5),
        (lambda rng, n: rng.beta(8, 2, n), 0.8),
        (lambda rng, n: rng.choice([0.0, 0.5, 1.0], n), 0.5),
    ],
)
def test_the_mean_lies_in_it_at_whichever_item_it_is_stopped(
    draw: Callable[[np.random.Generator, int], NDArray[np.float64]], mean: float
):
    """Stopped where it looks worst, of 120 runs of 40 items at most 5%, with what chance adds."""
    rng, missed = np.random.default_rng(7), 0
    for _ in range(120):
        values = draw(rng, 40)
        ends = [mean_score(values[:n].tolist(), 40).interval for n in (5, 10, 20, 30, 40)]
        missed += any(not each.low <= mean <= each.high for each in ends)
    assert missed <= 12


def test_scores_that_vary_little_say_more_than_trials_of_0_and_1():
    """The exact bounds of 0/1 trials would be the same, however alike the scores are."""
    steady = mean_score([0.5, 0.52, 0.48, 0.5] * 25, 100).interval
    trials = clopper_pearson(50, 100)
    assert steady.high - steady.low < (trials.high - trials.low) / 2
    spread = mean_score([0.0, 1.0] * 50, 100).interval
    assert spread.high - spread.low > trials.high - trials.low


def test_near_copies_are_one_draw_and_more_items_say_more():
    scores: list[float | None] = [0.2, 0.9] * 30
    apart, copies = mean_score(scores, 60), mean_score(scores, 60, ["one", "other"] * 30)
    assert copies.interval.high - copies.interval.low > 0.9
    assert apart.interval.high - apart.interval.low < 0.5
    assert mean_score([], 60).interval.low == 0.0
    assert mean_score([], 60).interval.high == 1.0


@pytest.mark.parametrize(
    ("scores", "size", "clusters"),
    [
        ([float("nan")], 1, None),
        ([1.1], 1, None),
        ([-0.1], 1, None),
        ([float("inf")], 1, None),
        ([0.5, 0.5], 1, None),
        ([0.5], 1, ["a", "b"]),
    ],
)
def test_what_is_no_share_is_refused(
    scores: list[float | None], size: int, clusters: list[str] | None
):
    with pytest.raises(UnusableNumbersError):
        mean_score(scores, size, clusters)
