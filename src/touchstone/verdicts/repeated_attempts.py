"""What several attempts at each item say beside the verdict, which rests on the first alone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from touchstone.review.audience_view import Entry
from touchstone.review.evolve import evolve
from touchstone.review.state import RunKey, State
from touchstone.review.tallies import Attempt, Tally
from touchstone.statistics import Interval
from touchstone.statistics.repeated_attempts import PassRate, pass_rate

TYPES = ("battery-sealed", "outcomes-recorded")
"""The types of the events that are looked at."""


@dataclass(frozen=True)
class AttemptRates:
    """One run in which each item was tried several times."""

    attempts: int
    """How often each item was to be tried."""
    items: int
    """Items of the sealed order of which every attempt is recorded, from the first on."""
    size: int
    """Items that were sealed."""
    lost: int
    """Attempts at these items that measured nothing; they count both ways."""
    rates: tuple[PassRate, ...]
    """pass@1, the mean over the attempts at an item, and pass@k; empty without a whole item."""

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "attempts": self.attempts,
            "items": self.items,
            "lost": self.lost,
            "pass_at": [
                {
                    "k": each.k,
                    "rate": [round(each.least, 6), round(each.most, 6)],
                    "interval": _rounded(each.interval),
                }
                for each in self.rates
            ],
        }


def _rounded(interval: Interval) -> list[float]:
    return [round(interval.low, 6), round(interval.high, 6)]


def attempt_rates(entries: Iterable[Entry], battery: str) -> Mapping[RunKey, AttemptRates]:
    """Of each run of a battery in which items are tried several times, what the attempts say.

    From entries as one audience may read them; those of `TYPES` are looked at. Each item that a
    family says is a near-copy of another counts with it.
    """
    state, flaws = State(), defaultdict[str, dict[int, str]](dict)
    for entry in entries:
        if entry.kind not in TYPES or not entry.visible:
            continue
        facts = entry.event.facts()
        if facts["battery"] != battery:
            continue
        state = evolve(state, entry.event, entry.recorded)
        for opened in (entry.content("opened") or {}).get("opened", ()):
            flaws[facts.get("criterion", "")][opened["index"]] = opened.get("flaw", "")
    sealed = state.batteries.get(battery)
    found = {}
    for key, tally in state.tallies.items():
        part = sealed.item_set(key.criterion) if sealed else None
        if part is not None and part.attempts > 1:
            planted = flaws[key.criterion]
            found[key] = _rates(tally, part.attempts, part.size, planted)
    return found


def _rates(tally: Tally, attempts: int, size: int, flaws: Mapping[int, str]) -> AttemptRates:
    each_try = [tally.attempt(number) for number in range(1, attempts + 1)]
    items = min(each.prefix for each in each_try)
    solved = [_count(each_try, place, "solved") for place in range(items)]
    lost = [attempts - _count(each_try, place, "measured") for place in range(items)]
    labels = [flaws.get(place) or f"item {place}" for place in range(items)]
    rates = tuple(
        pass_rate(k, attempts, solved, lost, size, labels) for k in (1, attempts) if items
    )
    return AttemptRates(attempts, items, size, sum(lost), rates)


def _count(each_try: Iterable[Attempt], place: int, what: str) -> int:
    return sum(getattr(each, what) >> place & 1 for each in each_try)
