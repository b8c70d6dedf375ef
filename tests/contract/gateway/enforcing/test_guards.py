"""Each guard of the data path: a probe that it passes, and that fails once the guard is away."""

import asyncio
import contextlib
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from joserfc import jwk

from support.gateway_loop import (
    CHAT,
    DOMESTIC,
    EC_KEY,
    Loop,
    gateway,
    jwks,
    request_bytes,
    slow_reader,
    token,
    until,
)
from touchstone.gateway import decision_cache
from touchstone.gateway.adapters import OpenAI, openai
from touchstone.gateway.enforcing import (
    Enforcement,
    exchanges,
    proxy,
    relaying,
    requests,
    server,
)
from touchstone.gateway.identity import Identities, tokens

pytestmark = pytest.mark.asyncio
BODY = json.dumps(CHAT).encode()
PATH = "/v1/chat/completions"
QUERY = f"{PATH}?reasoning_effort=high"
PATIENCE = 0.5
"""Seconds within which a guard acts, when its limit is 0.1."""
NEW_KEY = jwk.ECKey.generate_key("P-256", {"kid": "ec-2", "use": "sig"})


@contextlib.asynccontextmanager
async def connected(
    loop: Loop, data: bytes = b""
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client that sent something."""
    reader, writer = await asyncio.open_connection(loop.host, loop.port)
    writer.write(data)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def status(loop: Loop, data: bytes) -> bytes:
    """The first line of the answer; empty where none comes in time, or the connection ends."""
    async with connected(loop, data) as (reader, _):
        with contextlib.suppress(TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            async with asyncio.timeout(PATIENCE):
                return await reader.readuntil(b"\r\n")
    return b""


async def ends(reader: asyncio.StreamReader) -> bool:
    """Whether a connection ends in time."""
    try:
        async with asyncio.timeout(PATIENCE):
            while await reader.read(1 << 16):
                pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def plain(*headers: str, kind: str = "application/json") -> bytes:
    """A request that is served as it is, with more headers or of another kind."""
    data = request_bytes(token(), CHAT).replace(b"application/json", kind.encode())
    return data.replace(b"Host: x\r\n", "\r\n".join(["Host: x", *headers, ""]).encode())


def in_chunks(body: bytes, size: int, before: bytes = b"") -> bytes:
    """The same request with another body, in chunks; `before` stands before their sizes."""
    head = plain().partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\n"
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return head + b"".join(before + b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


def moment(seconds: float) -> str:
    """A time from now, as terms write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


# ---------------------------------------------------------------- the probes


async def slow_body(loop: Loop) -> bool:
    return b" 408 " in await status(loop, request_bytes(token(), CHAT)[:-5])


async def large_body(loop: Loop) -> bool:
    large = {**CHAT, "messages": [{"role": "user", "content": "x" * 4096}]}
    return b" 413 " in await status(loop, request_bytes(token(), large))


async def endless_chunks(loop: Loop) -> bool:
    body = json.dumps({**CHAT, "user": "x" * 4096}).encode()
    return b" 413 " in await status(loop, in_chunks(body, 512))


async def reads_nothing(loop: Loop) -> bool:
    loop.stub.parts, loop.stub.pause = 100_000, 0.0
    reader = await slow_reader(loop, request_bytes(token(), {**CHAT, "stream": True}))
    try:
        await until(lambda: loop.stub.given_up, PATIENCE)
    except TimeoutError:
        return False
    else:
        return len(loop.enforcement.exchanges) == 0
    finally:
        reader.close()


async def says_nothing(loop: Loop) -> bool:
    async with connected(loop) as (reader, _):
        return await ends(reader)


async def says_nothing_more(loop: Loop) -> bool:
    async with connected(loop, plain()) as (reader, _):
        await reader.readuntil(b"\r\n")
        return await ends(reader)


async def many_at_once(loop: Loop) -> bool:
    loop.stub.parts = 500
    data = request_bytes(token(), {**CHAT, "stream": True})
    async with connected(loop, data) as (one, _), connected(loop, data) as (two, _):
        assert all([b" 200 " in await each.readuntil(b"\r\n") for each in (one, two)])
        return b" 429 " in await status(loop, plain())


async def another_kind(loop: Loop) -> bool:
    return b" 415 " in await status(loop, plain(kind="text/plain"))


async def another_charset(loop: Loop) -> bool:
    kind = "application/json; charset=utf-16"
    return b" 415 " in await status(loop, plain(kind=kind))


async def compressed(loop: Loop) -> bool:
    return b" 415 " in await status(loop, plain("Content-Encoding: gzip"))


async def a_query(loop: Loop) -> bool:
    refused = b" 400 " in await status(loop, plain().replace(PATH.encode(), QUERY.encode()))
    return refused and not loop.stub.requests


async def a_switch(loop: Loop) -> bool:
    return b" 400 " in await status(loop, plain("OpenAI-Beta: reasoning=high"))


async def an_upgrade(loop: Loop) -> bool:
    return b" 400 " in await status(loop, plain("Upgrade: h2c"))


async def a_token_in_an_error(loop: Loop) -> bool:
    """What the parser says quotes the line that it refuses."""
    data = plain().replace(b"Bearer ", b"Bearer \x00")
    async with connected(loop, data) as (reader, _):
        came = await reader.read()
    return b" 400 " in came and b"Bearer" not in came


async def a_clock_that_went_back(loop: Loop) -> bool:
    """A grant that was remembered from inside a window does not hold before it."""
    data = request_bytes(token(iat=None, exp=int(time.time()) + 9000), CHAT)
    loop.shift = 2000.0
    await loop.apply({**DOMESTIC, "from": moment(1000)})
    assert b" 200 " in await status(loop, data)
    loop.shift = 0.0
    return b" 403 " in await status(loop, data)


async def a_stream_from_the_future(loop: Loop) -> bool:
    """A stream that was granted inside a window ends when the clock goes back before it."""
    loop.stub.parts = 500
    loop.shift = 2000.0
    await loop.apply({**DOMESTIC, "from": moment(1000)})
    data = request_bytes(token(iat=None, exp=int(time.time()) + 9000), {**CHAT, "stream": True})
    async with connected(loop, data) as (reader, _):
        assert b" 200 " in await reader.readuntil(b"\r\n")
        loop.shift = 0.0
        return await ends(reader)


async def a_jump_past_the_end(loop: Loop) -> bool:
    """A token that is remembered does not outlive a jump of the clock past its end."""
    data = request_bytes(token(), CHAT)
    assert b" 200 " in await status(loop, data)
    loop.shift = 601.0
    return b" 401 " in await status(loop, data)


async def keys_that_rotate(loop: Loop) -> bool:
    """A stream goes on while its key is still published, and ends when it no longer is."""
    loop.stub.parts = 500
    path = loop.config.state.parent / "jwks.json"
    async with connected(loop, request_bytes(token(), {**CHAT, "stream": True})) as (reader, _):
        assert b" 200 " in await reader.readuntil(b"\r\n")
        before = loop.enforcement.identities.changes
        path.write_text(jwks(EC_KEY, NEW_KEY))
        loop.shift = 1.0
        await until(lambda: loop.enforcement.identities.changes > before)
        assert b" 200 " in await status(loop, request_bytes(token("bo", key=NEW_KEY), CHAT))
        assert len(loop.enforcement.exchanges) == 1
        path.write_text(jwks(NEW_KEY))
        loop.shift = 2.0
        await until(lambda: loop.enforcement.identities.changes > before + 1)
        return await ends(reader)


def refuses(data: Callable[[], bytes]) -> "Probe":
    """A probe that is refused, and of which nothing is forwarded."""

    async def probe(loop: Loop) -> bool:
        refused = b" 400 " in await status(loop, data())
        return refused and not loop.stub.requests

    return probe


def refuses_token(make: Callable[[], str]) -> "Probe":
    """A probe whose token makes nobody known."""

    async def probe(loop: Loop) -> bool:
        refused = b" 401 " in await status(loop, request_bytes(make(), CHAT))
        return refused and not loop.stub.requests

    return probe


def unsigned() -> str:
    """A token of alg none, with the content of a good one."""
    head = urlsafe_b64encode(b'{"alg":"none","kid":"ec-1"}').decode().rstrip("=")
    return f"{head}.{token().split('.')[1]}."


# ---------------------------------------------------------------- the guards, and their removal
Remove = Callable[[pytest.MonkeyPatch], None]
Probe = Callable[[Loop], Awaitable[bool]]


@dataclass(frozen=True)
class Guard:
    """What stands between an attack and its success."""

    probe: Probe
    remove: Remove
    limits: str = ""


def without(place: object, name: str, instead: object) -> Remove:
    """How to put something harmless in the place of a guard."""
    return lambda patch: patch.setattr(place, name, instead)


async def all_of_it(request: web.BaseRequest, _: int) -> bytes:
    """A body without an end."""
    return await request.content.read()


async def at_any_time(proxy: proxy.Proxy, request: web.BaseRequest) -> bytes:
    """A body without a clock."""
    return await requests.read_body(request, proxy._limits.body_bytes)


async def look_only(enforcement: Enforcement) -> None:
    """Fetch keys, and ask nobody again."""
    enforcement.identities.look()


class TakesQueries(OpenAI):
    """Passes a query on with the path."""

    paths = {QUERY: "/chat/completions?reasoning_effort=high"}  # noqa: RUF012 - as in its base

    def read(self, path: str, body: bytes, admitted: Any = None) -> Any:
        return super().read(path.partition("?")[0], body, admitted)


def believing_all(patch: pytest.MonkeyPatch) -> None:
    """Believe for good in whoever was known once: two guards look at the time."""

    def remembered(identities: Identities, text: str) -> Any:
        found = identities._known.get(sha256(text.encode()).digest())
        return found[0] if found else None

    patch.setattr(Identities, "remembered", remembered)
    patch.setattr(proxy.Proxy, "_check_still_known", lambda *_: None)


def mending(patch: pytest.MonkeyPatch) -> None:
    """Mend what a client sends before it is parsed, as lenient servers do."""
    parse = server.Connection.data_received

    def mended(connection: server.Connection, data: bytes) -> None:
        data = data.replace(b"Content-Length: 3\r\n", b"")
        data = data.replace(b"\r\n folded", b" folded").replace(b"0x", b"")
        parse(connection, data)

    patch.setattr(server.Connection, "data_received", mended)


def lenient(body: bytes) -> Any:
    """JSON as some readers take it."""
    return json.loads(body.replace(b",}", b"}"))


def a_known_issuer(reader: tokens.TokenReader, _: object) -> Any:
    """The first issuer, whoever signed."""
    return reader._issuers[0]


def unverified(*_: object) -> None:
    """Whoever signed, and however."""


NO_TIMEOUT = SimpleNamespace(timeout=lambda _: contextlib.nullcontext())
GUARDS = {
    "body_seconds": Guard(
        slow_body, without(proxy.Proxy, "_body", at_any_time), "body_seconds = 0.1"
    ),
    "body_bytes": Guard(large_body, without(requests, "read_body", all_of_it), "body_bytes = 2048"),
    "body_bytes in chunks": Guard(
        endless_chunks, without(requests, "read_body", all_of_it), "body_bytes = 2048"
    ),
    "stall_seconds": Guard(
        reads_nothing, without(relaying, "asyncio", NO_TIMEOUT), "stall_seconds = 0.1"
    ),
    "idle_seconds before": Guard(
        says_nothing,
        without(server.Connection, "_process_keepalive", lambda _: None),
        "idle_seconds = 0.1",
    ),
    "idle_seconds between": Guard(
        says_nothing_more,
        without(server.Connection, "_process_keepalive", lambda _: None),
        "idle_seconds = 0.1",
    ),
    "per_caller": Guard(
        many_at_once, without(exchanges.Exchanges, "of", lambda *_: 0), "per_caller = 2"
    ),
    "content type": Guard(another_kind, without(requests, "check_body_headers", lambda _: None)),
    "charset": Guard(another_charset, without(requests, "check_body_headers", lambda _: None)),
    "encoding": Guard(compressed, without(requests, "check_body_headers", lambda _: None)),
    "query": Guard(
        a_query, without(requests, "ROUTES", {**requests.ROUTES, QUERY: TakesQueries()})
    ),
    "switches in headers": Guard(a_switch, without(requests, "_SWITCHES", ())),
    "upgrade": Guard(an_upgrade, without(requests, "check_head", lambda _: None)),
    "fixed errors": Guard(
        a_token_in_an_error, without(server.Connection, "handle_error", RequestHandler.handle_error)
    ),
    "conflicting lengths": Guard(refuses(lambda: plain("Content-Length: 3")), mending),
    "folding": Guard(refuses(lambda: plain("X-A: b\r\n folded")), mending),
    "chunk tricks": Guard(refuses(lambda: in_chunks(BODY, 99, b"0x")), mending),
    "invalid JSON": Guard(
        refuses(lambda: in_chunks(BODY[:-1] + b",}", 99)), without(openai, "parse_object", lenient)
    ),
    "duplicate keys": Guard(
        refuses(lambda: in_chunks(BODY[:-1] + b',"model":"other-name"}', 99)),
        without(openai, "parse_object", json.loads),
    ),
    "alg none": Guard(refuses_token(unsigned), without(tokens.TokenReader, "_verify", unverified)),
    "another's signature": Guard(
        refuses_token(lambda: token(key=NEW_KEY)),
        without(tokens.TokenReader, "_verify", unverified),
    ),
    "wrong issuer": Guard(
        refuses_token(lambda: token(iss="https://evil.example")),
        without(tokens.TokenReader, "_issuer", a_known_issuer),
    ),
    "wrong audience": Guard(
        refuses_token(lambda: token(aud="another-gateway")),
        without(tokens.TokenReader, "_issuer", a_known_issuer),
    ),
    "future token": Guard(
        refuses_token(lambda: token(iat=int(time.time()) + 900)),
        without(tokens, "check_times", lambda found, *_: found["exp"]),
    ),
    "remembered decisions": Guard(
        a_clock_that_went_back, without(decision_cache.TimedDecision, "holds", lambda *_: True)
    ),
    "streams set back": Guard(
        a_stream_from_the_future, without(decision_cache.TimedDecision, "holds", lambda *_: True)
    ),
    "remembered callers": Guard(a_jump_past_the_end, believing_all),
    "keys in mid-stream": Guard(
        keys_that_rotate, without(Enforcement, "_ask_again_who_calls", look_only)
    ),
}


@pytest.mark.parametrize("name", GUARDS)
async def test_guard(tmp_path: Path, name: str):
    guard = GUARDS[name]
    async with gateway(tmp_path, limits=guard.limits) as loop:
        assert await guard.probe(loop)


@pytest.mark.parametrize("name", GUARDS)
async def test_twin(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    guard = GUARDS[name]
    guard.remove(monkeypatch)
    async with gateway(tmp_path, limits=guard.limits) as loop:
        assert not await guard.probe(loop)
