"""Sequential verdicts on matrices of known truth: what they cost, and how often they are wrong.

Each model in turn is the one under review; an item model is fitted to others. The truth is the
model's mean over the whole battery. Each test has its own committed order, drawn anew.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from heapq import heapify, heappushpop
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from touchstone.bench.learning import learn
from touchstone.bench.populations import ModelPopulation, invent, read_population
from touchstone.bench.table import BenchRow, BenchTable
from touchstone.errors import BadInputError
from touchstone.statistics import (
    ItemModel,
    RateRule,
    check_integrity,
    homogeneous_model,
    sampling_weights,
)
from touchstone.statistics.e_process import (
    ParallelTests,
    Wealth,
    initial_wealth,
    parallel_tests,
    update_wealth,
)
from touchstone.statistics.sequential import settled

Numbers = NDArray[np.float64]

DISTANCES = (0.05, 0.1, 0.2)
TRAINING = ("others", "weakest", "few", "none")
_FEW = 3
_CONFIDENCE = 0.95
_GRID = 200
_WRONG_GATE = 0.05
# Goals without and with a zone of 5 points, for 500 items and true rates of 0.2 to 0.8.
_GOALS = {(0.1, 0.0): 0.12, (0.2, 0.0): 0.05, (0.1, 0.05): 0.06}
_GOAL_ITEMS = 500
_LEAST_ITEMS, _MOST_ITEMS = 10, 5000
_RATES = (0.2, 0.8)
# A threshold nearer to 0 or 1 than this, zone left aside, is no test.
_MARGIN = 0.02
_ROUNDING = 1e-9
# Orders of each test, tests that a distance should have, and outcomes in memory at once.
_REPEATS = (10, 200)
_TESTS = 400
_CELLS = 8_000_000
# With one threshold for all, models are counted with the nearest of these distances.
_BINS = (0.0, 0.05, 0.1, 0.2, 0.3)


@dataclass(frozen=True)
class _Options:
    tau: float | None
    zone: float
    alpha: float
    beta: float
    concurrency: int
    shuffle_items: bool
    train: str
    repeats: int


@dataclass(frozen=True)
class _Results:
    """What came out, one column of shape (tests,) each."""

    distance: Numbers
    word: Numbers
    """1 above, -1 below, 0 neither."""
    false_above: Numbers
    false_below: Numbers
    used: Numbers
    """Share of the battery that the verdict rests on."""
    spent: Numbers
    """Share of the battery that had been started when the verdict stood."""
    covered: Numbers
    oracle: Numbers
    """Share that a test needs which knows the true mean."""
    cost: Numbers
    """Of one sample."""


def run(
    matrix: Path | None = None,
    tau: float | None = None,
    zone: float = 0.0,
    alpha: float = 0.05,
    beta: float = 0.05,
    concurrency: int = 1,
    shuffle_items: bool = False,
    train: str = "others",
    repeats: int | None = None,
    seed: int = 3,
    *,
    items: int | None = None,
    say: Callable[[str], None] | None = None,
) -> BenchTable:
    """Measure verdicts on a matrix file, or on an invented population of 24 models.

    Without `tau`, each model whose mean lies in 0.2 to 0.8 meets thresholds at 5, 10 and 20 points
    on both sides of its mean; with `tau`, all models meet that one. `train` says what the item
    model is fitted to: all other models, the weaker half of them, the three weakest, or none. An
    invented population has `items` items, 500 by default. Each test is repeated in `repeats`
    orders; by default in as many as it takes for a rate of 5% to be told from chance. What is
    suspect in a matrix stands in the table's notes: copies among the models, for one, since a model
    that foretells itself makes verdicts look cheap. `say` is told of each as it comes.

    Raises:
        BadInputError: a matrix or an option that cannot be used.
    """
    if train not in TRAINING:
        raise BadInputError(f"train is one of {', '.join(TRAINING)}, not {train!r}")
    if items is not None and (matrix is not None or not _LEAST_ITEMS <= items <= _MOST_ITEMS):
        raise BadInputError(
            f"items is {_LEAST_ITEMS} to {_MOST_ITEMS}, for an invented population and no matrix"
        )
    if concurrency < 1 or (repeats is not None and repeats < 1):
        raise BadInputError("concurrency and repeats must be at least 1")
    RateRule(0.5 if tau is None else tau, zone, alpha, beta)
    rng = np.random.default_rng(seed)
    people = invent(rng, items=items or _GOAL_ITEMS) if matrix is None else read_population(matrix)
    options = _Options(tau, zone, alpha, beta, concurrency, shuffle_items, train, repeats or 1)
    if repeats is None:
        options = replace(options, repeats=_enough_repeats(people.outcomes, options))
    notes = () if matrix is None else _doubts(people)
    tell = say or (lambda _: None)
    found = [each for each in _each_model(people, options, rng, tell) if each.distance.size]
    if not found:
        raise BadInputError("no model's mean leaves room for a threshold at any distance")
    results = _Results(
        *(np.concatenate([getattr(each, name.name) for each in found]) for name in fields(_Results))
    )
    models, size = people.outcomes.shape
    title = (
        f"verdicts: {'invented' if matrix is None else matrix.name}, {models} models x {size} "
        f"items, {'tau at each distance' if tau is None else f'tau {tau:g}'}, zone {zone:g}, "
        f"alpha {alpha:g}, beta {beta:g}, concurrency {concurrency}, train {train}"
        f"{', items shuffled' if shuffle_items else ''}"
    )
    usual = train == "others" and tau is None and concurrency == 1 and not shuffle_items
    goals = _GOALS if usual and size == _GOAL_ITEMS else {}
    rows = tuple(_rows(results, options, goals, people.costs is not None))
    return BenchTable(title, rows, gates=True, notes=notes)


def _doubts(people: ModelPopulation) -> tuple[str, ...]:
    """What the integrity checks name in a matrix that was handed in."""
    items = [f"item {number}" for number in range(1, people.outcomes.shape[1] + 1)]
    doubts = check_integrity(people.outcomes, people.names, items)
    return tuple(f"{doubt.kind}: {doubt.text}" for doubt in doubts)


def _enough_repeats(outcomes: Numbers, options: _Options) -> int:
    """So many orders that every distance has 400 tests, as far as memory allows."""
    tests = [_tests(float(mean), options) for mean in outcomes.mean(1)]
    counts = Counter(distance for each in tests for distance, _ in each)
    most = max((len(each) for each in tests), default=0)
    if not counts:
        return _REPEATS[0]
    wanted = -(-_TESTS // min(counts.values()))
    affordable = _CELLS // (most * int(outcomes.shape[1]))
    return max(_REPEATS[0], min(_REPEATS[1], wanted, affordable))


def _each_model(
    people: ModelPopulation, options: _Options, rng: Generator, say: Callable[[str], None]
) -> Iterator[_Results]:
    means = people.outcomes.mean(1)
    for model, outcomes in enumerate(people.outcomes):
        say(f"verdicts: model {model + 1} of {len(means)}")
        tests = _tests(float(means[model]), options)
        if not tests:
            continue
        # From the others alone: a model that foretold itself would make verdicts look cheap.
        item_model = _item_model(people.outcomes, means, model, options.train)
        # The same rate on strange items: whatever the other models tell of them is then wrong, and
        # the error rates must hold all the same.
        if options.shuffle_items:
            outcomes = rng.permutation(outcomes)  # noqa: PLW2901 - the same model, misplaced
        cost = 1.0 if people.costs is None else float(people.costs[model])
        yield _test(outcomes, item_model, tests * options.repeats, options, cost, rng)


def _tests(mean: float, options: _Options) -> list[tuple[float, float]]:
    """(distance, threshold) of each test of a model with this mean."""
    if options.tau is not None:
        gap = abs(mean - options.tau)
        return [(min(_BINS, key=lambda each: abs(each - gap)), options.tau)]
    if not _RATES[0] <= mean <= _RATES[1]:
        return []
    reach = options.zone + _MARGIN
    return [
        (distance, mean - sign * distance)
        for distance in DISTANCES
        for sign in (1, -1)
        if reach < mean - sign * distance < 1 - reach
    ]


def _item_model(outcomes: Numbers, means: Numbers, model: int, train: str) -> ItemModel:
    if train == "none":
        return homogeneous_model(outcomes.shape[1])
    others = np.delete(np.arange(len(outcomes)), model)
    if train in {"weakest", "few"}:
        count = _FEW if train == "few" else (others.size + 1) // 2
        others = others[np.argsort(means[others], kind="stable")][:count]
    return learn(outcomes[others])


def _test(
    outcomes: Numbers,
    item_model: ItemModel,
    tests: list[tuple[float, float]],
    options: _Options,
    cost: float,
    rng: Generator,
) -> _Results:
    """All tests of one model, each with an order of its own."""
    distance, threshold = np.array(tests).T
    size, mean = outcomes.size, float(outcomes.mean())
    rules = {each: RateRule(each, options.zone, options.alpha, options.beta) for each in threshold}
    weights = np.stack([sampling_weights(item_model, rules[each]) for each in threshold])
    keys = rng.exponential(size=(threshold.size, size)) / weights[:, item_model.classes]
    orders = np.argsort(keys, 1)
    used, word, covered = _play(outcomes, item_model, threshold, weights, orders, options)
    spent = np.array(
        [
            _started(outcomes[order], int(count), options.concurrency, rng)
            for order, count in zip(orders, used, strict=True)
        ]
    )
    edge = options.zone - _ROUNDING
    return _Results(
        distance,
        word,
        ((word > 0) & (mean <= threshold - edge)).astype(float),
        ((word < 0) & (mean >= threshold + edge)).astype(float),
        used / size,
        spent / size,
        covered,
        _oracle(outcomes, threshold, options, rng) / size,
        np.full(threshold.size, cost),
    )


def _play(
    outcomes: Numbers,
    item_model: ItemModel,
    threshold: Numbers,
    weights: Numbers,
    orders: NDArray[np.int64],
    options: _Options,
) -> tuple[Numbers, Numbers, Numbers]:
    """Samples used, word, and whether the confidence sequence held the truth up to there."""
    tests, size = orders.shape
    claims = threshold[None] - options.zone, threshold[None] + options.zone
    setup = parallel_tests([item_model], *claims, weights[None])
    # The confidence sequence misses the truth only if the means next to it on its grid fall.
    mean = float(outcomes.mean())
    next_up, next_down = np.ceil(mean * _GRID - 1e-9) / _GRID, np.floor(mean * _GRID + 1e-9) / _GRID
    ends = np.tile([[min(next_up, 1 - 1e-9), max(next_down, 1e-9)]], (tests, 1)).T
    truth = parallel_tests([item_model], ends[:1], ends[1:], weights[None])
    wealth, watched = initial_wealth(setup), initial_wealth(truth)
    used, word, covered = np.full(tests, float(size)), np.zeros(tests), np.ones(tests)
    playing = np.arange(tests)
    for count in range(1, size + 1):
        items = orders[playing, count - 1][None]
        wealth = update_wealth(setup, wealth, item_model.classes[items], outcomes[items])
        watched = update_wealth(truth, watched, item_model.classes[items], outcomes[items])
        covered[playing[(watched.logs[:, 0] >= np.log(2 / (1 - _CONFIDENCE))).any(0)]] = 0
        above, below = _claims_won(setup, wealth, count, size, options)
        over = above | below
        if over.any():
            used[playing[over]] = count
            word[playing[over]] = above[over].astype(float) - below[over]
            kept = ~over
            playing = playing[kept]
            setup, wealth = setup.select(kept), wealth.select(kept)
            truth, watched = truth.select(kept), watched.select(kept)
        if not playing.size:
            break
    return used, word, covered


def _claims_won(
    setup: ParallelTests, wealth: Wealth, count: int, size: int, options: _Options
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether "above" and "below" stand, as `sequential_verdict` says, test by test."""
    sure = settled((setup.low[0], setup.high[0]), size, count, wealth.total[0])
    above = (wealth.logs[0, 0] >= -np.log(options.alpha)) | sure[0]
    below = (wealth.logs[1, 0] >= -np.log(options.beta)) | sure[1]
    return above, below


