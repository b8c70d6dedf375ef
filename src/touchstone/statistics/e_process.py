"""E-processes: bets on the next item of a battery that is drawn without replacement.

Many tests run at a time, each of a threshold on one battery. In each, two bettors play against two
claims, "the battery's mean is at most low" and "it is at least high". A bettor's wealth starts at
1; under its claim it is a non-negative supermartingale, so it ever reaches 1/error with chance at
most `error` (Ville 1939), whenever one looks.

Before an item is drawn, each remaining item j gets a payoff `base_j + stake_j * y`. Item j comes
next with chance odds_j / left, where `left` items remain and odds are 1 on average, fixed by the
sampling weights with which the order was drawn. If the claim holds, the outcomes that remain have a
mean of at most edge = (size * low - sum so far) / left. With stake_j = stake / odds_j the payoff is
worth at most mean(odds * base) + stake * edge, by which it is divided. No more is needed: the game
is fair for *any* stake and base, and so for any item model, however wrong.

Stake and base are the ones that grow wealth fastest if the components are right: the likelihood
ratio of what the components expect, q, to the nearest expectations r that obey the claim (the
reverse information projection: Gruenwald, de Heide and Koolen, JRSS B 2024). Lagrange's condition,
q/r - (1-q)/(1-r) = stake_j, is a quadratic: with D = sqrt((1+stake_j)^2 - 4 stake_j q) the payoff
is (1 - stake_j + D)/2 + stake_j * y. A control variate with a fixed bet (Waudby-Smith and Ramdas,
NeurIPS 2020) is the same with a base that is linear in q.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics.item_model import ItemModel, Numbers

_NEWTON_STEPS = 4
_STAKE_LIMIT = 1e3
# (1 + s)^2 - 4 s q is never below (1 - s)^2, but for rounding.
_ROOT_FLOOR = 1e-12
# Components nearer to the claim than this are of no use to its opponent.
_NEAREST = 0.004
# Belief in a distance d from the claim, before any outcome: (d * exp(-d / peak)) ** _POWER, its
# peak this far beyond the zone. ADR 0081.
_PEAK = 0.12
_POWER = 4.0
_HOPELESS = -1e9
_SIGNS = np.array([1.0, -1.0])[:, None, None, None]
"""Which way the first bettor's stake goes, and the second's."""


@dataclass(frozen=True)
class ParallelTests:
    """What is fixed before the first outcome.

    Shapes: G batteries, L tests each, E components of an item model, K classes of items.
    """

    probabilities: Numbers
    """Chance of success of each class in each component, (G, E, K)."""
    class_sizes: Numbers
    """Items of each class, (G, K)."""
    low: Numbers
    """What the first bettor, who wins on success, plays against, (G, L)."""
    high: Numbers
    """What the second bettor, who wins on failure, plays against, (G, L)."""
    sampling_weights: Numbers
    """How much likelier than others an item of the class was to be drawn next, (G, L, K)."""
    log_priors: Numbers
    """Log prior of each bettor in each component, (2, G, L, E)."""
    log_chances: Numbers
    """Log chance of failure, and of success, of each class in each component, (2, G, K, E)."""

    @property
    def sizes(self) -> Numbers:
        """Items of each battery, (G, 1)."""
        sizes: Numbers = self.class_sizes.sum(1, keepdims=True)
        return sizes

    def select(self, kept: NDArray[np.bool_]) -> "ParallelTests":
        """Only some tests; `kept` has shape (L,)."""
        return replace(
            self,
            low=self.low[:, kept],
            high=self.high[:, kept],
            sampling_weights=self.sampling_weights[:, kept],
            log_priors=self.log_priors[:, :, kept],
        )


@dataclass(frozen=True)
class Wealth:
    """Where the tests stand. A value: every step makes a new one."""

    counted: Numbers
    """Items drawn, (G, L)."""
    total: Numbers
    """Sum of their outcomes, (G, L)."""
    left: Numbers
    """Items left in each class, (G, L, K)."""
    likelihood: Numbers
    """Log likelihood of the outcomes in each component, (G, L, E)."""
    logs: Numbers
    """Log wealth of both bettors, (2, G, L)."""

    def select(self, kept: NDArray[np.bool_]) -> "Wealth":
        """Only some tests; `kept` has shape (L,)."""
        return Wealth(
            self.counted[:, kept],
            self.total[:, kept],
            self.left[:, kept],
            self.likelihood[:, kept],
            self.logs[:, :, kept],
        )


def parallel_tests(
    item_models: Sequence[ItemModel], low: Numbers, high: Numbers, weights: Numbers | None = None
) -> ParallelTests:
    """Tests against `low` and `high`, each (batteries, tests).

    `weights` are the sampling weights with which each order was drawn, (batteries, tests, K).
    """
    components = max(each.weights.size for each in item_models)
    count = max(each.class_sizes.size for each in item_models)
    # Batteries with fewer components or classes are filled up with ones that weigh nothing.
    probabilities = np.full((len(item_models), components, count), 0.5)
    class_sizes = np.zeros((len(item_models), count))
    beliefs = np.full((len(item_models), 1, components), 2 * _HOPELESS)
    means = np.full((len(item_models), 1, components), 0.5)
    for number, each in enumerate(item_models):
        rows, columns = each.probabilities.shape
        probabilities[number, :rows, :columns] = each.probabilities
        class_sizes[number, :columns] = each.class_sizes
        beliefs[number, 0, :rows] = np.log(each.weights)
        means[number, 0, :rows] = each.means
    peak = _PEAK + (high - low)[..., None] / 2
    log_priors = []
    for distance in (means - low[..., None], high[..., None] - means):
        beyond = np.maximum(distance, _NEAREST)
        log_prior = beliefs + _POWER * (np.log(beyond) - beyond / peak)
        # A component on the claim's side can only lose money for its opponent; it stays with hardly
        # any belief, so that no bettor is left without a component.
        log_priors.append(np.where(distance > _NEAREST, log_prior, beliefs + _HOPELESS))
    if weights is None:
        weights = np.ones((*low.shape, count))
    by_class = probabilities.swapaxes(1, 2)
    return ParallelTests(
        probabilities,
        class_sizes,
        low,
        high,
        weights,
        np.stack(log_priors),
        np.stack((np.log1p(-by_class), np.log(by_class))),
    )


def initial_wealth(setup: ParallelTests) -> Wealth:
    """Nothing drawn yet, and a wealth of 1 for each bettor."""
    shape = setup.low.shape
    left = np.broadcast_to(setup.class_sizes[:, None, :], (*shape, setup.class_sizes.shape[1]))
    return Wealth(
        np.zeros(shape),
        np.zeros(shape),
        left.astype(float),
        np.zeros((*shape, setup.probabilities.shape[1])),
        np.zeros((2, *shape)),
    )


def update_wealth(
    setup: ParallelTests, wealth: Wealth, classes: NDArray[np.int64], outcomes: Numbers
) -> Wealth:
    """Draw one item of the given class in each test, with its outcome; both arrays are (G, L).

    A test whose class is -1 draws nothing and stays where it is.
    """
    playing = classes >= 0
    drawn = np.maximum(classes, 0)
    # At the end nothing is left and nothing is drawn: 1 only avoids a division by 0.
    remaining = np.maximum(_sum(wealth.left), 1.0)
    shares = wealth.left / remaining
    mean_weight = np.maximum(_sum(shares * setup.sampling_weights), 1e-300)
    odds = setup.sampling_weights / mean_weight
    # Both bettors at once: where few tests run, the calls cost more than the numbers.
    claims = np.stack((setup.low, setup.high))
    # The claim is about the whole battery, so what was drawn tightens it for what is left: sampling
    # without replacement is what makes small batteries cheap.
    edge = (setup.sizes * claims - wealth.total) / remaining[..., 0]
    # Beyond (0, 1) the outcomes drawn have settled the claim by themselves: see `settled`.
    open_still = playing & (edge > 0) & (edge < 1)
    q = _predicted(setup, wealth, setup.log_priors)
    stake, base = _payoff(q, shares, odds, np.minimum(np.maximum(edge, 0.0), 1.0), _SIGNS)
    places = np.arange(len(drawn))[:, None], np.arange(drawn.shape[1])[None, :], drawn
    payoff = base[:, *places] + stake / odds[places] * outcomes
    # A payoff of 0 has no logarithm; 1e-300 is as poor.
    gains = np.where(open_still, np.log(np.maximum(payoff, 1e-300)), 0.0)
    failed, solved = setup.log_chances[:, places[0], drawn]
    news = outcomes[..., None] * solved + (1 - outcomes[..., None]) * failed
    left = wealth.left.copy()
    left[places] -= playing
    return Wealth(
        wealth.counted + playing,
        wealth.total + np.where(playing, outcomes, 0.0),
        left,
        wealth.likelihood + np.where(playing[..., None], news, 0.0),
        wealth.logs + gains,
    )


def predicted_probabilities(setup: ParallelTests, wealth: Wealth, side: int) -> Numbers:
    """Chance of success of each class for one bettor, after what was seen: (G, L, K)."""
    return _predicted(setup, wealth, setup.log_priors[side])


def _predicted(setup: ParallelTests, wealth: Wealth, log_priors: Numbers) -> Numbers:
    """The same for log priors of (..., G, L, E): (..., G, L, K)."""
    belief = wealth.likelihood + log_priors
    # Shifted so that the largest is 1: log likelihoods of hundreds of items would all give 0.
    belief -= belief.max(-1, keepdims=True)
    np.exp(belief, out=belief)
    probabilities: Numbers = belief @ setup.probabilities / _sum(belief)
    return probabilities


def _sum(values: Numbers) -> Numbers:
    """Over the last axis, which stays: (..., K) to (..., 1)."""
    total: Numbers = np.add.reduce(values, -1, keepdims=True)
    return total


def _payoff(
    q: Numbers, shares: Numbers, odds: Numbers, edge: Numbers, sign: Numbers
) -> tuple[Numbers, Numbers]:
    """Stake (2, G, L) and base (2, G, L, K), divided by what they are worth under the claim.

    A few Newton steps towards mean(r) = edge are enough: the division makes any stake fair.
    """
    edge = edge[..., None]
    variance = np.maximum(_sum(q * (1 - q) * shares / odds), 1e-4)
    stake = (_sum(q * shares) - edge) / variance
    twice, four = 2 * q, 4 * q
    for _ in range(_NEWTON_STEPS):
        stake = _limited(stake, sign)
        wide = stake / odds
        root, above = _root(wide, four)
        # Written where the last use of each array lies: for many tests, room is what costs.
        r = np.divide(twice, np.add(above, root, out=above), out=above)
        slope = np.subtract(1, r, out=wide)
        slope *= r
        slope /= root
        slope /= odds
        slope *= shares
        r *= shares
        stake = stake + (_sum(r) - edge) / np.maximum(_sum(slope), 1e-6)
    stake = _limited(stake, sign)
    wide = stake / odds
    base, above = _root(wide, four)
    # Rounding must not make a payoff negative, for success or for failure.
    base += np.subtract(1, wide, out=above)
    base /= 2
    np.maximum(base, np.maximum(np.negative(wide, out=wide), 0.0, out=wide), out=base)
    # Fairness rests on this line alone: whatever the steps above made of stake and base, the payoff
    # is divided by the most that it can be worth under the claim.
    worth = _sum(base * shares * odds) + stake * edge
    return (stake / worth)[..., 0], np.divide(base, worth, out=base)


def _limited(stake: Numbers, sign: Numbers) -> Numbers:
    # Of one sign only: the claim bounds what is left from one side, and against a stake of the
    # other sign nothing would make the payoff fair.
    return np.minimum(np.maximum(stake * sign, 0.0), _STAKE_LIMIT) * sign


def _root(wide: Numbers, four: Numbers) -> tuple[Numbers, Numbers]:
    """The square root of (1 + wide)^2 - 4 wide q, and 1 + wide; `four` is 4 q."""
    above = 1 + wide
    root = np.square(above)
    root -= four * wide
    np.maximum(root, _ROOT_FLOOR, out=root)
    return np.sqrt(root, out=root), above
