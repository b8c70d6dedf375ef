"""Files of keys are read beside the loop that keeps time, however long that takes."""

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support.gateway_loop import CHAT, Loop, gateway, jwks, token, until
from touchstone.gateway.identity import keysets, opaque

pytestmark = pytest.mark.asyncio
KEY = "ts-example-key"


def entry(key: str = KEY) -> str:
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f'[[keys]]\nsha256 = "{digest}"\nperson = "kim"\nnationalities = ["XA"]\n'


class Slow:
    """Reads a file only when it is let; before that it says who waits for it."""

    def __init__(self, read: Callable[..., Any]) -> None:
        self._read = read
        self.begun, self.free = threading.Event(), threading.Event()
        self.thread: int | None = None

    def __call__(self, *args: Any) -> Any:
        self.thread = threading.get_ident()
        self.begun.set()
        # Where it runs in the loop nobody could let it go on.
        self.free.wait(20)
        return self._read(*args)


async def status(loop: Loop, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession(loop.url, headers=headers) as session,
        session.post("/v1/chat/completions", json=CHAT) as answer,
    ):
        return answer.status


@pytest.mark.parametrize(
    ("place", "name", "file", "key"),
    [
        (opaque, "read_keys", "keys.toml", KEY),
        (keysets, "parse_keys", "jwks.json", ""),
        (keysets, "read_keyset", "jwks.json", ""),
    ],
    ids=["keys", "parsing-a-jwks", "reading-a-jwks"],
)
async def test_a_file_that_takes_long_holds_up_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, file: str, key: str
):
    async with gateway(tmp_path, keys=entry()) as loop:
        caller = key or token()
        assert await status(loop, caller) == 200
        slow, changes = Slow(getattr(place, name)), loop.enforcement.identities.changes
        monkeypatch.setattr(place, name, slow)
        (tmp_path / file).write_text("" if key else jwks())
        loop.shift = 2
        try:
            await until(slow.begun.is_set)
            assert slow.thread != threading.get_ident()
            # What was read last holds until the new is read, for all who come.
            assert await status(loop, caller) == 200
        finally:
            slow.free.set()
        await until(lambda: loop.enforcement.identities.changes > changes)
        assert await status(loop, caller) == 401


async def test_a_file_that_is_never_read_to_its_end_makes_nobody_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with gateway(tmp_path, keys=entry()) as loop:
        slow = Slow(opaque.read_keys)
        monkeypatch.setattr(opaque, "read_keys", slow)
        monkeypatch.setattr(opaque, "READ_SECONDS", 0.05)
        (tmp_path / "keys.toml").write_text(entry() + entry("another"))
        loop.shift = 2
        changes = loop.enforcement.identities.changes
        try:
            await until(lambda: loop.enforcement.identities.changes > changes)
            assert await status(loop, KEY) == 401
        finally:
            slow.free.set()
            monkeypatch.setattr(opaque, "READ_SECONDS", 20.0)
        loop.shift = 4
        changes = loop.enforcement.identities.changes
        await until(lambda: loop.enforcement.identities.changes > changes)
        assert await status(loop, KEY) == 200


async def test_a_pipe_in_the_place_of_the_keys_hangs_nothing(tmp_path: Path):
    async with gateway(tmp_path, keys=entry()) as loop:
        changes = loop.enforcement.identities.changes
        (tmp_path / "keys.toml").unlink()
        os.mkfifo(tmp_path / "keys.toml")
        loop.shift = 2
        await until(lambda: loop.enforcement.identities.changes > changes)
        assert await status(loop, KEY) == 401
