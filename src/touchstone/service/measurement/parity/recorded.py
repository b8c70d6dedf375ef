"""What a case's record has of each run, as who reads it may see: results, items, elicitation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from touchstone.evaluation import Reveal
from touchstone.review import RunKey
from touchstone.review.audience_view import Entry, required
from touchstone.review.events.measuring import OutcomesRecorded
from touchstone.verdicts.content_parsers import Registered, registered_of

TYPES = ("battery-sealed", "outcomes-recorded")


@dataclass
class RecordedItems:
    """One run: each item's first attempt."""

    results: dict[int, bool | None] = field(default_factory=dict)
    """By position: solved or not; None where nothing was measured."""
    opened: dict[int, Reveal] = field(default_factory=dict)
    """What opens each item."""

    @property
    def flaws(self) -> Mapping[int, str]:
        """What is like each item: the flaw in it, or nothing but itself."""
        return {n: each.flaw or f"item {n}" for n, each in self.opened.items()}


@dataclass(frozen=True)
class RecordedRuns:
    """All runs of a case, and what was registered for their batteries."""

    registered: Mapping[str, Registered]
    """By battery."""
    runs: Mapping[RunKey, RecordedItems]


def recorded_runs(entries: Iterable[Entry]) -> RecordedRuns:
    """What these entries say; those of `TYPES` at least, in the order of the record."""
    registered: dict[str, Registered] = {}
    found: dict[RunKey, RecordedItems] = {}
    for entry in entries:
        event = entry.event
        if entry.kind == "battery-sealed":
            sealed = required(entry, "registered", registered_of)
            registered[sealed.battery.id] = sealed
        if not isinstance(event, OutcomesRecorded) or not entry.visible:
            continue
        key = RunKey(event.battery, event.criterion, event.variant, event.mode)
        run = found.setdefault(key, RecordedItems())
        for outcome in event.outcomes:
            if outcome.attempt == 1:
                solved = outcome.result == "solved" if outcome.measured else None
                # The first recorded outcome of a sample stands.
                run.results.setdefault(outcome.index, solved)
        for each in (entry.content("opened") or {}).get("opened", ()):
            run.opened.setdefault(each["index"], Reveal.model_validate(each))
    return RecordedRuns(registered, found)
