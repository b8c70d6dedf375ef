"""Sequential verdicts rehearsed on invented batteries: how many samples they take, by distance."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from touchstone.statistics.betting import lanes, start, step
from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.foresight import Foresight, Numbers, require_outcomes
from touchstone.statistics.sequential import pulls, settled, tells
from touchstone.statistics.verdicts import RateRule

# Views whose mean lies within about this of a rate say which items are then solved.
_NEAR = 0.02


def invented_outcomes(foresight: Foresight, rates: Numbers, uniforms: Numbers) -> Numbers:
    """Batteries of which exactly the given shares are solved, as near to what is foreseen as that.

    The items solved are those with the greatest odds, as the views near that rate believe, plus
    logistic noise. So other models' outcomes help as much as the views promise, and no more.

    Args:
        foresight: Views of the battery.
        rates: Share solved in each invented battery, (batteries,); rounded to whole items.
        uniforms: Numbers in (0, 1), (batteries, items).

    Returns:
        0 or 1, (batteries, items).

    Raises:
        UnusableNumbersError: shapes that do not match, or numbers out of range.
    """
    size = foresight.classes.size
    if uniforms.shape != (rates.size, size) or not np.all((uniforms > 0) & (uniforms < 1)):
        raise UnusableNumbersError("an invented battery needs one number in (0, 1) an item")
    require_outcomes(rates, "a rate")
    nearness = -np.abs(foresight.means[None, :] - rates[:, None]) / _NEAR
    belief = foresight.weights * np.exp(nearness - nearness.max(1, keepdims=True))
    chances = belief @ foresight.chances / belief.sum(1, keepdims=True)
    odds = logit(chances[:, foresight.classes]) + logit(uniforms)
    ranks = np.argsort(np.argsort(-odds, 1), 1)
    return (ranks < np.rint(rates * size)[:, None]).astype(float)


def invented_pairs(differences: Numbers, apart: float, uniforms: Numbers) -> Numbers:
    """Paired outcomes, (difference + 1) / 2, with a given mean difference in each battery.

    Args:
        differences: Mean difference in each battery, (batteries,), in [-1, 1].
        apart: Share of items on which the two models differ, if they could be equally good.
        uniforms: Numbers in (0, 1), (batteries, items).

    Returns:
        0, 0.5 or 1, (batteries, items).
    """
    size = uniforms.shape[1]
    differing = np.maximum(apart, np.abs(differences))
    won = np.rint((differing + differences) / 2 * size)[:, None]
    lost = np.rint((differing - differences) / 2 * size)[:, None]
    ranks = np.argsort(np.argsort(uniforms, 1), 1)
    return np.where(ranks < won, 1.0, np.where(ranks >= size - lost, 0.0, 0.5))


def samples_used(
    foresight: Foresight,
    rule: RateRule,
    outcomes: Numbers,
    uniforms: Numbers,
    *,
    evenly: bool = False,
) -> NDArray[np.int64]:
    """After how many samples the verdict stands on each battery, (batteries,).

    Args:
        foresight: Views of the battery, the same for all.
        rule: What was pre-registered.
        outcomes: In [0, 1], (batteries, items).
        uniforms: From which the orders are drawn, in (0, 1), (batteries, items).
        evenly: Draw uniform orders, as `course` does then.

    Raises:
        UnusableNumbersError: outcomes outside [0, 1], or shapes that do not match.
    """
    size = foresight.classes.size
    if outcomes.shape != uniforms.shape or outcomes.shape[1:] != (size,):
        raise UnusableNumbersError("outcomes and numbers for the order: one each an item")
    require_outcomes(outcomes)
    pull = np.ones(foresight.members.size) if evenly else pulls(foresight, rule)
    orders = np.argsort(-np.log(uniforms) / pull[foresight.classes], 1)
    batteries = len(outcomes)
    low, high = (np.full((1, batteries), at) for at in (rule.above_claims, rule.below_claims))
    game = lanes([foresight], low, high, np.tile(pull, (1, batteries, 1)))
    wealth = start(game)
    bars = -np.log([rule.alpha, rule.beta])
    used = np.full(batteries, size)
    playing = np.arange(batteries)
    for count in range(1, size + 1):
        items = orders[playing, count - 1]
        wealth = step(game, wealth, foresight.classes[items][None], outcomes[playing, items][None])
        total = wealth.total[0]
        sure = np.any(settled((game.low[0], game.high[0]), size, count, total), 0)
        # All alike, they may settle a small battery and yet say nothing: see `tells`.
        sure &= (total < count) | tells(rule, count, count)
        sure &= (total > 0) | tells(rule, count, 0)
        kept = ~(sure | (wealth.logs[:, 0] >= bars[:, None]).any(0))
        if not kept.all():
            used[playing[~kept]] = count
            playing, game, wealth = playing[kept], game.pick(kept), wealth.pick(kept)
        if not playing.size:
            break
    return used
