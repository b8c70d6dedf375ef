"""An upstream's answer, on its way to the caller: the same bytes, as they come."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from touchstone.gateway.enforcing.server import Connection
from touchstone.gateway.errors import RefusedError

# Nothing else comes back: an upstream's cookies and names are not for callers.
_PASSED = (
    "Content-Type",
    "Content-Encoding",
    "Cache-Control",
    "Retry-After",
    "request-id",
    "x-request-id",
)
_CALLERS_FAULTS = {400, 404, 409, 413, 422, 429}
"""What an upstream says of these is for the caller. Anything else is about the gateway."""
_LINES = 512
"""More bytes than a head has beside its names and values."""
Taken = Callable[[bytes], bytes]
Ended = Callable[[], Awaitable[bytes]]
InTime = Callable[[], bool]


def check_status(answer: aiohttp.ClientResponse) -> None:
    """RefusedError where the upstream's answer is not for the caller: it may tell of the way."""
    status = answer.status
    if 200 <= status < 300 or status in _CALLERS_FAULTS:  # noqa: PLR2004 - HTTP's classes
        return
    if status in {503, 529}:
        raise RefusedError(503, "upstream_busy", "the model's endpoint is busy: try again later")
    raise RefusedError(502, "upstream_failed", "the model's endpoint did not serve the request")


async def relay(
    request: web.BaseRequest,
    answer: aiohttp.ClientResponse,
    connection: Connection,
    stall_seconds: float,
    taken: Taken | None,
    ended: Ended,
    in_time: InTime,
) -> web.StreamResponse:
    """Pass an answer on. `taken` gives what goes on of each part; None: all goes on as it is.

    `ended` is awaited before the caller sees the end, and gives what is still to go.

    An answer that breaks off resets the client's connection: it must not look whole. So does one
    of which a part comes when serving is no longer `in_time`: a process that was stopped meets what
    came meanwhile before any timer of its own.
    """
    # A new set, not the endpoint's with some taken out: its next version may have others.
    headers: CIMultiDict[str] = CIMultiDict({"Server": "touchstone-gateway"})
    for name in _PASSED:
        value = answer.headers.get(name)
        if value is not None:
            headers[name] = value
    content = answer.content
    if content.is_eof():
        body = content.read_nowait(-1)
        body = taken(body) if taken else body
        body += await ended()
        _check_time(in_time, connection)
        whole = web.Response(status=answer.status, body=body, headers=headers)
        # Sent from here and not by aiohttp afterwards: that would wait for its reader for ever, and
        # a cut would find no exchange any more whose connection it could reset.
        sending = _written(whole, request)
        size = len(body) + _LINES + sum(map(len, headers)) + sum(map(len, headers.values()))
        # A timer for each short answer would be a good part of what an answer costs.
        fits = size <= connection.room
        await (sending if fits else _sent(sending, connection, stall_seconds))
        return whole
    length = answer.headers.get("Content-Length")
    # Where something is taken out, the length may be another.
    if length is not None and not taken:
        headers["Content-Length"] = length
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    try:
        await _pass_on(request, answer, response, connection, stall_seconds, taken, in_time)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        connection.reset()
        raise ConnectionResetError("the answer broke off") from error
    # Settled before the last byte: who has read the end must find the budget charged.
    rest = await ended()
    # A caller who hangs up at the last word, as some clients do, has all of it.
    with suppress(aiohttp.ClientConnectionResetError):
        await _sent(response.write_eof(rest), connection, stall_seconds)
    return response


async def _pass_on(
    request: web.BaseRequest,
    answer: aiohttp.ClientResponse,
    response: web.StreamResponse,
    connection: Connection,
    stall_seconds: float,
    taken: Taken | None,
    in_time: InTime,
) -> None:
    """Each part as it comes, until there is none."""
    # Not as events: whoever waits for a first token waits for nothing here.
    while part := await answer.content.readany():
        _check_time(in_time, connection)
        if taken:
            part = taken(part)
        # The write as well as the drain: aiohttp drains within a write of its own choosing,
        # whenever 64 KiB have gone out, and that would wait for ever.
        async with asyncio.timeout(stall_seconds):
            if part:
                await response.write(part)
            if connection.writing_paused:
                await request.writer.drain()


async def _written(whole: web.Response, request: web.BaseRequest) -> None:
    await whole.prepare(request)
    await whole.write_eof()


async def _sent(
    sending: Coroutine[Any, Any, object], connection: Connection, stall_seconds: float
) -> None:
    """Wait until what was written is taken; who does not read it in time is let go."""
    try:
        async with asyncio.timeout(stall_seconds):
            await sending
    except TimeoutError as error:
        connection.reset()
        raise ConnectionResetError("the answer was not read") from error


def _check_time(in_time: InTime, connection: Connection) -> None:
    if not in_time():
        connection.reset()
        raise ConnectionResetError("the time to serve is over")
