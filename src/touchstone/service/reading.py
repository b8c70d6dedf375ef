"""A case as one audience may read it: every entry, opened or withheld."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from touchstone.clearance import Audience, Marking, may_read, parse_marking
from touchstone.ledger import loads
from touchstone.records import CaseReader, StoredPart
from touchstone.review import Event, parse_event


@dataclass(frozen=True)
class Reading:
    """One part with whether the audience may read it."""

    part: StoredPart
    allowed: bool
    label: str
    """Why not, for every reader: the marking without the names on it, or why it was erased."""
    value: dict[str, Any] | None
    """The part as JSON; None where it is erased, or withheld from the audience."""

    @property
    def erased(self) -> bool:
        """Whether its content is gone for everybody."""
        return self.part.data is None


@dataclass(frozen=True)
class Entry:
    """One entry: its event, and its parts as the audience may read them."""

    n: int
    event: Event
    parts: tuple[Reading, ...]

    @property
    def visible(self) -> bool:
        """Whether the audience may read what happened."""
        return self.parts[0].allowed

    @property
    def contents(self) -> tuple[Any, ...]:
        """The contents that the audience may read, in order."""
        return tuple(
            reading.value["content"]
            for reading in self.parts[1:]
            if reading.allowed and reading.value and reading.value.get("kind") == "content"
        )

    def content(self, place: int = 0) -> Any:
        """The content at one place among the attached parts; None where it is not to be read.

        The place counts parts, not what is allowed of them: with a withheld part before it, a
        content still means what it means.
        """
        attached = self.parts[1:]
        if place >= len(attached) or not attached[place].allowed:
            return None
        value = attached[place].value or {}
        return value.get("content")


def read_entries(reader: CaseReader, audience: Audience) -> Iterator[Entry]:
    """Every entry of a case for one audience, in order."""
    event: Event | None = None
    parts: list[Reading] = []
    for part in reader.parts():
        if part.i == 0:
            if event is not None:
                yield Entry(parts[0].part.n, event, tuple(parts))
            event, parts = parse_event(loads(part.data or b"")), []
        if event is not None:
            parts.append(_read(part, event.actor, audience))
    if event is not None:
        yield Entry(parts[0].part.n, event, tuple(parts))


def marking_label(marking: Marking) -> str:
    """A marking for those who may not read what it marks: without the parties' names."""
    short = marking.scheme.partition(":")[0]
    return f"{short}:{marking.label}" + (", named parties" if marking.parties else "")


def _read(part: StoredPart, author: str, audience: Audience) -> Reading:
    if part.data is None:
        return Reading(part, allowed=False, label=part.label, value=None)
    value = loads(part.data)
    marking = parse_marking(value["marking"])
    decision = may_read(audience, marking, author)
    if not decision.allowed:
        return Reading(part, allowed=False, label=marking_label(marking), value=None)
    return Reading(part, allowed=True, label="", value=value)
