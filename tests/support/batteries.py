"""Invented outcomes, and many sequential tests at once whose every verdict is wrong."""

import numpy as np

from touchstone.bench.learning import learn
from touchstone.statistics import (
    ItemModel,
    RateRule,
    homogeneous_model,
    sampling_weights,
    sequential_verdict,
)
from touchstone.statistics.e_process import initial_wealth, parallel_tests, update_wealth
from touchstone.statistics.item_model import Numbers
from touchstone.statistics.sequential import sequential_verdicts
from touchstone.statistics.verdict_words import VerdictWord

ITEMS = 120


def people(models: int, items: int, seed: int) -> Numbers:
    """Outcomes of correlated models, shape (models, items)."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 1, (models, 1)) + rng.normal(0, 2.5, items)
    return (rng.random((models, items)) < 1 / (1 + np.exp(-odds))).astype(float)


def _item_model(kind: str, table: Numbers) -> ItemModel:
    if kind == "blind":
        return homogeneous_model(table.shape[1])
    return learn(1 - table[1:] if kind == "misled" else table[1:])


def errors_at_the_threshold(
    kind: str, *, uniform_order: bool, tests: int, peek: int = 0
) -> tuple[float, float]:
    """Shares of "above" and of "below" where the mean is exactly the threshold.

    With `peek`, outcomes are looked at in the order in which they end when so many samples run at
    once and failures take longer: what must never be done.
    """
    rng = np.random.default_rng(7)
    table = people(16, ITEMS, seed=11)
    outcomes, mean = table[0], float(table[0].mean())
    rule = RateRule(mean, 0.0, 0.1, 0.025)
    item_model = _item_model(kind, table)
    weights = (
        np.ones(item_model.class_sizes.size)
        if uniform_order
        else sampling_weights(item_model, rule)
    )
    keys = rng.exponential(size=(tests, ITEMS)) / weights[item_model.classes]
    orders = np.argsort(keys, 1)
    if peek:
        orders = np.stack([_as_they_end(order, outcomes, peek, rng) for order in orders])
    ends = np.full((1, tests), mean)
    setup = parallel_tests([item_model], ends, ends, np.tile(weights, (1, tests, 1)))
    wealth = initial_wealth(setup)
    words = [VerdictWord.UNDETERMINED] * tests
    for used in range(1, ITEMS + 1):
        items = orders[:, used - 1][None]
        wealth = update_wealth(setup, wealth, item_model.classes[items], outcomes[items])
        now, _ = sequential_verdicts(rule, ITEMS, used, wealth.total[0], *wealth.logs[:, 0])
        words = [
            new if word is VerdictWord.UNDETERMINED else word
            for word, new in zip(words, now, strict=True)
        ]
    return words.count(VerdictWord.ABOVE) / tests, words.count(VerdictWord.BELOW) / tests


def graded_people(kind: str, models: int, levels: Numbers, seed: int) -> Numbers:
    """Outcomes of models that solve harder items less often; or as `kind` misleads about them.

    "as said": each level up lowers the odds by 1.5; "inverted": harder items are solved more often;
    "shuffled": levels say nothing.
    """
    rng = np.random.default_rng(seed)
    true = {"as said": levels, "inverted": levels.max() + levels.min() - levels}
    felt = true[kind] if kind in true else rng.permutation(levels)
    ability = rng.uniform(levels.min() - 0.5, levels.max() + 0.5, (models, 1))
    probabilities = 1 / (1 + np.exp(1.5 * (felt - ability)))
    return (rng.random(probabilities.shape) < probabilities).astype(np.float64)


def verdicts_by_difficulty(
    item_model: ItemModel, outcomes: Numbers, distance: float, seed: int
) -> tuple[Numbers, Numbers, Numbers]:
    """Samples used, and whether "above" and "below" were said: (models,) each.

    Every model meets a threshold this far below its own mean (above it, if negative), its items in
    an even order of its own.
    """
    rng = np.random.default_rng(seed)
    models, size = outcomes.shape
    thresholds = np.clip(outcomes.mean(1) - distance, 0.02, 0.98)
    setup = parallel_tests([item_model], thresholds[None], thresholds[None])
    wealth = initial_wealth(setup)
    orders = np.argsort(rng.random(outcomes.shape), 1)
    used = np.full(models, size)
    words = [VerdictWord.UNDETERMINED] * models
    for count in range(1, size + 1):
        items = orders[:, count - 1]
        drawn = outcomes[np.arange(models), items][None]
        wealth = update_wealth(setup, wealth, item_model.classes[items][None], drawn)
        for model, word in enumerate(words):
            if word is VerdictWord.UNDETERMINED:
                above, below = (float(side) for side in wealth.logs[:, 0, model])
                rule = RateRule(float(thresholds[model]), 0.0, 0.05, 0.02)
                total = float(wealth.total[0, model])
                words[model], _ = sequential_verdict(rule, size, count, total, above, below)
                used[model] = count
    said = np.array(words)
    return used, said == VerdictWord.ABOVE, said == VerdictWord.BELOW


def _as_they_end(
    order: Numbers, outcomes: Numbers, at_once: int, rng: np.random.Generator
) -> Numbers:
    lasting = rng.exponential(1.0, order.size) * np.where(outcomes[order] > 0, 1.0, 5.0)
    free = np.zeros(at_once)
    ends = np.zeros(order.size)
    for place in range(order.size):
        slot = int(free.argmin())
        free[slot] += lasting[place]
        ends[place] = free[slot]
    return order[np.argsort(ends, kind="stable")]
