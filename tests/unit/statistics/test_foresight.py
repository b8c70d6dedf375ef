import numpy as np
import pytest

from support.batteries import people
from touchstone.statistics import Foresight, UnusableNumbersError, blind, learn


def test_views_learnt_from_others_know_the_items():
    table = people(20, 200, seed=3)
    views = learn(table[1:])
    outcomes = table[0]
    chances = views.chances[:, views.classes]
    fit = (outcomes * np.log(chances) + (1 - outcomes) * np.log1p(-chances)).sum(1)
    best = chances[fit.argmax()]
    rate = outcomes.mean()
    assert ((outcomes - best) ** 2).mean() < 0.75 * rate * (1 - rate)


def test_learning_is_deterministic_and_within_bounds():
    table = people(9, 150, seed=1)
    one, other = learn(table), learn(table)
    assert np.array_equal(one.chances, other.chances)
    assert np.array_equal(one.classes, other.classes)
    assert one.weights.sum() == pytest.approx(1.0)
    assert one.members.sum() == 150
    assert one.members.max() <= 3


@pytest.mark.parametrize("models", [0, 1, 2, 5])
def test_few_models_are_enough(models: int):
    views = learn(people(5, 40, seed=2)[:models])
    assert np.all((views.chances > 0) & (views.chances < 1))


def test_models_all_alike_and_outcomes_in_between_do_no_harm():
    for table in (np.ones((6, 30)), np.full((6, 30), 0.3)):
        views = learn(table)
        assert np.all(np.isfinite(views.means))


def test_blind_views_reach_from_end_to_end():
    means = blind(10).means
    assert means.min() < 0.01
    assert means.max() > 0.99


@pytest.mark.parametrize(
    ("classes", "chances", "weights", "what"),
    [
        ([], [[0.5]], [1.0], "without items"),
        ([0, 1], [[0.5]], [1.0], "no view expects"),
        ([0], [[1.0]], [1.0], "strictly between"),
        ([0], [[float("nan")]], [1.0], "strictly between"),
        ([0], [[0.5]], [0.0], "positive"),
        ([0], [[0.5]], [1.0, 1.0], "one weight"),
    ],
)
def test_views_that_mean_nothing_are_refused(
    classes: list[int], chances: list[list[float]], weights: list[float], what: str
):
    with pytest.raises(UnusableNumbersError, match=what):
        Foresight(np.array(classes, int), np.array(chances), np.array(weights))


def test_other_models_outcomes_are_checked():
    with pytest.raises(UnusableNumbersError, match=r"nan at place 1, 2"):
        learn(np.array([[1.0, 0, 1], [0, 0, np.nan]]))
    with pytest.raises(UnusableNumbersError, match="models by items"):
        learn(np.array([1.0, 0]))
