"""What is sent with a request, read within bounds of length, of time and of memory."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from touchstone.server.errors import ProblemError
from touchstone.server.security_log import network_of

Receive = Callable[[], Awaitable[dict[str, Any]]]
FREE = 64 << 10
"""Bytes that are read before anybody has asked who sends them."""
MOST_HELD = 256 << 20
"""Bytes of bodies that a process holds at one time, be they read or still awaited."""
RESERVE = 8
"""This part of them is for bodies of at most `FREE` alone: deeds and tokens come in always."""
FOR_NEWCOMERS = 2
"""One part in so many of the room for long bodies, and of that reserve, is for parties that hold
nothing there: however much the others hold, each finds room for one body. Of the room of those who
are not known it is for addresses that hold nothing."""
FOR_NEW_NETWORKS = 4
"""One part in so many of that is for networks that hold nothing: who has a /48 of IPv6 has 65,536
addresses, as they count."""
UNKNOWN = 16
"""This part of all is for bodies of whoever is not known."""
NOBODY_KNOWN = "of nobody known"
IDLE_SECONDS = 15.0
"""How long the next bytes may take."""
BODY_SECONDS = 120.0
"""How long all of them may: a piece of evidence may be smaller on a slow line."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends a body: a person of a party, or, of nobody known, what its address counts as."""

    person: str = ""
    party: str = ""
    address: str = ""


class Bodies:
    """Reads bodies; those of one process share what they may hold."""

    def __init__(self, most: int = MOST_HELD, small: int = FREE) -> None:
        """`small`: bytes of the longest body that may use the reserve."""
        self._most, self._small = most, small
        self._held = Counter[str]()

    @contextmanager
    def read(self, length: int, sender: Sender) -> Iterator[None]:
        """Set aside so many bytes while they are held. Raises ProblemError 503: there are none."""
        bounds = self._bounds(length, sender)
        self._require_first(length, sender)
        if any(self._held[share] + length > most for share, most in bounds.items()):
            raise ProblemError(503)
        for share in bounds:
            self._held[share] += length
        try:
            yield
        finally:
            for share in bounds:
                self._held[share] -= length
                if not self._held[share]:
                    del self._held[share]

    def _require_first(self, length: int, sender: Sender) -> None:
        """Raise ProblemError 503 where the rest is for parties that hold none.

        Bounds of each party alone leave nothing once as many parties ask as fit into the whole.
        """
        reserve, large = self._most // RESERVE, length > self._small
        share, most = ("large", self._most - reserve) if large else ("all", self._most)
        kept = (most if large else reserve) // FOR_NEWCOMERS
        holds = self._held[f"{'large' if large else 'small'} of party {sender.party}"]
        if not sender.person:
            self._require_new_address(length, sender)
        elif holds and self._held[share] + length > most - kept:
            raise ProblemError(503)

    def _require_new_address(self, length: int, sender: Sender) -> None:
        most, kept = self._most // UNKNOWN, 0
        if self._held[f"of address {sender.address}"]:
            kept = most // FOR_NEWCOMERS
        elif self._held[f"of network {network_of(sender.address)}"]:
            kept = most // FOR_NEW_NETWORKS
        if self._held[NOBODY_KNOWN] + length > most - kept:
            raise ProblemError(503)

    def _bounds(self, length: int, sender: Sender) -> dict[str, int]:
        """The shares that such a body is of, each with how many bytes it may hold at most.

        A party has less than half, and not only each of its persons: it says itself how many
        persons it has.
        """
        most, large = self._most, length > self._small
        shares = {"all": most}
        if large:
            shares["large"] = most - most // RESERVE
        size = "large" if large else "small"
        if sender.person:
            shares[f"{size} of person {sender.person}"] = most // (4 if large else 64)
            shares[f"{size} of party {sender.party}"] = most * 3 // 8 if large else most // 32
        else:
            unknown = most // UNKNOWN
            shares[f"of address {sender.address}"] = unknown // 2
            shares[f"of network {network_of(sender.address)}"] = unknown - unknown // 4
            shares[NOBODY_KNOWN] = unknown
        return shares

    async def body(self, receive: Receive, length: int, seconds: float | None = None) -> bytes:
        """The body, of so many bytes as its length says; all of it within so many seconds.

        Raises ProblemError; TimeoutError where it took longer; ConnectionResetError where the
        sender went away.
        """
        found = bytearray()
        async with asyncio.timeout(BODY_SECONDS if seconds is None else seconds):
            while True:
                message = await asyncio.wait_for(receive(), IDLE_SECONDS)
                if message["type"] == "http.disconnect":
                    raise ConnectionResetError
                found += message.get("body", b"")
                if len(found) > length:
                    raise ProblemError(400)
                if not message.get("more_body"):
                    break
        if len(found) != length:
            raise ProblemError(400)
        return bytes(found)
