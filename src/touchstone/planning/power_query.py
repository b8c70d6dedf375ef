"""Power of a design that is asked about without a submission: tasks, or attempts.

One call::

    >>> attempts_result(10, rate=0.1, allowed=0.05).needed
    29
"""

from dataclasses import dataclass
from math import floor
from typing import Any, Literal

from touchstone.statistics import (
    ClusteredDesign,
    PowerComparison,
    RateRule,
    attempts_needed,
    detectable_difference,
    miss_probability,
    percent,
    power,
    tasks_needed,
)
from touchstone.verdicts.errors import CannotRunError

POWER = 0.8
DEFAULT_ICC = 0.3
"""Correlation of outcomes within a family of tasks: the median over real agents was 0.32."""
DEFAULT_PAIRED_CORRELATION = 0.57
"""Correlation of two models' outcomes on the same tasks; 0.08 to 0.62 was seen."""
_ONE_SIDED = 0.025
"""One-sided: what a two-sided 95% interval amounts to."""


Comparison = Literal["threshold", "same-tasks", "other-tasks"]
"""With what is compared: the threshold, or a reference model on the same tasks or on others."""


@dataclass(frozen=True)
class PowerQuery:
    """A question about the power of a battery, without a submission."""

    tasks: int
    points: float
    """Percentage points."""
    clusters: int | None = None
    threshold: float = 0.5
    alpha: float = _ONE_SIDED
    icc: float = DEFAULT_ICC
    paired_correlation: float = DEFAULT_PAIRED_CORRELATION
    relative: bool = False
    """Whether the question is about a difference from a reference model."""


@dataclass(frozen=True)
class ComparisonPower:
    """The power of one comparison, and what would be enough."""

    what: Comparison
    power: float
    """Chance to detect the difference that was asked about."""
    smallest: float | None
    """Detected with 80% power; None: no difference is."""
    needed: int | None
    """Tasks that would do, in clusters of the same size; per model, where there are two."""


@dataclass(frozen=True)
class PowerResult:
    """The power of a battery, and what each comparison needs."""

    asked: PowerQuery
    effective_size: float
    told: tuple[ComparisonPower, ...]
    """The comparison that was asked about first."""
    can: bool

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "can": self.can,
            "tasks": self.asked.tasks,
            "clusters": self.asked.clusters or self.asked.tasks,
            "effective": round(self.effective_size, 1),
            "points": self.asked.points,
            "ways": [
                {
                    "what": each.what,
                    "power": round(each.power, 4),
                    "smallest_points": each.smallest and round(each.smallest * 100, 2),
                    "tasks_needed": each.needed,
                }
                for each in self.told
            ],
        }


def query_power(options: dict[str, Any]) -> PowerResult:
    """The answer to a question as typed.

    Raises:
        CannotRunError: neither a submission nor a question, or one that makes no sense.
    """
    if not {"tasks", "points"} <= options.keys():
        raise CannotRunError(
            "name a SUBMISSION.toml, or ask a question with --tasks and --points, or with "
            "--attempts and --rate"
        )
    return power_result(PowerQuery(**options))


def power_result(asked: PowerQuery) -> PowerResult:
    """Whether a battery detects a difference beyond its tasks, with 80% power.

    Raises:
        CannotRunError: a question that makes no sense; the line says what to write.
        UnusableNumbersError: clusters, levels or correlations that mean nothing.
    """
    # For its refusals alone: a question has no criterion that would have checked them.
    RateRule(asked.threshold, 0.0, asked.alpha, asked.alpha)
    distance = asked.points / 100
    reach = max(asked.threshold, 1 - asked.threshold)
    if not 0 < distance <= reach:
        raise CannotRunError(
            f"--points {asked.points:g}: write more than 0 and at most {reach * 100:g}, so that a "
            f"rate lies so far from {asked.threshold:g}"
        )
    if not 0 <= asked.paired_correlation < 1:
        raise CannotRunError(
            f"--paired-correlation {asked.paired_correlation:g}: write a number from 0 to below 1"
        )
    clusters = asked.tasks if asked.clusters is None else asked.clusters
    design = ClusteredDesign(asked.tasks, clusters, asked.icc)
    at, error = asked.threshold, asked.alpha
    ways: list[tuple[Comparison, PowerComparison]] = [
        ("threshold", PowerComparison(at, error)),
        (
            "same-tasks",
            PowerComparison(at, error, relative=True, paired_correlation=asked.paired_correlation),
        ),
        ("other-tasks", PowerComparison(at, error, relative=True)),
    ]
    if asked.relative:
        ways = [ways[1], ways[2], ways[0]]
    told = tuple(_comparison_power(what, design, comparison, distance) for what, comparison in ways)
    return PowerResult(asked, design.effective_size, told, told[0].power >= POWER)


def _comparison_power(
    what: Comparison, design: ClusteredDesign, comparison: PowerComparison, distance: float
) -> ComparisonPower:
    # The side with room for it; with room on both, the one that leads to the larger variance: what
    # is promised must hold whichever way the model differs.
    sides = [side for side in (1, -1) if 0 <= comparison.at + side * distance <= 1]
    side = max(sides, key=lambda each: comparison.variance(each * distance))
    variance = comparison.variance(side * distance)
    return ComparisonPower(
        what,
        power(design, distance, variance, comparison.error),
        detectable_difference(design, comparison, side, POWER),
        tasks_needed(design, distance, variance, comparison.error, POWER),
    )


def power_in_words(chance: float) -> str:
    """A power as a whole percentage; with a decimal where it would read as enough and is not."""
    text = percent(chance)
    if chance < POWER and text == percent(POWER):
        return f"{floor(chance * 1000) / 10:g}%"
    return text


def about(tasks: int) -> int:
    """A number of tasks, no more exactly than it is known."""
    # A search to within some tasks reads as exact where all its digits are shown.
    step = 1 if tasks < 100 else 5 if tasks < 10_000 else 100  # noqa: PLR2004 - three figures
    return round(tasks / step) * step


@dataclass(frozen=True)
class AttemptsResult:
    """Whether so many attempts would see a rare success."""

    attempts: int
    rate: float
    miss: float
    allowed: float
    needed: int

    @property
    def can(self) -> bool:
        """Whether a miss is rare enough."""
        # Not by the chance itself, which rounding may put a hair above what is allowed.
        return self.attempts >= self.needed

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "can": self.can,
            "attempts": self.attempts,
            "rate": self.rate,
            "miss": round(self.miss, 4),
            "needed": self.needed,
        }


def attempts_result(attempts: int, rate: float, allowed: float) -> AttemptsResult:
    """Whether `attempts` tries see a success rate of `rate`, but for a chance of `allowed`.

    Raises:
        UnusableNumbersError: no attempt, or a level outside (0, 1).
    """
    needed = attempts_needed(rate, allowed)
    return AttemptsResult(attempts, rate, miss_probability(rate, attempts), allowed, needed)
