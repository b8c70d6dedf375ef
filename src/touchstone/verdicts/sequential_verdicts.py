"""From the record alone to early verdicts: the same outcomes give the same word, whoever looks.

One run, as its outcomes come::

    >>> rule = RunRule(item_set="a", criterion="a", variant="final", mode="instant",
    ...     measure="at-least-once-in-k", design="sequential", threshold="0.1", zone="0",
    ...     alpha="0.05", beta="0.05")
    >>> RunMonitor(rule, levels=[1] * 30).feed([False, None, True]).word
    <VerdictWord.ABOVE: 'above'>
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from touchstone.evaluation import Reveal, SealedBattery, check_reveal
from touchstone.evaluation.errors import RevealError
from touchstone.evaluation.seals import SealedSet
from touchstone.review import RunKey, State, evolve
from touchstone.review.audience_view import Entry
from touchstone.review.events import measuring
from touchstone.review.recounting import shown
from touchstone.review.tallies import Attempt
from touchstone.statistics import (
    EvidencePath,
    InferenceAtStop,
    Interval,
    Progress,
    Reason,
    VerdictWord,
    advance_attempts,
    advance_worst_case,
    clopper_pearson,
    difficulty_design,
    inference_at_stop,
    worst_case_test,
)
from touchstone.verdicts.content_parsers import registered_of
from touchstone.verdicts.preregistration import Design, RunRule, VerdictPlan

RUN_TYPES = ("battery-sealed", "outcomes-recorded")
"""The types of the events from which runs are read."""


@dataclass(frozen=True)
class RecordedRun:
    """One run that may stop early, as far as it is recorded."""

    key: RunKey
    rule: RunRule
    levels: tuple[int, ...]
    """Difficulty of the item at each place of the sealed order."""
    outcomes: tuple[bool | None, ...]
    """Solved or not, on the contiguous prefix; None: it ran and measured nothing."""
    recorded: int
    """Outcomes in all, those beyond a gap included."""
    flaws: tuple[str, ...] = ()
    """The flaw that the item at each place of the prefix plants, as opened from its commitment:
    items of one flaw are near-copies, so these are the clusters of what is said beyond the
    battery. An empty text where a family names none; empty where nothing was opened."""
    reasoned: frozenset[int] = frozenset()
    """The places of the prefix in which some reasoning was seen."""
    alike: bool = False
    """Whether a mode that asks for reasoning otherwise answered alike on every item."""

    def reasoning(self, used: int) -> measuring.Reasoning:
        """Whether the mode asks for reasoning, and whether the first so many samples show it."""
        if not self.rule.reasoning:
            return "not-asked"
        if not any(place < used for place in self.reasoned):
            return "not-seen"
        return "alike" if self.alike else "seen"


@dataclass(frozen=True)
class EarlyVerdict:
    """A verdict that stands before, or when, the last item has run."""

    ran: RecordedRun
    progress: Progress
    interval: Interval
    """For the rate over all items sealed, at 95%, valid at the stop."""
    estimate: float | None
    """Of that rate, at the stop; None where what went unmeasured leaves no single number."""
    beyond: Interval | None
    """For the rate on further items of the same makes, at 95%; None where no rate is asked for."""
    way: EvidencePath | None
    """The evidence after each sample; None where one success is enough."""

    @property
    def solved(self) -> int:
        """How many of the samples used were solved."""
        return round(self.progress.total)

    @property
    def reasoning(self) -> measuring.Reasoning:
        """Whether the mode asks for reasoning, and whether any was seen in the samples used."""
        return self.ran.reasoning(self.progress.used)

    @property
    def word(self) -> VerdictWord:
        """What is said: no "below" of a mode that asks for reasoning and is not shown to be on."""
        return shown(self.progress.word, self.reasoning)

    @property
    def stop(self) -> measuring.Stop:
        """For the facts of the record."""
        word, rule = self.word.value, self.ran.rule
        return measuring.Stop(
            reason="settled" if self.progress.reason is Reason.SETTLED else "evidence",
            used=self.progress.used,
            overshoot=self.progress.overshoot,
            size=len(self.ran.levels),
            claimed=rule.claimed(word),
            estimate=None if self.estimate is None else f"{self.estimate:.6f}",
        )


class RunMonitor:
    """Takes the outcomes of one run's prefix as they come; the same ones give the same progress."""

    def __init__(self, rule: RunRule, levels: Sequence[int]) -> None:
        self._size = len(levels)
        self._asks_once = rule.measure == "at-least-once-in-k"
        self._bounded = (
            None if self._asks_once else worst_case_test(difficulty_design(rule.rule, levels))
        )
        self._once = Progress(VerdictWord.UNDETERMINED, Reason.OPEN, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)

    @property
    def progress(self) -> Progress:
        """Where the run stands."""
        return self._once if self._bounded is None else self._bounded.progress

    def feed(self, outcomes: Sequence[bool | None]) -> Progress:
        """Take what is new among the outcomes of the prefix, given from its first place on."""
        while self.progress.used < len(outcomes) and not self.progress.decided:
            known = outcomes[self.progress.used]
            outcome = None if known is None else float(known)
            if self._bounded is None:
                self._once = advance_attempts(self._once, outcome, self._size)
            else:
                self._bounded = advance_worst_case(self._bounded, outcome)
        return self.progress


