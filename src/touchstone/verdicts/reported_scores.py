"""What scores say that decide nothing: of each run of a pack whose scores are only reported."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from touchstone.evaluation.set_choices import DeclaredScore
from touchstone.review.audience_view import Entry
from touchstone.review.events.measuring import BatterySealed, Outcome, OutcomesRecorded
from touchstone.review.state import RunKey
from touchstone.statistics import Interval, MeanScore, mean_score
from touchstone.verdicts.content_parsers import registered_of

TYPES = ("battery-sealed", "outcomes-recorded")
"""The types of the events that are looked at."""
SHARES = (0.0, 1.0)
"""The range in which scores stand in the facts of the record."""


@dataclass(frozen=True)
class ReportedScores:
    """One run of which the scores are only reported: no verdict rests on them."""

    found: MeanScore
    """Of shares of the declared range."""
    unmeasured: Mapping[str, int]
    """Items that ran and have no score, by what they met."""
    low: float
    """The least score that the pack declares; 0 for those who may not read what it is."""
    high: float
    """The largest one; 1 likewise."""

    @property
    def ran(self) -> int:
        """Items of the sealed order that ran, from the first on, without a gap."""
        return self.found.scored + self.found.unscored

    @property
    def mean(self) -> float | None:
        """Of the scores, as the pack counts them; None where there is none."""
        return None if self.found.mean is None else self._scaled(self.found.mean)

    @property
    def interval(self) -> Interval:
        """For the mean score of further items of the same makes, as the pack counts them."""
        ends = self.found.interval
        return Interval(self._scaled(ends.low), self._scaled(ends.high), ends.confidence)

    def _scaled(self, share: float) -> float:
        # Weighed and not stretched: the difference of two large numbers may be none.
        return self.low * (1 - share) + self.high * share

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        ends = self.interval
        return {
            "decides": "nothing",
            "items": self.found.size,
            "ran": self.ran,
            "scored": self.found.scored,
            "unmeasured": dict(self.unmeasured),
            "range": [self.low, self.high],
            "mean": None if self.mean is None else round(self.mean, 6),
            "interval": [round(ends.low, 6), round(ends.high, 6)],
            "confidence": ends.confidence,
        }


def reported_scores(entries: Iterable[Entry], battery: str) -> Mapping[RunKey, ReportedScores]:
    """Of each run of a battery whose scores are only reported, their mean and its interval.

    From entries as one audience may read them; those of `TYPES` are looked at. Of a run that
    something stopped, the first items of the sealed order: what ends early is no fair sample.
    """
    sizes: dict[str, int] = {}
    declared: dict[str, DeclaredScore] = {}
    outcomes = defaultdict[RunKey, dict[int, Outcome]](dict)
    flaws = defaultdict[str, dict[int, str]](dict)
    for entry in entries:
        event = entry.event
        if not entry.visible or getattr(event, "battery", None) != battery:
            continue
        if isinstance(event, BatterySealed):
            sizes = {part.criterion: part.size for part in event.item_sets}
            sealed = entry.parsed("registered", registered_of)
            parts = sealed.battery.sets if sealed else ()
            declared = {part.criterion: part.score for part in parts if part.score}
        elif isinstance(event, OutcomesRecorded):
            run = outcomes[RunKey(battery, event.criterion, event.variant, event.mode)]
            for each in event.outcomes:
                # The first attempt alone, and the first recorded outcome of it.
                if each.attempt == 1:
                    run.setdefault(each.index, each)
            for opened in (entry.content("opened") or {}).get("opened", ()):
                flaws[event.criterion][opened["index"]] = opened.get("flaw", "")
    found = {}
    for key, run in outcomes.items():
        score = declared.get(key.criterion)
        # A set of which nothing was scored tells by what was registered alone that it is one.
        known = score is not None and score.solved_from is None
        if known or any(each.score is not None for each in run.values()):
            size = sizes.get(key.criterion, len(run))
            found[key] = _of_run(run, size, flaws[key.criterion], score)
    return found


def _of_run(
    run: Mapping[int, Outcome], size: int, flaws: Mapping[int, str], score: DeclaredScore | None
) -> ReportedScores:
    ran = next((place for place in range(size) if place not in run), size)
    first = [run[place] for place in range(ran)]
    labels = [flaws.get(place) or f"item {place}" for place in range(ran)]
    shares = [None if each.score is None else float(each.score) for each in first]
    lost = Counter[str](each.result for each in first if each.score is None)
    low, high = SHARES if score is None else map(float, score.range)
    return ReportedScores(mean_score(shares, size, labels), dict(lost), low, high)
