"""A case as one audience may read it: every entry, opened or withheld, its parts by name.

Where a case is kept is not known here: `KeptCase` is what a reader of the record gives.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import groupby
from typing import Any, Literal, Protocol, TypeVar

from touchstone.clearance import TLP, Audience, Marking, may_read, may_take, parse_marking
from touchstone.handin.shown_ids import short_case
from touchstone.ledger import loads
from touchstone.review.checking import UNREADABLE
from touchstone.review.errors import MissingPartError
from touchstone.review.events import (
    Event,
    UnknownEvent,
    newest_facts,
    read_event,
    words_inside,
)
from touchstone.review.events.base import EventWithTexts
from touchstone.review.layouts import layout_of
from touchstone.review.view_only import NOBODY, answers_among, lookers_in

T = TypeVar("T")
_JOINING = ("case-opened", "party-joined")
_LEAVING = ("party-removed", "party-left")
WITHHELD = "withheld from this audience"
HELD_BACK = "for view only by the agreement, and no copy of it is handed to this audience"
VIEW_ONLY = "view only"
"""Why nothing is handed out of a part that its audience may look at."""
Use = Literal["take", "look"]
"""To be handed out, in whatever form; or to be looked at where the record is, by whoever works
there."""
HIDDEN = "by its marking"
"""Why nothing is shown of an entry of record contract 2, whatever its marking is."""


class KeptPart(Protocol):
    """A part as it is kept: open, or erased with a label that says why."""

    @property
    def n(self) -> int:
        """Of its entry."""
        ...

    @property
    def i(self) -> int:
        """Its place in the entry."""
        ...

    @property
    def salt(self) -> bytes | None:
        """What its commitment was made with; None where it was erased."""
        ...

    @property
    def data(self) -> bytes | None:
        """Canonical JSON; None where it was erased."""
        ...

    @property
    def label(self) -> str:
        """Why it was erased; empty while it is there."""
        ...

    @property
    def clear(self) -> bool:
        """Of record contract 2, whether it is part 0, the deed part or the recorded part."""
        ...

    @property
    def padding(self) -> bool:
        """Of record contract 2, whether it never was a part."""
        ...


class KeptCase(Protocol):
    """A case as it stood at one size, wherever it is kept."""

    case: str

    def parts(self, start: int = 0) -> Iterator[KeptPart]:
        """Every part of every entry from `start` on, ordered by (n, i)."""
        ...

    def events_of(self, types: Collection[str]) -> Sequence[tuple[int, Mapping[str, Any]]]:
        """Part 0 of each entry of these types, with its n, in order; found by index."""
        ...

    def parts_of(self, types: Collection[str]) -> Iterator[KeptPart]:
        """Every part of every entry of these types, ordered by (n, i); found by index."""
        ...

    def entry_parts(self, n: int) -> Sequence[KeptPart]:
        """The parts of one entry, in order."""
        ...


@dataclass(frozen=True)
class PartView:
    """One part with whether the audience may read it."""

    part: KeptPart
    allowed: bool
    label: str
    """Why not, for every reader: the marking without the names on it, or why it was erased."""
    value: dict[str, Any] | None
    """The part as JSON; None where it is erased, or withheld from the audience."""
    hidden: bool = False
    """Of record contract 2, whether nothing is told of it: neither what it was nor whether it is
    there."""

    @property
    def erased(self) -> bool:
        """Whether its content is gone for everybody, and the audience may know that."""
        return self.part.data is None and not self.hidden


@dataclass(frozen=True)
class Entry:
    """One entry: its event, and its parts as the audience may read them."""

    n: int
    event: Event
    parts: tuple[PartView, ...]
    recorded: str
    """When it was recorded (UTC); of record contract 1, when its event says that it was."""

    @property
    def visible(self) -> bool:
        """Whether the audience may read what happened."""
        return self.parts[0].allowed

    @property
    def kind(self) -> str:
        """The type of its event; empty where a newer version wrote it, whose facts are others."""
        return "" if isinstance(self.event, UnknownEvent) else self.event.type

    def part(self, name: str) -> PartView | None:
        """The part that the layout of the entry's type calls so; None where there is none."""
        attached = _attached(self.parts)
        names = layout_of(self.event).names(self.event, len(attached), self._inside)
        return dict(zip(names, attached, strict=True)).get(name)

    def content(self, name: str) -> Any:
        """The content of a part; None where it is not to be read, or `lacking` says why."""
        if self.lacking(name):
            return None
        return self._inside[name] if name in self._inside else self._value(name).get("content")

    def said(self, name: str) -> str:
        """Somebody's words, which are a part of that name, or in brackets why they are not there.

        The same phrase for every reader: the words were destroyed, or are withheld from them.
        """
        content = self.content(name)
        return content["text"] if content else f"[the text is {self.lacking(name)}]"

    def texts(self) -> dict[str, str]:
        """All words that go with the event, by fact, as `said` gives them."""
        names = self.event.TEXTS if isinstance(self.event, EventWithTexts) else ()
        shapes = {part.name: part.shape for part in layout_of(self.event).parts}
        return {
            name: self.said(name)
            for name in names
            if getattr(self.event, name) is not None and "text" in shapes[name].model_fields
        }

    @cached_property
    def _inside(self) -> dict[str, dict[str, Any]]:
        """Words that the facts of an older schema hold, by the name of the part of newer ones."""
        data = self.parts[0].part.data
        return words_inside(loads(data)) if data and isinstance(self.event, EventWithTexts) else {}

    def evidence(self, name: str) -> str:
        """The digest of the bytes of a part; an empty text where `lacking` says why."""
        return "" if self.lacking(name) else str(self._value(name).get("digest", ""))

    def parsed(self, name: str, parse: Callable[[Any], T]) -> T | None:
        """What `parse` makes of a content; None where there is none, or it makes nothing of it."""
        content = self.content(name)
        try:
            return None if content is None else parse(content)
        except UNREADABLE:
            return None

    def lacking(self, name: str) -> str:
        """Why a part is not to be read, as a phrase after "is"; an empty text where it is."""
        if name not in self._reasons:
            self._reasons[name] = self._reason(name)
        return self._reasons[name]

    @cached_property
    def _reasons(self) -> dict[str, str]:
        """What `lacking` said before: a large part is looked through once, and read often."""
        return {}

    def _reason(self, name: str) -> str:
        # First: an unknown layout would name its parts by our own, and show one thing for another.
        if isinstance(self.event, UnknownEvent):
            return "of a newer version, which this one does not know: upgrade"
        if name in self._inside:
            return "" if self.visible else WITHHELD
        reading = self.part(name)
        if reading is None:
            return "not there"
        if reading.erased:
            return "erased"
        if not reading.allowed:
            return HELD_BACK if reading.label == VIEW_ONLY else WITHHELD
        known, value = layout_of(self.event).part(name), self._value(name)
        told = value.get("content") if known.kind == "content" else value
        # A record may hold what no version of ours wrote; a reader is told that, and no code above
        # meets another shape than it looks for.
        fits = value.get("kind") == known.kind and known.fits(told)
        return "" if fits else "not what its place holds"

    def _value(self, name: str) -> dict[str, Any]:
        reading = self.part(name)
        return (reading and reading.value) or {}