def standing(ran: RecordedRun) -> Progress:
    """Where a run stands; samples beyond its verdict are its overshoot."""
    now = RunMonitor(ran.rule, ran.levels).feed(ran.outcomes)
    return replace(now, overshoot=ran.recorded - now.used)


def reached(ran: RecordedRun) -> EarlyVerdict | None:
    """The verdict of a run; None while it is open."""
    return so_far(ran) if standing(ran).decided else None


def so_far(ran: RecordedRun) -> EarlyVerdict:
    """What may be said of a run where it stands, whatever stopped it; open or not.

    Evidence and intervals hold at every sample of the prefix at once, and so at a cap, a halt or
    an endpoint's end too. Samples beyond a gap are left out.
    """
    progress = standing(ran)
    used = ran.outcomes[: progress.used]
    lost = None in used
    if ran.rule.measure == "at-least-once-in-k":
        solved = used.count(True)
        low, high = (
            clopper_pearson(solved, len(used)),
            clopper_pearson(solved + used.count(None), len(used)),
        )
        interval = Interval(low.low, high.high, low.confidence)
        return EarlyVerdict(
            ran, progress, interval, None if lost else solved / len(used), None, None
        )
    told = _said(ran.rule, ran.levels, used, alike(ran)[: progress.used])
    estimate = None if lost else float(told.evidence_path.estimate[-1])
    return EarlyVerdict(
        ran, progress, told.battery_interval, estimate, told.population_interval, told.evidence_path
    )


def alike(ran: RecordedRun) -> tuple[str, ...]:
    """What each item of the prefix is like: its flaw, or itself; empty where no flaw is known."""
    if not any(ran.flaws):
        return ()
    return tuple(flaw or f"item {place}" for place, flaw in enumerate(ran.flaws))


@lru_cache(maxsize=256)
def _said(
    rule: RunRule,
    levels: tuple[int, ...],
    used: tuple[bool | None, ...],
    clusters: tuple[str, ...],
) -> InferenceAtStop:
    """What costs tenths of a second, and is asked for by every edition."""
    outcomes = [None if each is None else float(each) for each in used]
    return inference_at_stop(
        difficulty_design(rule.rule, levels), outcomes, clusters=clusters or None
    )


def prefix_of(attempt: Attempt) -> tuple[bool | None, ...]:
    """Solved or not, on the contiguous prefix of what is recorded; None: it measured nothing."""
    length = attempt.prefix
    # As text: taking bits of a large integer one by one costs its length each time.
    solved, measured = (
        f"{bits:b}".zfill(length)[::-1][:length] for bits in (attempt.solved, attempt.measured)
    )
    return tuple(s == "1" if m == "1" else None for s, m in zip(solved, measured, strict=True))


def standings_from_record(entries: Iterable[Entry], battery: str) -> Mapping[RunKey, EarlyVerdict]:
    """Where every run stands that may stop early, decided or open.

    Raises:
        RevealError: what ran is not what was sealed, or not in the sealed order.
        CannotRunError: the battery was registered with other bets than this version's.
    """
    return {ran.key: so_far(ran) for ran in runs_from_record(entries, battery)}


def broken_off(entries: Iterable[Entry], battery: str) -> Mapping[RunKey, Interval]:
    """For runs of which every item was to run and not all did: what holds of their rate so far.

    For the rate over all items sealed, at 95%, from the prefix of the sealed order. It holds at
    every sample at once, and so wherever something stopped the run; an interval of a fixed design
    does not, since what ends early is no fair sample. Runs that ask for one success are left out.

    Raises:
        RevealError: what ran is not what was sealed, or not in the sealed order.
        CannotRunError: the battery was registered with other bets than this version's.
    """
    return {
        ran.key: interval_so_far(ran)
        for ran in runs_from_record(entries, battery, "fixed")
        if ran.rule.measure != "at-least-once-in-k" and len(ran.outcomes) < len(ran.levels)
    }


def interval_so_far(ran: RecordedRun) -> Interval:
    """For the rate over all items sealed, at 95%, wherever the prefix was stopped, and by what."""
    return _said(ran.rule, ran.levels, ran.outcomes, ()).battery_interval


