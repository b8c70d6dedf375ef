"""What is expected of each item before a sample is drawn: from other models, or from difficulty.

Expectations make a verdict earlier, never wrong: the bets that use them are fair whatever they say.
So they are fitted quickly, smoothed hard, and always hedged with views that know no item.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from touchstone.statistics.errors import UnusableNumbersError

Numbers = NDArray[np.float64]

GRADED = "graded-1"
"""What a record calls the views of `graded` and the bets on them: other bets need another name."""

_NO_TABLE = "outcomes must be a table of models by items, with no value missing"
# Shares of belief, set by experiment (ADR 0081).
_BLIND_SHARE = 0.15
_HEDGE = 0.02
_SOFTENINGS = (1.0, 0.5)
_ABILITIES = np.linspace(-4.5, 4.5, 37)
_LEANINGS = (-1.3, 0.0, 1.3)
_SPLITS = 6
_ROUNDS = 12
# Curves over difficulty: how steeply chances fall from one grade to the next, and how far the
# abilities reach beyond the easiest and the hardest grade (ADR 0087).
_GRADE_STEEPNESSES = (0.5, 1.0, 2.0, 4.0)
_GRADE_REACH = 4.0
_GRADE_ABILITIES = 25
# Spread of item parameters: easiness, slope on the first ability, slopes on the others.
_EASINESS_SPREAD = 2.5
_FIRST_SLOPE = (1.5, 0.75)
_OTHER_SPREAD = 0.6


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
        np.zeros(size, np.int64), rates[:, None], _spread(rates[None, :]).ravel() / rates.size
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
        weights.append(_spread(rows[-1] @ members / members.sum()))
    return _hedged(classes.astype(np.int64), np.concatenate(rows), np.concatenate(weights), plain)


def _hedged(
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


def learn(others: Numbers, dimensions: int = 3) -> Foresight:
    """Views learnt from other models' outcomes, shape (models, items), each in [0, 1].

    An item response model in `dimensions` abilities (fewer where there are few models) is fitted
    by alternating penalised Newton steps; a view is a place in the space of abilities, so that the
    evidence itself finds where the new model stands. Views of half the steepness hedge against a
    model unlike the others, and blind views against one to which the items are strangers.

    Raises:
        UnusableNumbersError: no items, or values that are no outcomes.
    """
    table = as_table(others)
    require_outcomes(table)
    models, size = table.shape
    plain = blind(size)
    if models == 0:
        return plain
    depth = max(1, min(dimensions, models // 4))
    curves = _fit(table, depth)
    chances, weights = _views(curves)
    classes = _classes(chances)
    count = int(classes.max()) + 1
    members = np.bincount(classes, minlength=count)
    onto = np.zeros((size, count))
    onto[np.arange(size), classes] = 1 / members[classes]
    grouped = chances @ onto
    means = chances.mean(1).reshape(-1, _ABILITIES.size)
    weights = (weights.reshape(-1, _ABILITIES.size) * _spread(means)).ravel()
    return _hedged(classes, grouped, weights, plain)


def _spread(means: Numbers) -> Numbers:
    """Width of each view's cell of battery means along the last axis: so rates weigh evenly."""
    widths: Numbers = np.maximum(np.gradient(means, axis=-1), 1e-6)
    return widths


def _fit(table: Numbers, depth: int) -> Numbers:
    """Item parameters, shape (items, 1 + depth): easiness, then a slope for each ability."""
    models, size = table.shape
    rate = (table.sum(1) + 0.5) / (size + 1)
    ability = np.zeros((models, depth))
    ability[:, 0] = _standard(logit(rate))
    if depth > 1:
        left = table - table.mean(0) - table.mean(1, keepdims=True) + table.mean()
        ability[:, 1:] = np.linalg.svd(left, full_matrices=False)[0][:, : depth - 1]
        ability[:, 1:] *= np.sqrt(models)
    prior = np.zeros(depth + 1)
    prior[1] = _FIRST_SLOPE[0]
    spread = np.array([_EASINESS_SPREAD, _FIRST_SLOPE[1], *[_OTHER_SPREAD] * (depth - 1)])
    curves = np.tile(prior, (size, 1))
    for _ in range(_ROUNDS):
        prior[0] = curves[:, 0].mean()
        known = np.column_stack([np.ones(models), ability])
        for _ in range(2):
            curves = curves + _newton(known, table.T, curves, prior, spread)
        lean = np.zeros(depth)
        for _ in range(2):
            ability = ability + _newton(
                curves[:, 1:], table, ability, lean, np.ones(depth), curves[:, 0]
            )
        ability = np.column_stack([_standard(column) for column in ability.T])
    return curves


def _standard(column: Numbers) -> Numbers:
    spread = float(column.std())
    scaled: Numbers = (column - column.mean()) / (spread if spread > 1e-9 else 1.0)  # noqa: PLR2004 - all alike
    return scaled


def _newton(
    known: Numbers,
    answers: Numbers,
    now: Numbers,
    prior: Numbers,
    spread: Numbers,
    offset: Numbers | float = 0.0,
) -> Numbers:
    """One step of penalised logistic regression for every row of `answers` at once."""
    expected = expit(now @ known.T + offset)
    slope = (answers - expected) @ known - (now - prior) / spread**2
    bend = np.einsum("ij,ja,jb->iab", expected * (1 - expected), known, known)
    bend += np.diag(1 / spread**2)
    step: Numbers = np.clip(np.linalg.solve(bend, slope[..., None])[..., 0], -2, 2)
    return step


def _views(curves: Numbers) -> tuple[Numbers, Numbers]:
    """Chances, shape (views, items), and weights; abilities run fastest, softenings slowest."""
    rows, weights = [], []
    extra = curves.shape[1] - 2
    for soft, lean in product(_SOFTENINGS, product(_LEANINGS, repeat=extra)):
        base = curves[:, 0] + curves[:, 2:] @ np.array(lean)
        belief = float(np.exp(-0.5 * sum(each**2 for each in lean)))
        # Softened, an item keeps its rank; the first ability must still reach both ends.
        line = soft * base + np.multiply.outer(_ABILITIES, curves[:, 1])
        rows.append(expit(line))
        weights.append(np.full(_ABILITIES.size, belief))
    return np.concatenate(rows), np.concatenate(weights)


def _classes(chances: Numbers) -> NDArray[np.int64]:
    """Classes of items on which the views agree: halved where they differ most, `_SPLITS` times."""
    middle = chances[:: _ABILITIES.size // 6].T
    groups = [np.arange(chances.shape[1])]
    for _ in range(_SPLITS):
        halves: list[NDArray[np.int64]] = []
        for group in groups:
            if group.size < 2:  # noqa: PLR2004 - nothing to halve
                halves.append(group)
                continue
            axis = int(np.argmax(middle[group].var(0)))
            ranked = group[np.argsort(middle[group, axis], kind="stable")]
            halves += [ranked[: ranked.size // 2], ranked[ranked.size // 2 :]]
        groups = halves
    classes = np.zeros(chances.shape[1], np.int64)
    for number, group in enumerate(groups):
        classes[group] = number
    return classes
