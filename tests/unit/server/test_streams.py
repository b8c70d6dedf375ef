"""Who listens is told of its own party's cases alone, as long as it may be told anything."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest

from touchstone.server import events
from touchstone.server.errors import NotAuthenticatedError
from touchstone.server.events import Events, EventStream
from touchstone.server.principal import Principal
from touchstone.server.serving import Serving

pytestmark = pytest.mark.enable_socket  # a loop makes a pair for itself
NOW = "2027-01-05T12:00:00Z"


class Scene:
    """Streams over a record of numbers, looked at without a pause."""

    def __init__(self) -> None:
        self.sizes: dict[str, dict[str, int]] = {}
        self.known = {"one": self.person("example-lab", "one")}
        self.asked: list[str] = []
        serving = SimpleNamespace(now=lambda: NOW, authenticate=self.who, here=None)
        self.events = Events(cast("Serving", serving), self.in_thread)
        self.told: dict[str, list[dict[str, Any]]] = {}
        self.ended: set[str] = set()

    @staticmethod
    def person(party: str, token: str, scopes: frozenset[str] = frozenset({"read"})) -> Principal:
        return Principal(f"of {party}", party, frozenset({"lead"}), scopes, token)

    def who(self, authorization: str | None, _now: str) -> Principal:
        if authorization not in self.known:
            raise NotAuthenticatedError("nobody")
        return self.known[authorization]

    async def in_thread(self, call: Callable[[], Any]) -> Any:
        await asyncio.sleep(0)
        return call()

    def moved(self, _here: object, party: str, since: str) -> dict[str, int]:
        self.asked.append(since)
        return dict(self.sizes.get(party, {}))

    async def listen(self, token: str, since: str | None = None, *, reads: bool = True) -> None:
        told = self.told.setdefault(token, [])

        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                told.append({"status": message["status"]})
                return
            if not reads:
                await asyncio.Event().wait()
            for each in message["body"].decode().split("\n\n"):
                if each.startswith("id"):
                    lines = dict(line.split(": ", 1) for line in each.split("\n"))
                    told.append({**lines, "data": json.loads(lines["data"])})

        stream = EventStream(self.known[token], token, since)
        try:
            await self.events.send(stream, receive, send)
        finally:
            self.ended.add(token)

    def moves(self, token: str) -> list[tuple[str, int]]:
        found = [each for each in self.told[token] if each.get("event") == "moved"]
        return [(each["data"]["case"], each["data"]["size"]) for each in found]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    made = Scene()
    monkeypatch.setattr(events, "moved_of", made.moved)
    monkeypatch.setattr(events, "TICK_SECONDS", 0.0)
    return made


async def until(there: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not there():  # noqa: ASYNC110 - of another task's doing
            await asyncio.sleep(0)


def test_each_is_told_once_of_what_its_party_has(scene: Scene):
    async def run() -> None:
        scene.known["two"] = scene.person("example-centre", "two")
        scene.sizes["example-lab"] = {"case-1": 3}
        tasks = [asyncio.create_task(scene.listen(token)) for token in ("one", "two")]
        await until(lambda: all(len(scene.told.get(t, ())) > 1 for t in ("one", "two")))
        scene.sizes["example-lab"] = {"case-1": 4}
        await until(lambda: scene.moves("one"))
        asked = len(scene.asked)
        await until(lambda: len(scene.asked) > asked + 6)
        scene.events.let_go()
        await asyncio.gather(*tasks)
        await scene.events.close()

    asyncio.run(run())
    assert scene.moves("one") == [("case-1", 4)]
    assert scene.moves("two") == []
    # What was recorded a little before is looked for too: it may only be seen now.
    assert set(scene.asked) == {"2027-01-05T11:59:00Z"}


def test_whoever_was_cut_off_is_told_what_it_missed(scene: Scene):
    async def run() -> None:
        scene.sizes["example-lab"] = {"case-1": 3}
        task = asyncio.create_task(scene.listen("one", "2027-01-05T11:00:00Z"))
        await until(lambda: scene.moves("one") if "one" in scene.told else False)
        scene.events.let_go()
        await task

    asyncio.run(run())
    assert scene.moves("one") == [("case-1", 3)]
    assert scene.asked[0] == "2027-01-05T10:59:00Z"


@pytest.mark.parametrize("becomes", ["nobody", "another", "less"])
def test_a_stream_ends_with_its_token(scene: Scene, becomes: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "AGAIN_SECONDS", 0.0)

    async def run() -> None:
        task = asyncio.create_task(scene.listen("one"))
        await until(lambda: scene.told.get("one"))
        await until(lambda: len(scene.asked) > 5)
        assert scene.ended == set()
        if becomes == "nobody":
            del scene.known["one"]
        elif becomes == "another":
            scene.known["one"] = scene.person("example-centre", "one")
        else:
            scene.known["one"] = scene.person("example-lab", "one", frozenset({"deeds"}))
        async with asyncio.timeout(20):
            await task

    asyncio.run(run())


def _told_of(scene: Scene, size: int) -> bool:
    return ("case-1", size) in scene.moves("two")


def test_whoever_does_not_read_is_let_go_of_and_holds_up_nobody(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(events, "MOST_WAITING", 2)
    monkeypatch.setattr(events, "SEND_SECONDS", 0.05)

    async def run() -> None:
        scene.known["two"] = scene.person("example-lab", "two")
        slow = asyncio.create_task(scene.listen("one", reads=False))
        quick = asyncio.create_task(scene.listen("two"))
        await until(lambda: len(scene.told.get("two", ())) > 1)
        for size in range(5):
            scene.sizes["example-lab"] = {"case-1": size}
            await until(partial(_told_of, scene, size))
        async with asyncio.timeout(20):
            await asyncio.wait({slow})
        scene.events.let_go()
        await quick

    asyncio.run(run())


def test_one_token_keeps_so_many_and_no_more(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "MOST_OF_ONE", 1)

    async def run() -> None:
        first = asyncio.create_task(scene.listen("one"))
        await until(lambda: scene.told.get("one"))
        await scene.listen("one")
        assert scene.told["one"][-1] == {"status": 429}
        scene.events.let_go()
        await first

    asyncio.run(run())
