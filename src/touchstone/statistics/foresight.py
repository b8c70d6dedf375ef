"""What is expected of each item before a sample is drawn.

Expectations make a verdict earlier, never wrong: the bets that use them are fair whatever they say.
So they are fitted quickly, smoothed hard, and always hedged with views that know no item.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from touchstone.statistics.errors import UnusableNumbersError

Numbers = NDArray[np.float64]

GRADED = "graded-1"
"""What a record calls the views of `graded` and the bets on them: other bets need another name."""

_NO_TABLE = "outcomes must be a table of models by items, with no value missing"
# Shares of belief, set by experiment (ADR 0081).
_BLIND_SHARE = 0.15
_HEDGE = 0.02
# Curves over difficulty: how steeply chances fall from one grade to the next, and how far the
# abilities reach beyond the easiest and the hardest grade (ADR 0087).
_GRADE_STEEPNESSES = (0.5, 1.0, 2.0, 4.0)
_GRADE_REACH = 4.0
_GRADE_ABILITIES = 25


@dataclass(frozen=True)
class Foresight:
    """Views of a battery: each view gives each class of items a chance of success."""

    classes: NDArray[np.int64]
    """Class of each item, shape (items,), from 0."""
    chances: Numbers
    """Chance of success, shape (views, classes), strictly between 0 and 1."""
    weights: Numbers
    """Belief in each view before any outcome, shape (views,), positive."""

    def __post_init__(self) -> None:
        if self.classes.ndim != 1 or not self.classes.size:
            raise UnusableNumbersError("a battery without items allows no verdict")
        if self.chances.ndim != 2 or self.weights.shape != self.chances.shape[:1]:  # noqa: PLR2004 - a matrix
            raise UnusableNumbersError("expectations need one weight and one row a view")
        if self.classes.min() < 0 or self.classes.max() >= self.chances.shape[1]:
            raise UnusableNumbersError("an item belongs to a class that no view expects")
        if not np.all((self.chances > 0) & (self.chances < 1)):
            raise UnusableNumbersError("an expected chance must lie strictly between 0 and 1")
        if not np.all((self.weights > 0) & np.isfinite(self.weights)):
            raise UnusableNumbersError("the weight of a view must be positive")

    @property
    def members(self) -> NDArray[np.int64]:
        """Number of items in each class, shape (classes,)."""
        return np.bincount(self.classes, minlength=self.chances.shape[1])

    @property
    def means(self) -> Numbers:
        """What each view expects of the whole battery, shape (views,)."""
        means: Numbers = self.chances @ self.members / self.classes.size
        return means


def require_outcomes(outcomes: Numbers, what: str = "an outcome") -> None:
    """Refuse outcomes outside [0, 1] or not numbers.

    Raises:
        UnusableNumbersError: with the first bad value and its place.
    """
    bad = ~((outcomes >= 0) & (outcomes <= 1))
    if bad.any():
        place = tuple(int(axis[0]) for axis in np.nonzero(bad))
        where = ", ".join(str(each) for each in place)
        raise UnusableNumbersError(
            f"{what} must lie in [0, 1]: {outcomes[place]} at place {where} (from 0)"
        )


def as_table(outcomes: Numbers) -> Numbers:
    """Outcomes as a table, shape (models, items).

    Raises:
        UnusableNumbersError: rows of different lengths, no rows of items, or what is no number.
    """
    try:
        table = np.asarray(outcomes, float)
    except (TypeError, ValueError) as error:
        raise UnusableNumbersError(_NO_TABLE) from error
    if table.ndim != 2:  # noqa: PLR2004 - models x items
        raise UnusableNumbersError(_NO_TABLE)
    return table


def blind(size: int) -> Foresight:
    """Views that know no item: every item alike, at one of many rates.

    Raises:
        UnusableNumbersError: fewer than one item.
    """
    if size < 1:
        raise UnusableNumbersError("a battery without items allows no verdict")
    rates = expit(np.linspace(-5, 5, 61))
    return Foresight(
        np.zeros(size, np.int64), rates[:, None], evenly(rates[None, :]).ravel() / rates.size
    )


def graded(levels: Sequence[int]) -> Foresight:
    """Views by difficulty alone, for items that no model has met; one level for each item.

    Only the order of the levels counts. A view is a logistic curve over them, at one of many
    abilities and of four steepnesses: harder items are solved less often, and how much less is left
    to the evidence. Blind views hedge against difficulties that say nothing, or the contrary.

    Raises:
        UnusableNumbersError: no item.
    """
    plain = blind(len(levels))
    names, classes = np.unique(np.asarray(levels), return_inverse=True)
    if names.size == 1:
        return plain
    grades = np.arange(names.size, dtype=float)
    members = np.bincount(classes)
    rows, weights = [], []
    for steep in _GRADE_STEEPNESSES:
        reach = _GRADE_REACH / steep
        abilities = np.linspace(-reach, grades[-1] + reach, _GRADE_ABILITIES)
        rows.append(expit(steep * np.subtract.outer(abilities, grades)))
        weights.append(evenly(rows[-1] @ members / members.sum()))
    return hedged(classes.astype(np.int64), np.concatenate(rows), np.concatenate(weights), plain)


def hedged(
    classes: NDArray[np.int64], chances: Numbers, weights: Numbers, plain: Foresight
) -> Foresight:
    """Views of the items and blind ones together, none of them quite sure of anything."""
    flat = np.repeat(plain.chances, chances.shape[1], axis=1)
    beliefs = [
        weights / weights.sum() * (1 - _BLIND_SHARE),
        plain.weights / plain.weights.sum() * _BLIND_SHARE,
    ]
    both = np.concatenate([chances, flat])
    return Foresight(classes, _HEDGE / 2 + (1 - _HEDGE) * both, np.concatenate(beliefs))


def evenly(means: Numbers) -> Numbers:
    """Width of each view's cell of battery means along the last axis: so rates weigh evenly."""
    widths: Numbers = np.maximum(np.gradient(means, axis=-1), 1e-6)
    return widths
