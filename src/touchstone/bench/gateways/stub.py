"""The model's endpoint that every bench of the gateway stands before: fast, and it remembers.

As a module it serves until it is told to end, and prints its port. It answers a chat completion at
once, or streams as many events as `max_tokens` says (without it: until `/finish`), one each
interval. It counts requests by the body's `user`, and keeps the digest of every stream's bytes.
`GET /seen` tells both, `POST /finish` ends the streams.
"""

import asyncio
import json
import re
import sys
from collections import Counter
from hashlib import sha256
from typing import Any, cast

import uvloop

ANSWER = json.dumps(
    {
        "id": "stub",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": "stub",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "The answer is forty-two. " * 8},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 48, "total_tokens": 60},
    }
).encode()
END = b"data: [DONE]\n\n"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%s\r\n\r\n"
_PLAIN = _HEAD % (b"application/json", b"Content-Length: %d" % len(ANSWER)) + ANSWER
_STREAM = _HEAD % (b"text/event-stream", b"Transfer-Encoding: chunked")
_MISSING = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Stream:
    """One answer in parts. Every part is told apart from every other stream's."""

    def __init__(self, transport: asyncio.WriteTransport, user: str, number: int) -> None:
        self.user = user
        self.name = f"{user}-{number}"
        self.digest = sha256()
        self.parts = 0
        self.over = False
        self._transport = transport
        self._head = _STREAM

    def next(self, most: int | None) -> bool:
        """Send the next part; whether another one is to follow."""
        if self.over:
            return False
        self.parts += 1
        delta = {"content": f" word{self.parts}"}
        event = {
            "id": self.name,
            "object": "chat.completion.chunk",
            "created": 1_795_000_000,
            "model": "stub",
            "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
        }
        self._send(b"data: " + json.dumps(event).encode() + b"\n\n")
        if most is None or self.parts < most:
            return True
        self.finish()
        return False

    def finish(self) -> None:
        """Send the last part, unless the stream is over."""
        if not self.over:
            self._send(END)
            self._transport.write(b"0\r\n\r\n")
            self.over = True

    def _send(self, part: bytes) -> None:
        self.digest.update(part)
        # The head goes out with the first part, as it does where a model thinks before it speaks.
        self._transport.write(b"%s%x\r\n%s\r\n" % (self._head, len(part), part))
        self._head = b""


class Stub:
    """What all connections share."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self.requests: Counter[str] = Counter()
        self.streams: list[Stream] = []

    def open(self, transport: asyncio.WriteTransport, user: str, most: int | None) -> Stream:
        """Begin a stream; its first part goes out at once."""
        stream = Stream(transport, user, self.requests[user])
        self.streams.append(stream)
        self._tick(stream, most)
        return stream

    def _tick(self, stream: Stream, most: int | None) -> None:
        if stream.next(most):
            asyncio.get_running_loop().call_later(self.interval, self._tick, stream, most)

    def seen(self) -> dict[str, Any]:
        """Requests by user, and the digest of each stream that was sent to its end."""
        return {
            "requests": self.requests,
            "streams": {each.name: each.digest.hexdigest() for each in self.streams if each.over},
        }

    def finish(self) -> None:
        """End every stream that is not over."""
        for stream in self.streams:
            stream.finish()


class StubConnection(asyncio.Protocol):
    """HTTP/1.1 with bodies of a stated length, and nothing more."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._buffer = b""
        self._streams: list[Stream] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        data = self._buffer + data if self._buffer else data
        while data:
            end = data.find(b"\r\n\r\n") + 4
            found = _LENGTH.search(data, 0, end) if end > 3 else None  # noqa: PLR2004 - -1 + 4
            stop = end + int(found[1]) if found else end
            if end <= 3 or len(data) < stop:  # noqa: PLR2004 - the same
                break
            self._answer(data[:end], data[end:stop])
            data = data[stop:]
        self._buffer = data

    def connection_lost(self, exc: Exception | None) -> None:
        """Its streams have no end."""
        del exc
        for stream in self._streams:
            if not stream.over:
                # What was cut has no whole digest to be compared with.
                self._stub.streams.remove(stream)
                stream.over = True

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET /seen "):
            self._tell(json.dumps(self._stub.seen()).encode())
        elif head.startswith(b"POST /finish "):
            self._stub.finish()
            self._tell(b"{}")
        elif head.startswith(b"POST "):
            self._complete(body)
        else:
            self._transport.write(_MISSING)

    def _complete(self, body: bytes) -> None:
        asked = json.loads(body)
        user = asked.get("user", "")
        self._stub.requests[user] += 1
        if asked.get("stream"):
            most = asked.get("max_tokens")
            self._streams.append(self._stub.open(self._transport, user, most))
        else:
            self._transport.write(_PLAIN)

    def _tell(self, body: bytes) -> None:
        fields = b"Content-Length: %d" % len(body)
        self._transport.write(_HEAD % (b"application/json", fields) + body)


async def serve_stub(interval: float) -> None:
    """Serve on a free port of this machine, and print it."""
    stub = Stub(interval)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: StubConnection(stub), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve_stub(float(sys.argv[1])))
