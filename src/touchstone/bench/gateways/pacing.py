"""One caller at a time, and streams side by side: what is timed from the caller's seat."""

import asyncio
import time
from collections.abc import Sequence

from touchstone.bench.errors import BenchError
from touchstone.bench.gateways.client import CallerConnection
from touchstone.bench.gateways.load import OK

_TURNS = 4
_WARM = 20


async def one_at_a_time(port: int, request: bytes, count: int) -> list[float]:
    """Seconds from a request to the end of its answer, over one connection, one after another."""
    connection = await CallerConnection.open(port)
    taken = []
    for number in range(count + _WARM):
        mark = time.perf_counter()
        answer = await connection.ask(request)
        if number >= _WARM:
            taken.append(time.perf_counter() - mark)
        if answer.status != OK:
            raise BenchError(f"a request was answered with {answer.status}")
    connection.close()
    return taken


async def first_tokens(port: int, requests: Sequence[bytes], length: float) -> list[float]:
    """Seconds to the first part of each stream, with all streams running side by side.

    Each connection opens its stream again as soon as it has ended, some times over. They begin
    spread over a stream's `length` in seconds, so that all the while as many are open.
    """

    async def caller(number: int, request: bytes) -> list[float]:
        # Spread out: begun together, all streams would ask for their first token at one moment,
        # again and again.
        await asyncio.sleep(number * length / len(requests))
        connection = await CallerConnection.open(port)
        taken = []
        for turn in range(_TURNS):
            mark = time.perf_counter()
            answer = await connection.ask(request)
            if answer.status != OK:
                raise BenchError(f"a stream was answered with {answer.status}")
            # The first turn opens the connection, and warms up what is on the way.
            if turn:
                taken.append(answer.first - mark)
        connection.close()
        return taken

    found = await asyncio.gather(*(caller(*each) for each in enumerate(requests)))
    return [seconds for taken in found for seconds in taken]
