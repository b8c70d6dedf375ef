"""Cutting: who is barred gets nothing more, whoever is allowed notices nothing."""

import asyncio
import hashlib
import socket
import struct
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support.gateway_loop import (
    ALLIES,
    CHAT,
    DOMESTIC,
    NOT_ALLIES,
    RULES,
    Loop,
    Stub,
    bundle,
    gateway,
    jwks,
    request_bytes,
    slow_reader,
    token,
    until,
)
from touchstone.gateway.enforcing import Enforcement, cutting, exchanges, proxy, server
from touchstone.gateway.errors import NotCutError
from touchstone.gateway.identity import Identities
from touchstone.terms import TermsFileError

pytestmark = pytest.mark.asyncio
PATH = "/v1/chat/completions"
STREAM = {**CHAT, "stream": True}
AT_HOME, ABROAD = "XA", "XC"


async def parts(loop: Loop, text: str) -> AsyncIterator[bytes]:
    """The parts of a streamed answer, as they come."""
    headers = {"Authorization": f"Bearer {text}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(loop.url + PATH, json=STREAM, headers=headers) as answer,
    ):
        assert answer.status == 200
        async for part in answer.content.iter_any():
            yield part


async def read(loop: Loop, text: str, begun: asyncio.Event | None = None) -> tuple[bytes, bool]:
    """All that came of a stream, and whether it came to its end."""
    came = b""
    try:
        async for part in parts(loop, text):
            came += part
            if begun is not None:
                begun.set()
    except aiohttp.ClientError:
        return came, False
    return came, True


async def begun(loop: Loop, text: str) -> "asyncio.Task[tuple[bytes, bool]]":
    """A stream of which something has come."""
    flag = asyncio.Event()
    task = asyncio.create_task(read(loop, text, flag))
    await asyncio.wait_for(flag.wait(), 20)
    return task


