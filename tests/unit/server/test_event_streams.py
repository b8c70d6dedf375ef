"""Who is told by a stream what has moved: as long as it may read, all of it, and one person not all
streams."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from touchstone.server import events
from touchstone.server.errors import NotAuthenticatedError
from touchstone.server.events import Events, EventStream
from touchstone.server.principal import Principal
from touchstone.server.serving import Serving

pytestmark = pytest.mark.enable_socket  # a loop makes a pair for itself
READS = frozenset({"read"})


class Ear:
    """One who listens, by a token, until it goes."""

    def __init__(self, told: Events, token: str, since: str | None = None) -> None:
        who = Principal("ann", "example-lab", frozenset({"lead"}), READS, token)
        self.status, self.heard, self.new = 0, b"", asyncio.Condition()
        self.going = asyncio.Event()
        stream = EventStream(who, f"Bearer {token}", since)
        self.stream = asyncio.create_task(told.send(stream, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self.going.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.heard += message.get("body", b"")
        async with self.new:
            self.new.notify_all()

    async def hears(self, text: bytes) -> None:
        """Listen until a text comes, or the stream ends."""
        hearing = asyncio.create_task(self._heard(text))
        await asyncio.wait({hearing, self.stream}, return_when=asyncio.FIRST_COMPLETED)
        hearing.cancel()

    async def _heard(self, text: bytes) -> None:
        async with self.new:
            await self.new.wait_for(lambda: text in self.heard)

    async def goes(self) -> bytes:
        self.going.set()
        await self.stream
        return self.heard


async def at_once(call: Callable[[], Any]) -> Any:
    return call()


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What has moved, for whoever asks."""
    found: dict[str, int] = {}
    monkeypatch.setattr(events, "moved_of", lambda *_: dict(found))
    monkeypatch.setattr(events, "TICK_SECONDS", 0.0)
    return found


def known(_authorization: str | None, _now: str) -> Principal:
    return Principal("ann", "example-lab", frozenset({"lead"}), READS, "1")


def test_whoever_missed_much_is_told_all_of_it(serving: Serving, moved: dict[str, int]):
    moved.update({f"case-{n}": 1 for n in range(events.MOST_WAITING + 1)})

    async def missed() -> bytes:
        told = Events(Serving(serving.here, known), at_once)
        ear = Ear(told, "1", "2026-01-01T00:00:00Z")
        await ear.hears(f'"case-{events.MOST_WAITING}"'.encode())
        return await ear.goes()

    heard = asyncio.run(missed())
    assert all(f'"{case}"'.encode() in heard for case in moved)


def test_whoever_was_removed_is_told_nothing_more(serving: Serving, moved: dict[str, int]):
    moved["case-1"] = 1
    removed = list[None]()

    def authenticate(authorization: str | None, now: str) -> Principal:
        if removed:
            raise NotAuthenticatedError("removed")
        return known(authorization, now)

    async def told_after() -> bytes:
        ear = Ear(Events(Serving(serving.here, authenticate), at_once), "1")
        await ear.hears(b"ready")
        removed.append(None)
        moved["case-1"] = 2
        await ear.hears(b"moved")
        return await ear.goes()

    assert b"moved" not in asyncio.run(told_after())


@pytest.mark.parametrize(("role", "told"), [("counterpart", False), ("auditor", True)])
def test_whoever_has_become_somebody_who_sees_nothing_is_told_nothing_more(
    serving: Serving, moved: dict[str, int], role: str, *, told: bool
):
    moved["case-1"] = 1
    changed = list[None]()

    def authenticate(authorization: str | None, now: str) -> Principal:
        who = known(authorization, now)
        return replace(who, roles=frozenset({role})) if changed else who

    async def told_after() -> bytes:
        ear = Ear(Events(Serving(serving.here, authenticate), at_once), "1")
        await ear.hears(b"ready")
        changed.append(None)
        moved["case-1"] = 2
        await ear.hears(b"moved")
        return await ear.goes()

    assert (b"moved" in asyncio.run(told_after())) == told


@pytest.mark.usefixtures("moved")
def test_more_tokens_are_no_more_streams(serving: Serving, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "MOST_OF_ONE", 1)

    async def asked() -> int:
        told = Events(Serving(serving.here, known), at_once)
        first = Ear(told, "1")
        await first.hears(b"ready")
        second = Ear(told, "2")
        await second.hears(b"ready")
        await second.goes()
        await first.goes()
        return second.status

    assert asyncio.run(asked()) == 429