def read_entries(
    reader: KeptCase,
    audience: Audience,
    start: int = 0,
    use: Use = "take",
    members: "CaseMembers | None" = None,
) -> Iterator[Entry]:
    """Every entry from `start` on for one audience, in order: for who needs the whole of it.

    What the agreement makes view only for it is not among what it takes; see `Use`.

    Of record contract 2 an entry whose event is not shown has as many parts as any other, of which
    those that are not shown look alike; of one that is shown, what was never a part is left out.
    `members` are those of `members_for`, where they are known already.
    """
    return _entries(reader.parts(start), audience, members or members_for(reader, use))


def read_entries_of(
    reader: KeptCase, audience: Audience, types: Collection[str], use: Use = "take"
) -> Iterator[Entry]:
    """The entries of these types for one audience, in order, as `read_entries` gives them."""
    return _entries(reader.parts_of(types), audience, members_for(reader, use))


@dataclass(frozen=True)
class CaseMembers:
    """Who takes part in a case of record contract 2, at the size that is read.

    What every party of the case may read is theirs, whenever they joined, until they leave. It is a
    fact of the case and not a claim of whoever asks.
    """

    joined: frozenset[str]
    """The ids of all that ever took part."""
    left: Mapping[str, int]
    """By party that takes part no more, the entry by which it left."""
    lookers: frozenset[str] = NOBODY
    """The ids of those who are handed no copy of what models answered."""

    def at(self, n: int) -> frozenset[str]:
        """Who reads what is for every party in entry `n`: who left reads its leaving last."""
        return frozenset(name for name in self.joined if n <= self.left.get(name, n))

    def reading(self, audience: Audience, n: int) -> Audience:
        """An audience as it reads entry `n`: for none of the parties that had left before it."""
        gone = {name for name in audience.parties if n > self.left.get(name, n)}
        if not gone:
            return audience
        still = audience.parties - gone
        # It was of the community that GREEN is for as a party of the case, and is none now.
        return replace(audience, parties=still, ceiling=audience.ceiling if still else "CLEAR")


