"""Sequential verdicts simulated on invented batteries: what is said, and after how many samples."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import logit

from touchstone.statistics.e_process import initial_wealth, parallel_tests, update_wealth
from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.item_model import ItemModel, Numbers, require_outcomes
from touchstone.statistics.power_analysis import ClusteredDesign
from touchstone.statistics.sequential import Progress, Reason, order_weights, sequential_verdicts
from touchstone.statistics.verdict_words import VerdictWord
from touchstone.statistics.verdicts import RateRule

# Components whose mean lies within about this of a rate say which items are then solved.
_NEAR = 0.02


def simulate_outcomes(item_model: ItemModel, rates: Numbers, uniforms: Numbers) -> Numbers:
    """Batteries of which exactly the given shares are solved, as near to the item model as that.

    The items solved are those with the greatest odds, as the components near that rate believe,
    plus logistic noise. So other models' outcomes help as much as the components promise, and no
    more.

    Args:
        item_model: Of the battery.
        rates: Share solved in each invented battery, (batteries,); rounded to whole items.
        uniforms: Numbers in (0, 1), (batteries, items).

    Returns:
        0 or 1, (batteries, items).

    Raises:
        UnusableNumbersError: shapes that do not match, or numbers out of range.
    """
    size = item_model.classes.size
    if uniforms.shape != (rates.size, size) or not np.all((uniforms > 0) & (uniforms < 1)):
        raise UnusableNumbersError("an invented battery needs one number in (0, 1) an item")
    require_outcomes(rates, "a rate")
    nearness = -np.abs(item_model.means[None, :] - rates[:, None]) / _NEAR
    belief = item_model.weights * np.exp(nearness - nearness.max(1, keepdims=True))
    probabilities = belief @ item_model.probabilities / belief.sum(1, keepdims=True)
    odds = logit(probabilities[:, item_model.classes]) + logit(uniforms)
    # By rank, so that exactly the share asked for is solved, and not about as much.
    ranks = np.argsort(np.argsort(-odds, 1), 1)
    return (ranks < np.rint(rates * size)[:, None]).astype(float)


def draw_battery_rates(
    size: int, clusters: int, icc: float, rates: Numbers, rng: Generator
) -> Numbers:
    """Shares solved on batteries drawn from a model's rate on such tasks, one for each rate.

    Args:
        size: Items of a battery.
        clusters: Independent groups among them; as many as items: each stands for itself.
        icc: Correlation of outcomes within a cluster, from 0 to below 1.
        rates: The model's rate for each battery, (batteries,).
        rng: Draws them.

    Raises:
        UnusableNumbersError: clusters or a correlation that mean nothing, or rates outside [0, 1].
    """
    ClusteredDesign(size, clusters, icc)
    require_outcomes(rates, "a rate")
    each = np.bincount(np.arange(size) * clusters // size, minlength=clusters)
    probabilities = np.repeat(rates[:, None], clusters, axis=1)
    # With one item a cluster there is nothing to correlate: the same is drawn for less work.
    if icc and clusters < size:
        # Beta-binomial: parameters that sum to (1 - icc) / icc give a correlation of icc in a
        # cluster.
        spread, inside = (1 - icc) / icc, (rates > 0) & (rates < 1)
        varied = np.clip(rates, 1e-6, 1 - 1e-6)[:, None] * spread
        beta = rng.beta(np.repeat(varied, clusters, 1), np.repeat(spread - varied, clusters, 1))
        # At a rate of exactly 0 or 1 the beta distribution has no spread to draw from.
        probabilities = np.where(inside[:, None], beta, probabilities)
    solved: Numbers = rng.binomial(each, probabilities).sum(1) / size
    return solved


@dataclass(frozen=True)
class SimulatedVerdicts:
    """What was said on each invented battery, and when; an entry a battery."""

    progress: tuple[Progress, ...]

    @property
    def used(self) -> NDArray[np.int64]:
        """Samples until the verdict stood, (batteries,)."""
        return np.array([each.used for each in self.progress])

    @property
    def words(self) -> tuple[VerdictWord, ...]:
        """The word given on each."""
        return tuple(each.word for each in self.progress)


def simulate_verdicts(
    item_model: ItemModel,
    rule: RateRule,
    outcomes: Numbers,
    uniforms: Numbers,
    *,
    uniform_order: bool = False,
) -> SimulatedVerdicts:
    """The verdicts of a review on invented batteries: the same bets, bounds, zone and stops.

    Args:
        item_model: Of the battery, the same for all.
        rule: What was pre-registered.
        outcomes: In [0, 1], (batteries, items).
        uniforms: From which the orders are drawn, in (0, 1), (batteries, items).
        uniform_order: Draw uniform orders, as `sequential_design` does then.

    Raises:
        UnusableNumbersError: outcomes outside [0, 1], or shapes that do not match.
    """
    size = item_model.classes.size
    if outcomes.shape != uniforms.shape or outcomes.shape[1:] != (size,):
        raise UnusableNumbersError("outcomes and numbers for the order: one each an item")
    require_outcomes(outcomes)
    weights = order_weights(item_model, rule, uniform_order=uniform_order)
    orders = np.argsort(-np.log(uniforms) / weights[item_model.classes], 1)
    batteries = len(outcomes)
    low, high = (np.full((1, batteries), at) for at in (rule.above_claims, rule.below_claims))
    setup = parallel_tests([item_model], low, high, np.tile(weights, (1, batteries, 1)))
    wealth = initial_wealth(setup)
    playing, peaks = np.arange(batteries), np.zeros((2, batteries))
    found: list[Progress | None] = [None] * batteries
    for count in range(1, size + 1):
        items = orders[playing, count - 1]
        wealth = update_wealth(
            setup, wealth, item_model.classes[items][None], outcomes[playing, items][None]
        )
        total, (above, below) = wealth.total[0], wealth.logs[:, 0]
        peaks[:, playing] = np.maximum(peaks[:, playing], wealth.logs[:, 0])
        words, reasons = sequential_verdicts(rule, size, count, total, above, below)
        over = np.array([reason is not Reason.OPEN for reason in reasons])
        for place in np.flatnonzero(over):
            battery = int(playing[place])
            found[battery] = Progress(
                words[place],
                reasons[place],
                count,
                0,
                float(total[place]),
                float(above[place]),
                float(below[place]),
                float(peaks[0, battery]),
                float(peaks[1, battery]),
            )
        # Most stop early, and the long runs that are left need no company.
        if over.any():
            playing, setup, wealth = playing[~over], setup.select(~over), wealth.select(~over)
        if not playing.size:
            break
    return SimulatedVerdicts(tuple(each for each in found if each is not None))
