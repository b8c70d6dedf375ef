"""A caller: one kept connection that asks, and reads answers whole or as they come."""

import array
import asyncio
import fcntl
import json
import re
import termios
from collections.abc import Mapping
from hashlib import sha256
from time import perf_counter
from typing import Any, Self, cast

from touchstone.bench.errors import BenchError

PATH = "/v1/chat/completions"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_NAME = re.compile(rb'"id": ?"([^"]+)"')


def chat_request(token: str, **more: object) -> bytes:
    """A chat completion as a request, with more fields in its body."""
    said = "What is six times seven?"
    body = {"model": "subject", "messages": [{"role": "user", "content": said}], **more}
    return post_request(PATH, json.dumps(body).encode(), {"Authorization": f"Bearer {token}"})


def post_request(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A POST of JSON, as bytes."""
    fields = {
        "Host": "bench",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


class StreamedAnswer:
    """One answer, complete or on its way."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.status = 0
        self.first = 0.0
        """When its body began, by `perf_counter`."""
        self.bytes = 0
        self.digest = sha256()
        """Of the body, freed of its framing."""
        self.head = b""
        """The body's first part."""
        self.began: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[bool] = loop.create_future()
        """True: the body came whole; False: the connection was lost before."""

    @property
    def name(self) -> str:
        """The stream's name, as the stub wrote it into the first part."""
        found = _NAME.search(self.head)
        return found[1].decode() if found else ""

    def take(self, part: bytes) -> None:
        """Some of the body."""
        if not self.bytes and part:
            self.first = perf_counter()
            self.head = part
        self.bytes += len(part)
        self.digest.update(part)
        if not self.began.done():
            self.began.set_result(None)

    def end(self, *, whole: bool) -> None:
        """Nothing more comes."""
        for each in (self.began, self.ended):
            if not each.done():
                each.set_result(whole if each is self.ended else None)  # type: ignore[arg-type]  # by its kind


class CallerConnection(asyncio.Protocol):
    """One connection to a server on this machine."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.answer = StreamedAnswer(self._loop)
        self.received = 0
        """Bytes read from the socket, framing included."""
        self.lost = False
        self._buffer = b""
        self._in_body = False
        self._chunked = False
        self._left = 0

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect."""
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(cls, "127.0.0.1", port)
        return made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def begin(self, request: bytes) -> StreamedAnswer:
        """Send a request; its answer comes."""
        self.answer = StreamedAnswer(self._loop)
        if self.lost:
            self.answer.end(whole=False)
        else:
            self._transport.write(request)
        return self.answer

    async def ask(self, request: bytes) -> StreamedAnswer:
        """Send a request and wait for its whole answer; BenchError where it breaks off."""
        answer = self.begin(request)
        if not await answer.ended:
            raise BenchError("a connection was lost before its answer was whole")
        return answer

    def waiting(self) -> int:
        """How many bytes this machine's kernel holds for the socket, unread."""
        socket = self._transport.get_extra_info("socket")
        if self.lost or socket is None or socket.fileno() < 0:
            return 0
        count = array.array("i", [0])
        fcntl.ioctl(socket.fileno(), termios.FIONREAD, count)
        return count[0]

    def close(self) -> None:
        """End the connection."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take headers and body apart."""
        self.received += len(data)
        self._buffer += data
        if not self._in_body and not self._head():
            return
        if self._chunked:
            self._chunks()
        else:
            part, self._buffer = self._buffer[: self._left], self._buffer[self._left :]
            self._left -= len(part)
            self.answer.take(part)
            if not self._left:
                self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side ended it, or reset it."""
        del exc
        self.lost = True
        self.answer.end(whole=False)

    def _head(self) -> bool:
        head, mark, rest = self._buffer.partition(b"\r\n\r\n")
        if not mark:
            return False
        self._buffer = rest
        self.answer.status = int(head[9:12])
        found = _LENGTH.search(head)
        self._left = int(found[1]) if found else 0
        self._chunked = bool(_CHUNKED.search(head))
        self._in_body = True
        return True

    def _chunks(self) -> None:
        """Take every chunk that is whole; what is left is the beginning of one."""
        data, at = self._buffer, 0
        while self._in_body:
            line = data.find(b"\r\n", at)
            if line < 0:
                break
            size = int(data[at:line], 16)
            stop = line + 2 + size
            if len(data) < stop + 2:
                break
            if size:
                self.answer.take(data[line + 2 : stop])
            at = stop + 2
            if not size:
                self._end()
        self._buffer = data[at:]

    def _end(self) -> None:
        self._in_body = False
        self.answer.end(whole=True)


async def told(port: int, request: bytes) -> Any:
    """The JSON that a server answers to one request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    found = _LENGTH.search(head)
    body = await reader.readexactly(int(found[1]) if found else 0)
    writer.close()
    return json.loads(body)
