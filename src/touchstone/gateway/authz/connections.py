"""Connections on which proxies ask: a plain question is answered without aiohttp's handling.

A plain question is one whole head for `/for/` that arrives at once between two requests, with no
body and nothing that changes the connection. The same parser reads it as reads all else; everything
that is not plain goes aiohttp's way, and is answered alike.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable

from aiohttp.http import HttpProcessingError, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler

from touchstone.gateway.authz.answers import AuthzAnswer
from touchstone.gateway.config import Limits
from touchstone.gateway.enforcing.server import FAULT, NOT_HTTP, Connection, Handler, Server

FOR = "/for/"
QUESTION = "plain question"
"""What the task is called that answers one."""
Asked = Callable[[RawRequestMessage], Awaitable[AuthzAnswer]]
_log = logging.getLogger(__name__)
_LINE = re.compile(rb"(?:GET|POST) /for/\S* HTTP/1\.1\r\n")
_END = b"\r\n\r\n"
_NOT_PLAIN = (b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"expect")
_BROKEN = AuthzAnswer(400, {}, NOT_HTTP)
_FAILED = AuthzAnswer(500, {}, FAULT)


def is_plain(data: bytes) -> bool:
    """Whether these bytes are one head that names a question, and nothing beside it."""
    if not _LINE.match(data) or data.find(_END) != len(data) - len(_END):
        return False
    lower = data.lower()
    return not any(each in lower for each in _NOT_PLAIN)


class DecisionConnection(Connection):
    """One proxy's connection. Questions on it are answered one after another."""

    __slots__ = ("_answer", "_asking", "_later")

    def __init__(self, server: "DecisionServer", limits: Limits) -> None:
        super().__init__(server, limits)
        self._answer = server.answer
        self._asking: asyncio.Task[None] | None = None
        """The plain question that is being answered."""
        self._later = b""
        """What came meanwhile."""

    def data_received(self, data: bytes) -> None:
        """Answer a plain question; leave all else to aiohttp."""
        if self._asking is not None:
            # Kept and not parsed: aiohttp would begin to answer it before the one that is under
            # way.
            self._later += data
            # A proxy that asks on without waiting for answers must not fill the memory.
            if len(self._later) > self._limits.header_bytes:
                self.reset()
        elif self._between and len(data) <= self._limits.header_bytes and is_plain(data):
            self._take(data)
        else:
            super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The proxy has gone: nobody waits for the answer."""
        if self._asking is not None:
            self._asking.cancel()
        super().connection_lost(exc)

    @property
    def _between(self) -> bool:
        """Whether one request is over and of the next nothing has come."""
        return self.takes_another and self._began is None and self.idle

    def _take(self, data: bytes) -> None:
        try:
            messages = self.parse(data)
        except HttpProcessingError as error:
            _log.info("question failed (400): %s", type(error).__name__)
            # No more is read: where the next request begins nobody can tell.
            self._end(_BROKEN)
            return
        # The parser reads it otherwise than `is_plain`: nothing that follows is to be trusted.
        if len(messages) != 1 or not _is_question(*messages[0]):
            self.reset()
            return
        # aiohttp's parser waits for it, and would read no further request.
        self.message_consumed()
        self.begin_own()
        self._asking = self.event_loop.create_task(self._ask(messages[0][0]), name=QUESTION)

    async def _ask(self, message: RawRequestMessage) -> None:
        try:
            said = await self._answer(message)
            if self.transport is not None:
                self.transport.write(said.data())
                await self.drained()
        except Exception as error:  # noqa: BLE001 - whatever fails, nothing is granted
            _log.warning("question failed (500): %s", type(error).__name__)
            self._end(_FAILED)
        finally:
            self._over()

    def _over(self) -> None:
        self._asking = None
        self.end_own(self._limits.idle_seconds)
        later, self._later = self._later, b""
        if later and self.transport is not None:
            self.data_received(later)

    def _end(self, said: AuthzAnswer) -> None:
        """Say a last thing."""
        if self.transport is not None:
            self.transport.write(said.data(last=True))
            self.force_close()


def _is_question(message: RawRequestMessage, payload: object) -> bool:
    plain = payload is EMPTY_PAYLOAD and not message.upgrade and not message.should_close
    return plain and message.path.startswith(FOR)


class DecisionServer(Server):
    """aiohttp's server, for connections of this module's kind."""

    def __init__(self, handler: Handler, answer: Asked, limits: Limits) -> None:
        super().__init__(handler, limits)
        self.answer = answer

    def __call__(self) -> RequestHandler:
        """The protocol of a new connection."""
        return DecisionConnection(self, self._limits)
