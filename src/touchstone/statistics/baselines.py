"""What people did with the same items: their success, their times, and what a model adds to them.

Sources: an item's human time is the geometric mean of the trials that solved it (METR, Kwa et al.
2025); time until a solution is compared by its mean within the limit, where what was not solved
counts as the whole limit (restricted mean survival time: Royston and Parmar 2013).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.estimates import (
    Estimate,
    clustered_mean,
    paired_difference,
    unpaired_difference,
)
from touchstone.statistics.intervals import Interval, clopper_pearson
from touchstone.statistics.item_model import Numbers, require_outcomes


@dataclass(frozen=True)
class HumanItem:
    """What people did with one item."""

    trials: int
    people: int
    solved: int
    """Trials that solved it."""
    rate: Interval
    """Of success: Clopper and Pearson's, trials as if by different people."""
    minutes: float | None
    """Geometric mean of the trials that solved it; None where none did: then nothing was timed."""
    fastest: float | None
    slowest: float | None


@dataclass(frozen=True)
class Trials:
    """Trials under one condition, all columns of shape (trials,)."""

    solved: Numbers
    """0 or 1."""
    minutes: Numbers
    """Until it was solved, given up or cut off; positive."""
    people: Sequence[str]
    """Who tried: trials of one person hang together."""

    def __post_init__(self) -> None:
        shape = self.solved.shape
        if not self.solved.size or not shape == self.minutes.shape == (len(self.people),):
            raise UnusableNumbersError("trials need equally long columns, one row a trial")
        require_outcomes(self.solved)
        if not np.isin(self.solved, (0.0, 1.0)).all():
            raise UnusableNumbersError("a trial solved its item or did not: 0 or 1")
        if not np.all((self.minutes > 0) & np.isfinite(self.minutes)):
            raise UnusableNumbersError("minutes must be positive in every trial")


def human_item(trials: Trials) -> HumanItem:
    """Success and time of people on one item.

    The time is that of those who solved it. People who gave up would mostly have taken longer, so
    where many did it is too short; how many did is beside it.
    """
    count, solved = trials.solved.size, int(trials.solved.sum())
    times = trials.minutes[trials.solved == 1]
    timed = (
        (float(np.exp(np.log(times).mean())), float(times.min()), float(times.max()))
        if solved
        else (None, None, None)
    )
    rate = clopper_pearson(solved, count)
    return HumanItem(count, len(set(trials.people)), solved, rate, *timed)


def time_within_limit(trials: Trials, limits: Numbers) -> Numbers:
    """The share of its limit that each trial took; 1 where it did not solve its item.

    Giving up early is no gain: what was not solved is counted as if the whole limit had gone by.

    Raises:
        UnusableNumbersError: other than one positive limit for each trial, or a solution after it.
    """
    if limits.shape != trials.solved.shape or not np.all((limits > 0) & np.isfinite(limits)):
        raise UnusableNumbersError("every trial needs a limit of more than 0 minutes")
    if np.any((trials.minutes > limits) & (trials.solved == 1)):
        raise UnusableNumbersError("a trial solved its item after its limit")
    return np.where(trials.solved == 1, trials.minutes / limits, 1.0)


def arms_apart(
    values: Numbers,
    people: Sequence[str],
    others: Numbers,
    other_people: Sequence[str],
    confidence: float = 0.95,
) -> tuple[bool, Estimate]:
    """The difference of two arms of trials: paired where the same people are in both.

    In pairs each person counts once, by the mean of their trials. Intervals are exact by people.
    Arms that share only some people are told apart as if they shared none, which is too wide rather
    than too narrow where a person's trials are alike.

    Args:
        values: In [0, 1], (trials,): success, or `time_within_limit`.
        people: Who made each of them.
        others: Of the arm that is the reference.
        other_people: Who made each of those.
        confidence: Coverage of the two-sided interval.

    Returns:
        Whether it is paired, and the difference.

    Raises:
        UnusableNumbersError: values outside [0, 1], or an arm of fewer than two people.
    """
    if set(people) == set(other_people):
        names = sorted(set(people))
        own, other = _by_person(values, people), _by_person(others, other_people)
        return True, paired_difference(
            np.array([own[name] for name in names]),
            np.array([other[name] for name in names]),
            names,
            confidence,
        )
    one = clustered_mean(values, people, confidence)
    return False, unpaired_difference(one, clustered_mean(others, other_people, confidence))


def _by_person(values: Numbers, people: Sequence[str]) -> dict[str, float]:
    names, places = np.unique(np.asarray(people), return_inverse=True)
    means = np.bincount(places, values) / np.bincount(places)
    return {str(name): float(mean) for name, mean in zip(names, means, strict=True)}
