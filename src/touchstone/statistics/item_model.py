"""Item models: the chance of success on each item, stated before a sample is drawn.

A model is a mixture of components, as in item response theory. It makes a verdict earlier, never
wrong: the bets that use it are fair whatever it says. So it is smoothed hard, and always mixed with
components to which every item is alike. One call::

    >>> item_model = difficulty_model([1, 1, 2, 3])
    >>> successes = item_model.probabilities @ item_model.class_sizes
    >>> successes.shape == item_model.weights.shape  # expected of the battery, a component each
    True
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from touchstone.statistics.errors import UnusableNumbersError

Numbers = NDArray[np.float64]

BETS_VERSION = "graded-1"
"""What a record calls the components of `difficulty_model` and the bets on them: another name for
other bets."""

_NO_TABLE = "outcomes must be a table of models by items, with no value missing"
# Shares of belief, set by experiment (ADR 0081).
_HOMOGENEOUS_SHARE = 0.15
_HEDGE = 0.02
# Curves over difficulty: how steeply chances fall from one grade to the next, and how far the
# abilities reach beyond the easiest and the hardest grade (ADR 0087).
_GRADE_STEEPNESSES = (0.5, 1.0, 2.0, 4.0)
_GRADE_REACH = 4.0
_GRADE_ABILITIES = 25


@dataclass(frozen=True)
class ItemModel:
    """A mixture over a battery: each component gives each class of items a chance of success."""

    classes: NDArray[np.int64]
    """Class of each item, shape (items,), from 0."""
    probabilities: Numbers
    """Chance of success, shape (components, classes), strictly between 0 and 1."""
    weights: Numbers
    """Belief in each component before any outcome, shape (components,), positive."""

    def __post_init__(self) -> None:
        if self.classes.ndim != 1 or not self.classes.size:
            raise UnusableNumbersError("a battery without items allows no verdict")
        if self.probabilities.ndim != 2 or self.weights.shape != self.probabilities.shape[:1]:  # noqa: PLR2004 - a matrix
            raise UnusableNumbersError("an item model needs one weight and one row a component")
        if self.classes.min() < 0 or self.classes.max() >= self.probabilities.shape[1]:
            raise UnusableNumbersError("an item belongs to a class that no component knows")
        # A component that is sure of an item would lose all belief, or win without bound, by one
        # sample.
        if not np.all((self.probabilities > 0) & (self.probabilities < 1)):
            raise UnusableNumbersError("a chance of success must lie strictly between 0 and 1")
        if not np.all((self.weights > 0) & np.isfinite(self.weights)):
            raise UnusableNumbersError("the weight of a component must be positive")

    @property
    def class_sizes(self) -> NDArray[np.int64]:
        """Number of items in each class, shape (classes,)."""
        return np.bincount(self.classes, minlength=self.probabilities.shape[1])

    @property
    def means(self) -> Numbers:
        """What each component expects of the whole battery, shape (components,)."""
        means: Numbers = self.probabilities @ self.class_sizes / self.classes.size
        return means


def require_outcomes(outcomes: Numbers, what: str = "an outcome") -> None:
    """Refuse outcomes outside [0, 1] or not numbers.

    Raises:
        UnusableNumbersError: with the first bad value and its place.
    """
    # Said in the positive, so that what is no number is bad as well.
    bad = ~((outcomes >= 0) & (outcomes <= 1))
    if bad.any():
        place = tuple(int(axis[0]) for axis in np.nonzero(bad))
        where = ", ".join(str(each) for each in place)
        raise UnusableNumbersError(
            f"{what} must lie in [0, 1]: {outcomes[place]} at place {where} (from 0)"
        )


def outcome_matrix(outcomes: Numbers) -> Numbers:
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


def homogeneous_model(size: int) -> ItemModel:
    """Components that tell no item from another: every item alike, at one of many rates.

    Raises:
        UnusableNumbersError: fewer than one item.
    """
    # Even in log odds, to have rates near 0 and 1 too; the prior evens out how dense they lie.
    rates = expit(np.linspace(-5, 5, 61))
    return ItemModel(
        np.array([0] * size, np.int64),
        rates[:, None],
        uniform_rate_prior(rates[None, :]).ravel() / rates.size,
    )


def difficulty_model(levels: Sequence[int]) -> ItemModel:
    """A mixture by difficulty alone, for items that no model has met; one level for each item.

    Only the order of the levels counts. A component is a logistic curve over them, at one of many
    abilities and of four steepnesses: harder items are solved less often, and how much less is left
    to the evidence. Homogeneous components hedge against difficulties that say nothing, or the
    contrary.

    Raises:
        UnusableNumbersError: no item.
    """
    plain = homogeneous_model(len(levels))
    names, classes = np.unique(np.asarray(levels), return_inverse=True)
    if names.size == 1:
        return plain
    grades = np.arange(names.size, dtype=float)
    class_sizes = np.bincount(classes)
    rows, weights = [], []
    for steep in _GRADE_STEEPNESSES:
        reach = _GRADE_REACH / steep
        abilities = np.linspace(-reach, grades[-1] + reach, _GRADE_ABILITIES)
        rows.append(expit(steep * np.subtract.outer(abilities, grades)))
        weights.append(uniform_rate_prior(rows[-1] @ class_sizes / class_sizes.sum()))
    return hedged_model(
        classes.astype(np.int64), np.concatenate(rows), np.concatenate(weights), plain
    )


def hedged_model(
    classes: NDArray[np.int64], probabilities: Numbers, weights: Numbers, plain: ItemModel
) -> ItemModel:
    """Components that know the items mixed with homogeneous ones, none quite sure of anything."""
    flat = np.repeat(plain.probabilities, probabilities.shape[1], axis=1)
    beliefs = [
        weights / weights.sum() * (1 - _HOMOGENEOUS_SHARE),
        plain.weights / plain.weights.sum() * _HOMOGENEOUS_SHARE,
    ]
    both = np.concatenate([probabilities, flat])
    return ItemModel(classes, _HEDGE / 2 + (1 - _HEDGE) * both, np.concatenate(beliefs))


def uniform_rate_prior(means: Numbers) -> Numbers:
    """Width of each component's cell of battery means on the last axis: so rates weigh evenly."""
    # Neighbours that expect the same get a little too: a weight must be positive.
    widths: Numbers = np.maximum(np.gradient(means, axis=-1), 1e-6)
    return widths