def runs_from_record(
    entries: Iterable[Entry], battery: str, design: Design = "sequential"
) -> tuple[RecordedRun, ...]:
    """The runs of a battery of one design, from entries as one audience may read them.

    What is looked at are those of RUN_TYPES.

    Empty where the audience may not read how the verdicts are reached. A run of whose outcomes, or
    of whose opened items, some are withheld is left out.

    Raises:
        RevealError: what ran is not what was sealed, or not in the sealed order.
        CannotRunError: the battery was registered with other bets than this version's.
    """
    listed = tuple(entries)
    seals = [e for e in listed if e.kind == "battery-sealed" and e.visible]
    entry = next((e for e in seals if e.event.facts()["battery"] == battery), None)
    registered = entry.parsed("registered", registered_of) if entry else None
    if entry is None or registered is None or not registered.verdicts.runs:
        return ()
    sealed, plan = registered.battery, registered.verdicts
    # Before any outcome is read: with other bets, or for another battery, the words would differ.
    plan.require_bets()
    _require_sealed(entry.event.facts(), sealed, plan)
    told = _Told(sealed, entry)
    for each in listed:
        if each.kind == "outcomes-recorded" and each.visible:
            told.add(each, battery)
    return tuple(
        ran
        for rule in plan.runs
        if rule.design == design and (ran := told.run(battery, rule)) is not None
    )


def _require_sealed(facts: Mapping[str, Any], sealed: SealedBattery, plan: VerdictPlan) -> None:
    if facts["commitment"] != sealed.digest.removeprefix("sha256:"):
        raise RevealError("the battery is not the one whose commitment is in the record")
    if facts["verdicts"] != plan.digest:
        raise RevealError("the rules of the verdicts are not those that were registered")


class _Told:
    """What entries tell of a battery: outcomes by run, difficulties by item set."""

    def __init__(self, sealed: SealedBattery, seal: Entry) -> None:
        self._sealed = sealed
        # Folded from the seal and the outcomes shown alone: this audience's view of the modes.
        self._state = evolve(State(), seal.event, seal.recorded)
        self._results: dict[RunKey, dict[int, bool | None]] = {}
        self._reasoned: dict[RunKey, set[int]] = defaultdict(set)
        self._levels: dict[str, dict[int, int]] = {}
        self._flaws: dict[str, dict[int, str]] = {}

    def add(self, entry: Entry, battery: str) -> None:
        """Take the outcomes of a chunk, held against the seal."""
        facts = entry.event.facts()
        if facts["battery"] != battery:
            return
        self._state = evolve(self._state, entry.event, entry.recorded)
        sealed = self._of_criterion(facts["criterion"])
        key = RunKey(battery, facts["criterion"], facts["variant"], facts["mode"])
        results = self._results.setdefault(key, {})
        for each in facts["outcomes"]:
            index = each["index"]
            if index >= len(sealed.commitments) or each["item"] != sealed.commitments[index]:
                raise RevealError(
                    f"sample {index} of {sealed.id} ran another item than was sealed at its place: "
                    "a battery must not change once samples run"
                )
            # The first recorded outcome stands (ADR 72), and the first attempt decides (ADR 346).
            if each["attempt"] == 1 and index not in results:
                measured = each["result"] in measuring.MEASURED
                results[index] = each["result"] == "solved" if measured else None
                if each.get("reasoning"):
                    self._reasoned[key].add(index)
        for opened in (entry.content("opened") or {}).get("opened", ()):
            reveal = Reveal.model_validate(opened)
            check_reveal(self._sealed, reveal)
            level = int(reveal.item_id.partition("/")[2].partition("-")[0])
            self._levels.setdefault(reveal.item_set, {})[reveal.index] = level
            self._flaws.setdefault(reveal.item_set, {})[reveal.index] = reveal.flaw

    def run(self, battery: str, rule: RunRule) -> RecordedRun | None:
        """One run; None where nothing is recorded, or its items are not to be read."""
        key = RunKey(battery, rule.criterion, rule.variant, rule.mode)
        results, levels = self._results.get(key, {}), self._levels.get(rule.item_set, {})
        outcomes: list[bool | None] = []
        while len(outcomes) in results:
            outcomes.append(results[len(outcomes)])
        if not outcomes or any(place not in levels for place in range(len(outcomes))):
            return None
        everywhere = _filled(self._sealed.find(rule.item_set), levels)
        planted = self._flaws[rule.item_set]
        flaws = tuple(planted[place] for place in range(len(outcomes)))
        reasoned = frozenset(place for place in self._reasoned[key] if place < len(outcomes))
        alike = any(each.same for each in self._state.told_apart(key))
        return RecordedRun(
            key, rule, everywhere, tuple(outcomes), len(results), flaws, reasoned, alike
        )

    def _of_criterion(self, criterion: str) -> SealedSet:
        for sealed in self._sealed.sets:
            if sealed.criterion == criterion:
                return sealed
        raise RevealError(f"the battery holds nothing for {criterion}")


def _filled(sealed: SealedSet, known: Mapping[int, int]) -> tuple[int, ...]:
    """Difficulties of all places.

    Of items that are still sealed it is known how many there are of each; which lies where makes no
    difference to the evidence before.
    """
    left = Counter(dict(sealed.difficulties))
    left.subtract(known.values())
    if any(count < 0 for count in left.values()):
        raise RevealError(
            f"{sealed.id}: more items of one difficulty ran than were sealed: the battery changed"
        )
    rest = iter(sorted(left.elements()))
    size = len(sealed.commitments)
    return tuple(known[place] if place in known else next(rest) for place in range(size))
