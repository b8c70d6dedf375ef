"""What a client asks of a server, wherever it is: over a network, or in the same process.

Nothing that comes back is trusted: all of it is bytes that the client checks itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from touchstone.deeds.signing import Outgoing


@dataclass(frozen=True, slots=True)
class Greeting:
    """What an installation says of itself at each contact."""

    keys: tuple[bytes, ...]
    """Its key history: each key line without a line feed."""
    checkpoint: str
    """The newest checkpoint of its log, a signed note."""
    consistency: tuple[bytes, ...]
    """That it extends the one of the size that was asked about (hashes); empty where that is 0."""

    @property
    def value(self) -> dict[str, Any]:
        """As a JSON value, to be kept where it proves something."""
        return {
            "keys": [line.decode("utf-8", "replace") for line in self.keys],
            "checkpoint": self.checkpoint,
            "consistency": [node.hex() for node in self.consistency],
        }


class RecordServer(Protocol):
    """An installation, as a client talks to it for one party.

    Methods raise UnheardError where nothing that is an answer was heard, and the ledger's
    UnpromisedError where the server says no and promises nothing.
    """

    def greet(self, size: int) -> Greeting:
        """What the installation says of itself, and that its log extends the one of that size."""

    def news(self, case: str, start: int) -> Iterable[bytes]:
        """Of each entry of a case from `start` on its line, then one for each of its parts."""

    def head(self, case: str) -> bytes:
        """The case's newest published head with its proof: the line that a bundle has."""

    def newest(self, case: str, topics: Sequence[str]) -> Sequence[int | None]:
        """For each topic the newest entry that touches it, also one that the party may not read."""

    def send(self, case: str, deed: Outgoing) -> bytes:
        """The signed answer line to a deed."""

    def cancel(self, case: str, envelope: object) -> bytes:
        """The signed answer line to a deed that is to be taken back, unless it was recorded."""


@runtime_checkable
class ListsCases(Protocol):
    """A server that says which cases there are for its party."""

    def cases(self) -> Iterable[str]:
        """The ids of the cases that the party has joined, all of them. Raises UnheardError."""

    def invitations(self) -> Iterable[str]:
        """The ids of those to which it is invited and that it has not joined. As `cases`."""


@runtime_checkable
class DraftsForCentre(Protocol):
    """A server that makes what the centre of a case signs for, and cannot make itself.

    Methods raise as those of `RecordServer`.
    """

    def draft_destruction(self, case: str, reason: str) -> dict[str, Any]:
        """A certificate of destruction for the case as its log stands."""

    def draft_report(self, case: str, audience: str) -> dict[str, Any]:
        """The facts of the next edition for an audience."""


@runtime_checkable
class TakesEndpointKeys(Protocol):
    """A server that measures with keys that a developer hands in.

    What it tells of a key is never the key. Methods raise as those of `RecordServer`.
    """

    def hand_in_key(self, case: str, name: str, value: str) -> dict[str, Any]:
        """Hand in the key of an endpoint, or replace it; what is told of it."""

    def revoke_key(self, case: str, name: str) -> dict[str, Any]:
        """Take the key of an endpoint back; what is told of it."""

    def endpoint_keys(self, case: str) -> list[dict[str, Any]]:
        """What is told of the keys that were handed in."""


@runtime_checkable
class TellsReads(Protocol):
    """A server that tells a case's developer who read what of it."""

    def reads(self, case: str, day: str = "") -> Iterable[dict[str, Any]]:
        """Each read, oldest first; of one day (`YYYY-MM-DD`, UTC) where it is given.

        Raises as the methods of `RecordServer`.
        """
