"""Scores that decide nothing: their mean, and where it lies for further items of the same makes.

    mean_score([0.2, None, 0.9], size=3).interval

The interval is a hedged betting confidence sequence for the mean of a bounded variable, by
Waudby-Smith and Ramdas (JRSS B 2024, theorem 3): it holds at every sample at once, and so wherever
the scores ended, and it asks no shape of their distribution. Exact bounds of 0/1 trials would not
hold here.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.estimates import Labels
from touchstone.statistics.intervals import Interval, require_level
from touchstone.statistics.item_model import Numbers

_GRID = np.arange(1, 1000) / 1000
"""The means that are bet against. One that is refuted refutes all on its far side."""
_MOST = 0.5
"""Of the wealth, the largest share that a bet may lose."""


@dataclass(frozen=True)
class MeanScore:
    """The mean of scores between 0 and 1, over items."""

    mean: float | None
    """Of the items that have a score; None where none has."""
    scored: int
    """Items that have one."""
    unscored: int
    """Items that ran and have none; in the interval each counts as 0 and as 1."""
    size: int
    """Items of the whole set."""
    interval: Interval
    """For the mean over further items of the same makes."""


def mean_score(
    scores: Sequence[float | None],
    size: int,
    clusters: Labels | None = None,
    confidence: float = 0.95,
) -> MeanScore:
    """The mean of the scores of a set's first items, in the order that was fixed beforehand.

    Items that are near-copies are one draw together: their mean counts once.

    Args:
        scores: Each between 0 and 1; None: the item ran and has none.
        size: Items of the whole set, in which these come first.
        clusters: A label for each item, such as the flaw in it; None: no two are alike.
        confidence: Coverage of the interval, whatever ended the scores.

    Raises:
        UnusableNumbersError: more scores than items, one outside [0, 1], or other than one label
            an item.
    """
    require_level(confidence, "confidence")
    known = [each for each in scores if each is not None]
    # Said in the positive, so that what is no number is refused as well.
    if not all(0 <= each <= 1 for each in known) or len(scores) > size:
        raise UnusableNumbersError(f"{len(scores)} scores of {size} items, each from 0 to 1")
    labels = clusters if clusters is not None else [f"item {n}" for n in range(len(scores))]
    if len(labels) != len(scores):
        raise UnusableNumbersError(f"{len(scores)} items need one cluster each")
    least = _draws([0.0 if each is None else each for each in scores], labels)
    most = _draws([1.0 if each is None else each for each in scores], labels)
    error = (1 - confidence) / 2
    low, high = _lower_end(least, error), 1 - _lower_end(1 - most, error)
    mean = float(np.mean(known)) if known else None
    # Where near-copies count once, the items' own mean may lie beside what is said of the makes.
    ends = (low, high) if mean is None else (min(low, mean), max(high, mean))
    unscored = len(scores) - len(known)
    interval = Interval(float(ends[0]), float(ends[1]), confidence)
    return MeanScore(mean, len(known), unscored, size, interval)


def _draws(values: Sequence[float], labels: Labels) -> Numbers:
    """The mean of each cluster, in the order in which the first of it came."""
    found = defaultdict[object, list[float]](list)
    for label, value in zip(labels, values, strict=True):
        found[label].append(value)
    return np.array([np.mean(each) for each in found.values()])


def _lower_end(values: Numbers, error: float) -> float:
    """The largest mean that bets on more have refuted at any draw; 0 where none is."""
    if not values.size:
        return 0.0
    turns = np.arange(1, values.size + 1)
    # What is bet at a draw rests on the draws before it alone: else the wealth would be no test.
    means = (0.5 + np.cumsum(values)) / (turns + 1)
    spread = (0.25 + np.cumsum((values - means) ** 2)) / (turns + 1)
    before = np.concatenate([[0.25], spread[:-1]])
    bets = np.sqrt(2 * np.log(1 / error) / (before * turns * np.log(1 + turns)))
    staked = np.minimum(bets[:, None], _MOST / _GRID[None, :])
    wealth = np.cumsum(np.log1p(staked * (values[:, None] - _GRID[None, :])), axis=0)
    refuted = np.flatnonzero((wealth >= np.log(1 / error)).any(axis=0))
    return float(_GRID[refuted[-1]]) if refuted.size else 0.0
