"""The game is fair: shown exactly, by every order of tiny batteries, whatever is foreseen."""

from itertools import permutations, product

import numpy as np
import pytest

from touchstone.statistics import e_process
from touchstone.statistics.e_process import initial_wealth, parallel_tests, update_wealth
from touchstone.statistics.item_model import ItemModel, Numbers

SIZE = 5
CLASSES = np.array([0, 0, 1, 1, 2])
ORDERS = np.array(list(permutations(range(SIZE))))


def wild_model(seed: int) -> ItemModel:
    rng = np.random.default_rng(seed)
    probabilities = rng.uniform(0.001, 0.999, (6, 3)) ** rng.choice([0.2, 1.0, 5.0])
    return ItemModel(CLASSES, probabilities, rng.uniform(0.1, 1.0, 6))


def chance_of_each_order(weights: Numbers) -> Numbers:
    drawn = weights[CLASSES][ORDERS]
    left = np.cumsum(drawn[:, ::-1], 1)[:, ::-1]
    chance: Numbers = (drawn / left).prod(1)
    return chance


def worth(outcomes: Numbers, claim: float, weights: Numbers, said: Numbers, seed: int) -> Numbers:
    """Expected wealth of both bettors after each draw, over all orders: (draws, 2)."""
    count = len(ORDERS)
    ends = np.full((1, count), claim)
    setup = parallel_tests([wild_model(seed)], ends, ends, np.tile(said, (1, count, 1)))
    wealth, chance, found = initial_wealth(setup), chance_of_each_order(weights), []
    for place in range(SIZE):
        items = ORDERS[:, place][None]
        wealth = update_wealth(setup, wealth, CLASSES[items], outcomes[items])
        found.append((np.exp(wealth.logs[:, 0]) * chance).sum(1))
    return np.array(found)


WEIGHTS = (np.ones(3), np.array([1.0, 0.2, 0.05]))


@pytest.mark.parametrize("weights", WEIGHTS, ids=("evenly", "unevenly"))
@pytest.mark.parametrize("claim", [0.3, 0.4, 0.6, 0.77])
def test_no_claim_that_holds_lets_wealth_grow(claim: float, weights: Numbers):
    for seed, bits in enumerate(product((0.0, 1.0), repeat=SIZE)):
        outcomes = np.array(bits)
        above, below = worth(outcomes, claim, weights, weights, seed).T
        if outcomes.mean() <= claim:
            assert above.max() <= 1 + 1e-9
        if outcomes.mean() >= claim:
            assert below.max() <= 1 + 1e-9


def test_partial_outcomes_are_fair_too():
    rng = np.random.default_rng(1)
    for seed in range(40):
        outcomes = rng.uniform(0, 1, SIZE)
        for weights in WEIGHTS:
            found = worth(outcomes, float(outcomes.mean()), weights, weights, seed)
            assert found.max() <= 1 + 1e-9


def test_at_the_edge_of_the_claim_the_first_bets_are_worth_exactly_one():
    found = worth(np.array([1.0, 0, 1, 0, 0]), 0.4, WEIGHTS[1], WEIGHTS[1], 3)
    assert found[:2] == pytest.approx(1.0)


def test_twin_an_order_drawn_otherwise_than_said_is_unfair():
    unfair = [
        worth(np.array(bits), 0.4, weights=WEIGHTS[1], said=WEIGHTS[0], seed=seed)[:, 0].max()
        for seed, bits in enumerate(product((0.0, 1.0), repeat=SIZE))
        if sum(bits) <= 2
    ]
    assert max(unfair) > 1.01


def test_twin_a_payoff_that_is_not_divided_by_its_worth_is_unfair(
    monkeypatch: pytest.MonkeyPatch,
):
    fair = e_process._payoff

    def generous(
        q: Numbers, shares: Numbers, odds: Numbers, edge: Numbers, sign: Numbers
    ) -> tuple[Numbers, Numbers]:
        stake, base = fair(q, shares, odds, edge, sign)
        return stake, base * 1.02

    monkeypatch.setattr(e_process, "_payoff", generous)
    assert worth(np.array([1.0, 0, 1, 0, 0]), 0.4, WEIGHTS[0], WEIGHTS[0], 3).max() > 1.01


def test_right_views_make_wealth_grow_and_a_hopeless_bettor_keeps_it():
    probabilities = np.array([[0.9, 0.9, 0.9], [0.1, 0.1, 0.1]])
    item_model = ItemModel(CLASSES, probabilities, np.ones(2))
    setup = parallel_tests([item_model], np.array([[0.95]]), np.array([[0.95]]))
    wealth = update_wealth(setup, initial_wealth(setup), np.array([[0]]), np.array([[0.0]]))
    assert wealth.logs[0, 0, 0] == pytest.approx(0.0)
    assert wealth.logs[1, 0, 0] > 0.5


def test_a_test_without_an_item_stays_where_it_is():
    item_model = wild_model(0)
    ends = np.full((1, 2), 0.5)
    setup = parallel_tests([item_model], ends, ends)
    wealth = update_wealth(
        setup, initial_wealth(setup), np.array([[0, -1]]), np.array([[1.0, 0.0]])
    )
    assert wealth.counted.tolist() == [[1.0, 0.0]]
    assert wealth.logs[:, 0, 1].tolist() == [0.0, 0.0]
    assert wealth.left[0, 1].tolist() == [2.0, 2.0, 1.0]
    assert wealth.left[0, 0].tolist() == [1.0, 2.0, 1.0]


def test_batteries_of_unlike_shape_play_side_by_side_as_they_do_alone():
    one = wild_model(1)
    other = ItemModel(np.array([0, 0, 1]), np.array([[0.3, 0.8]]), np.ones(1))
    ends = np.full((2, 1), 0.5)
    both = parallel_tests([one, other], ends, ends)
    wealth = initial_wealth(both)
    lone_setup = parallel_tests([other], ends[:1], ends[:1])
    lone = initial_wealth(lone_setup)
    for kind, outcome in ((0, 1.0), (1, 0.0)):
        wealth = update_wealth(both, wealth, np.full((2, 1), kind), np.full((2, 1), outcome))
        lone = update_wealth(lone_setup, lone, np.array([[kind]]), np.array([[outcome]]))
    assert wealth.logs[:, 1, 0] == pytest.approx(lone.logs[:, 0, 0])
