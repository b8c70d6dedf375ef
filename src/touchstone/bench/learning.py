"""Item models fitted to other models' outcomes: what a review could save that had some.

No review has: nobody has run its sealed items before (ADR 191). The bench measures what they would
be worth, with the bets of a review, which are fair whatever the item model says.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from touchstone.statistics import ItemModel, homogeneous_model
from touchstone.statistics.item_model import (
    Numbers,
    hedged_model,
    outcome_matrix,
    require_outcomes,
    uniform_rate_prior,
)

# Set by experiment (ADR 81).
_SOFTENINGS = (1.0, 0.5)
_ABILITIES = np.linspace(-4.5, 4.5, 37)
_LEANINGS = (-1.3, 0.0, 1.3)
_SPLITS = 6
_ROUNDS = 12
# Spread of item parameters: easiness, slope on the first ability, slopes on the others.
_EASINESS_SPREAD = 2.5
_FIRST_SLOPE = (1.5, 0.75)
_OTHER_SPREAD = 0.6


def learn(others: Numbers, dimensions: int = 3) -> ItemModel:
    """A mixture fitted to other models' outcomes, shape (models, items), each in [0, 1].

    An item response model in `dimensions` abilities (fewer where there are few models) is fitted by
    alternating penalised Newton steps; a component is a place in the space of abilities, so that
    the evidence itself finds where the new model stands. Components of half the steepness hedge
    against a model unlike the others, and homogeneous components against one to which the items are
    strangers.

    Raises:
        UnusableNumbersError: no items, or values that are no outcomes.
    """
    table = outcome_matrix(others)
    require_outcomes(table)
    models, size = table.shape
    plain = homogeneous_model(size)
    if models == 0:
        return plain
    # Four models to an ability: with fewer the abilities would be those models themselves.
    depth = max(1, min(dimensions, models // 4))
    curves = _fit(table, depth)
    probabilities, weights = _views(curves)
    classes = _classes(probabilities)
    count = int(classes.max()) + 1
    class_sizes = np.bincount(classes, minlength=count)
    onto = np.zeros((size, count))
    onto[np.arange(size), classes] = 1 / class_sizes[classes]
    grouped = probabilities @ onto
    means = probabilities.mean(1).reshape(-1, _ABILITIES.size)
    weights = (weights.reshape(-1, _ABILITIES.size) * uniform_rate_prior(means)).ravel()
    return hedged_model(classes, grouped, weights, plain)


def _fit(table: Numbers, depth: int) -> Numbers:
    """Item parameters, shape (items, 1 + depth): easiness, then a slope for each ability."""
    models, size = table.shape
    # Half an item drawn in, since the log odds of none and of all are infinite.
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
        # Ability and slope are known only up to a scale; without this they drift apart from round
        # to round.
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
    """Probabilities (components, items), and weights; abilities run fastest, softenings slowest."""
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


def _classes(probabilities: Numbers) -> NDArray[np.int64]:
    """Classes of items on which the components agree: `_SPLITS` times halved where they differ."""
    middle = probabilities[:: _ABILITIES.size // 6].T
    groups = [np.arange(probabilities.shape[1])]
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
    classes = np.zeros(probabilities.shape[1], np.int64)
    for number, group in enumerate(groups):
        classes[group] = number
    return classes