def _started(outcomes: Numbers, used: int, concurrency: int, rng: Generator) -> int:
    """Samples started when the prefix of `used` is complete; failures take three times as long.

    None starts more than `concurrency` places ahead of the prefix: one slow sample would otherwise
    let the others run through the battery.
    """
    lasting = rng.lognormal(0.0, 1.0, outcomes.size) * (3.0 - 2.0 * outcomes)
    free = [0.0] * concurrency
    heapify(free)
    complete: list[float] = []
    for place, length in enumerate(lasting):
        ready = complete[place - concurrency] if place >= concurrency else 0.0
        begun = max(free[0], ready)
        # As in a review: what had begun when the verdict stood is paid for.
        if place >= used and begun >= complete[used - 1]:
            return place
        heappushpop(free, begun + float(length))
        complete.append(max(complete[-1] if complete else 0.0, begun + float(length)))
    return outcomes.size


def _oracle(outcomes: Numbers, threshold: Numbers, options: _Options, rng: Generator) -> Numbers:
    """Samples that Wald's test needs which knows the true mean, drawing without replacement.

    The likelihood ratio of the true mean against the edge of the claim that it refutes, the same
    errors, a uniform order, and the same stop where what is left cannot matter.
    """
    size, mean = outcomes.size, float(outcomes.mean())
    high = mean > threshold
    edge = np.where(high, threshold - options.zone, threshold + options.zone)
    error = np.where(high, options.alpha, options.beta)
    drawn = outcomes[np.argsort(rng.random((threshold.size, size)), 1)]
    before = np.cumsum(drawn, 1) - drawn
    left = size - np.arange(size)
    true = np.clip((size * mean - before) / left, 0, 1)
    claim = np.clip((size * edge[:, None] - before) / left, 0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(drawn > 0, drawn * np.log(true / claim), 0.0)
        gain += np.where(drawn < 1, (1 - drawn) * np.log((1 - true) / (1 - claim)), 0.0)
    ratio = np.cumsum(np.nan_to_num(gain, nan=np.inf, posinf=np.inf), 1)
    settled = (size * edge[:, None] - before - drawn < 0) & high[:, None]
    settled |= (before + drawn + left - 1 < size * edge[:, None]) & ~high[:, None]
    over = (ratio >= -np.log(error)[:, None]) | settled
    return np.where(over.any(1), over.argmax(1) + 1, size).astype(float)


def _rows(
    results: _Results, options: _Options, goals: dict[tuple[float, float], float], priced: bool
) -> Iterator[BenchRow]:
    for distance in np.unique(results.distance):
        here = results.distance == distance
        at = f"{distance * 100:g} points"
        yield from _cost_rows(results, here, at, goals.get((float(distance), options.zone)))
        yield _gate(f"{at}: false above", float(results.false_above[here].mean()), options.alpha)
        yield _gate(f"{at}: false below", float(results.false_below[here].mean()), options.beta)
        wrong = results.false_above[here] + results.false_below[here]
        yield _gate(f"{at}: wrong verdicts", float(wrong.mean()), max(options.alpha, options.beta))
        held = float(results.covered[here].mean())
        goal = f"at least {_CONFIDENCE:g}"
        yield BenchRow(
            f"{at}: coverage at the stop", held, "share", None, "", goal, held >= _CONFIDENCE
        )
    most = float(results.spent.max())
    yield BenchRow(
        "most of a battery ever started", most, "share", None, "", "at most 1", most <= 1
    )
    over = float((results.spent - results.used).mean())
    yield BenchRow("started beyond the verdict, mean", over, "share", None, "", "", None)
    mean = float(results.spent.mean())
    saved = "fewer than all items"
    yield BenchRow("all tests together", mean, "share", 1 / mean, saved, "", None)
    if priced:
        bill = float((results.spent * results.cost).sum() / results.cost.sum())
        yield BenchRow("all tests together, by cost", bill, "share", 1 / bill, saved, "", None)


def _cost_rows(
    results: _Results, here: NDArray[np.bool_], at: str, goal: float | None
) -> Iterator[BenchRow]:
    median, mean = float(np.median(results.spent[here])), float(results.spent[here].mean())
    oracle = results.oracle[here]
    told = "" if goal is None else f"at most {goal:g}"
    met = None if goal is None else median <= goal
    knows = "a test that knows the true rate"
    ratio = median / float(np.median(oracle))
    yield BenchRow(f"{at}: median used", median, "share", ratio, knows, told, met)
    yield BenchRow(f"{at}: mean used", mean, "share", mean / float(oracle.mean()), knows, "", None)


def _gate(name: str, value: float, allowed: float) -> BenchRow:
    # Never below the usual rate: of some hundred tests a smaller one cannot be told from chance.
    most = max(_WRONG_GATE, allowed)
    return BenchRow(name, value, "share", None, "", f"at most {most:g}", value <= most)
