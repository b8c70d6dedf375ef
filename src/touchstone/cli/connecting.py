"""How a command reaches a server."""

from typing import TYPE_CHECKING

from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.client.party_home import PartyHome, ServerPlace
    from touchstone.client.server import RecordServer


def connect(home: "PartyHome", place: "ServerPlace") -> "RecordServer":
    """The server at an address, for one party. Raises BadInputError."""
    del home
    raise BadInputError(f"{place.url}: this version reaches no server over a network yet")
