"""Plain questions, which are answered past aiohttp's handling: by raw sockets, with twins."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from support.decision_place import Place
from support.gateway_loop import NOT_ALLIES, RULES, token, until
from touchstone.gateway.authz import connections
from touchstone.gateway.authz.connections import DecisionConnection

pytestmark = pytest.mark.asyncio(loop_scope="module")
FOR = "/for/final/instant"
SECONDS = 20.0


def head(*more: str, path: str = FOR, nationality: str = "XA", method: str = "GET") -> bytes:
    who = f"Authorization: Bearer {token(nationality=nationality)}"
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", who, *more, "", ""]).encode()


@pytest.fixture(autouse=True)
def received(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How many bytes the service has received from each of the clients' ports."""
    counted: Counter[int] = Counter()
    real = DecisionConnection.data_received

    def noted(self: DecisionConnection, data: bytes) -> None:
        if self.transport is not None:
            counted[self.transport.get_extra_info("peername")[1]] += len(data)
        real(self, data)

    monkeypatch.setattr(DecisionConnection, "data_received", noted)
    return counted


async def told(
    place: Place, received: Counter[int], *parts: bytes, answers: int = 1, in_turn: bool = False
) -> list[int]:
    """The statuses that come for what is sent part by part; 0: the connection was reset.

    Each part waits until the one before it was received, or with `in_turn` answered. Then so many
    answers are waited for, and a moment in which a further one could come.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    port, sent = writer.get_extra_info("sockname")[1], 0
    came, end = b"", []
    try:
        for number, part in enumerate(parts):
            writer.write(part)
            sent += len(part)
            await until(
                lambda: received[port] >= sent or reader.at_eof() or reader.exception()  # noqa: B023
            )
            while in_turn and len(_statuses(came)) <= number:
                if not (some := await asyncio.wait_for(reader.read(65536), SECONDS)):
                    break
                came += some
        while some := await asyncio.wait_for(reader.read(65536), _patience(came, answers)):
            came += some
    except TimeoutError:
        pass
    except ConnectionError:
        end = [0]
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return _statuses(came) + end


def _patience(came: bytes, answers: int) -> float:
    return SECONDS if len(_statuses(came)) < answers else 0.2


def _statuses(came: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"HTTP/1\.[01] (\d+) ", came)]


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were answered in the short way."""
    taken: list[str] = []
    real = DecisionConnection._ask

    async def noted(self: DecisionConnection, message: Any) -> None:
        taken.append(message.path)
        await real(self, message)

    monkeypatch.setattr(DecisionConnection, "_ask", noted)
    return taken


async def test_plain_questions_and_others_share_a_connection(
    place: Place, received: Counter[int], plain: list[str]
):
    other = head("Content-Length: 0", method="POST")
    parts = (head(), other, head(nationality="XB"), head())
    assert await told(place, received, *parts, in_turn=True) == [200, 200, 403, 200]
    assert plain == [FOR] * 3
    assert len(place.loop.audit.events) == 4


@pytest.mark.parametrize("nationality", ["XA", "XB", "XC"])
@pytest.mark.parametrize("path", [FOR, "/for/final/thinking", "/for/", "/for/final/", "/for/x/y"])
async def test_both_ways_say_the_same(
    place: Place, received: Counter[int], path: str, nationality: str, plain: list[str]
):
    short = await told(place, received, head(path=path, nationality=nationality))
    slow = head("Connection: keep-alive", path=path, nationality=nationality)
    assert short == await told(place, received, slow)
    assert plain == [path]


# Made when it is asked for: a token that was made while tests were collected may have ended.
NOT_PLAIN: Mapping[str, tuple[Callable[[], bytes], list[int]]] = {
    "a body": (lambda: head("Content-Length: 3", method="POST") + b"abc", [200]),
    "chunks": (lambda: head("Transfer-Encoding: chunked", method="POST") + b"0\r\n\r\n", [200]),
    "two at once": (lambda: head() + head(nationality="XB"), [200, 403]),
    "two lengths": (lambda: head("Content-Length: 0", "Content-Length: 3"), [400]),
    "folding": (lambda: head("X-A: b\r\n c"), [400]),
    "a bare carriage return": (lambda: head("X-A: b\rX-B: c"), [400]),
    "a null": (lambda: head("X-A: b\x00c"), [400]),
    "two hosts": (lambda: head("Host: y"), [400]),
    "two tokens": (lambda: head("Authorization: Bearer x"), [401]),
    "many headers": (lambda: head(*(f"X-{number}: a" for number in range(100))), [400]),
    "a long header": (lambda: head("X-A: " + "a" * 20_000), [400]),
    "line feeds alone": (lambda: head().replace(b"\r\n", b"\n"), [400]),
    "a blank in the target": (lambda: head(path=f"{FOR} x"), [400]),
    "HTTP/1.2": (lambda: head().replace(b"HTTP/1.1", b"HTTP/1.2"), [400]),
}