@pytest.fixture
def awaited(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of requests whose head was judged and whose body is awaited."""
    found: list[str] = []
    real = proxy.Proxy._body

    async def noted(self: proxy.Proxy, request: Any) -> bytes:
        found.append(request.path)
        return await real(self, request)

    monkeypatch.setattr(proxy.Proxy, "_body", noted)
    return found


async def held_up(loop: Loop) -> int:
    """How much was handed to a reader that reads nothing, once no more can be."""
    await until(lambda: any(_is_full(each.connection) for each in loop.enforcement.exchanges))
    (exchange,) = loop.enforcement.exchanges
    return exchange.connection.sent


def _is_full(connection: Any) -> bool:
    return connection.transport is not None and connection.transport.get_write_buffer_size() > 0


async def drained(reader: socket.socket) -> int:
    """How many bytes can still be read."""
    commands, count = asyncio.get_running_loop(), 0
    try:
        while some := await asyncio.wait_for(commands.sock_recv(reader, 65536), 1):
            count += len(some)
    except (ConnectionError, TimeoutError):
        pass
    reader.close()
    return count


async def test_a_directive_cuts_the_barred_and_nobody_else(tmp_path: Path):
    go = asyncio.Event()
    stub = Stub(parts=40, pause=0.001, go=go)
    async with gateway(tmp_path, stub=stub) as loop:
        home = [await begun(loop, token(f"h{number}", AT_HOME)) for number in range(3)]
        abroad = [await begun(loop, token(f"a{number}", ABROAD)) for number in range(3)]
        cut = await loop.apply(*RULES, NOT_ALLIES)
        assert (cut.live, cut.cut, cut.kept, cut.late_bytes) == (6, 3, 3, 0)
        asked = len(stub.requests)
        go.set()
        for came, ended in await asyncio.gather(*abroad):
            assert came
            assert not ended
        whole = b"".join(stub.event(number, PATH) for number in range(40)) + b"data: [DONE]\n\n"
        for came, ended in await asyncio.gather(*home):
            assert ended
            assert hashlib.sha256(came).digest() == hashlib.sha256(whole).digest()
        await until(lambda: stub.given_up == 3)
        assert len(stub.requests) == asked
        metrics = loop.enforcement.metrics_text().decode()
        assert 'touchstone_gateway_cut_total{why="policy"} 3.0' in metrics
        assert "touchstone_gateway_late_bytes_total 0.0" in metrics


async def test_no_policy_at_all_cuts_everybody(tmp_path: Path):
    async with gateway(tmp_path, stub=Stub(parts=500)) as loop:
        streams = [await begun(loop, token()) for _ in range(2)]
        assert (await loop.enforcement.apply(None, 2)).cut == 2
        assert [ended for _, ended in await asyncio.gather(*streams)] == [False, False]


async def test_who_was_granted_and_waits_for_the_audit_is_never_forwarded(tmp_path: Path):
    async with gateway(tmp_path) as loop:
        loop.audit.gate = asyncio.Event()
        asking = asyncio.create_task(read(loop, token(nationality=ABROAD)))
        await until(lambda: loop.audit.events)
        assert (await loop.apply(*RULES, NOT_ALLIES)).cut == 1
        loop.audit.gate.set()
        assert await asking == (b"", False)
        assert not loop.stub.requests


async def test_a_body_that_comes_after_the_directive_is_judged_by_it(
    tmp_path: Path, awaited: list[str]
):
    data = request_bytes(token(nationality=ABROAD), CHAT)
    async with gateway(tmp_path) as loop:
        reader, writer = await asyncio.open_connection(loop.host, loop.port)
        writer.write(data[:-5])
        await until(lambda: awaited)
        assert (await loop.apply(*RULES, NOT_ALLIES)).live == 0
        writer.write(data[-5:])
        assert b"403 Forbidden" in await reader.readuntil(b"\r\n")
        writer.close()
        assert not loop.stub.requests


async def test_a_window_that_closes_ends_a_stream_on_time(tmp_path: Path):
    ends = int(time.time()) + 3600
    day = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))
    async with gateway(tmp_path, {**DOMESTIC, "until": day}, stub=Stub(parts=500)) as loop:
        stream = await begun(loop, token(exp=ends + 9000))
        loop.shift = ends - time.time() - 60
        await asyncio.sleep(0.2)
        assert not stream.done()
        loop.shift += 61
        assert not (await asyncio.wait_for(stream, 20))[1]


async def test_a_token_that_ends_ends_its_stream(tmp_path: Path):
    async with gateway(tmp_path, stub=Stub(parts=500)) as loop:
        short = await begun(loop, token(exp=int(time.time()) + 600))
        long = await begun(loop, token(exp=int(time.time()) + 6000))
        loop.shift = 601
        assert not (await asyncio.wait_for(short, 20))[1]
        assert not long.done()
        long.cancel()


async def test_a_token_that_ends_while_its_body_comes_is_refused(
    tmp_path: Path, awaited: list[str]
):
    data = request_bytes(token(exp=int(time.time()) + 600), CHAT)
    async with gateway(tmp_path) as loop:
        reader, writer = await asyncio.open_connection(loop.host, loop.port)
        writer.write(data[:-5])
        await until(lambda: awaited)
        loop.shift = 601
        writer.write(data[-5:])
        assert b"401 Unauthorized" in await reader.readuntil(b"\r\n")
        writer.close()
        assert not loop.stub.requests


def entry(key: str, person: str = "kim", more: str = 'nationalities = ["XA"]') -> str:
    """What a file of keys says of a key."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f'[[keys]]\nsha256 = "{digest}"\nperson = "{person}"\n{more}\n'


async def test_keys_that_change_end_the_streams_of_those_they_made_known(tmp_path: Path):
    key = "ts-example-key"
    async with gateway(tmp_path, keys=entry(key), stub=Stub(parts=500)) as loop:
        by_token, by_key = await begun(loop, token()), await begun(loop, key)
        (tmp_path / "keys.toml").write_text("")
        loop.shift = 2
        assert not (await asyncio.wait_for(by_key, 20))[1]
        assert not by_token.done()
        (tmp_path / "jwks.json").write_text(jwks())
        loop.shift = 4
        assert not (await asyncio.wait_for(by_token, 20))[1]


@pytest.mark.parametrize(
    ("now", "status"),
    [
        (("kim", 'nationalities = ["GB"]'), 403),
        (("kim", "nationalities = []"), 403),
        (("kim", 'nationalities = ["XA"]\nexpires = 1999-01-01T00:00:00Z'), 401),
        (("lee", 'nationalities = ["XA"]'), 200),
    ],
)
async def test_a_key_is_judged_by_what_its_file_says_now(
    tmp_path: Path, now: tuple[str, str], status: int
):
    """In flight and from then on; a stream that is now somebody else's ends."""
    keys = ["ts-one", "ts-two"]
    before = "".join(map(entry, keys))
    async with gateway(tmp_path, keys=before, stub=Stub(parts=500)) as loop:
        changing, staying = [await begun(loop, key) for key in keys]
        (tmp_path / "keys.toml").write_text(entry(keys[0], *now) + entry(keys[1]))
        loop.shift = 2
        assert not (await asyncio.wait_for(changing, 20))[1]
        assert not staying.done()
        async with aiohttp.ClientSession() as session:
            headers = {"Authorization": f"Bearer {keys[0]}"}
            async with session.post(loop.url + PATH, json=CHAT, headers=headers) as answer:
                assert answer.status == status
        staying.cancel()


async def test_a_stream_ends_when_its_key_is_now_said_to_end(tmp_path: Path):
    key = "ts-one"
    async with gateway(tmp_path, keys=entry(key), stub=Stub(parts=500)) as loop:
        stream = await begun(loop, key)
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        (tmp_path / "keys.toml").write_text(
            entry(key, more=f'nationalities = ["XA"]\nexpires = {end}')
        )
        loop.shift = 2
        await until(lambda: all(each.caller.expires for each in loop.enforcement.exchanges))
        assert not stream.done()
        loop.shift = 3602
        assert not (await asyncio.wait_for(stream, 20))[1]


async def test_a_policy_that_is_none_changes_nothing(tmp_path: Path):
    async with gateway(tmp_path, stub=Stub(parts=500)) as loop:
        stream = await begun(loop, token())
        broken = bundle(*RULES)
        object.__setattr__(broken.policy.rules[0], "cedar", "permit (")
        with pytest.raises(TermsFileError, match="schema"):
            await loop.enforcement.apply(broken, 2)
        assert loop.enforcement.decisions is not None
        assert loop.enforcement.decisions.epoch == 1
        assert not stream.done()
        stream.cancel()


async def test_a_slow_reader_gets_no_more_than_its_own_host_had(tmp_path: Path):
    stub = Stub(parts=100_000, pause=0.0)
    async with gateway(tmp_path, stub=stub) as loop:
        reader = await slow_reader(loop, request_bytes(token(nationality=ABROAD), STREAM))
        handed = await held_up(loop)
        assert handed < 300_000
        assert (await loop.apply(NOT_ALLIES, DOMESTIC)).late_bytes == 0
        assert await drained(reader) < handed


# ---------------------------------------------------------------- twins: each guard taken away


async def test_without_the_reset_a_slow_reader_gets_what_was_queued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def close(transport: asyncio.Transport) -> None:
        transport.close()

    monkeypatch.setattr(server, "reset", close)
    monkeypatch.setattr(exchanges, "CLOSE_SECONDS", 0.1)
    async with gateway(tmp_path, stub=Stub(parts=100_000, pause=0.0)) as loop:
        reader = await slow_reader(loop, request_bytes(token(nationality=ABROAD), STREAM))
        handed = await held_up(loop)
        with pytest.raises(NotCutError):
            await loop.apply(NOT_ALLIES, DOMESTIC)
        assert await drained(reader) >= handed


async def test_without_the_disconnect_what_was_gathered_still_leaves(
    monkeypatch: pytest.MonkeyPatch,
):
    async def came(disconnect: bool) -> int:
        with monkeypatch.context() as patch:
            if not disconnect:
                patch.setattr(cutting, "_connect", lambda *_: 0)
                patch.setattr(cutting, "_NO_LINGER", struct.pack("ii", 0, 0))
            ends: list[asyncio.StreamWriter] = []

            async def write_and_reset(_: Any, writer: asyncio.StreamWriter) -> None:
                ends.append(writer)
                writer.write(b"x" * 1_000_000)
                cutting.reset(writer.transport)  # type: ignore[arg-type]

            listening = await asyncio.start_server(write_and_reset, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
            await until(lambda: ends)
            count = 0
            try:
                while some := await asyncio.wait_for(reader.read(65536), 1):
                    count += len(some)
            except ConnectionError:
                pass
            writer.close()
            listening.close()
            return count

    assert await came(disconnect=False) > await came(disconnect=True)


async def test_bytes_that_leave_late_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    end = exchanges.Exchange.end

    def late(exchange: exchanges.Exchange) -> None:
        asyncio.get_running_loop().call_later(0.1, end, exchange)

    monkeypatch.setattr(exchanges.Exchange, "end", late)
    async with gateway(tmp_path, stub=Stub(parts=500, pause=0.005)) as loop:
        stream = await begun(loop, token(nationality=ABROAD))
        assert (await loop.apply(*RULES, NOT_ALLIES)).late_bytes > 0
        assert not (await stream)[1]


async def test_a_connection_that_does_not_close_gives_no_receipt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exchanges.Exchange, "end", lambda _: None)
    monkeypatch.setattr(exchanges, "CLOSE_SECONDS", 0.05)
    async with gateway(tmp_path, stub=Stub(parts=500)) as loop:
        stream = await begun(loop, token(nationality=ABROAD))
        with pytest.raises(NotCutError):
            await loop.apply(*RULES, NOT_ALLIES)
        stream.cancel()


async def test_without_the_registration_a_waiting_request_slips_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exchanges.Exchanges, "add", lambda *_: None)
    async with gateway(tmp_path) as loop:
        loop.audit.gate = asyncio.Event()
        asking = asyncio.create_task(read(loop, token(nationality=ABROAD)))
        await until(lambda: loop.audit.events)
        await loop.apply(*RULES, NOT_ALLIES)
        loop.audit.gate.set()
        assert (await asking)[1]
        assert loop.stub.requests


