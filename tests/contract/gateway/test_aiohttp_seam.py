"""What is relied on of aiohttp's private names: an upgrade that changes one fails here first."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from touchstone.gateway import aiohttp_seam as seam

HEAD = b"GET /for/x HTTP/1.1\r\nHost: a\r\n\r\n"
PRIVATE = (
    "_close",
    "_drain_helper",
    "_force_close",
    "_handler_waiter",
    "_loop",
    "_messages",
    "_next_keepalive_close_time",
    "_parser",
    "_request_count",
    "_request_in_progress",
    "_upgraded",
    "_waiter",
)


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - aiohttp tells nobody
        await asyncio.sleep(0)


class Server(seam.OpenServer):
    def __call__(self) -> RequestHandler:
        made = seam.OpenHandler(self, loop=asyncio.get_running_loop())
        self.made.append(made)
        return made

    made: list[seam.OpenHandler]


@asynccontextmanager
async def connected() -> AsyncIterator[
    tuple[seam.OpenHandler, asyncio.StreamReader, asyncio.StreamWriter, asyncio.Event]
]:
    """A connection to a server whose handler waits for the event."""
    go_on = asyncio.Event()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        await go_on.wait()
        return web.Response(text=request.path)

    server = Server(handler)
    server.made = []
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname()[:2])
    await until(lambda: bool(server.made))
    try:
        assert server.event_loop is asyncio.get_running_loop()
        yield server.made[0], reader, writer, go_on
    finally:
        writer.close()
        listening.close()
        await server.shutdown(1)


@pytest.mark.parametrize("name", PRIVATE)
def test_each_private_name_is_there(name: str):
    assert hasattr(RequestHandler, name)


def test_the_seam_hides_nothing_of_aiohttps_own():
    own = {name for name in vars(seam.OpenHandler) if not name.startswith("__")}
    assert {name for name in own if hasattr(RequestHandler, name)} == set()
    assert not hasattr(web.Server, "event_loop")
    assert list(inspect.signature(web.BaseRequest).parameters)[:6] == [
        "message",
        "payload",
        "protocol",
        "payload_writer",
        "task",
        "loop",
    ]


@pytest.mark.asyncio
async def test_a_request_is_counted_and_what_stands_between_is_known():
    async with connected() as (handler, reader, writer, go_on):
        assert handler.event_loop is asyncio.get_running_loop()
        assert (handler.requests_begun, handler.between_requests) == (0, True)
        assert handler.takes_another
        writer.write(HEAD)
        await until(lambda: bool(handler.requests_begun))
        assert not handler.between_requests
        go_on.set()
        assert b"200 OK" in await reader.readuntil(b"/for/x")
        await until(lambda: bool(handler.between_requests))
        assert handler.requests_begun == 1
        handler.force_close()
        assert not handler.takes_another


@pytest.mark.asyncio
async def test_a_head_is_parsed_and_answered_without_aiohttps_handling():
    async with connected() as (handler, reader, writer, go_on):
        ((message, _),) = handler.parse(HEAD)
        assert (message.path, handler.requests_begun) == ("/for/x", 0)
        handler.message_consumed()
        handler.begin_own()
        await handler.drained()
        handler.end_own(30)
        assert handler.between_requests
        writer.write(HEAD)
        go_on.set()
        assert b"200 OK" in await reader.readuntil(b"/for/x")


@pytest.mark.asyncio
async def test_what_is_no_http_is_refused_by_the_parser():
    async with connected() as (handler, _, _, _):
        with pytest.raises(HttpProcessingError):
            handler.parse(b"NONSENSE\r\n\r\n")