def case_members(reader: KeptCase) -> CaseMembers:
    """Who takes part in a case, and from which entry on who does no more."""
    acts = (facts.get("key_act") for _, facts in reader.events_of(_JOINING))
    # Of a newer version's act nothing is known: whom it lets in gains nothing here.
    named = (act.get("party") for act in acts if isinstance(act, dict))
    left = {
        str(facts["actor"] if facts["type"] == "party-left" else facts["party"]): n
        for n, facts in reader.events_of(_LEAVING)
    }
    return CaseMembers(frozenset(party for party in named if isinstance(party, str)), left)


def members_for(reader: KeptCase, use: Use = "take") -> CaseMembers:
    """The same, with those who are handed no copy where entries are read to be handed out."""
    found = case_members(reader)
    return replace(found, lookers=lookers_in(reader)) if use == "take" else found


def entry_for(reader: KeptCase, n: int, audience: Audience) -> Entry:
    """One entry for one audience, as `read_entries` gives it."""
    return next(_entries(reader.entry_parts(n), audience, members_for(reader)))


def _entries(
    found: Iterable[KeptPart], audience: Audience, members: CaseMembers
) -> Iterator[Entry]:
    for n, kept in groupby(found, key=lambda part: part.n):
        parts = tuple(kept)
        if parts[0].padding:
            # Who has left is given none of it, and what it was is known to nobody here.
            yield Entry(n, _nothing_known(), tuple(map(_hidden, parts)), "")
            continue
        event = read_event(loads(parts[0].data or b""))
        reader, there = members.reading(audience, n), members.at(n)
        held = _held_back(event, parts, reader, members.lookers)
        views = [
            _read(part, event.actor, reader, there, held.get(part.i, NOBODY)) for part in parts
        ]
        if parts[0].clear and not views[0].allowed:
            # How many parts are there, of which marking, erased or not: each of these told the type
            # of an entry that nobody was to see (ADR 226, 248).
            views = [view if view.allowed else _hidden(view.part) for view in views]
        else:
            views = [view for view in views if not view.part.padding]
        yield Entry(parts[0].n, event, tuple(views), _recorded(event, parts))


@cache
def _nothing_known() -> Event:
    """An event that says nothing: only one that is shown is looked at."""
    return UnknownEvent.model_validate(
        {
            "type": "withheld",
            "schema": 1,
            "actor": "withheld",
            "at": "1970-01-01T00:00:00Z",
            "marking": {"scheme": TLP, "label": "RED", "parties": []},
        }
    )


def _recorded(event: Event, parts: Sequence[KeptPart]) -> str:
    """What the recorded part says, which comes last of those in clear."""
    last = next(part for part in reversed(parts) if not part.padding)
    if not parts[0].clear:
        return event.at
    at: str = loads(last.data or b"")["at"]
    return at


