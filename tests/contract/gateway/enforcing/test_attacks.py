"""What clients send who mean no good, by raw sockets: a clear refusal, and nothing forwarded."""

import asyncio
import contextlib
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp.http import HttpVersion10, HttpVersion11

from support.gateway_loop import CHAT, Loop, Stub, gateway, request_bytes, slow_reader, token, until
from touchstone.gateway.enforcing import proxy, requests, server
from touchstone.gateway.enforcing.charging import Charge
from touchstone.gateway.enforcing.exchanges import Exchange
from touchstone.gateway.enforcing.upstreams import ModelRoute

pytestmark = pytest.mark.asyncio
PATH = "/v1/chat/completions"
BODY = json.dumps(CHAT).encode()
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)


def request(
    *headers: str,
    body: bytes = BODY,
    line: str = f"POST {PATH} HTTP/1.1",
    length: bool = True,
    nationality: str = "XA",
) -> bytes:
    """A request that is served as it is, with more headers or another line."""
    # Made when this module is loaded, and sent when its turn comes.
    text = token(nationality=nationality, exp=int(time.time()) + 86_400)
    lines = [line, "Host: x", f"Authorization: Bearer {text}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1") + body


def chunked(body: bytes, *headers: str, line: str = f"POST {PATH} HTTP/1.1") -> bytes:
    """A request with a chunked body."""
    return request(
        *(headers or ("Transfer-Encoding: chunked",)), body=body, line=line, length=False
    )


