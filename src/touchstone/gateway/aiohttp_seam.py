"""Every private name of aiohttp that the gateway relies on; no other module may use one.

aiohttp keeps no promise about these. `tests/contract/gateway/test_aiohttp_seam.py` says what each
is relied on for, and fails first when an upgrade takes one away or changes it.
"""

import asyncio
from typing import cast

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpRequestParser, RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

Messages = list[tuple[RawRequestMessage, StreamReader]]


class OpenHandler(RequestHandler):
    """aiohttp's protocol of one connection, with what stands in it said in public names."""

    __slots__ = ()

    @property
    def event_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the connection lives on."""
        return self._loop

    @property
    def requests_begun(self) -> int:
        """How many requests were parsed on this connection."""
        return self._request_count

    @property
    def between_requests(self) -> bool:
        """Whether no request is parsed or handled: what comes next begins one."""
        waiting = self._waiter is not None and not self._waiter.done()
        return not self._messages and (waiting or not self._request_count)

    @property
    def takes_another(self) -> bool:
        """Whether another request may come: the connection is neither ending nor upgraded."""
        return not (self._force_close or self._close or self._upgraded)

    def parse(self, data: bytes) -> Messages:
        """The requests of which these bytes are the heads; of a connection that is not lost.

        Raises HttpProcessingError.
        """
        parser = cast("HttpRequestParser", self._parser)
        messages, _, _ = parser.feed_data(data)
        return messages

    def message_consumed(self) -> None:
        """Tell the parser that a request of `parse` has been taken: it may read the next one."""
        cast("HttpRequestParser", self._parser).message_consumed()

    def begin_own(self) -> None:
        """Say that a request is being answered, of which aiohttp itself knows nothing."""
        self._request_in_progress = True

    def end_own(self, idle_seconds: float) -> None:
        """Say that it was answered; the connection is kept for so long again."""
        self._request_in_progress = False
        if self._handler_waiter is not None and not self._handler_waiter.done():
            self._handler_waiter.set_result(None)
        self._next_keepalive_close_time = self._loop.time() + idle_seconds

    async def drained(self) -> None:
        """Wait until the peer has taken what was written, as far as the buffer asks for it."""
        await self._drain_helper()


class OpenServer(web.Server):
    """aiohttp's low-level server, with its loop in public."""

    @property
    def event_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the server lives on."""
        return self._loop


def bounded_request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: "asyncio.Task[None]",
    body_bytes: int,
) -> web.BaseRequest:
    """A request as aiohttp's own factory makes it, with a cap on its body in bytes."""
    loop = protocol._loop  # noqa: SLF001 - what this module is for
    return web.BaseRequest(
        message, payload, protocol, writer, task, loop, client_max_size=body_bytes
    )
