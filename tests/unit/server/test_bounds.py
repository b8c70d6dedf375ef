"""How much a server reads of what it is sent, and how long it waits for it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from django.http import HttpResponse, StreamingHttpResponse

from touchstone.server import app, bodies
from touchstone.server.app import MOST_AT_ONCE, READER, Application, environ_of
from touchstone.server.bodies import FREE, Bodies, Sender
from touchstone.server.errors import ProblemError
from touchstone.server.serving import Serving
from touchstone.server.turns import OpenRequests, Turns

pytestmark = pytest.mark.enable_socket  # a loop makes a pair for itself


def receiving(*pieces: bytes | None) -> Callable[[], Awaitable[dict[str, Any]]]:
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        piece = left.pop(0)
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    return receive


def scope(method: str, path: str, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "http_version": "1.1",
        "scheme": "http",
        "client": ("127.0.0.1", 1),
        "headers": [(b"host", b"127.0.0.1"), *headers],
    }


def read(length: int, *pieces: bytes | None) -> bytes:
    return asyncio.run(Bodies().body(receiving(*pieces), length))


def test_a_body_is_as_long_as_it_says():
    assert read(4, b"ab", b"cd") == b"abcd"
    assert read(2 * FREE, bytes(FREE), bytes(FREE)) == bytes(2 * FREE)
    for pieces in ([b"ab"], [b"ab", b"cde"], [b"abcde"]):
        with pytest.raises(ProblemError) as refused:
            read(4, *pieces)
        assert refused.value.status == 400
    with pytest.raises(ConnectionResetError):
        read(4, b"ab", None)


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    for name in ("IDLE_SECONDS", "BODY_SECONDS"):
        with monkeypatch.context() as patched:
            patched.setattr(bodies, name, 0.0)
            with pytest.raises(TimeoutError):
                asyncio.run(Bodies().body(never, 4))


def test_so_much_is_held_at_one_time():
    held = Bodies(80, 1)
    ann, bob, eve = (Sender(name, f"{name}'s") for name in ("ann", "bob", "eve"))
    with held.read(20, ann), held.read(20, bob), held.read(20, eve):
        dan = Sender("dan", "dan's")
        # An eighth is left for what is small, however much of it is free.
        with pytest.raises(ProblemError) as refused, held.read(11, dan):
            pass
        assert refused.value.status == 503
        with held.read(10, dan), held.read(1, ann):
            pass
    with held.read(20, ann):
        pass


def test_one_person_leaves_the_others_room():
    held, ann = Bodies(16, 0), Sender("ann", "lab")
    with held.read(4, ann):
        with pytest.raises(ProblemError) as refused, held.read(1, ann):
            pass
        assert refused.value.status == 503
        with held.read(4, Sender("bob", "centre")):
            pass
    with held.read(4, ann):
        pass


def test_one_party_leaves_the_others_room_however_many_persons_it_has():
    """A piece from each: three eighths of all, and no more, until one ends."""
    held, piece = Bodies(), 16 << 20
    people = [Sender(f"p{n}", "lab") for n in range(16)]
    with ExitStack() as stack:
        taken = 0
        for each in people:
            with suppress(ProblemError):
                stack.enter_context(held.read(piece, each))
                taken += 1
        assert taken == 6
        for other in ("centre", "agency"):
            with held.read(piece, Sender(other, other)):
                pass
        with held.read(FREE, people[0]):
            pass
    with held.read(piece, people[0]):
        pass


def attack(held: Bodies, stack: ExitStack, length: int) -> None:
    """Three parties, each of many persons, take of each size all that they are given."""
    for n in range(3 * 200):
        with suppress(ProblemError):
            stack.enter_context(held.read(length, Sender(f"p{n}", f"attacker {n % 3}")))


def test_a_party_that_holds_none_finds_room_however_much_others_hold():
    held = Bodies()
    with ExitStack() as stack:
        # With long bodies six more find room for one each, and of short ones 256 more after that.
        for length, more in ((16 << 20, 6), (FREE, 256)):
            attack(held, stack, length)
            for n in range(more):
                stack.enter_context(held.read(length, Sender(f"ann {n}", f"other {n}")))
            with pytest.raises(ProblemError) as refused, held.read(length, Sender("b", "other 0")):
                pass
            assert refused.value.status == 503
    with held.read(FREE, Sender("ann", "other 0")), held.read(FREE, Sender("ann", "other 0")):
        pass


def test_twin_with_bounds_by_party_alone_three_fill_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Bodies, "_require_first", lambda *_: None)
    held = Bodies()
    with ExitStack() as stack:
        attack(held, stack, 16 << 20)
        with pytest.raises(ProblemError), held.read(16 << 20, Sender("ann", "other")):
            pass


def test_of_open_requests_some_are_for_those_who_have_none():
    opened = OpenRequests()
    for who in ("a", "b"):
        with suppress(ProblemError):
            for _ in range(MOST_AT_ONCE):
                opened.begin(who)
                opened.require_room(who, MOST_AT_ONCE, 2)
        opened.end(who)
    for n in range(MOST_AT_ONCE // 8):
        opened.begin(f"other {n}")
        opened.require_room(f"other {n}", MOST_AT_ONCE, 2)
    opened.begin("one more")
    with pytest.raises(ProblemError) as refused:
        opened.require_room("one more", MOST_AT_ONCE, 2)
    assert refused.value.status == 503


def test_nobody_known_leaves_room_and_so_does_one_address():
    held = Bodies()
    with ExitStack() as stack:
        taken = Counter[str]()
        for address in ("a", "b", "c"):
            for _ in range(200):
                with suppress(ProblemError):
                    stack.enter_context(held.read(FREE, Sender(address=address)))
                    taken[address] += 1
        # Half of a sixteenth part; the other half is for addresses that hold nothing.
        assert taken == {"a": 128, "b": 1, "c": 1}
        with held.read(FREE, Sender("ann", "lab")):
            pass


def flood(held: Bodies, stack: ExitStack) -> Counter[str]:
    """An address of IPv6 takes what it can, then the others of its /48, then other networks."""
    taken = Counter[str]()
    house = "2001:0db8:0000"
    for address in (f"{house}:0000", *(f"{house}:{n:04x}" for n in range(1, 300))):
        for _ in range(200):
            try:
                stack.enter_context(held.read(FREE, Sender(address=address)))
            except ProblemError:
                break
            taken["one" if address == f"{house}:0000" else "its network"] += 1
    for n in range(300):
        with suppress(ProblemError):
            stack.enter_context(held.read(FREE, Sender(address=f"192.0.{n}.1")))
            taken["other networks"] += 1
    return taken


def test_an_address_and_a_network_that_hold_nothing_find_room():
    held = Bodies()
    with ExitStack() as stack:
        assert flood(held, stack) == {"one": 128, "its network": 64, "other networks": 64}


def test_twin_without_room_for_newcomers_a_network_takes_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bodies, "FOR_NEW_NETWORKS", 1 << 30)
    monkeypatch.setattr(bodies, "network_of", lambda address: address)
    held = Bodies()
    with ExitStack() as stack:
        assert flood(held, stack)["other networks"] == 0


def test_of_small_bodies_one_party_leaves_some_to_the_others():
    held = Bodies()
    with ExitStack() as stack:
        taken = 0
        for n in range(300):
            with suppress(ProblemError):
                # A sixty-fourth part of one person, and twice that of all of them.
                stack.enter_context(held.read(FREE, Sender(f"p{n // 100}", "lab")))
                taken += 1
            if n == 99:
                assert taken == 64
        assert taken == 128


LEAD = b"Bearer lead-of-example-lab"


class Stall:
    """Requests whose bodies do not come until they are let go."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.go, self.there = asyncio.Event(), asyncio.Semaphore(0)

    async def receive(self) -> dict[str, Any]:
        self.there.release()
        await self.go.wait()
        return {"type": "http.disconnect"}

    async def status(self, length: int, method: str = "POST") -> int:
        """That of an answer to a request of such a length, once one comes."""
        found = list[int]()

        async def send(message: dict[str, Any]) -> None:
            found.append(message.get("status", 0))

        headers = ((b"authorization", LEAD), (b"content-length", str(length).encode()))
        asked = scope(method, "/v1/cases/case-1/deeds", *headers)
        await self.application(asked, self.receive, send)
        # One that is answered at once waits for nothing, and nobody waits for it.
        self.there.release()
        return found[0] if found else 0

    async def begin(self, count: int, length: int) -> list[asyncio.Task[int]]:
        """Leave so many requests waiting for their bodies."""
        tasks = list[asyncio.Task[int]]()
        for _ in range(count):
            # One after the other: of one person few wait for a thread.
            tasks.append(asyncio.create_task(self.status(length)))
            await self.there.acquire()
        assert not any(task.done() for task in tasks)
        return tasks

    async def end(self, tasks: list[asyncio.Task[int]]) -> None:
        self.go.set()
        await asyncio.gather(*tasks)


