"""Clients' connections: aiohttp's, with caps, a clock on headers and a count of bytes sent."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from touchstone.gateway.aiohttp_seam import OpenHandler, OpenServer, bounded_request
from touchstone.gateway.config import Limits
from touchstone.gateway.enforcing.cutting import linger, reset

_log = logging.getLogger(__name__)
# Small: what lies in the kernel when a directive cuts has to be thrown away there (ADR 102).
_SEND_BUFFER = 32 << 10
_NOT_SENT = 16 << 10
_MOST_HEADERS = 64
_LINGERING_SECONDS = 1.0
NOT_HTTP = b'{"error":{"message":"the request is not HTTP as it should be","code":"not_http"}}'
FAULT = b'{"error":{"message":"the gateway failed; the request was not served","code":"fault"}}'


class _Counted:
    """A transport that counts the bytes it is handed, and that a reset ends unless it is closed."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.bytes = 0
        self._transport = transport
        self._write = transport.write
        self.get_write_buffer_size = transport.get_write_buffer_size
        # Looked up once: it is asked for each part of every stream.
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        self.bytes += len(data)
        self._write(data)

    def writelines(self, parts: Iterable[bytes]) -> None:
        self.write(b"".join(parts))

    def close(self) -> None:
        """Let what is queued leave first."""
        linger(self._transport)
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Connection(OpenHandler):
    """One client's connection."""

    __slots__ = ("_began", "_bytes", "_limits", "_sent", "_server", "gone")

    def __init__(self, server: "Server", limits: Limits) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=limits.idle_seconds,
            access_log=None,  # type: ignore[arg-type]  # aiohttp takes None for no log
            max_line_size=limits.header_bytes,
            max_field_size=limits.header_bytes,
            max_headers=_MOST_HEADERS,
            lingering_time=_LINGERING_SECONDS,
            # Compressed bodies are refused, and so never unpacked.
            auto_decompress=False,
        )
        self._server = server
        self._limits = limits
        self._sent: _Counted | None = None
        self._began: float | None = None
        """When the headers that are not yet complete began to come."""
        self._bytes = 0
        self.gone: asyncio.Future[None] = self.event_loop.create_future()

    @property
    def sent(self) -> int:
        """How many bytes were handed to this connection."""
        return self._sent.bytes if self._sent else 0

    @property
    def room(self) -> int:
        """How many bytes can be written now without any wait for the client."""
        transport = self._sent
        return _NOT_SENT - transport.get_write_buffer_size() if transport else 0

    @property
    def idle(self) -> bool:
        """Whether what comes next is the beginning of a request, or more of its headers."""
        return self.between_requests

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or reset it where there are too many."""
        stream = cast("asyncio.Transport", transport)
        if len(self._server.connections) >= self._limits.connections:
            self._server.turned_away += 1
            reset(stream)
            return
        found = stream.get_extra_info("socket")
        if found is not None and found.family != socket.AF_UNIX:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _NOT_SENT)
        # Should this process be killed, the kernel is to reset the connection, and not to send on.
        linger(stream, reset=True)
        stream.set_write_buffer_limits(high=_NOT_SENT)
        self._sent = _Counted(stream)
        super().connection_made(self._sent)  # type: ignore[arg-type]  # a transport in all it does

    def connection_lost(self, exc: BaseException | None) -> None:
        """The socket is being closed."""
        super().connection_lost(exc)
        if not self.gone.done():
            self.gone.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Parse, and watch over headers that are not complete."""
        # A body is on its way, which has a clock of its own.
        if not self.idle:
            super().data_received(data)
            return
        before = self.requests_begun
        super().data_received(data)
        # A whole head came; the clock is for those that trickle.
        if self.requests_begun != before:
            self._began, self._bytes = None, 0
            return
        if self._began is None:
            self._began = self.event_loop.time()
        self._bytes += len(data)
        if self._bytes > self._limits.header_bytes:
            self.reset()

    def overdue(self, now: float) -> bool:
        """Whether the headers have been coming for too long."""
        return self._began is not None and now - self._began > self._limits.header_seconds

    def reset(self) -> None:
        """End the connection at once; nothing that is queued leaves any more."""
        if self.transport is not None:
            reset(self.transport)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the request, which may hold a token
    ) -> web.StreamResponse:
        """A fixed answer. What went wrong is named by its kind: its text may hold the request."""
        level = logging.INFO if status == 400 else logging.WARNING  # noqa: PLR2004 - the parser's refusal
        _log.log(level, "request failed (%d): %s", status, type(exc).__name__)
        if request.writer.output_size > 0:
            self.reset()
            raise ConnectionError("the answer had begun")
        answer = web.Response(
            status=status,
            body=NOT_HTTP if status == 400 else FAULT,  # noqa: PLR2004 - the parser's refusal
            content_type="application/json",
            headers={"Server": "touchstone-gateway"},
        )
        # Where the parser gave up, nobody knows where the next request would begin.
        answer.force_close()
        return answer


Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass
class _Factory:
    """Requests with this gateway's cap on bodies."""

    body_bytes: int

    def __call__(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        # aiohttp's own factory takes bodies of a megabyte at most, whatever the configuration says.
        return bounded_request(message, payload, protocol, writer, task, self.body_bytes)


class Server(OpenServer):
    """aiohttp's low-level server, which makes connections of this module's kind."""

    def __init__(self, handler: Handler, limits: Limits) -> None:
        super().__init__(
            # Whoever hangs up ends the endpoint's work too: without this aiohttp lets a handler run
            # on.
            handler,
            request_factory=_Factory(limits.body_bytes),
            handler_cancellation=True,
        )
        self._limits = limits
        self.turned_away = 0
        """Connections that were one too many."""

    def __call__(self) -> RequestHandler:
        """The protocol of a new connection."""
        return Connection(self, self._limits)

    def reset_slow(self) -> int:
        """Reset every connection whose headers are overdue, and say how many there were."""
        now = self.event_loop.time()
        slow = [
            each for each in self.connections if isinstance(each, Connection) and each.overdue(now)
        ]
        for connection in slow:
            connection.reset()
        return len(slow)
