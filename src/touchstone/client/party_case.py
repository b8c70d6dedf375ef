"""A case as the party has it that looks or acts, wherever the record is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from touchstone.clearance import Marking
from touchstone.deeds.agreed_readers import Readable, readers_in
from touchstone.deeds.known_case import Participants
from touchstone.deeds.markings import Markings
from touchstone.deeds.seen_case import SeenCase
from touchstone.framework import Framework
from touchstone.handin.shown_ids import short_case
from touchstone.keys import RandomSource
from touchstone.review import State
from touchstone.review.audience_view import Entry
from touchstone.review.errors import MissingPartError
from touchstone.review.view_only import CARRYING


@dataclass(frozen=True)
class PartyCase:
    """What commands draft on and show; meets `KnownCase`."""

    id: str
    by: str
    """The party that looks or acts."""
    seen: SeenCase
    """What it sees of the log, and what that makes of the case."""
    framework: Framework | None
    """The framework of the case; None where it is not open to the party."""
    entries: Callable[..., Iterator[Entry]]
    """As `entries_of`."""

    @property
    def state(self) -> State:
        """What the events that are open to the party make of the case."""
        return self.seen.state

    @property
    def hidden(self) -> int:
        """How many entries are hidden: only where none is does an absence say anything."""
        return len(self.seen.hidden)

    @property
    def open_framework(self) -> Framework:
        """The framework of the case. Raises MissingPartError where it is not open to the party."""
        if self.framework is None:
            raise MissingPartError(
                f"case {short_case(self.id)}: its framework is not open to {self.by}: join the case"
                " first"
            )
        return self.framework

    @property
    def participants(self) -> Participants:
        """The developer, the centre and the agencies. Raises MissingPartError."""
        return self.seen.participants

    @property
    def marks(self) -> Markings:
        """The markings of the case. Raises MissingPartError where its parties are not known."""
        return self.seen.marks

    @property
    def random(self) -> RandomSource:
        """Where salts come from."""
        return self.seen.random

    def reading_finding(self, finding: str) -> Marking:
        """For the parties of the case, and whoever signed the finding, from outside perhaps."""
        found = self.state.findings.get(finding)
        return self.marks.reaching(found.signed.actor if found else self.by)

    def agreed_readers(self, what: Readable) -> tuple[str, ...]:
        """Who may see that beside developer and centre, by the agreement that holds: party ids."""
        holds = self.state.agreement
        found = holds and readers_in(self.entries_of(*CARRYING), holds.agreement)
        return found.get(what, ()) if found else ()

    def now(self) -> str:
        """The present moment (UTC)."""
        return self.seen.now()

    def entries_of(self, *types: str) -> Iterator[Entry]:
        """The entries of these types whose event is open to the party, as it may read them."""
        return self.entries(*types)


def case_shown(case: str, seen: SeenCase) -> PartyCase:
    """A case as a server showed it to the party whose machine this is."""
    return PartyCase(case, seen.party, seen, seen.framework, seen.entries_of)
