"""Who reads nothing of an answer is let go, whatever its size, and can be cut until then."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.gateway_loop import (
    CHAT,
    NOT_ALLIES,
    RULES,
    Stub,
    gateway,
    request_bytes,
    slow_reader,
    token,
    until,
)

pytestmark = pytest.mark.asyncio


@dataclass
class Sized(Stub):
    """An endpoint whose events, or whose one answer, have so many bytes."""

    size: int = 0

    def event(self, number: int, path: str) -> bytes:  # noqa: ARG002 - as its base has it
        return b"data: " + b"x" * self.size + b"\n\n"

    def whole(self, path: str) -> Any:  # noqa: ARG002 - as its base has it
        return {"id": "c1", "choices": [], "padding": "x" * self.size}


@pytest.mark.parametrize("size", [100, 20_000, 70_000, 300_000])
async def test_a_stream_that_nobody_reads_is_given_up(tmp_path: Path, size: int):
    stub = Sized(parts=100_000, pause=0.0, size=size)
    async with gateway(tmp_path, stub=stub, limits="stall_seconds = 0.1") as loop:
        reader = await slow_reader(loop, request_bytes(token(), {**CHAT, "stream": True}))
        await until(lambda: stub.given_up and not len(loop.enforcement.exchanges), 5)
        reader.close()


@pytest.mark.parametrize("size", [60_000, 120_000, 400_000])
async def test_a_whole_answer_that_nobody_reads_is_given_up(tmp_path: Path, size: int):
    async with gateway(tmp_path, stub=Sized(size=size), limits="stall_seconds = 0.1") as loop:
        reader = await slow_reader(loop, request_bytes(token(), CHAT))
        await until(lambda: len(loop.enforcement.exchanges))
        await until(lambda: not len(loop.enforcement.exchanges), 5)
        reader.close()


async def test_a_short_answer_that_waits_for_its_reader_is_still_cut(tmp_path: Path):
    """It came whole from the endpoint, and lies here for the most part."""
    async with gateway(tmp_path, stub=Sized(size=60_000)) as loop:
        reader = await slow_reader(loop, request_bytes(token(nationality="XC"), CHAT))
        await until(lambda: any(each.connection.sent for each in loop.enforcement.exchanges))
        await asyncio.sleep(0)
        cut = await loop.apply(*RULES, NOT_ALLIES)
        assert (cut.live, cut.cut, cut.late_bytes) == (1, 1, 0)
        reader.close()