async def sent(loop: Loop, data: bytes, seconds: float = 2.0) -> bytes:
    """The answer, or all that comes until the connection ends."""
    reader, writer = await asyncio.open_connection(loop.host, loop.port)
    came = b""
    try:
        writer.write(data)
        async with asyncio.timeout(seconds):
            while some := await reader.read(65536):
                came += some
                head, _, body = came.removeprefix(CONTINUE).partition(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                if length and len(body) >= int(length[1]):
                    break
    except (TimeoutError, ConnectionError):
        pass
    finally:
        await closed(writer)
    return came


LENGTHS = {
    "two lengths": request("Content-Length: 3"),
    "the same length twice": request(f"Content-Length: {len(BODY)}"),
    "a list of lengths": request(f"Content-Length: {len(BODY)}, {len(BODY)}", length=False),
    "a signed length": request(f"Content-Length: +{len(BODY)}", length=False),
    "a negative length": request("Content-Length: -1", length=False),
    "a length in hex": request("Content-Length: 0x4d", length=False),
    "a blank before the colon": request(f"Content-Length : {len(BODY)}", length=False),
    "length and chunks": request("Transfer-Encoding: chunked", body=CHUNKED),
    "another coding": chunked(CHUNKED, "Transfer-Encoding: xchunked"),
    "a coding behind chunked": chunked(CHUNKED, "Transfer-Encoding: chunked, identity"),
    "a coding before chunked": chunked(CHUNKED, "Transfer-Encoding: gzip, chunked"),
    "chunked twice": chunked(CHUNKED, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "identity and length": request("Transfer-Encoding: identity"),
    "chunked in 1.0": chunked(CHUNKED, line=f"POST {PATH} HTTP/1.0"),
    "a tab in the value": chunked(CHUNKED, "Transfer-Encoding: \x0bchunked"),
    "a tab in the name": chunked(CHUNKED, "Transfer-Encoding\t: chunked"),
    "a line feed in an extension": chunked(b"%x;a\nb\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)),
    "chunks by line feeds": chunked(b"%x\n%s\n0\n\n" % (len(BODY), BODY)),
    "0x before a chunk": chunked(b"0x" + CHUNKED),
    "a negative chunk": chunked(b"-1\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a huge chunk": chunked(b"fffffffffffffffff\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a blank behind a chunk's size": chunked(b"%x \r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)),
    "no end of a chunk": chunked(b"%x\r\n%sXX0\r\n\r\n" % (len(BODY), BODY)),
}
FORMS = {
    "folding": request("X-A: b\r\n c"),
    "line feeds alone": request().replace(b"\r\n", b"\n"),
    "a bare carriage return": request("X-A: b\rX-B: c"),
    "a null": request("X-A: b\x00c"),
    "no host": request().replace(b"Host: x\r\n", b""),
    "two hosts": request("Host: y"),
    "two types": request("Content-Type: text/plain"),
    "HTTP/0.9": b"GET /v1/models\r\n\r\n",
    "HTTP/1.2": request(line=f"POST {PATH} HTTP/1.2"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "a tunnel": b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\nabc",
    "a web socket": request("Upgrade: websocket", "Connection: Upgrade"),
    "h2c": request("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AA"),
    "a method in small letters": request(line=f"post {PATH} HTTP/1.1"),
    "another method": request(line=f"PUT {PATH} HTTP/1.1"),
    "a blank in the target": request(line=f"POST {PATH} x HTTP/1.1"),
    "a whole URL": request(line=f"POST http://evil{PATH} HTTP/1.1"),
    "a query": request(line=f"POST {PATH}?reasoning_effort=high HTTP/1.1"),
    "a fragment": request(line=f"POST {PATH}#x HTTP/1.1"),
    "an escape": request(line="POST /v1/chat%2fcompletions HTTP/1.1"),
    "dots": request(line="POST /v1/x/../chat/completions HTTP/1.1"),
    "two slashes": request(line=f"POST /{PATH} HTTP/1.1"),
    "a GET with a body": request(line="GET /v1/models HTTP/1.1"),
    "two tokens": request("Authorization: Bearer x"),
    "a token and a key": request("x-api-key: x"),
    "a long header": request("X-A: " + "a" * 20_000),
    "many headers": request(*(f"X-{number}: a" for number in range(100))),
    "something behind it": request() + b"GARBAGE\r\n\r\n",
}


async def test_a_request_with_two_lengths_or_none_is_refused(tmp_path: Path):
    async with gateway(tmp_path) as loop:
        for name, data in {**LENGTHS, **FORMS}.items():
            came = await sent(loop, data)
            assert came.split(b" ")[1] in {b"400", b"401", b"404", b"405"}, (name, came)
        assert not loop.stub.requests
        # The same requests without the tricks are served.
        for data in (request(), chunked(CHUNKED), request("Expect: 100-continue")):
            assert b"HTTP/1.1 200" in await sent(loop, data)
        assert [seen for _, _, seen in loop.stub.requests] == [BODY] * 3
        assert len(loop.enforcement.exchanges) == 0


async def pipelined(loop: Loop, *requested: bytes) -> list[str]:
    """The statuses of requests that are sent at once over one connection."""
    reader, writer = await asyncio.open_connection(loop.host, loop.port)
    writer.write(b"".join(requested))
    statuses = []
    for _ in requested:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
        await reader.readexactly(length)
        statuses.append(head.split(" ")[1])
    await closed(writer)
    return statuses


async def test_pipelined_requests_are_judged_one_by_one(tmp_path: Path):
    barred, absent = request(nationality="XB"), request(body=b'{"model":"nothing"}')
    async with gateway(tmp_path) as loop:
        statuses = await pipelined(loop, request(), absent, barred, request())
        assert statuses == ["200", "404", "403", "200"]
        assert len(loop.stub.requests) == 2


async def trickled(writer: asyncio.StreamWriter, parts: list[bytes], pause: float) -> int:
    """How many parts went out before the connection ended."""
    for number, part in enumerate(parts):
        try:
            writer.write(part)
            await writer.drain()
        except ConnectionError:
            return number
        await asyncio.sleep(pause)
    return len(parts)


async def closed(*writers: asyncio.StreamWriter) -> None:
    """End connections, whatever is still to be written, and wait until they are."""
    for writer in writers:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_slow_headers_are_cut_off(tmp_path: Path):
    async with gateway(tmp_path, limits="header_seconds = 0.2") as loop:
        reader, writer = await asyncio.open_connection(loop.host, loop.port)
        assert await trickled(writer, [bytes([byte]) for byte in request()], 0.02) < 100
        assert await closes(reader) < 1
        await closed(writer)
        assert "touchstone_gateway_slow_total 1.0" in loop.enforcement.metrics_text().decode()


async def closes(reader: asyncio.StreamReader) -> float:
    """How long until a connection ends."""
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        async with asyncio.timeout(3):
            while await reader.read(65536):
                pass
    except ConnectionError:
        pass
    return clock() - began


async def test_a_connection_that_says_nothing_is_closed(tmp_path: Path):
    async with gateway(tmp_path, limits="idle_seconds = 0.1") as loop:
        reader, writer = await asyncio.open_connection(loop.host, loop.port)
        assert await closes(reader) < 2
        await closed(writer)


async def test_headers_have_an_end(tmp_path: Path):
    async with gateway(tmp_path, limits="header_bytes = 2048") as loop:
        reader, writer = await asyncio.open_connection(loop.host, loop.port)
        writer.write(b"POST / HTTP/1.1\r\n")
        lines = [b"X-%d: %s\r\n" % (number, b"a" * 100) for number in range(50)]
        assert await trickled(writer, lines, 0.002) < 40
        assert await closes(reader) < 1
        await closed(writer)


async def test_a_slow_body_is_given_up(tmp_path: Path):
    async with gateway(tmp_path, limits="body_seconds = 0.1") as loop:
        came = await sent(loop, request()[:-5], 2)
        assert b" 408 " in came
        assert not loop.stub.requests


async def test_a_body_without_end_is_cut_off(tmp_path: Path):
    async with gateway(tmp_path, limits="body_bytes = 2048") as loop:
        piece = b"400\r\n" + b"a" * 1024 + b"\r\n"
        assert b" 413 " in await sent(loop, chunked(piece * 10))
        assert b" 413 " in await sent(loop, request("Content-Length: 9999999", length=False))
        assert not loop.stub.requests


async def test_a_stranger_sends_no_body_at_all(tmp_path: Path):
    """Who is unknown is refused before the body comes."""
    async with gateway(tmp_path) as loop:
        data = request().replace(b"Bearer ", b"Bearer x")
        assert b" 401 " in await sent(loop, data[: -len(BODY)])


async def test_who_reads_nothing_is_let_go(tmp_path: Path):
    stub = Stub(parts=100_000, pause=0.0)
    async with gateway(tmp_path, stub=stub, limits="stall_seconds = 0.2") as loop:
        reader = await slow_reader(loop, request_bytes(token(), {**CHAT, "stream": True}))
        await until(lambda: stub.given_up)
        assert len(loop.enforcement.exchanges) == 0
        reader.close()


async def test_there_are_so_many_connections(tmp_path: Path):
    async with gateway(tmp_path, limits="connections = 5") as loop:
        held = [await asyncio.open_connection(loop.host, loop.port) for _ in range(5)]
        await asyncio.sleep(0.05)
        more = [await asyncio.open_connection(loop.host, loop.port) for _ in range(20)]
        assert await asyncio.gather(*(closes(reader) for reader, _ in more))
        held[0][1].write(request())
        assert b" 200 " in await held[0][0].readuntil(b"\r\n")
        await closed(*(writer for _, writer in (*held, *more)))


# ---------------------------------------------------------------- twins: each guard taken away


async def test_without_the_guard_codings_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(requests, "check_head", lambda _: None)
    async with gateway(tmp_path) as loop:
        for name in ("a coding before chunked", "chunked in 1.0"):
            assert b" 200 " in await sent(loop, LENGTHS[name]), name
        assert b" 200 " in await sent(loop, FORMS["a GET with a body"])


async def test_without_the_guard_any_version_is_spoken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with gateway(tmp_path) as loop:
        assert b"version_refused" in await sent(loop, FORMS["HTTP/0.9"])
        monkeypatch.setattr(requests, "_VERSIONS", _Any({HttpVersion10, HttpVersion11}))
        assert b"version_refused" not in await sent(loop, FORMS["HTTP/0.9"])


class _Any(set[Any]):
    """A set that holds everything."""

    def __contains__(self, _: object) -> bool:
        return True


async def test_without_the_second_decision_the_barred_come_behind_the_granted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    grant, granted = proxy.Proxy._grant, set[Any]()

    async def once(it: proxy.Proxy, exchange: Exchange, charge: Charge, offer: ModelRoute) -> None:
        if exchange.connection not in granted:
            granted.add(exchange.connection)
            await grant(it, exchange, charge, offer)

    monkeypatch.setattr(proxy.Proxy, "_grant", once)
    async with gateway(tmp_path) as loop:
        assert await pipelined(loop, request(), request(nationality="XB")) == ["200", "200"]


async def test_without_the_guard_one_of_two_tokens_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(requests, "token_of", lambda headers: headers["Authorization"][7:])
    async with gateway(tmp_path) as loop:
        assert b" 200 " in await sent(loop, FORMS["two tokens"])


async def test_without_the_clock_slow_headers_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server.Connection, "overdue", lambda *_: False)
    async with gateway(tmp_path, limits="header_seconds = 0.05") as loop:
        reader, writer = await asyncio.open_connection(loop.host, loop.port)
        data = request()
        writer.write(data[:9])
        await asyncio.sleep(0.3)
        writer.write(data[9:])
        assert b" 200 " in await reader.readuntil(b"\r\n")
        await closed(writer)


async def test_without_the_cap_headers_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server.Connection, "idle", property(lambda _: False))
    async with gateway(tmp_path, limits="header_bytes = 2048") as loop:
        reader, writer = await asyncio.open_connection(loop.host, loop.port)
        data = request(*(f"X-{number}: {'a' * 100}" for number in range(40)))
        for at in range(0, len(data), 200):
            writer.write(data[at : at + 200])
            await asyncio.sleep(0.001)
        assert b" 200 " in await reader.readuntil(b"\r\n")
        await closed(writer)


async def test_without_the_cap_everybody_comes_in(tmp_path: Path):
    async with gateway(tmp_path, limits="connections = 1000") as loop:
        held = [await asyncio.open_connection(loop.host, loop.port) for _ in range(25)]
        held[-1][1].write(request())
        assert b" 200 " in await held[-1][0].readuntil(b"\r\n")
        await closed(*(writer for _, writer in held))
