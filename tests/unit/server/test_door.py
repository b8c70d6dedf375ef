"""Whoever is not known yet: let in by little, soon, and whatever others do at the same door."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from touchstone.server import app
from touchstone.server.accounts.limits import Rate
from touchstone.server.accounts.models import RateRow
from touchstone.server.api.declared import ENTERING_BODY, ENTERING_SECONDS
from touchstone.server.app import Application
from touchstone.server.bodies import Bodies
from touchstone.server.security_log import SECURITY, tell_all
from touchstone.server.serving import Serving

pytestmark = pytest.mark.enable_socket  # a loop makes a pair for itself


class Standing:
    """A clock that stands: no limit comes back while a test runs."""

    def now(self) -> datetime:
        return datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.fixture
def serving(serving: Serving) -> Serving:
    """The same, of which nobody has asked anything yet."""
    RateRow.objects.all().delete()
    return Serving(replace(serving.here, clock=Standing()), serving.authenticate)


TOKENS, REDEEM = "/v1/tokens", "/v1/invitations/redeem"


class Door:
    """An application, asked by many who send the head of a request and no body."""

    def __init__(self, serving: Serving) -> None:
        self.application = Application(serving, 2)
        self.gone, self.waits = asyncio.Event(), Counter[str]()
        self.tasks = list[asyncio.Task[int]]()

    async def ask(
        self, address: str, length: int, receive: Callable[[], Awaitable[Any]], path: str = TOKENS
    ) -> int:
        """The status of the answer; 0: there was none."""
        found = list[int]()

        async def send(message: dict[str, Any]) -> None:
            found.append(message.get("status", 0))

        asked = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "http_version": "1.1",
            "scheme": "http",
            "client": (address, 1),
            "headers": [
                (b"host", b"127.0.0.1"),
                (b"content-type", b"application/json"),
                (b"content-length", str(length).encode()),
            ],
        }
        await self.application(asked, receive, send)
        return found[0] if found else 0

    async def stall(self, address: str, length: int, path: str = TOKENS) -> int:
        """The status where the body never comes; -1: it is waited for."""
        there = asyncio.Event()

        async def receive() -> dict[str, Any]:
            there.set()
            await self.gone.wait()
            return {"type": "http.disconnect"}

        task = asyncio.create_task(self.ask(address, length, receive, path))
        waiting = asyncio.create_task(there.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            waiting.cancel()
            return task.result()
        self.tasks.append(task)
        self.waits[address] += 1
        return -1

    async def honest(self, address: str) -> int:
        """The status of one that sends its whole body: 422, it is no statement."""

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"{}"}

        return await self.ask(address, 2, receive)

    async def go(self) -> list[int]:
        """Have all that wait go away."""
        self.gone.set()
        return await asyncio.gather(*self.tasks)


def test_a_long_body_by_which_nobody_can_be_let_in_is_not_waited_for(serving: Serving):
    async def ask() -> list[int]:
        door = Door(serving)
        lengths = (65_536, ENTERING_BODY + 1, ENTERING_BODY)
        found = [
            await door.stall("192.0.2.1", n, path) for path in (TOKENS, REDEEM) for n in lengths
        ]
        await door.go()
        return found

    assert asyncio.run(ask()) == [413, 413, -1] * 2


def test_the_rate_of_those_who_come_in_is_asked_before_their_bodies(serving: Serving):
    """Two addresses with 128 connections each: a third is let in, and they hold 60 each."""

    async def ask() -> tuple[Counter[str], list[int], int]:
        door = Door(serving)
        found = [
            await door.stall(address, ENTERING_BODY)
            for address in ("127.0.0.2", "127.0.0.3")
            for _ in range(128)
        ]
        third = await door.honest("127.0.0.9")
        await door.go()
        return door.waits, found, third

    waits, found, third = asyncio.run(ask())
    assert waits == {"127.0.0.2": 60, "127.0.0.3": 60}
    assert Counter(found) == {-1: 120, 429: 136}
    assert third == 422


def test_who_is_let_in_is_counted_once(serving: Serving):
    async def ask() -> list[int]:
        door = Door(serving)
        return [await door.honest("192.0.2.7") for _ in range(61)]

    assert asyncio.run(ask()) == [422] * 60 + [429]


def test_who_guesses_a_token_is_counted_before_the_body_as_after(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(app, "BY_ADDRESS", Rate("address", 60, 3))

    async def ask() -> list[int]:
        door = Door(serving)
        return [await door.stall("192.0.2.8", 10, "/v1/cases/case-1/deeds") for _ in range(5)]

    assert asyncio.run(ask()) == [401] * 3 + [429] * 2


def crowded(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> int:
    """The status of a third address, where two took all the room that they were given."""
    # Of those who are not known eight of the longest bodies are held.
    monkeypatch.setattr(app, "Bodies", lambda: Bodies(16 * 8 * ENTERING_BODY))

    async def ask() -> int:
        door = Door(serving)
        for address in ("127.0.0.2", "198.51.100.3"):
            for _ in range(10):
                await door.stall(address, ENTERING_BODY)
        third = await door.honest("203.0.113.9")
        await door.go()
        return third

    return asyncio.run(ask())


def test_two_addresses_leave_a_third_room(serving: Serving, monkeypatch: pytest.MonkeyPatch):
    assert crowded(serving, monkeypatch) == 422


def test_twin_with_bounds_by_address_alone_two_close_the_door(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Bodies, "_require_first", lambda *_: None)
    assert crowded(serving, monkeypatch) == 503


class Told(logging.Handler):
    """Keeps what is told."""

    def __init__(self) -> None:
        super().__init__()
        self.records = list[logging.LogRecord]()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def lines_of(serving: Serving, end: Callable[[Door], Awaitable[list[int]]]) -> tuple[Any, Any]:
    """The statuses of a request that stalls and is ended somehow, and what is told of it."""
    handler = Told()
    level = SECURITY.level
    tell_all()
    SECURITY.addHandler(handler)
    SECURITY.setLevel(logging.INFO)

    async def ask() -> list[int]:
        door = Door(serving)
        assert await door.stall("192.0.2.66", 100) == -1
        return await end(door)

    try:
        statuses = asyncio.run(ask())
    finally:
        SECURITY.setLevel(level)
        SECURITY.removeHandler(handler)
        tell_all()
    return statuses, [(each.getMessage(), getattr(each, "facts", {})) for each in handler.records]


def test_a_body_that_is_broken_off_is_told_with_its_address(serving: Serving):
    statuses, ((event, facts),) = lines_of(serving, Door.go)
    assert (statuses, event) == ([0], "broken-off")
    assert (facts["address"], facts["route"]) == ("192.0.2.66", "v1/tokens")


def test_a_body_that_takes_too_long_is_told_with_its_address(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
):
    """Its seconds go by on the loop's clock, which is set on: nobody waits."""

    async def late(door: Door) -> list[int]:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for passed in (ENTERING_SECONDS - 0.5, ENTERING_SECONDS + 0.5):
            assert not door.tasks[0].done()
            monkeypatch.setattr(loop, "time", partial(sum, (begun, passed)))
            for _ in range(20):
                await asyncio.sleep(0)
        return await asyncio.gather(*door.tasks)

    statuses, ((event, facts),) = lines_of(serving, late)
    assert (statuses, event) == ([408], "limited")
    assert (facts["address"], facts["code"]) == ("192.0.2.66", "slow")
