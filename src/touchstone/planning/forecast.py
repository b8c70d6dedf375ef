"""Cost and power of a review, criterion by criterion and mode by mode."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from touchstone.planning.notes import PlanNote
from touchstone.planning.sample_sizes import DISTANCES, SampleSizeCurve
from touchstone.planning.verdict_probabilities import (
    FamilyProbabilities,
    ProbabilitiesAtRate,
)

Said = Callable[[PlanNote], str]
"""The words of a note."""


@dataclass(frozen=True)
class Cost:
    """What some samples take."""

    samples: float
    tokens: float
    money: Decimal | None
    """None where no price was given."""
    days: float

    def __add__(self, other: "Cost") -> "Cost":
        """Both."""
        money = None
        # A sum with an unknown part is unknown, not the part that is known.
        if self.money is not None and other.money is not None:
            money = self.money + other.money
        return Cost(
            self.samples + other.samples, self.tokens + other.tokens, money, self.days + other.days
        )


@dataclass(frozen=True)
class RunForecast:
    """One criterion in one mode."""

    criterion: str
    title: str
    variant: str
    mode: str
    size: int
    curve: SampleSizeCurve | None
    """None where no number is asked, so that all items run and nothing is concluded."""
    said: tuple[ProbabilitiesAtRate, ...]
    """What will be said, by true rate; empty where no number is asked."""
    shown: tuple[ProbabilitiesAtRate, ...]
    """Those of them that a table has room for."""
    expected: Cost
    worst: Cost
    measured: bool
    """Whether the expected tokens and days come from earlier samples, not from the limits."""
    notes: tuple[PlanNote, ...]
    cannot: tuple[PlanNote, ...]
    """What it cannot answer; empty: nothing that was asked."""

    def as_dict(self, said: Said) -> dict[str, Any]:
        """For `--json`."""
        return {
            "criterion": self.criterion,
            "variant": self.variant,
            "mode": self.mode,
            "items": self.size,
            "samples": self.curve and [asdict(point) for point in self.curve.points],
            "said": [point.as_dict() for point in self.said],
            "expected": cost_dict(self.expected),
            "worst": cost_dict(self.worst),
            "expected_from": "earlier-samples" if self.measured else "limits",
            "notes": list(map(said, self.notes)),
            "cannot": list(map(said, self.cannot)),
        }


@dataclass(frozen=True)
class Forecast:
    """A whole review, before anything runs."""

    model: str
    framework: str
    currency: str
    runs: tuple[RunForecast, ...]
    review_by: str
    days_left: int
    notes: tuple[PlanNote, ...]
    """On the whole: where the numbers come from."""
    cannot: tuple[PlanNote, ...]
    """What does not fit: the caps or the window."""
    together: tuple[FamilyProbabilities, ...]
    """What the modes of a criterion say together, where there are several."""
    business_days: bool
    """Whether `days_left` counts business days alone."""
    calendar_days: int
    """The same days, each counted: what the samples may take."""

    @property
    def expected(self) -> Cost:
        """Of all runs."""
        return total(run.expected for run in self.runs)

    @property
    def worst(self) -> Cost:
        """Of all runs, all items of all of them."""
        return total(run.worst for run in self.runs)

    @property
    def answerable(self) -> bool:
        """Whether everything that was asked can be answered as planned."""
        return not self.cannot and not any(run.cannot for run in self.runs)

    def as_dict(self, said: Said) -> dict[str, Any]:
        """For `--json`, with the words of its notes."""
        return {
            "model": self.model,
            "framework": self.framework,
            "currency": self.currency,
            "answerable": self.answerable,
            "cannot": list(map(said, self.cannot)),
            "expected": cost_dict(self.expected),
            "worst": cost_dict(self.worst),
            "review_by": self.review_by,
            "days_left": self.days_left,
            "business_days": self.business_days,
            "notes": list(map(said, self.notes)),
            "runs": [run.as_dict(said) for run in self.runs],
            "together": [each.as_dict() for each in self.together],
        }


def total(costs: Iterable[Cost]) -> Cost:
    """All of them together; at least one."""
    first, *rest = costs
    return sum(rest, first)


def cost_dict(cost: Cost) -> dict[str, Any]:
    """For `--json`: money as a decimal in text."""
    money = None if cost.money is None else str(cost.money.quantize(Decimal("0.01")))
    return {
        "samples": round(cost.samples, 1),
        "tokens": round(cost.tokens),
        "money": money,
        "days": round(cost.days, 3),
    }


def tabulated_distances(curve: SampleSizeCurve) -> Sequence[tuple[float, float]]:
    """(distance, expected samples) for the distances that a table shows: the dearer side."""
    found = []
    for distance in DISTANCES:
        sides = [point.mean for sign in (1, -1) if (point := curve.near(sign * distance))]
        if sides:
            found.append((distance, max(sides)))
    return found
