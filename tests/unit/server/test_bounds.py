"""How much a server reads of what it is sent, and how long it waits for it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from touchstone.server import bodies
from touchstone.server.app import environ_of
from touchstone.server.bodies import FREE, Bodies
from touchstone.server.errors import ProblemError

pytestmark = pytest.mark.enable_socket  # a loop makes a pair for itself


def receiving(*pieces: bytes | None) -> Callable[[], Awaitable[dict[str, Any]]]:
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        piece = left.pop(0)
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    return receive


def read(length: int, *pieces: bytes | None, known: bool = True) -> bytes:
    asked = list[None]()

    async def knows() -> None:
        asked.append(None)
        if not known:
            raise ProblemError(401)

    found = asyncio.run(Bodies().body(receiving(*pieces), length, knows))
    assert bool(asked) == (length > FREE)
    return found


def test_a_body_is_as_long_as_it_says():
    assert read(4, b"ab", b"cd") == b"abcd"
    assert read(2 * FREE, bytes(FREE), bytes(FREE)) == bytes(2 * FREE)
    for pieces in ([b"ab"], [b"ab", b"cde"], [b"abcde"]):
        with pytest.raises(ProblemError) as refused:
            read(4, *pieces)
        assert refused.value.status == 400
    with pytest.raises(ConnectionResetError):
        read(4, b"ab", None)


def test_of_nobody_little_is_read():
    with pytest.raises(ProblemError) as refused:
        read(2 * FREE, bytes(FREE), bytes(FREE), known=False)
    assert refused.value.status == 401


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def known() -> None:
        raise AssertionError

    for name in ("IDLE_SECONDS", "BODY_SECONDS"):
        with monkeypatch.context() as patched:
            patched.setattr(bodies, name, 0.0)
            with pytest.raises(TimeoutError):
                asyncio.run(Bodies().body(never, 4, known))


def test_so_much_is_held_at_one_time():
    held = Bodies(10)
    with held.read(6):
        with pytest.raises(ProblemError) as refused, held.read(5):
            pass
        assert refused.value.status == 503
        with held.read(4):
            pass
    with held.read(10):
        pass


def test_a_header_passes_for_no_other():
    scope = {
        "method": "GET",
        "path": "/v1/é",
        "query_string": b"a=1",
        "http_version": "1.1",
        "scheme": "http",
        "client": ("127.0.0.1", 1),
        "headers": [
            (b"host", b"a.example"),
            (b"x_forwarded_for", b"1.2.3.4"),
            (b"authorization", b"Bearer a"),
            (b"authorization", b"Bearer b"),
            (b"content-type", b"text/plain"),
        ],
    }
    environ = environ_of(scope)
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/v1/é"
    assert environ["HTTP_AUTHORIZATION"] == "Bearer a,Bearer b"
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert "HTTP_X_FORWARDED_FOR" not in environ
