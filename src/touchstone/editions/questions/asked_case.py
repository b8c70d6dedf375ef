"""The case that a question is asked of: what the asker may read of it, wherever it is kept."""

from collections.abc import Iterator
from typing import Protocol

from touchstone.framework import Framework
from touchstone.review import Event, State
from touchstone.review.audience_view import Entry


class AskedCase(Protocol):
    """A case as its reader knows it: the server's own, or what a party's machine was shown."""

    @property
    def state(self) -> State:
        """What the events that may be read come to."""

    @property
    def framework(self) -> Framework | None:
        """The framework that it is held to; None where that may not be read."""

    @property
    def hidden(self) -> int:
        """How many entries are hidden: only where none is does an absence say anything."""

    def entries_of(self, *types: str) -> Iterator[Entry]:
        """The entries of these types, in order, as the reader may read them."""


class Entries:
    """The entries of some types, read once, by the events that they brought."""

    def __init__(self, case: AskedCase, *types: str) -> None:
        self._found = tuple(case.entries_of(*types))

    def of(self, event: Event) -> Entry | None:
        """The newest entry that brought an event of the state; None: it is not to be read."""
        found = [entry for entry in self._found if entry.event == event]
        return found[-1] if found else None

    def words(self, event: Event, name: str) -> str:
        """The words that go with an event, or in brackets why they are not there."""
        entry = self.of(event)
        return entry.said(name) if entry else ""

    def recorded(self, event: Event) -> str:
        """When an event was recorded (UTC); else when its party says that it was."""
        entry = self.of(event)
        return entry.recorded if entry else event.at