async def test_without_the_second_look_a_token_that_ended_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, awaited: list[str]
):
    monkeypatch.setattr(proxy.Proxy, "_check_still_known", lambda *_: None)
    data = request_bytes(token(exp=int(time.time()) + 600), CHAT)
    async with gateway(tmp_path) as loop:
        _, writer = await asyncio.open_connection(loop.host, loop.port)
        writer.write(data[:-5])
        await until(lambda: awaited)
        loop.shift = 601
        writer.write(data[-5:])
        await until(lambda: loop.stub.requests)
        writer.close()


async def test_without_the_watch_a_stream_outlives_its_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exchanges.Exchanges, "over", lambda *_: [])
    async with gateway(tmp_path, stub=Stub(parts=60)) as loop:
        stream = await begun(loop, token(exp=int(time.time()) + 600))
        loop.shift = 601
        assert (await stream)[1]


async def test_without_the_look_at_keys_a_stream_outlives_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def never(_: Identities) -> None:
        return None

    async with gateway(tmp_path, stub=Stub(parts=60)) as loop:
        stream = await begun(loop, token())
        monkeypatch.setattr(Identities, "look", never)
        (tmp_path / "jwks.json").write_text(jwks())
        loop.shift = 4
        assert (await stream)[1]


async def test_without_the_new_look_a_stream_outlives_what_was_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Enforcement, "_still_may", lambda *_: True)
    async with gateway(tmp_path, keys=entry("ts-one"), stub=Stub(parts=60)) as loop:
        stream = await begun(loop, "ts-one")
        (tmp_path / "keys.toml").write_text(entry("ts-one", more='nationalities = ["GB"]'))
        loop.shift = 2
        assert (await stream)[1]


async def test_a_watch_that_fails_serves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with gateway(tmp_path, DOMESTIC, ALLIES) as loop:
        monkeypatch.setattr(exchanges.Exchanges, "over", lambda *_: 1 / 0)
        await until(lambda: loop.enforcement.decisions is None)
