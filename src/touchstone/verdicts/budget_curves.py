"""What smaller budgets would have given, from the one run that there was.

A sample that went beyond a checkpoint has a verdict on its answer as it was there. One that ended
before it, by its own submission or at another limit, would have ended in the same way with that
budget: its result stands for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from touchstone.review import RunKey
from touchstone.review.audience_view import Entry
from touchstone.review.events.measuring import MEASURED, OutcomesRecorded
from touchstone.statistics import Interval, clopper_pearson


@dataclass(frozen=True)
class BudgetPoint:
    """What one budget gave, or would have given."""

    tokens: int
    solved: int
    counted: int
    """Items that were measured at this budget."""
    lost: int
    """Items that were not."""
    interval: Interval | None
    """Exact, 95%, for further such items; None where nothing was counted."""

    @property
    def rate(self) -> float | None:
        """The share solved; None where nothing was counted."""
        return self.solved / self.counted if self.counted else None


@dataclass
class _Counts:
    solved: int = 0
    counted: int = 0
    lost: int = 0

    def add(self, solved: bool | None) -> None:
        self.lost += solved is None
        self.counted += solved is not None
        self.solved += solved is True


@dataclass
class BudgetCounts:
    """A run's counts, by budget; outcomes are added as they are read."""

    budgets: Sequence[int]
    """The checkpoints and the elicitation's whole budget, ascending."""
    _found: list[_Counts] = field(default_factory=list)
    _known: set[int] = field(default_factory=set)

    def add(self, outcome: dict[str, Any]) -> None:
        """Count a recorded outcome; the first one of an item stands."""
        self._found = self._found or [_Counts() for _ in self.budgets]
        if outcome["index"] in self._known:
            return
        self._known.add(outcome["index"])
        points = {each["tokens"]: each["solved"] for each in outcome.get("curve", ())}
        measured = outcome["result"] in MEASURED
        result = outcome["result"] == "solved" if measured else None
        for budget, counts in zip(self.budgets, self._found, strict=True):
            counts.add(points.get(budget, result))

    @property
    def points(self) -> tuple[BudgetPoint, ...]:
        """The curve so far."""
        return tuple(
            BudgetPoint(
                budget,
                each.solved,
                each.counted,
                each.lost,
                clopper_pearson(each.solved, each.counted) if each.counted else None,
            )
            for budget, each in zip(self.budgets, self._found, strict=True)
        )


def budget_curves(entries: Iterable[Entry]) -> dict[RunKey, tuple[BudgetPoint, ...]]:
    """The curve of every run whose elicitation has checkpoints, as far as these entries are open.

    Args:
        entries: Those by which batteries were sealed and outcomes recorded, in order.
    """
    budgets: dict[tuple[str, str], tuple[int, ...]] = {}
    found: dict[RunKey, BudgetCounts] = {}
    for entry in entries:
        if entry.kind == "battery-sealed" and (told := entry.content("registered")):
            budgets |= _budgets(told)
        event, details = entry.event, entry.content("details") if entry.visible else None
        if not isinstance(event, OutcomesRecorded) or details is None:
            continue
        of_run = budgets.get((event.battery, event.criterion))
        if of_run is None or any(each.attempt > 1 for each in event.outcomes):
            continue
        key = RunKey(event.battery, event.criterion, event.variant, event.mode)
        counts = found.setdefault(key, BudgetCounts(of_run))
        for outcome in details["outcomes"]:
            counts.add(outcome)
    return {key: counts.points for key, counts in found.items() if counts.points}


def _budgets(registered: dict[str, Any]) -> dict[tuple[str, str], tuple[int, ...]]:
    """By battery and criterion the checkpoints and the whole budget; of packs there are none."""
    battery, found = registered["battery"], {}
    for part in battery["sets"]:
        how = part.get("elicitation") or registered["elicitation"]
        # A set's own limit of tokens stands in the place of the elicitation's.
        most = part.get("limits", {}).get("tokens") or how["token_limit"]
        if how.get("checkpoints") and not part.get("pack"):
            kept = (each for each in how["checkpoints"] if each < most)
            found[battery["id"], part["criterion"]] = (*kept, most)
    return found
