"""Several attempts at each item: how often one solves it, and how often one of several does.

No verdict rests on these. The items are the sample, and attempts at one item are alike: an interval
counts items, or what groups of near-copies there are among them, and never attempts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from touchstone.statistics.confidence_sequences import population_interval
from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.estimates import Labels, effective_clusters, pass_at_k
from touchstone.statistics.intervals import Interval, lower_bound, upper_bound
from touchstone.statistics.item_model import Numbers, homogeneous_model
from touchstone.statistics.sequential import SequentialDesign
from touchstone.statistics.verdicts import RateRule

# A confidence sequence takes its bets from the items alone; the rule of a design is not looked at.
_NO_QUESTION = RateRule(0.5, 0.0, 0.05, 0.05)


@dataclass(frozen=True)
class PassRate:
    """How often at least one of k attempts solves an item, over items."""

    k: int
    least: float
    """Of the items tried, each attempt that measured nothing taken for unsolved."""
    most: float
    """The same with each of them taken for solved; equal where none was lost."""
    interval: Interval
    """For further items of the same makes."""


def pass_rate(
    k: int,
    attempts: int,
    solved: Sequence[int],
    lost: Sequence[int],
    size: int,
    clusters: Labels | None = None,
    confidence: float = 0.95,
) -> PassRate:
    """The rate of pass@k over items that were each tried `attempts` times.

    Where every item of a set was tried, its interval is exact at the level of clusters. Where the
    first ones of the sealed order were, and whatever stopped there, it is a confidence sequence's.

    Args:
        k: How many attempts one has; at most `attempts`.
        attempts: How often each of these items was tried.
        solved: Attempts that solved it, of each item in the sealed order.
        lost: Attempts that measured nothing, of each item.
        size: Items of the whole set, in which these come first.
        clusters: A label for each item, such as the flaw in it; None: no two are alike.
        confidence: Coverage of the interval.

    Raises:
        UnusableNumbersError: no item, more than there are, or counts that cannot be.
    """
    if not 0 < len(solved) <= size or len(lost) != len(solved):
        raise UnusableNumbersError(f"{len(solved)} items of {size} with {len(lost)} losses")
    labels = clusters if clusters is not None else [f"item {n}" for n in range(len(solved))]
    if len(labels) != len(solved):
        raise UnusableNumbersError(f"{len(solved)} items need one cluster each")
    most = [one + other for one, other in zip(solved, lost, strict=True)]
    low, high = _by_item(k, attempts, solved), _by_item(k, attempts, most)
    first, last = (_interval(each, size, labels, confidence) for each in (low, high))
    ends = Interval(min(first.low, last.low), max(first.high, last.high), confidence)
    return PassRate(k, float(low.mean()), float(high.mean()), ends)


def _by_item(k: int, attempts: int, solved: Sequence[int]) -> Numbers:
    return np.array([pass_at_k(k, [each], [attempts]) for each in solved])


def _interval(values: Numbers, size: int, labels: Labels, confidence: float) -> Interval:
    if values.size < size:
        order = np.arange(size, dtype=np.int64)
        design = SequentialDesign(_NO_QUESTION, homogeneous_model(size), order, np.ones(1))
        return population_interval(design, values, confidence, labels)
    trials, tail = effective_clusters(labels), (1 - confidence) / 2
    value = float(np.clip(values.mean(), 0, 1)) * trials
    low, high = lower_bound(value, trials, tail), upper_bound(value, trials, tail)
    return Interval(low, high, confidence)
