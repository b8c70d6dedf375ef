"""Expected sample sizes: samples until a verdict, by the true rate, simulated with its bets."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from touchstone.planning.verdict_probabilities import (
    STEPS,
    simulated_progress,
    tabulated_rates,
)
from touchstone.statistics import RateRule
from touchstone.verdicts.preregistration import CHUNK, RunRule

DISTANCES = tuple(sorted(STEPS))
"""Distances from the threshold that a plan tells of, as far as they lie within [0, 1]."""
_MOSTLY = 0.9


@dataclass(frozen=True)
class SamplesAtRate:
    """Samples until the verdict, where the true rate is this one."""

    rate: float
    mean: float
    most: float
    """Nine of ten orders take no more."""
    begun: float
    """Mean of those begun by then: they run in chunks."""


@dataclass(frozen=True)
class SampleSizeCurve:
    """Samples until the verdict, over the rates that there may be."""

    at: float
    """The threshold."""
    size: int
    """The worst: all of them."""
    begun: float
    """Samples begun, over all rates from 0 to 1 alike."""
    points: tuple[SamplesAtRate, ...]
    """In the order of the rates."""

    def near(self, distance: float) -> SamplesAtRate | None:
        """At `distance` (signed) from the threshold, if that is a rate at all."""
        wanted = self.at + distance
        return next((p for p in self.points if abs(p.rate - wanted) < 1e-9), None)  # noqa: PLR2004 - rounding


def sample_size_curve(rule: RunRule, levels: Sequence[int]) -> SampleSizeCurve | None:
    """The samples that a run will take, by its true rate; None where all of its items run.

    Args:
        rule: How its verdict is reached.
        levels: Difficulty of each item.
    """
    if rule.design == "fixed":
        return None
    if rule.measure == "at-least-once-in-k":
        return _until_the_first(rule.rule, len(levels))
    return _simulated(rule.rule, tuple(sorted(levels)))


def _until_the_first(rule: RateRule, attempts: int) -> SampleSizeCurve:
    """The first success is the verdict; without one, all attempts are made."""
    stops = np.arange(1, attempts + 1)
    points = []
    for rate in tabulated_rates(rule):
        chances = rate * (1 - rate) ** (stops - 1)
        # The last attempt ends it, solved or not.
        chances[-1] = (1 - rate) ** (attempts - 1)
        most = min(int(np.searchsorted(np.cumsum(chances), _MOSTLY)) + 1, attempts)
        mean, begun = float(chances @ stops), float(chances @ _in_chunks(stops, attempts))
        points.append(SamplesAtRate(rate, mean, most, begun))
    return SampleSizeCurve(rule.threshold, attempts, _average(points), tuple(points))


@cache
def _simulated(rule: RateRule, levels: tuple[int, ...]) -> SampleSizeCurve:
    size = len(levels)
    rates, progress = simulated_progress(rule, levels)
    used = np.array([each.used for each in progress]).reshape(len(rates), -1)
    points = [
        SamplesAtRate(
            rate,
            float(row.mean()),
            float(np.quantile(row, _MOSTLY)),
            float(_in_chunks(row, size).mean()),
        )
        for rate, row in zip(rates, used, strict=True)
    ]
    return SampleSizeCurve(rule.threshold, size, _average(points), tuple(points))


def _in_chunks(used: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    # What is begun is paid for: a chunk is never broken off for a verdict.
    return np.minimum(size, -(-used // CHUNK) * CHUNK)


def _average(points: Sequence[SamplesAtRate]) -> float:
    # By the trapezoid, since the rates lie closer together around the threshold: a plain mean would
    # weigh those more.
    return float(np.trapezoid([p.begun for p in points], [p.rate for p in points]))
