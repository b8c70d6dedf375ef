"""Intervals hold the truth as often as they say: near 0 and 1, with few clusters, with near-copies.

By seeded simulation. The short form has a few designs; the soak has the whole grid.
"""

import os
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from numpy.random import Generator

from touchstone.statistics import (
    Estimate,
    UnusableNumbersError,
    clustered_mean,
    grader_corrected,
    paired_difference,
    unpaired_difference,
)

SOAK = bool(os.environ.get("TOUCHSTONE_SOAK"))
REPEATS = 2000 if SOAK else 150
# Three standard errors below 0.95.
LEAST = 0.95 - 3 * (0.95 * 0.05 / REPEATS) ** 0.5
RATES = (0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99) if SOAK else (0.01, 0.5, 0.95)
DESIGNS = (
    ((8, 2), (8, 8), (24, 3), (50, 5), (100, 50), (500, 2), (500, 5), (500, 10), (500, 50))
    if SOAK
    else ((8, 2), (500, 5), (100, 50))
)
"""(items, clusters)"""
ALIKE = (0.0, 0.1, 0.3, 0.6, 1.0) if SOAK else (0.0, 0.6, 1.0)


def names(items: int, clusters: int) -> list[str]:
    return [f"c{place * clusters // items}" for place in range(items)]


def drawn(rng: Generator, rate: float, items: int, clusters: int, alike: float) -> np.ndarray:
    """Outcomes whose correlation within a cluster is `alike`; 1: copies of one another."""
    if alike == 1:
        probabilities = (rng.random(clusters) < rate).astype(float)
    elif alike == 0:
        probabilities = np.full(clusters, rate)
    else:
        spread = (1 - alike) / alike
        probabilities = rng.beta(rate * spread, (1 - rate) * spread, clusters)
    each = probabilities[np.arange(items) * clusters // items]
    return (rng.random(items) < each).astype(float)


def holds(found: Estimate, truth: float) -> bool:
    assert found.interval.low < found.interval.high
    return found.interval.low <= truth <= found.interval.high


def grid() -> Iterator[tuple[float, int, int, float]]:
    for rate in RATES:
        for items, clusters in DESIGNS:
            for alike in ALIKE:
                yield rate, items, clusters, alike


@pytest.mark.parametrize(("rate", "items", "clusters", "alike"), list(grid()))
def test_a_clustered_mean_is_held(rate: float, items: int, clusters: int, alike: float):
    rng, labels = np.random.default_rng(1), names(items, clusters)
    held = sum(
        holds(clustered_mean(drawn(rng, rate, items, clusters, alike), labels), rate)
        for _ in range(REPEATS)
    )
    assert held / REPEATS >= LEAST


def test_without_clusters_near_copies_are_not_held():
    """The twin: each item taken for a cluster of its own, as if no two were alike."""
    rng, labels = np.random.default_rng(1), names(100, 100)
    held = sum(holds(clustered_mean(drawn(rng, 0.5, 100, 5, 0.6), labels), 0.5) for _ in range(150))
    assert held / 150 < 0.7


@pytest.mark.parametrize(
    ("gained", "lost", "clusters", "copies"),
    [(0.0, 0.0, 8, 1), (0.02, 0.01, 20, 1), (0.3, 0.3, 20, 1), (0.5, 0.1, 50, 1), (0.3, 0.2, 8, 5)],
)
def test_a_paired_difference_is_held(gained: float, lost: float, clusters: int, copies: int):
    rng, labels = np.random.default_rng(2), names(clusters * copies, clusters)
    held = 0
    for _ in range(REPEATS):
        each = rng.choice([1, -1, 0], clusters, p=[gained, lost, 1 - gained - lost])
        apart = np.repeat(each, copies)
        found = paired_difference((apart > 0).astype(float), (apart < 0).astype(float), labels)
        held += holds(found, gained - lost)
    assert held / REPEATS >= LEAST


@cache
def counted(solved: int, items: int) -> Estimate:
    return clustered_mean(np.repeat([1.0, 0.0], [solved, items - solved]), names(items, items))


@pytest.mark.parametrize(
    ("rate", "other", "items", "others"),
    [(0.01, 0.01, 20, 20), (0.5, 0.5, 20, 20), (0.99, 0.9, 30, 8), (0.05, 0.3, 50, 20)],
)
def test_an_unpaired_difference_is_held(rate: float, other: float, items: int, others: int):
    rng, held = np.random.default_rng(3), 0
    for _ in range(REPEATS):
        one, two = (int(rng.binomial(n, p)) for n, p in ((items, rate), (others, other)))
        held += holds(unpaired_difference(counted(one, items), counted(two, others)), rate - other)
    assert held / REPEATS >= LEAST


@pytest.mark.parametrize(
    ("rate", "sensitivity", "specificity", "items", "tried"),
    [
        (0.5, 0.9, 0.9, 200, 100),
        (0.02, 0.95, 0.99, 100, 30),
        (0.95, 0.98, 0.98, 100, 30),
        (0.0, 0.95, 0.95, 50, 20),
        (0.99, 0.95, 0.95, 50, 20),
    ],
)
def test_a_rate_behind_a_grader_that_errs_is_held(
    rate: float, sensitivity: float, specificity: float, items: int, tried: int
):
    rng, held = np.random.default_rng(4), 0
    for _ in range(REPEATS):
        passed = int(rng.binomial(items, rate * sensitivity + (1 - rate) * (1 - specificity)))
        hits, fails = (int(rng.binomial(tried, each)) for each in (sensitivity, specificity))
        found = grader_corrected(passed, items, counted(hits, tried), counted(fails, tried))
        held += holds(found, rate)
    assert held / REPEATS >= LEAST


def test_one_cluster_is_refused():
    with pytest.raises(UnusableNumbersError, match="at least two clusters"):
        clustered_mean(np.ones(8), names(8, 1))
