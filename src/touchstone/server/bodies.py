"""What is sent with a request, read within bounds of length, of time and of memory."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from touchstone.server.errors import ProblemError

Receive = Callable[[], Awaitable[dict[str, Any]]]
FREE = 64 << 10
"""Bytes that are read before anybody has asked who sends them."""
MOST_HELD = 256 << 20
"""Bytes of bodies that a process holds at one time, be they read or still awaited."""
IDLE_SECONDS = 15.0
"""How long the next bytes may take."""
BODY_SECONDS = 120.0
"""How long all of them may: a piece of evidence may be smaller on a slow line."""


class Bodies:
    """Reads bodies; those of one process share what they may hold."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._left = most

    @contextmanager
    def read(self, length: int) -> Iterator[None]:
        """Set aside so many bytes while they are held. Raises ProblemError 503: there are none."""
        if length > self._left:
            raise ProblemError(503, "", "")
        self._left -= length
        try:
            yield
        finally:
            self._left += length

    async def body(
        self, receive: Receive, length: int, known: Callable[[], Awaitable[None]]
    ) -> bytes:
        """The body, of so many bytes as its length says; `known` raises where nobody is.

        Raises ProblemError; ConnectionResetError where the sender went away.
        """
        found, asked = bytearray(), length <= FREE
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await asyncio.wait_for(receive(), IDLE_SECONDS)
                if message["type"] == "http.disconnect":
                    raise ConnectionResetError
                found += message.get("body", b"")
                if len(found) > length:
                    raise ProblemError(400, "", "")
                if not message.get("more_body"):
                    break
                if not asked:
                    asked = True
                    await known()
        if len(found) != length:
            raise ProblemError(400, "", "")
        return bytes(found)