def _hidden(part: KeptPart) -> PartView:
    return PartView(part, allowed=False, label=HIDDEN, value=None, hidden=True)


def known_facts(
    reader: KeptCase, types: Collection[str]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Part 0 of each entry of these types, as the newest schema has it, with its n.

    Of the entries that this version knows.
    """
    for n, facts in reader.events_of(types):
        if (newest := newest_facts(facts)) is not None:
            yield n, newest


def stored_entry(reader: KeptCase, n: int) -> Entry:
    """One entry as the store holds it, whoever may read it: for what the installation does."""
    parts = reader.entry_parts(n)
    event = read_event(loads(parts[0].data or b""))
    return Entry(n, event, tuple(map(_stored, parts)), _recorded(event, parts))


def newest_entry(reader: KeptCase, kind: str, **having: str) -> Entry:
    """The newest entry of a type, with these facts, that this version knows, as the store holds it.

    Raises:
        MissingPartError: there is none.
    """
    wanted = {"type": kind, **having}
    found = [n for n, facts in known_facts(reader, [kind]) if wanted.items() <= facts.items()]
    if not found:
        named = " ".join([kind, *having.values()])
        raise MissingPartError(f"case {short_case(reader.case)} has no {named}")
    return stored_entry(reader, found[-1])


def required(entry: Entry, name: str, parse: Callable[[Any], T]) -> T:
    """What `parse` makes of a content without which nothing goes on.

    Raises:
        MissingPartError: it is not there or erased, or `parse` makes nothing of it.
    """
    found = entry.parsed(name, parse)
    if found is None:
        why = entry.lacking(name) or "not what its place holds"
        raise MissingPartError(f"entry {entry.n} ({entry.event.type}): its {name} is {why}")
    return found


def _stored(part: KeptPart) -> PartView:
    value = None if part.data is None else loads(part.data)
    return PartView(part, allowed=value is not None, label=part.label, value=value)


def _attached(parts: tuple[PartView, ...]) -> tuple[PartView, ...]:
    """What goes with an event: the parts between part 0 and the deed part.

    In record contract 2 the time of recording comes after that, both of them in clear.
    """
    return parts[1 : -2 if parts[0].part.clear else -1]


def marking_label(marking: Marking) -> str:
    """A marking for those who may not read what it marks: without the parties' names."""
    # The names on a marking say who is in the case, which may be what it keeps back.
    short = marking.scheme.partition(":")[0]
    return f"{short}:{marking.label}" + (", named parties" if marking.parties else "")


def _holds_words(part: KeptPart, value: dict[str, Any]) -> bool:
    """Whether a part is more than facts, a signature or a time: for who sees those alone."""
    # The facts of an older schema held words; of contract 1 no other part is known to hold none.
    return bool(words_inside(value)) if part.i == 0 else not part.clear


def _held_back(
    event: Event, parts: Sequence[KeptPart], audience: Audience, lookers: frozenset[str]
) -> Mapping[int, frozenset[str]]:
    """By place, the parts that some may only look at, where this audience is among those."""
    if not audience.parties & lookers:
        return {}
    there = sum(not part.padding for part in parts)
    # Beside part 0 the deed part, and in record contract 2 the time of recording.
    attached = there - (3 if parts[0].clear else 2)
    return {place + 1: lookers for place in answers_among(event, attached)}


def _read(
    part: KeptPart,
    author: str,
    audience: Audience,
    parties: frozenset[str],
    lookers: frozenset[str],
) -> PartView:
    if part.data is None:
        return PartView(part, allowed=False, label=part.label, value=None)
    value = loads(part.data)
    marking = parse_marking(value["marking"])
    # Most see contents, and for them it need not be looked up.
    content = audience.sight == "contents" or _holds_words(part, value)
    decision = may_read(audience, marking, author, parties, content=content)
    if not decision.allowed:
        return PartView(part, allowed=False, label=marking_label(marking), value=None)
    if not may_take(audience, decision, lookers).allowed:
        return PartView(part, allowed=False, label=VIEW_ONLY, value=None)
    return PartView(part, allowed=True, label="", value=value)
