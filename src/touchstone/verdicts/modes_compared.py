"""Whether two modes of a variant answer alike: a setting on which nothing acts shows nothing."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Self

from touchstone.evaluation import Mode, Outcome
from touchstone.review import RunKey, State
from touchstone.review.audience_view import Entry
from touchstone.review.events import measuring
from touchstone.statistics import VerdictWord
from touchstone.verdicts.runs import Run

WHOLE = frozenset({"solved", "unsolved", "refused", "no-attempt"})
"""Results of samples that the model ended itself: all that it had to say was heard."""
ANSWERED = "outcomes-recorded"
"""The type of the events with which digests of answers go."""
LIMITED = "limit"
"""Its answers end where a limit struck, which may be a clock: the same ones tell, others do not."""


@dataclass(frozen=True)
class Alike:
    """Two modes that gave the same answers on every item that was compared."""

    variant: str
    modes: tuple[str, str]
    items: int


def modes_alike(state: State) -> tuple[Alike, ...]:
    """The modes of each variant that answered alike, in the order of recording."""
    return tuple(
        Alike(pair.variant, (pair.one, pair.other), found.alike)
        for pair, found in state.likenesses.items()
        if found.same
    )


@dataclass
class Answers:
    """Digests of what the model said, by item set and item and then by mode."""

    _said: dict[tuple[str, str, str, int], dict[str, tuple[str, str]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    """By (battery, criterion, variant, index) and mode: (result, digest)."""

    @classmethod
    def of_record(cls, entries: Iterable[Entry]) -> Self:
        """What the entries, those of type ANSWERED at least, let their reader see."""
        found = cls()
        for entry in entries:
            if entry.kind == ANSWERED:
                facts = entry.event.facts()
                key = RunKey(*(facts[name] for name in RunKey._fields))
                first = {each["index"] for each in facts["outcomes"] if each["attempt"] == 1}
                # Erased, or not for this reader: what cannot be seen is not compared.
                for each in (entry.content("details") or {}).get("outcomes", ()):
                    if each.get("said") and each["index"] in first:
                        found._add(key, each["index"], each["result"], each["said"])
        return found

    def add(self, key: RunKey, outcomes: Iterable[Outcome]) -> None:
        """Take up outcomes that are recorded now."""
        for each in outcomes:
            if each.said:
                self._add(key, each.index, each.result, each.said)

    def _add(self, key: RunKey, index: int, result: str, said: str) -> None:
        if result in WHOLE or result == LIMITED:
            place = (key.battery, key.criterion, key.variant, index)
            # The first recorded outcome stands.
            self._said[place].setdefault(key.mode, (result, said))

    def compare(self, key: RunKey, outcomes: Iterable[Outcome]) -> tuple[measuring.Compared, ...]:
        """Outcomes that are to be recorded, held against those of the other modes."""
        counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for each in outcomes:
            if not each.said or (each.result not in WHOLE and each.result != LIMITED):
                continue
            others = self._said.get((key.battery, key.criterion, key.variant, each.index), {})
            for mode, (result, said) in others.items():
                same = said == each.said
                # Cut by a limit, equal texts say that the modes are alike; others say nothing.
                if mode != key.mode and (same or LIMITED not in {result, each.result}):
                    counts[mode][not same] += 1
        return tuple(
            measuring.Compared(mode=mode, alike=alike, unlike=unlike)
            for mode, (alike, unlike) in sorted(counts.items())
        )


def reasoning_apart(runs: Iterable[Run]) -> tuple[tuple[str, str], ...]:
    """Pairs of modes of one variant that ask for reasoning otherwise and run an item set in common.

    A mode that runs no item of another's is never compared with it, so nothing waits for it.
    """
    of_set: dict[tuple[str, str], list[Mode]] = defaultdict(list)
    for run in runs:
        of_set[run.item_set, run.mode.variant].append(run.mode)
    pairs = (
        (one.id, other.id)
        for modes in of_set.values()
        for one, other in combinations(modes, 2)
        if one.settings.reasoning != other.settings.reasoning
    )
    return tuple(dict.fromkeys(pairs))


def may_wait(state: State, key: RunKey, word: VerdictWord) -> bool:
    """Whether a word waits for what the other modes will have answered.

    It does while no item has shown that a mode that asks for reasoning answers otherwise than one
    that asks otherwise: "below" would not stand if none ever did. The items of another criterion
    tell as well, so a mode waits for those where its own are run in no other mode.
    """
    # "Above" needs no comparison: a mode that can do it has shown it.
    waits = word in {VerdictWord.BELOW, VerdictWord.NOT_MEASURED}
    return waits and any(not each.unlike for each in state.told_apart(key))


def must_wait(state: State, key: RunKey, word: VerdictWord) -> bool:
    """Whether "below" waits even now: measuring stopped before the modes could be told apart."""
    return (
        state.stopped is not None
        and word is VerdictWord.BELOW
        and any(not each.unlike for each in state.told_apart(key))
    )
