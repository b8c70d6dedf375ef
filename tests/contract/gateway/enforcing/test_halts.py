"""Keeping time: it waits for no network, and who cannot keep it serves nothing, and says so."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from support.gateway_loop import CHAT, EC_KEY, Loop, Stub, gateway, jwks, token, until
from touchstone.gateway.enforcing import enforcement, exchanges
from touchstone.gateway.enforcing.enforcement import Enforcement

pytestmark = pytest.mark.asyncio


class Hanging:
    """An issuer's keys, which come at once until it hangs."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.go.set()
        self.waiting = 0
        self.url = ""

    async def answer(self, _: web.Request) -> web.Response:
        self.waiting += 1
        await self.go.wait()
        self.waiting -= 1
        return web.Response(text=jwks(EC_KEY))


@asynccontextmanager
async def hanging() -> AsyncIterator[Hanging]:
    """Such a source on loopback."""
    source, app = Hanging(), web.Application()
    app.router.add_get("/jwks", source.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    source.url = "http://{}:{}/jwks".format(*runner.addresses[0])
    yield source
    source.go.set()
    await runner.cleanup()


async def stream(loop: Loop, text: str, begun: asyncio.Event) -> bool:
    """A streamed answer: whether it came to its end."""
    headers, body = {"Authorization": f"Bearer {text}"}, {**CHAT, "stream": True}
    url = f"{loop.url}/v1/chat/completions"
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json=body, headers=headers) as answer,
        ):
            await answer.content.readany()
            begun.set()
            return (await answer.read()).endswith(b"[DONE]\n\n")
    except aiohttp.ClientError:
        return False


async def under_way(loop: Loop, text: str) -> "asyncio.Task[bool]":
    begun = asyncio.Event()
    task = asyncio.create_task(stream(loop, text, begun))
    await begun.wait()
    return task


async def code(loop: Loop) -> tuple[int, str]:
    """Of a new request: the status, and the code of a refusal."""
    headers = {"Authorization": f"Bearer {token('bo')}"}
    url = f"{loop.url}/v1/chat/completions"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=CHAT, headers=headers) as answer,
    ):
        found = await answer.json()
        return answer.status, found.get("error", {}).get("code", "")


async def ends_on_time_beside_a_source_that_hangs(folder: Path) -> bool:
    """Whether a stream ends with its token while the source of keys gives no answer."""
    async with hanging() as source:
        config = {"keys_at": f'jwks_url = "{source.url}"'}
        async with gateway(folder, stub=Stub(parts=150), config=config) as loop:
            short = await under_way(loop, token(exp=int(time.time()) + 600))
            source.go.clear()
            await until(lambda: source.waiting)
            loop.shift = 601
            whole = await short
            assert source.waiting
            return not whole


async def test_a_source_of_keys_that_hangs_delays_no_cut(tmp_path: Path):
    assert await ends_on_time_beside_a_source_that_hangs(tmp_path)


async def test_twin_where_the_watch_waits_for_the_source_the_stream_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def waits(watch: Enforcement) -> None:
        for _, keys in watch.identities._tokens._issuers:
            await keys.refresh()

    monkeypatch.setattr(Enforcement, "_ask_again_who_calls", waits)
    assert not await ends_on_time_beside_a_source_that_hangs(tmp_path)


async def test_a_request_that_knows_its_key_waits_for_no_source(tmp_path: Path):
    async with hanging() as source:
        config = {"keys_at": f'jwks_url = "{source.url}"'}
        async with gateway(tmp_path, config=config) as loop:
            source.go.clear()
            await until(lambda: source.waiting)
            assert await code(loop) == (200, "")
            assert source.waiting


async def ends_when_the_watch_fails(loop: Loop, patch: pytest.MonkeyPatch) -> bool:
    commands = await under_way(loop, token())
    patch.setattr(exchanges.Exchanges, "over", lambda *_: 1 / 0)
    await until(lambda: loop.enforcement.halted)
    return not await commands


async def test_a_watch_that_fails_ends_its_streams_says_why_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    said: list[str | None] = []
    async with gateway(tmp_path, stub=Stub(parts=200)) as loop:
        loop.enforcement.on_halt(said.append)
        with monkeypatch.context() as patch:
            assert await ends_when_the_watch_fails(loop, patch)
            assert loop.enforcement.decisions is None
            assert await code(loop) == (503, "halted")
        await until(lambda: loop.enforcement.halted is None)
        assert await code(loop) == (200, "")
    assert said == ["its watch failed: ZeroDivisionError: division by zero", None]


async def test_twin_without_the_end_of_streams_they_outlive_the_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def nothing(_: object) -> int:
        return 0

    monkeypatch.setattr(enforcement, "end_all", nothing)
    async with gateway(tmp_path, stub=Stub(parts=60)) as loop:
        assert not await ends_when_the_watch_fails(loop, monkeypatch)


async def test_what_is_paused_refuses_new_work_and_lets_streams_go_on(tmp_path: Path):
    async with gateway(tmp_path, stub=Stub(parts=60)) as loop:
        commands = await under_way(loop, token())
        loop.enforcement.pause("the disk is full")
        assert await code(loop) == (503, "halted")
        assert "touchstone_gateway_epoch 0.0" in loop.enforcement.metrics_text().decode()
        assert await commands
        loop.enforcement.pause(None)
        assert await code(loop) == (200, "")
        assert "touchstone_gateway_epoch 1.0" in loop.enforcement.metrics_text().decode()
