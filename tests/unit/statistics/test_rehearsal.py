"""Rehearsed verdicts stop where replayed ones do, on batteries of the mean that was asked for."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.statistics import (
    Foresight,
    RateRule,
    UnusableNumbersError,
    blind,
    course,
    graded,
    learn,
    replay,
)
from touchstone.statistics.rehearsal import invented_outcomes, invented_pairs, samples_used

RULE = RateRule(0.5, 0.05, 0.05, 0.02)


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(1e-9, 1 - 1e-9, shape)


def _foresight() -> Foresight:
    rng = np.random.default_rng(3)
    easiness = rng.normal(0, 2, 60)
    chances = 1 / (1 + np.exp(-(rng.normal(0, 1, 8)[:, None] + easiness)))
    return learn((rng.random((8, 60)) < chances).astype(float))


@pytest.mark.parametrize("evenly", [False, True])
@pytest.mark.parametrize(
    "foresight", [blind(60), _foresight(), blind(4), graded([1, 2, 3, 4, 5] * 3)],
    ids=["blind", "learnt", "tiny", "graded"],
)  # fmt: skip
def test_a_rehearsal_stops_where_a_replay_does(foresight: Foresight, *, evenly: bool):
    size = foresight.classes.size
    rates = np.array([0.0, 0.2, 0.45, 0.5, 0.6, 0.9, 1.0])
    outcomes = invented_outcomes(foresight, rates, numbers(1, rates.size, size))
    uniforms = numbers(2, rates.size, size)
    used = samples_used(foresight, RULE, outcomes, uniforms, evenly=evenly)
    for row, drawn, stop in zip(outcomes, uniforms, used, strict=True):
        begun = course(RULE, foresight, drawn, evenly=evenly)
        assert replay(begun, dict(enumerate(row))).used == stop


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.integers(0, 99))
def test_invented_batteries_have_the_rate_asked_for(rates: list[float], seed: int):
    outcomes = invented_outcomes(blind(40), np.array(rates), numbers(seed, len(rates), 40))
    assert np.abs(outcomes.mean(1) - rates).max() <= 0.5 / 40 + 1e-12


def test_invented_outcomes_follow_the_views():
    foresight = _foresight()
    outcomes = invented_outcomes(foresight, np.full(200, 0.5), numbers(4, 200, 60))
    expected = (foresight.weights @ foresight.chances)[foresight.classes]
    assert np.corrcoef(outcomes.mean(0), expected)[0, 1] > 0.8


@given(st.floats(-1, 1), st.floats(0, 1), st.integers(0, 99))
def test_invented_pairs_have_the_difference_asked_for(difference: float, apart: float, seed: int):
    outcomes = invented_pairs(np.array([difference]), apart, numbers(seed, 1, 50))
    assert set(np.unique(outcomes)) <= {0.0, 0.5, 1.0}
    assert 2 * outcomes.mean() - 1 == pytest.approx(difference, abs=0.021)


def test_far_from_the_threshold_takes_fewer_samples():
    rates = np.repeat([0.55, 0.7, 0.9], 40)
    outcomes = invented_outcomes(blind(200), rates, numbers(5, 120, 200))
    used = samples_used(blind(200), RateRule(0.5, 0, 0.05, 0.02), outcomes, numbers(6, 120, 200))
    near, middle, far = used.reshape(3, 40).mean(1)
    assert near > 2 * middle > 3 * far
    assert used.max() <= 200


@pytest.mark.parametrize(
    "refused",
    [
        lambda: invented_outcomes(blind(5), np.array([0.5]), numbers(1, 1, 4)),
        lambda: invented_outcomes(blind(5), np.array([1.5]), numbers(1, 1, 5)),
        lambda: invented_outcomes(blind(5), np.array([0.5]), np.zeros((1, 5))),
        lambda: samples_used(blind(5), RULE, np.ones((1, 4)), numbers(1, 1, 4)),
        lambda: samples_used(blind(5), RULE, np.full((1, 5), np.nan), numbers(1, 1, 5)),
    ],
)
def test_what_means_nothing_is_refused(refused: Callable[[], object]):
    with pytest.raises(UnusableNumbersError):
        refused()
