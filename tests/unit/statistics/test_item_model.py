import numpy as np
import pytest

from support.batteries import graded_people, people, verdicts_by_difficulty
from touchstone.bench.learning import learn
from touchstone.statistics import (
    BETS_VERSION,
    ItemModel,
    RateRule,
    UnusableNumbersError,
    difficulty_design,
    difficulty_model,
    evidence_path,
    homogeneous_model,
)

LEVELS = np.repeat(np.arange(1.0, 6.0), 12)
KNOWN = difficulty_model([int(level) for level in LEVELS])


def test_views_learnt_from_others_know_the_items():
    table = people(20, 200, seed=3)
    views = learn(table[1:])
    outcomes = table[0]
    probabilities = views.probabilities[:, views.classes]
    fit = (outcomes * np.log(probabilities) + (1 - outcomes) * np.log1p(-probabilities)).sum(1)
    best = probabilities[fit.argmax()]
    rate = outcomes.mean()
    assert ((outcomes - best) ** 2).mean() < 0.75 * rate * (1 - rate)


def test_learning_is_deterministic_and_within_bounds():
    table = people(9, 150, seed=1)
    one, other = learn(table), learn(table)
    assert np.array_equal(one.probabilities, other.probabilities)
    assert np.array_equal(one.classes, other.classes)
    assert one.weights.sum() == pytest.approx(1.0)
    assert one.class_sizes.sum() == 150
    assert one.class_sizes.max() <= 3


@pytest.mark.parametrize("models", [0, 1, 2, 5])
def test_few_models_are_enough(models: int):
    views = learn(people(5, 40, seed=2)[:models])
    assert np.all((views.probabilities > 0) & (views.probabilities < 1))


def test_models_all_alike_and_outcomes_in_between_do_no_harm():
    for table in (np.ones((6, 30)), np.full((6, 30), 0.3)):
        views = learn(table)
        assert np.all(np.isfinite(views.means))


def test_blind_views_reach_from_end_to_end():
    means = homogeneous_model(10).means
    assert means.min() < 0.01
    assert means.max() > 0.99


@pytest.mark.parametrize("size", [0, -1])
def test_a_model_of_no_items_is_refused(size: int):
    with pytest.raises(UnusableNumbersError, match="without items"):
        homogeneous_model(size)


@pytest.mark.parametrize(
    ("classes", "probabilities", "weights", "what"),
    [
        ([], [[0.5]], [1.0], "without items"),
        ([0, 1], [[0.5]], [1.0], "no component knows"),
        ([0], [[1.0]], [1.0], "strictly between"),
        ([0], [[float("nan")]], [1.0], "strictly between"),
        ([0], [[0.5]], [0.0], "positive"),
        ([0], [[0.5], [0.5]], [1.0, 0.0], "positive"),
        ([0], [[0.5], [0.5]], [1.0, float("inf")], "positive"),
        ([0, 1], [[0.5, 1.0]], [1.0], "strictly between"),
        ([0], [[0.5]], [1.0, 1.0], "one weight"),
    ],
)
def test_views_that_mean_nothing_are_refused(
    classes: list[int], probabilities: list[list[float]], weights: list[float], what: str
):
    with pytest.raises(UnusableNumbersError, match=what):
        ItemModel(np.array(classes, int), np.array(probabilities), np.array(weights))


def test_other_models_outcomes_are_checked():
    with pytest.raises(UnusableNumbersError, match=r"nan at place 1, 2"):
        learn(np.array([[1.0, 0, 1], [0, 0, np.nan]]))
    with pytest.raises(UnusableNumbersError, match="models by items"):
        learn(np.array([1.0, 0]))
    with pytest.raises(UnusableNumbersError, match="no value missing"):
        learn([[1.0, 0.0], [1.0]])  # type: ignore[arg-type]  # as a hurried caller passes rows


# ------------------------------------------------------------------ by difficulty alone


def test_harder_items_are_expected_to_be_solved_less_often():
    views = difficulty_model([3, 1, 2, 2, 9])
    assert views.classes.tolist() == [2, 0, 1, 1, 3]
    assert views.class_sizes.tolist() == [1, 2, 1, 1]
    falls = np.diff(views.probabilities, axis=1)
    assert np.all(falls <= 0)
    assert np.all(falls[:100] < 0)
    assert views.weights.sum() == pytest.approx(1.0)


def test_only_the_order_of_levels_counts_and_one_level_says_nothing():
    one, other = difficulty_model([1, 2, 5, 2]), difficulty_model([10, 20, 21, 20])
    assert np.array_equal(one.probabilities, other.probabilities)
    assert np.array_equal(
        difficulty_model([4, 4, 4]).probabilities, homogeneous_model(3).probabilities
    )
    with pytest.raises(UnusableNumbersError, match="without items"):
        difficulty_model([])


def test_difficulty_that_says_something_makes_verdicts_earlier():
    """A fifth fewer samples at 10 points on 60 items, with the same orders and models."""
    people_ = graded_people("as said", 120, LEVELS, seed=4)
    knowing, _, _ = verdicts_by_difficulty(KNOWN, people_, 0.1, seed=9)
    unknowing, _, _ = verdicts_by_difficulty(homogeneous_model(LEVELS.size), people_, 0.1, seed=9)
    assert knowing.mean() < 0.93 * unknowing.mean()


@pytest.mark.parametrize("kind", ["inverted", "shuffled"])
def test_difficulty_that_misleads_costs_little(kind: str):
    people_ = graded_people(kind, 120, LEVELS, seed=4)
    misled, _, _ = verdicts_by_difficulty(KNOWN, people_, 0.1, seed=9)
    unknowing, _, _ = verdicts_by_difficulty(homogeneous_model(LEVELS.size), people_, 0.1, seed=9)
    assert misled.mean() < 1.15 * unknowing.mean()


@pytest.mark.parametrize("kind", ["as said", "inverted", "shuffled"])
def test_difficulty_never_makes_a_verdict_wrong(kind: str):
    """At the threshold itself, where every word is wrong, errors keep to alpha and beta."""
    people_ = graded_people(kind, 500, LEVELS, seed=6)
    _, above, below = verdicts_by_difficulty(KNOWN, people_, 0.0, seed=2)
    for said, error in ((above, 0.05), (below, 0.02)):
        assert said.mean() <= error + 3 * (error * (1 - error) / 500) ** 0.5


def test_the_bets_of_this_name_are_these():
    """A record names them; whoever changes them must change the name."""
    rule = RateRule(0.5, 0.1, 0.025, 0.05)
    way = evidence_path(
        difficulty_design(rule, [1, 2, 3, 4, 5] * 8), np.array([1.0, 1.0, 0.0, 1.0, 1.0, 0.0])
    )
    assert BETS_VERSION == "graded-1"
    assert way.above == pytest.approx(GOLDEN_ABOVE, abs=1e-6)
    assert way.below == pytest.approx(GOLDEN_BELOW, abs=1e-6)


GOLDEN_ABOVE = [0.4144184, 0.8987015, -0.0711804, 0.5616038, 1.3141407, 0.1198915]
GOLDEN_BELOW = [-0.2132791, -0.5432524, -0.0651765, -1.4736191, -2.2965308, -1.9189641]
