"""What several attempts at each item say beside the verdict, which rests on the first alone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from touchstone.review.audience_view import Entry
from touchstone.review.evolve import evolve
from touchstone.review.state import RunKey, State
from touchstone.review.tallies import Attempt, Tally
from touchstone.statistics.repeated_attempts import PassRate, pass_rate

TYPES = ("battery-sealed", "outcomes-recorded")
"""The types of the events that are looked at."""


@dataclass(frozen=True)
class OneAttempt:
    """What one of the attempts at each item says by itself."""

    number: int
    """Which, from 1."""
    solved: int
    """Items that it solved."""
    lost: int
    """Items at which it measured nothing; they count both ways."""
    rate: PassRate

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "attempt": self.number,
            "solved": self.solved,
            "lost": self.lost,
            **_rate_as_dict(self.rate),
        }


@dataclass(frozen=True)
class AttemptRates:
    """One run in which each item was tried several times."""

    attempts: int
    """How often each item was to be tried."""
    items: int
    """Items of the sealed order of which every attempt is recorded, from the first on."""
    size: int
    """Items that were sealed."""
    by_attempt: tuple[OneAttempt, ...]
    """Each attempt at these items by itself, from the first on; empty without a whole item."""
    rates: tuple[PassRate, ...]
    """pass@1, the mean over the attempts at an item, and pass@k; empty without a whole item."""

    @property
    def lost(self) -> int:
        """Attempts at these items that measured nothing, all together."""
        return sum(each.lost for each in self.by_attempt)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "attempts": self.attempts,
            "items": self.items,
            "size": self.size,
            "lost": self.lost,
            "by_attempt": [each.as_dict() for each in self.by_attempt],
            "pass_at": [{"k": each.k, **_rate_as_dict(each)} for each in self.rates],
        }


def _rate_as_dict(rate: PassRate) -> dict[str, list[float]]:
    ends = rate.interval
    return {
        "rate": [round(rate.least, 6), round(rate.most, 6)],
        "interval": [round(ends.low, 6), round(ends.high, 6)],
    }


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
    tries = [tally.attempt(number) for number in range(1, attempts + 1)]
    items = min(each.prefix for each in tries)
    if not items:
        return AttemptRates(attempts, items, size, (), ())
    labels = [flaws.get(place) or f"item {place}" for place in range(items)]

    def rate(k: int, some: Sequence[Attempt]) -> PassRate:
        solved = [sum(each.solved >> place & 1 for each in some) for place in range(items)]
        heard = [sum(each.measured >> place & 1 for each in some) for place in range(items)]
        lost = [len(some) - each for each in heard]
        return pass_rate(k, len(some), solved, lost, size, labels)

    by_attempt = []
    for number, each in enumerate(tries, 1):
        solved, measured = each.counts(items)
        by_attempt.append(OneAttempt(number, solved, items - measured, rate(1, [each])))
    rates = tuple(rate(k, tries) for k in (1, attempts))
    return AttemptRates(attempts, items, size, tuple(by_attempt), rates)
