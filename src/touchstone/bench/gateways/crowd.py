"""Callers with live streams: who is barred, what reaches them, and whether it is the stub's bytes.

Some barred callers ask again and again all the while, so that requests are on their way at any
moment, also at that of a directive.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.bench.errors import BenchError
from touchstone.bench.gateways.client import (
    CallerConnection,
    StreamedAnswer,
    chat_request,
    post_request,
    told,
)
from touchstone.bench.gateways.load import OK

_AT_ONCE = 32
_ASK_SECONDS = 0.05
_SEEN = b"GET /seen HTTP/1.1\r\n\r\n"
DENIED = 403


@dataclass
class StreamingCaller:
    """One user with one stream."""

    number: int
    token: str
    connection: CallerConnection
    answer: StreamedAnswer

    @property
    def reached(self) -> int:
        """Bytes that reached this machine over the stream's connection, read or not."""
        return self.connection.received + self.connection.waiting()


class StreamingCrowd:
    """All callers. Those with odd numbers are foreign nationals."""

    def __init__(self, port: int, stub: int, tokens: Sequence[str], askers: int) -> None:
        """The last `askers` odd numbers ask again and again; all others have a stream."""
        self._port = port
        self._stub = stub
        self._tokens = tokens
        odd = range(1, len(tokens), 2)
        self._asking = odd[len(odd) - askers :] if askers else range(0)
        self.allowed: dict[int, StreamingCaller] = {}
        self.barred: dict[int, StreamingCaller] = {}
        self.refused: Counter[int] = Counter()
        """How barred callers were answered who tried again."""
        self.broken = 0
        """Allowed streams that were lost, and opened anew."""
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Open every stream that is not open, and wait until its first bytes came."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(number: int) -> None:
            async with gate:
                caller = await self._stream(number)
            (self.barred if number % 2 else self.allowed)[number] = caller

        missing = set(range(len(self._tokens))) - set(self._asking)
        live = {each.number for each in self._all() if not each.connection.lost}
        self.broken += len(self.allowed.keys() - live)
        await asyncio.gather(*(one(number) for number in sorted(missing - live)))

    def begin_asking(self) -> None:
        """Let the askers begin."""
        self._tasks = [asyncio.create_task(self._ask(number)) for number in self._asking]

    async def end(self) -> None:
        """Stop asking, and close every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for caller in self._all():
            caller.connection.close()

    async def try_again(self) -> None:
        """Everyone who was barred asks once more, over a new connection."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(number: int) -> None:
            async with gate:
                caller = await self._begin(number)
                await caller.answer.began
                self.refused[caller.answer.status] += 1
                caller.connection.close()

        await asyncio.gather(*map(one, self.barred))

    async def upstream(self) -> int:
        """How many requests of foreign nationals the stub has seen.

        It is asked twice: the second answer counts also what lay unread in its sockets before.
        """
        await told(self._stub, _SEEN)
        seen = await told(self._stub, _SEEN)
        requests: dict[str, int] = seen["requests"]
        return sum(count for user, count in requests.items() if int(user[1:]) % 2)

    async def differing(self) -> int:
        """End all streams; how many allowed ones were not byte for byte what the stub sent."""
        await told(self._stub, post_request("/finish", b"{}", {}))
        whole = await asyncio.wait_for(
            asyncio.gather(*(each.answer.ended for each in self.allowed.values())), 30
        )
        seen: dict[str, str] = (await told(self._stub, _SEEN))["streams"]
        differing = sum(
            not ended or seen.get(each.answer.name) != each.answer.digest.hexdigest()
            for each, ended in zip(self.allowed.values(), whole, strict=True)
        )
        return self.broken + differing

    def _all(self) -> list[StreamingCaller]:
        return [*self.allowed.values(), *self.barred.values()]

    async def _stream(self, number: int) -> StreamingCaller:
        caller = await self._begin(number)
        await caller.answer.began
        if caller.answer.status != OK or caller.connection.lost:
            raise BenchError(f"a stream was answered with {caller.answer.status}, not with 200")
        return caller

    async def _begin(self, number: int) -> StreamingCaller:
        token = self._tokens[number]
        connection = await CallerConnection.open(self._port)
        answer = connection.begin(chat_request(token, user=f"u{number}", stream=True))
        return StreamingCaller(number, token, connection, answer)

    async def _ask(self, number: int) -> None:
        request = chat_request(self._tokens[number], user=f"u{number}")
        connection = await CallerConnection.open(self._port)
        try:
            while True:
                if connection.lost:
                    connection = await CallerConnection.open(self._port)
                await connection.begin(request).ended
                await asyncio.sleep(_ASK_SECONDS)
        finally:
            connection.close()
