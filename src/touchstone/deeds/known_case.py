"""What must be known of a case to draft deeds in it: who takes part, the time, and chance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from touchstone.deeds.agreed_readers import Readable
from touchstone.deeds.markings import Markings
from touchstone.keys import RandomSource
from touchstone.review import State
from touchstone.review.errors import MissingPartError
from touchstone.review.events.base import Role


@dataclass(frozen=True)
class Participants:
    """Who takes part in a case as its parties agreed: party ids."""

    developer: str
    centre: str
    agencies: tuple[str, ...] = ()

    @property
    def roles(self) -> tuple[tuple[str, Role], ...]:
        """Each party with its role, the developer first."""
        agencies: tuple[tuple[str, Role], ...] = tuple((a, "agency") for a in self.agencies)
        return ((self.developer, "developer"), (self.centre, "centre"), *agencies)


def participants_of(state: State) -> Participants:
    """Who takes part, as the record has it.

    Raises:
        MissingPartError: the case has no developer or no centre, as far as this version can read.
    """
    return participants_among({name: each.role for name, each in state.parties.items()})


def participants_among(roles: Mapping[str, Role]) -> Participants:
    """Who takes part, of parties with their roles.

    Raises:
        MissingPartError: no developer or no centre is among them.
    """

    def having(role: Role) -> tuple[str, ...]:
        return tuple(name for name, its in roles.items() if its == role)

    developer, centre = having("developer"), having("centre")
    if not developer or not centre:
        lacking = "centre" if developer else "developer"
        raise MissingPartError(
            f"no {lacking} has joined the case yet: run the review of its submission again"
        )
    return Participants(developer[0], centre[0], having("agency"))


class KnownCase(Protocol):
    """A case as whoever drafts deeds in it knows it: the server's own, or a party's machine's."""

    @property
    def participants(self) -> Participants:
        """The developer, the centre and the agencies."""

    @property
    def marks(self) -> Markings:
        """The markings that its deeds carry."""

    @property
    def random(self) -> RandomSource:
        """Where the salts of words come from."""

    def agreed_readers(self, what: Readable) -> tuple[str, ...]:
        """Who may see that beside developer and centre, by the agreement that holds: party ids."""

    def now(self) -> str:
        """The present moment (UTC), as the record writes it."""
