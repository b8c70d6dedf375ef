"""A worker's time runs out: nothing is forwarded or passed on, before any timer had its turn."""

from pathlib import Path

import aiohttp
import pytest

from support.gateway_loop import CHAT, Loop, Stub, gateway, token
from touchstone.gateway.control import steady
from touchstone.gateway.enforcing.proxy import Proxy

pytestmark = pytest.mark.asyncio


async def after_time_is_up(loop: Loop) -> tuple[int, bool, int]:
    """Status of a new request, whether a stream that had begun is whole, and what was forwarded."""
    headers = {"Authorization": f"Bearer {token()}"}
    url = f"{loop.url}/v1/chat/completions"
    async with aiohttp.ClientSession() as session:
        stream = await session.post(url, json={**CHAT, "stream": True}, headers=headers)
        await stream.content.readany()
        forwarded = len(loop.stub.requests)
        loop.enforcement.fence(steady())
        async with session.post(url, json=CHAT, headers=headers) as answer:
            status = answer.status
        try:
            whole = (await stream.read()).endswith(b"[DONE]\n\n")
        except aiohttp.ClientError:
            whole = False
    return status, whole, len(loop.stub.requests) - forwarded


async def test_when_time_is_up_nothing_goes_either_way(tmp_path: Path):
    async with gateway(tmp_path, stub=Stub(parts=50)) as loop:
        assert await after_time_is_up(loop) == (503, False, 0)
        loop.enforcement.fence(steady() + 60)
        headers = {"Authorization": f"Bearer {token()}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{loop.url}/v1/chat/completions", json=CHAT, headers=headers) as answer,
        ):
            assert answer.status == 200


async def test_twin_without_the_look_at_the_clock_all_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Proxy, "in_time", lambda _self: True)
    async with gateway(tmp_path, stub=Stub(parts=50)) as loop:
        assert await after_time_is_up(loop) == (200, True, 1)
