"""Time horizons: the length of task, in human minutes, at which a model succeeds half the time.

After METR (Kwa et al. 2025): a weighted logistic fit on log2 human minutes, with a hierarchical
bootstrap over families, tasks and runs. **Not valid at a data-dependent stop.**

By default the fit is theirs exactly: weights that sum to 1 and a ridge of 0.1 on the slope, none on
the intercept, which is what scikit-learn's logistic regression does at C = 1/0.1. Beside weights
that sum to 1 that ridge is heavy: slopes are drawn towards 0. `ridge=LIGHT` is the fit with weights
that sum to the number of runs and a ridge of 0.01 on both, which draws them hardly at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import expit, logit

from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.intervals import Interval, require_level
from touchstone.statistics.item_model import Numbers, require_outcomes

_STEPS = 200
_STEEPEST = 30.0
# A slope nearer to 0 than this is no fall: all runs alike leave rounding errors.
_FLAT = 1e-9


@dataclass(frozen=True)
class RidgePenalty:
    """How a fit is held back."""

    intercept: float
    slope: float
    whole: bool
    """Whether weights sum to 1, and not to the number of runs."""


METR_PENALTY = RidgePenalty(0.0, 0.1, whole=True)
"""As published: comparable with their figures."""
LIGHT_PENALTY = RidgePenalty(0.01, 0.01, whole=False)
"""Only enough to keep a perfectly separated resample finite."""


@dataclass(frozen=True)
class TimeHorizon:
    """A time horizon."""

    minutes: float
    """Human minutes at which `rate` is expected."""
    rate: float
    slope: float
    """Change of the log odds a doubling of human minutes; negative as a rule."""
    interval: Interval
    """Percentile interval of the bootstrap, in minutes; infinite where fits do not bend down."""
    undefined: float
    """Share of the bootstrap's fits in which success does not fall with length."""
    anytime_valid: bool = False
    """Always false: the interval holds for a design of fixed size only."""


@dataclass(frozen=True)
class TimedRuns:
    """Runs of one model, all columns of shape (runs,)."""

    outcomes: Numbers
    minutes: Numbers
    """Human minutes that the task takes, positive."""
    weights: Numbers
    """Weight of each run, positive; 1/runs of its task makes tasks equal."""
    families: Sequence[str]
    tasks: Sequence[str]

    def __post_init__(self) -> None:
        shape = self.outcomes.shape
        if not self.outcomes.size or not (
            shape == self.minutes.shape == self.weights.shape == (len(self.families),)
            and len(self.tasks) == len(self.families)
        ):
            raise UnusableNumbersError("a time horizon needs equally long columns, one row a run")
        require_outcomes(self.outcomes)
        for column, what in ((self.minutes, "human minutes"), (self.weights, "a weight")):
            if not np.all((column > 0) & np.isfinite(column)):
                raise UnusableNumbersError(f"{what} must be positive in every run")


def time_horizon(
    runs: TimedRuns,
    rng: Generator,
    *,
    rate: float = 0.5,
    draws: int = 500,
    confidence: float = 0.95,
    ridge: RidgePenalty = METR_PENALTY,
) -> TimeHorizon:
    """The horizon and its interval.

    Args:
        runs: Of one model.
        rng: Draws the bootstrap.
        rate: The success rate at whose length the horizon lies.
        draws: Resamples.
        confidence: Of the percentile interval.
        ridge: How the fit is held back: as METR does, or `LIGHT_PENALTY`.

    Raises:
        UnusableNumbersError: success that does not fall with length, or levels outside (0, 1).
    """
    require_level(rate, "a success rate")
    require_level(confidence, "confidence")
    if draws < 1:
        raise UnusableNumbersError("a bootstrap needs at least one draw")
    length = np.log2(runs.minutes)
    # Row 0 is the sample itself, the others its resamples: one fit for all of them.
    counts = np.concatenate([np.ones((1, length.size)), _resamples(runs, rng, draws)])
    start, slope = _fit(length, runs.outcomes, counts * runs.weights, ridge)
    # A horizon read off a curve that rises would be a length beyond which a model does better.
    if not slope[0] < -_FLAT:
        raise UnusableNumbersError(
            "success does not fall with the length of the task, so there is no time horizon"
        )
    falls = slope < -_FLAT
    # A resample that is nearly flat has a horizon beyond all floats; infinite is what is meant.
    with np.errstate(over="ignore"):
        at = np.where(falls, np.exp2((logit(rate) - start) / np.where(falls, slope, -1.0)), np.inf)
    tail = (1 - confidence) / 2
    # Not interpolated: between a finite horizon and an infinite one there is nothing.
    low, high = np.quantile(at[1:], [tail, 1 - tail], method="inverted_cdf")
    ends = Interval(float(low), float(high), confidence)
    return TimeHorizon(float(at[0]), rate, float(slope[0]), ends, float(1 - falls[1:].mean()))


def _fit(
    length: Numbers, outcomes: Numbers, weights: Numbers, ridge: RidgePenalty
) -> tuple[Numbers, Numbers]:
    """Intercepts and slopes, one for each row of `weights` (fits, runs), by damped Newton."""
    # Centred, slope and intercept hardly depend on one another, and Newton's steps converge; METR's
    # ridge is on the slope alone, so the fit is the same.
    centre = length.mean()
    x = np.stack([np.ones_like(length), length - centre])
    weights = weights / weights.sum(1, keepdims=True) * (1 if ridge.whole else length.size)
    fitted = np.zeros((len(weights), 2))
    held = np.array([ridge.intercept, ridge.slope])
    for _ in range(_STEPS):
        chance = expit(fitted @ x)
        slope = (weights * (outcomes - chance)) @ x.T - held * fitted
        bend = np.einsum("fr,ar,br->fab", weights * chance * (1 - chance), x, x) + np.diag(held)
        # Where all runs are alike nothing holds the intercept: it goes to the end of its range.
        bend[:, 0, 0] += _FLAT
        # Where runs are all but separated a whole Newton step overshoots.
        move = np.clip(np.linalg.solve(bend, slope[..., None])[..., 0], -1, 1)
        fitted = np.clip(fitted + move, -_STEEPEST, _STEEPEST)
        if np.abs(move).max() < 1e-9:  # noqa: PLR2004 - converged
            break
    return fitted[:, 0] - fitted[:, 1] * centre, fitted[:, 1]


def _resamples(runs: TimedRuns, rng: Generator, draws: int) -> Numbers:
    """How often each run is drawn, (draws, runs): families, then tasks in them, then runs."""
    tree: dict[str, dict[str, list[int]]] = {}
    for place, (family, task) in enumerate(zip(runs.families, runs.tasks, strict=True)):
        tree.setdefault(family, {}).setdefault(task, []).append(place)
    families = [[np.array(each) for each in tasks.values()] for tasks in tree.values()]
    counts = np.zeros((draws, runs.outcomes.size))
    for row in counts:
        drawn = []
        for family in rng.integers(len(families), size=len(families)):
            tasks: list[NDArray[np.int64]] = families[family]
            for task in rng.integers(len(tasks), size=len(tasks)):
                places = tasks[task]
                drawn.append(places[rng.integers(places.size, size=places.size)])
        row[:] = np.bincount(np.concatenate(drawn), minlength=row.size)
    return counts