def test_whoever_sends_slowly_keeps_nobody_from_an_answer(serving: Serving):
    async def ask() -> int:
        stall = Stall(Application(serving, 1))
        slow = await stall.begin(MOST_AT_ONCE + 1, 10)
        answered = await stall.status(0, "GET")
        await stall.end(slow)
        return answered

    assert asyncio.run(ask()) == 405


def test_nothing_is_set_aside_for_nobody(serving: Serving, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(app, "Bodies", lambda: Bodies(FREE))

    async def ask() -> list[int]:
        # Not that there is no room (503): that it is nobody (401) is asked first.
        found = list[int]()

        async def send(message: dict[str, Any]) -> None:
            found.append(message.get("status", 0))

        long = (b"content-length", str(FREE + 1).encode())
        asked = scope("POST", "/v1/cases/case-1/deeds", long)
        await Application(serving, 1)(asked, receiving(), send)
        return found[:1]

    assert asyncio.run(ask()) == [401]


def answer_to(serving: Serving, method: str, path: str, length: int, token: bytes) -> int:
    """The status where no byte of the body is to be waited for."""

    async def never() -> dict[str, Any]:
        raise AssertionError("the body was asked for")

    async def ask() -> int:
        found = list[int]()

        async def send(message: dict[str, Any]) -> None:
            found.append(message.get("status", 0))

        headers = ((b"content-length", str(length).encode()), (b"authorization", token))
        await Application(serving, 1)(scope(method, path, *headers), never, send)
        return found[0] if found else 0

    return asyncio.run(ask())


def test_what_may_not_be_sent_is_not_waited_for(serving: Serving):
    """A path of nothing, and what the token is not for: no room is set aside."""
    lead, reads = b"Bearer lead-of-example-lab", b"Bearer reads"
    digest = f"sha256:{'ab' * 32}"
    evidence = f"/v1/cases/case-1/evidence/{digest}"
    assert answer_to(serving, "PUT", "/nothing", FREE + 1, lead) == 404
    assert answer_to(serving, "PUT", "/v1/nothing", 10, b"") == 404
    assert answer_to(serving, "PUT", evidence, FREE + 1, reads) == 403
    assert answer_to(serving, "PUT", "/v1/me", FREE + 1, lead) == 405
    assert answer_to(serving, "PUT", "/v1/me", 10, b"") == 405
    # Of whoever is not known not even little: it would be others' room who come to be let in.
    assert answer_to(serving, "POST", "/v1/cases/case-1/deeds", 10, b"") == 401
    assert answer_to(serving, "GET", "/v1/installation", 1, b"") == 413
    # Twin: what may be sent is asked for.
    assert answer_to(serving, "PUT", evidence, FREE + 1, lead) == 0


def test_one_party_leaves_others_among_what_is_answered(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
):
    """Requests of many of its persons wait: half of all, and others are answered."""
    monkeypatch.setattr(app, "MOST_AT_ONCE", 8)

    async def ask() -> tuple[list[int], int, int]:
        application = Application(serving, 1)
        go = asyncio.Event()
        here = {f"p{n}".encode(): Sender(f"p{n}", "lab") for n in range(6)}
        here[b"other"] = Sender("other", "centre")
        monkeypatch.setattr(app, "_token_of", lambda e: e["HTTP_AUTHORIZATION"].encode())
        monkeypatch.setattr(application, "_known", here)

        async def run(_: Turns, who: str, *__: object, **___: object) -> HttpResponse:
            if who != "person other":
                await go.wait()
            response = HttpResponse(b"{}")
            setattr(response, READER, "")
            return response

        monkeypatch.setattr(Turns, "run", run)

        async def status(token: bytes) -> int:
            found = list[int]()

            async def send(message: dict[str, Any]) -> None:
                found.append(message.get("status", 0))

            asked = scope("GET", "/v1/cases", (b"authorization", token))
            await application(asked, receiving(), send)
            return found[0]

        flood = [asyncio.create_task(status(f"p{n % 6}".encode())) for n in range(20)]
        # Those over the bound are answered at once, in the order in which they were begun.
        await flood[-1]
        other = await status(b"other")
        go.set()
        statuses = await asyncio.gather(*flood)
        # Once they are answered it may ask again: nothing stays counted.
        return statuses, other, await status(b"p0")

    statuses, other, again = asyncio.run(ask())
    assert (statuses, other, again) == ([200] * 4 + [429] * 16, 200, 200)


def test_a_header_passes_for_no_other():
    environ = environ_of(
        scope(
            "GET",
            "/v1/é",
            (b"x_forwarded_for", b"1.2.3.4"),
            (b"authorization", b"Bearer a"),
            (b"authorization", b"Bearer b"),
            (b"content-type", b"text/plain"),
        )
    )
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/v1/é"
    assert environ["HTTP_AUTHORIZATION"] == "Bearer a,Bearer b"
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert "HTTP_X_FORWARDED_FOR" not in environ


def test_whoever_reads_slowly_keeps_nobody_from_an_answer(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
):
    """One person's long answers are few, and none of them counts among what is being answered."""
    monkeypatch.setattr(app, "MOST_SENT_TO_ONE", 2)
    monkeypatch.setattr(app, "MOST_AT_ONCE", 1)

    async def ask() -> list[int]:
        application = Application(serving, 1)
        go, reading = asyncio.Event(), asyncio.Semaphore(0)

        def answer(_environ: object, _body: bytes) -> StreamingHttpResponse:
            response = StreamingHttpResponse(iter([b"a", b"b"]))
            setattr(response, READER, "ann")
            return response

        monkeypatch.setattr(application, "_ask", answer)

        async def status() -> int:
            found = list[int]()

            async def send(message: dict[str, Any]) -> None:
                found.append(message.get("status", 0))
                reading.release()
                if message.get("more_body"):
                    await go.wait()

            await application(scope("GET", "/v1/cases"), receiving(), send)
            reading.release()
            return found[0]

        tasks = list[asyncio.Task[int]]()
        for _ in range(3):
            tasks.append(asyncio.create_task(status()))
            # Its head and its first piece, or all of an answer that says no.
            await reading.acquire()
            await reading.acquire()
        go.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(ask()) == [200, 200, 429]
