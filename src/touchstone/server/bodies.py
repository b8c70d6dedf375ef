"""What is sent with a request, read within bounds of length, of time and of memory."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from touchstone.server.errors import ProblemError

Receive = Callable[[], Awaitable[dict[str, Any]]]
FREE = 64 << 10
"""Bytes that are read before anybody has asked who sends them."""
MOST_HELD = 256 << 20
"""Bytes of bodies that a process holds at one time, be they read or still awaited."""
OF_ONE = 4
"""One person's bodies hold at most this part of them: the others' deeds must still come in."""
IDLE_SECONDS = 15.0
"""How long the next bytes may take."""
BODY_SECONDS = 120.0
"""How long all of them may: a piece of evidence may be smaller on a slow line."""


class Bodies:
    """Reads bodies; those of one process share what they may hold."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._left, self._of_one = most, most // OF_ONE
        self._held = Counter[str]()

    @contextmanager
    def read(self, length: int, who: str = "") -> Iterator[None]:
        """Set aside so many bytes while they are held. Raises ProblemError 503: there are none.

        `who` sends them, as far as that was asked: see `FREE`.
        """
        if length > self._left or (who and self._held[who] + length > self._of_one):
            raise ProblemError(503)
        self._left -= length
        self._held[who] += length
        try:
            yield
        finally:
            self._left += length
            self._held[who] -= length
            if not self._held[who]:
                del self._held[who]

    async def body(self, receive: Receive, length: int) -> bytes:
        """The body, of so many bytes as its length says.

        Raises ProblemError; ConnectionResetError where the sender went away.
        """
        found = bytearray()
        async with asyncio.timeout(BODY_SECONDS):
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
