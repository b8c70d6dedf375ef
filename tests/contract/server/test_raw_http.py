"""What comes over the wire in no good form, and what every answer says: one server, by its socket.

Its proxy speaks TLS, as it is told; whoever idles is let go of after a second.
"""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest

from support.live_server import Doorkeeper, LiveServer, live
from touchstone.server import running
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.api.declared import DECLARED
from touchstone.server.api.problems import HEADERS
from touchstone.server.app import THREADS
from touchstone.server.running import HEAD_SECONDS, HEAD_SIZE
from touchstone.server.settings import set_up_server
from touchstone.server.turns import MOST_WAITING, Turns
from touchstone.service.installation import open_installation
from touchstone.service.reporting.feed import cases_of

HOST = b"Host: 127.0.0.1\r\n"
CLOSE = b"Connection: close\r\n"
NEXT = b"GET /v1/smuggled HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"
"""A request that must not be read out of the body of another."""
SECONDS = 60
LONG = b"X: " + b"a" * (4 * HEAD_SIZE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    set_up_server()
    home = tmp_path_factory.mktemp("raw") / "server"
    with (
        pytest.MonkeyPatch.context() as patched,
        open_installation(home, apart=True) as here,
    ):
        open_accounts(home, None)
        assert HEAD_SECONDS >= 10
        patched.setattr(running, "HEAD_SECONDS", 1.0)
        with live(here, Doorkeeper(), proxied=True) as answers:
            yield answers


def asked(server: LiveServer, sent: bytes) -> tuple[list[int], bytes]:
    """The statuses of all answers to what is sent, until the server closes, and the bytes."""
    port, found = int(server.url.rpartition(":")[2]), b""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as reached:
        reached.sendall(sent)
        # It may close before all was read.
        with suppress(ConnectionResetError):
            while piece := reached.recv(1 << 16):
                found += piece
    return [int(each) for each in re.findall(rb"HTTP/1\.1 (\d{3})", found)], found


def posted(head: bytes, body: bytes = b"") -> bytes:
    kind = b"Content-Type: application/json\r\n"
    return b"POST /v1/tokens HTTP/1.1\r\n" + HOST + kind + head + b"\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked\r\n"
SMUGGLING: dict[str, tuple[bytes, set[int]]] = {
    "length and then chunks": (posted(b"Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n"), {411}),
    "chunks and then length": (posted(CHUNKED + b"Content-Length: 5\r\n", b"0\r\n\r\n"), {411}),
    "two lengths": (posted(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"abcdef"), {400}),
    "a list of lengths": (posted(b"Content-Length: 5, 6\r\n", b"abcdef"), {400}),
    "a signed length": (posted(b"Content-Length: +5\r\n", b"abcde"), {400}),
    "no chunks": (posted(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"), {400}),
    "chunks twice": (posted(CHUNKED * 2, b"0\r\n\r\n"), {411}),
    "a space before the colon": (posted(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"), {400}),
    "a folded line": (posted(b"X-A: b\r\n Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"), {400}),
    "a carriage return": (posted(b"X-A: b\rTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), {400}),
    "a NUL": (posted(b"X-A: b\x00c\r\n"), {400}),
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_no_request_hides_in_another(server: LiveServer, name: str):
    sent, expected = SMUGGLING[name]
    statuses, _ = asked(server, sent + NEXT)
    # Whoever is answered so is answered nothing more: where its request ends nobody knows.
    assert len(statuses) == 1
    assert set(statuses) <= expected


def test_twin_a_second_request_of_its_own_is_answered(server: LiveServer):
    statuses, _ = asked(server, posted(b"Content-Length: 2\r\n", b"{}") + NEXT)
    assert statuses == [422, 404]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /v1/installation HTTP/1.1\r\n\r\n", 400),
        (b"GET /v1/installation HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n", 400),
        (b"GET /v1/installation HTTP/1.1\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET /v1/installation HTTP/1.1\r\nHost: 127.0.0.1, evil.example\r\n\r\n", 400),
        (b"GET /v1/installation HTTP/1.1\r\nHost: 127.0.0.1@evil.example\r\n\r\n", 400),
        (b"GET /v1/installation\r\n\r\n", 400),
        (b"CONNECT evil.example:80 HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"GET /v1/../v1/installation HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"GET /v1/%2e%2e/installation HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (
            b"GET /v1/installation HTTP/1.1\r\n" + HOST + LONG + b"\r\n\r\n",
            431,
        ),
        (b"GET /v1/installation HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 500 + b"\r\n", 431),
        (b"GET /v1/installation?" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    ],
    ids=[
        *("no host", "two hosts", "another host", "a list of hosts", "a host in a host"),
        *("no version", "a tunnel", "all of it", "dots", "hidden dots"),
        *("a long head", "many heads", "a long address"),
    ],
)
def test_a_head_in_no_good_form_is_refused(server: LiveServer, sent: bytes, status: int):
    found, _ = asked(server, sent.replace(b"\r\n\r\n", b"\r\n" + CLOSE + b"\r\n"))
    # Of a very long one the answer may be lost with the connection.
    assert found == [status] or (found == [] and len(sent) > HEAD_SIZE)


def test_another_protocol_is_none(server: LiveServer):
    assert asked(server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")[1] == b""
    socket_key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    for upgrade in (b"Upgrade: h2c\r\n", b"Upgrade: websocket\r\n" + socket_key):
        head = b"GET /v1/me HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\n" + upgrade
        # Answered as if nothing else had been asked for; then it idles, and is let go of.
        assert asked(server, head + b"\r\n")[0] == [401]


def test_only_the_methods_of_a_route_are_done(server: LiveServer):
    with httpx.Client(base_url=server.url) as client:
        for path in ("v1/installation", "v1/me", "v1/tokens", "v1/cases/case-1/head", "v1/people"):
            route = re.sub(r"/case-1\b", "/<case>", path)
            for method in ("TRACE", "OPTIONS", "HEAD", "PATCH", "PROPFIND", "GET", "PUT", "DELETE"):
                answer = client.request(method, f"/{path}", headers={"X-Echo": "canary-7f3a"})
                assert (answer.status_code == 405) == ((method, route) not in DECLARED)
                assert "canary-7f3a" not in answer.text + str(answer.headers)
                assert "access-control-allow-origin" not in answer.headers


ANSWERS: dict[str, tuple[str, str, int]] = {
    "an answer": ("GET", "/v1/installation", 200),
    "the description": ("GET", "/v1/openapi.json", 200),
    "nobody known": ("GET", "/v1/cases", 401),
    "no route": ("GET", "/nowhere", 404),
    "no method": ("TRACE", "/v1/me", 405),
    "no length": ("POST", "/v1/tokens", 411),
    "another host": ("GET", "/v1/me", 400),
    "a calendar": ("GET", "/v1/calendars/none", 404),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_has_the_same_headers(server: LiveServer, name: str):
    method, path, status = ANSWERS[name]
    host = {"Host": "evil.example"} if name == "another host" else {}
    content = iter([b"{}"]) if name == "no length" else None
    with httpx.Client(base_url=server.url) as client:
        answer = client.request(method, path, headers=host, content=content)
    assert answer.status_code == status
    for header, value in HEADERS.items():
        assert answer.headers[header] == value
    for directive in ("default-src", "base-uri", "form-action", "frame-ancestors"):
        assert f"{directive} 'none';" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert "set-cookie" not in answer.headers
    assert answer.headers["content-type"].startswith("application/")
    assert answer.headers.get("location") is None


def test_what_a_proxy_adds_last_is_who_asks(server: LiveServer, monkeypatch: pytest.MonkeyPatch):
    seen = list[str]()
    take = server.serving.limiter.take

    def noted(rate: Any, who: str, now: int) -> None:
        seen.append(who)
        take(rate, who, now)

    monkeypatch.setattr(server.serving.limiter, "take", noted)
    with httpx.Client(base_url=server.url) as client:
        for told in ("192.0.2.1", "198.51.100.9, 192.0.2.1"):
            client.get("/v1/installation", headers={"X-Forwarded-For": told})
        client.get(
            "/v1/installation",
            headers=[("X-Forwarded-For", "198.51.100.9"), ("X-Forwarded-For", "192.0.2.1")],
        )
        client.get(
            "/v1/installation",
            headers={"X-Forwarded-For": "192.0.2.1", "X_Forwarded_For": "198.51.100.9"},
        )
    assert seen == ["192.0.2.1"] * 4


@pytest.mark.parametrize(
    "sent", [b"", b"GET /v1/inst", b"GET /v1/me HTTP/1.1\r\n" + HOST + b"\r\n"]
)
def test_whoever_idles_is_let_go_of(server: LiveServer, sent: bytes):
    """Nothing sent, half a head, or nothing more after an answer: the server closes."""
    assert asked(server, sent)[0] == ([401] if sent.endswith(b"\r\n\r\n") else [])


class Heavy:
    """A list of cases that takes as long as a test wants, for one party of all."""

    def __init__(self, party: str, gives: Callable[..., Any]) -> None:
        self.party, self.gives = party, gives
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Event()
        self.order: list[str] = []

    def __call__(self, here: Any, party: str, **more: Any) -> Any:
        if party == self.party:
            self.begun.release()
            assert self.may_end.wait(SECONDS)
        self.order.append(party)
        return self.gives(here, party, **more)


def flooded(server: LiveServer, heavy: Heavy, held: int, count: int) -> None:
    """One person asks `count` times for what holds a thread; others are to be answered."""
    own = {"Authorization": server.doorkeeper.lets_in("example-lab")}
    others = {"Authorization": server.doorkeeper.lets_in("example-agency")}
    arrived, flooding, run = threading.Event(), threading.Semaphore(0), Turns.run

    async def noted(turns: Turns, who: str, call: Any, *, bounded: bool = False) -> Any:
        if who == "person of example-agency":
            arrived.set()
        if who == "person of example-lab":
            flooding.release()
        return await run(turns, who, call, bounded=bounded)

    with (
        httpx.Client(base_url=server.url, timeout=SECONDS, limits=httpx.Limits()) as client,
        ThreadPoolExecutor(count + 1) as pool,
        pytest.MonkeyPatch.context() as patched,
    ):
        heavy.party = "nobody"
        for each in (own, others):
            # From now on it is known whose these tokens are.
            assert client.get("/v1/cases", headers=each).status_code == 200
        heavy.party = "example-lab"
        heavy.order.clear()
        patched.setattr("touchstone.server.api.cases.cases_of", heavy)
        patched.setattr(Turns, "run", noted)
        try:
            flood = [pool.submit(client.get, "/v1/cases", headers=own) for _ in range(count)]
            for gate, times in ((flooding, count), (heavy.begun, held)):
                for _ in range(times):
                    assert gate.acquire(timeout=SECONDS)
            other = pool.submit(client.get, "/v1/cases", headers=others)
            assert arrived.wait(SECONDS)
            if held < THREADS:
                assert other.result().status_code == 200
                heavy.order.append("let go")
            else:
                heavy.order.append("let go")
        finally:
            heavy.may_end.set()
        statuses = [each.result().status_code for each in flood]
        assert other.result().status_code == 200
    assert set(statuses) <= {200, 429}
    assert statuses.count(429) == max(0, count - held - MOST_WAITING)


def test_one_persons_flood_keeps_nobody_waiting(server: LiveServer):
    """With real HTTP: a person's heavy answers take half of the threads, and others the rest."""
    heavy = Heavy("example-lab", cases_of)
    flooded(server, heavy, THREADS // 2, 20)
    assert heavy.order.index("example-agency") < heavy.order.index("let go")
    assert heavy.begun.acquire(blocking=False) or heavy.order.count("example-lab") == 20


def test_of_one_persons_flood_so_many_wait_and_no_more(server: LiveServer):
    heavy = Heavy("example-lab", cases_of)
    flooded(server, heavy, THREADS // 2, MOST_WAITING + THREADS)


def test_twin_without_a_share_of_ones_own_others_wait(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(vars(server.application)["_turns"], "_of_one", THREADS)
    heavy = Heavy("example-lab", cases_of)
    flooded(server, heavy, THREADS, 20)
    assert heavy.order.index("example-agency") > heavy.order.index("let go")