@pytest.mark.parametrize("name", NOT_PLAIN)
async def test_what_is_not_plain_is_read_as_before(
    place: Place, received: Counter[int], name: str, monkeypatch: pytest.MonkeyPatch
):
    data, statuses = NOT_PLAIN[name]
    assert await told(place, received, data(), answers=len(statuses)) == statuses
    monkeypatch.setattr(connections, "is_plain", lambda _: False)
    assert await told(place, received, data(), answers=len(statuses)) == statuses


async def test_a_head_in_parts_is_left_to_aiohttp(
    place: Place, received: Counter[int], plain: list[str]
):
    whole = head()
    assert await told(place, received, whole[:30], whole[30:]) == [200]
    assert plain == []
    assert await told(place, received, whole[:-2], b"X-A: " + b"a" * 20_000) == [400]


async def test_a_head_begun_elsewhere_does_not_pass_for_a_question(
    place: Place, received: Counter[int]
):
    """What ends one request begins the next, unseen; then comes what looks like a question."""
    begun = head() + b"POST /read/v1/messages HTTP/1.1\r\nHost: x\r\nX-A: b\r\nX-B"
    assert await told(place, received, begun, head(), in_turn=True) == [200, 400]


async def test_questions_that_come_meanwhile_wait(
    place: Place, received: Counter[int], plain: list[str]
):
    place.loop.audit.gate = gate = asyncio.Event()
    heads = (head(), head(), head(nationality="XB"))
    asking = asyncio.create_task(told(place, received, *heads, answers=3))
    await until(lambda: sum(received.values()) == sum(map(len, heads)))
    await until(lambda: place.loop.audit.events)
    assert len(place.loop.audit.events) == 1
    place.loop.audit.gate = None
    gate.set()
    assert await asking == [200, 200, 403]
    assert plain[0] == FOR


async def test_what_waits_is_capped(
    place: Place, received: Counter[int], monkeypatch: pytest.MonkeyPatch
):
    place.loop.audit.gate = gate = asyncio.Event()
    many = head() * 60
    assert await told(place, received, head(), many) == [0]
    with monkeypatch.context() as taken_away:
        taken_away.setattr(DecisionConnection, "reset", lambda _: None)
        assert await told(place, received, head(), many, answers=0) == []
    place.loop.audit.gate = None
    gate.set()


async def test_who_goes_away_is_not_answered(place: Place):
    place.loop.audit.gate = asyncio.Event()
    _, writer = await asyncio.open_connection("127.0.0.1", place.port)
    writer.write(head())
    await until(lambda: place.loop.audit.events)
    (asked,) = _asking()
    writer.transport.abort()
    await asyncio.wait([asked], timeout=SECONDS)
    assert asked.cancelled()
    place.loop.audit.gate = None


def _asking() -> list["asyncio.Task[Any]"]:
    """What answers a plain question now: other tasks come and go with connections of before."""
    return [task for task in asyncio.all_tasks() if task.get_name() == connections.QUESTION]


async def test_a_policy_that_comes_meanwhile_counts(place: Place, received: Counter[int]):
    place.loop.audit.gate = gate = asyncio.Event()
    asking = asyncio.create_task(told(place, received, head(nationality="XC")))
    await until(lambda: place.loop.audit.events)
    await place.loop.apply(*RULES, NOT_ALLIES)
    place.loop.audit.gate = None
    gate.set()
    assert await asking == [403]


async def test_a_fault_grants_nothing(
    place: Place, received: Counter[int], monkeypatch: pytest.MonkeyPatch
):
    async def fail(_event: Mapping[str, Any]) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(place.loop.audit, "commit", fail)
    assert await told(place, received, head(), head(), in_turn=True) == [500]
