"""Rehearsed verdicts stop where replayed ones do, on batteries of the mean that was asked for."""

from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.bench.learning import learn
from touchstone.statistics import (
    ItemModel,
    RateRule,
    UnusableNumbersError,
    difficulty_model,
    homogeneous_model,
    replay_outcomes,
    sequential_design,
)
from touchstone.statistics.simulation import (
    draw_battery_rates,
    simulate_outcomes,
    simulate_verdicts,
)

RULE = RateRule(0.5, 0.05, 0.05, 0.02)


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(1e-9, 1 - 1e-9, shape)


def _item_model() -> ItemModel:
    rng = np.random.default_rng(3)
    easiness = rng.normal(0, 2, 60)
    probabilities = 1 / (1 + np.exp(-(rng.normal(0, 1, 8)[:, None] + easiness)))
    return learn((rng.random((8, 60)) < probabilities).astype(float))


@pytest.mark.parametrize("uniform_order", [False, True])
@pytest.mark.parametrize(
    "item_model",
    [
        homogeneous_model(60),
        _item_model(),
        homogeneous_model(4),
        difficulty_model([1, 2, 3, 4, 5] * 3),
    ],
    ids=["blind", "learnt", "tiny", "graded"],
)
def test_a_simulation_says_and_stops_as_a_replay_does(
    item_model: ItemModel, *, uniform_order: bool
):
    size = item_model.classes.size
    rates = np.array([0.0, 0.2, 0.45, 0.5, 0.6, 0.9, 1.0])
    outcomes = simulate_outcomes(item_model, rates, numbers(1, rates.size, size))
    uniforms = numbers(2, rates.size, size)
    for rule in (RULE, replace(RULE, zone_side="below"), replace(RULE, zone=0.0, alpha=0.2)):
        found = simulate_verdicts(item_model, rule, outcomes, uniforms, uniform_order=uniform_order)
        for row, drawn, said in zip(outcomes, uniforms, found.progress, strict=True):
            begun = sequential_design(rule, item_model, drawn, uniform_order=uniform_order)
            replayed = replay_outcomes(begun, dict(enumerate(row)))
            evidence = ("log_above", "log_below", "peak_above", "peak_below")
            near = {name: pytest.approx(getattr(said, name), abs=1e-9) for name in evidence}
            assert asdict(replace(replayed, overshoot=0)) == {**asdict(said), **near}


def test_batteries_are_drawn_around_a_rate_and_near_copies_spread_them():
    rates = np.repeat([0.0, 0.3, 1.0], 4000)
    apart = draw_battery_rates(40, 40, 0.3, rates, np.random.default_rng(0)).reshape(3, -1)
    copies = draw_battery_rates(40, 8, 0.3, rates, np.random.default_rng(0)).reshape(3, -1)
    for found, variance in ((apart, 0.21 / 40), (copies, 0.21 / 40 * (1 + 4 * 0.3))):
        assert found[0].max() == 0
        assert found[2].min() == 1
        assert found[1].mean() == pytest.approx(0.3, abs=0.01)
        assert found[1].var() == pytest.approx(variance, rel=0.1)


def test_a_model_that_solves_nothing_or_all_does_so_on_every_battery():
    """Not only nearly: these batteries are large enough to show a millionth."""
    rates = np.repeat([0.0, 1.0], 10)
    found = draw_battery_rates(1_000_000, 2, 1e-9, rates, np.random.default_rng(0))
    assert found.tolist() == rates.tolist()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.integers(0, 99))
def test_invented_batteries_have_the_rate_asked_for(rates: list[float], seed: int):
    outcomes = simulate_outcomes(
        homogeneous_model(40), np.array(rates), numbers(seed, len(rates), 40)
    )
    assert np.abs(outcomes.mean(1) - rates).max() <= 0.5 / 40 + 1e-12


def test_invented_outcomes_follow_the_views():
    item_model = _item_model()
    outcomes = simulate_outcomes(item_model, np.full(200, 0.5), numbers(4, 200, 60))
    expected = (item_model.weights @ item_model.probabilities)[item_model.classes]
    assert np.corrcoef(outcomes.mean(0), expected)[0, 1] > 0.8


def test_far_from_the_threshold_takes_fewer_samples():
    rates = np.repeat([0.55, 0.7, 0.9], 40)
    outcomes = simulate_outcomes(homogeneous_model(200), rates, numbers(5, 120, 200))
    rule = RateRule(0.5, 0, 0.05, 0.02)
    used = simulate_verdicts(homogeneous_model(200), rule, outcomes, numbers(6, 120, 200)).used
    near, middle, far = used.reshape(3, 40).mean(1)
    assert near > 2 * middle > 3 * far
    assert used.max() <= 200


@pytest.mark.parametrize(
    "refused",
    [
        lambda: simulate_outcomes(homogeneous_model(5), np.array([0.5]), numbers(1, 1, 4)),
        lambda: simulate_outcomes(homogeneous_model(5), np.array([1.5]), numbers(1, 1, 5)),
        lambda: simulate_outcomes(homogeneous_model(5), np.array([0.5]), np.zeros((1, 5))),
        lambda: simulate_verdicts(homogeneous_model(5), RULE, np.ones((1, 4)), numbers(1, 1, 4)),
        lambda: simulate_verdicts(
            homogeneous_model(5), RULE, np.full((1, 5), np.nan), numbers(1, 1, 5)
        ),
    ],
)
def test_what_means_nothing_is_refused(refused: Callable[[], object]):
    with pytest.raises(UnusableNumbersError):
        refused()
