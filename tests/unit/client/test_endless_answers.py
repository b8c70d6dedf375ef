"""A server whose answers need not end is left, before it fills a disk or holds a machine."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from support.live_server import Told
from touchstone.client import http_answers
from touchstone.client.errors import TooMuchError, UnheardError
from touchstone.client.http_server import HttpServer
from touchstone.client.people import ServerDesk
from touchstone.keys import SystemRandom
from touchstone.ledger import dumps


def asked(answer: Callable[[httpx.Request], httpx.Response]) -> HttpServer:
    return HttpServer("https://a.example", Told("one"), transport=httpx.MockTransport(answer))


class Once(httpx.SyncByteStream):
    """A body as it comes over a network, unread."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self.body


class Endless(httpx.SyncByteStream):
    """A body that never ends; `sent` counts what was taken of it."""

    def __init__(self, piece: bytes) -> None:
        self.piece, self.sent = piece, 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            assert self.sent < 10_000, "it is followed without end"
            self.sent += len(self.piece)
            yield self.piece


@pytest.mark.parametrize("heeded", [True, False])
def test_of_a_document_no_byte_is_given_past_its_size(heeded: bool):
    """The fault: 3 GB were written for a document of 14 bytes."""
    body, found = Endless(b"12345"), list[bytes]()
    server = asked(lambda _: httpx.Response(206 if heeded else 200, stream=body))
    with pytest.raises(TooMuchError, match="the server is at fault: it sends more"):
        found.extend(server.document("case-1", "a", 14, 4))
    # Up to the first piece that reaches past what is still to come, and of that one nothing.
    assert body.sent == 15
    assert b"".join(found) == (b"1234512345" if heeded else b"512345")


def test_a_document_that_drips_is_none(monkeypatch: pytest.MonkeyPatch):
    body = Endless(b"1")
    server = asked(lambda _: httpx.Response(206, stream=body))
    monkeypatch.setattr(http_answers, "WHOLE_SECONDS", -1.0)
    with pytest.raises(UnheardError, match="takes longer"):
        list(server.document("case-1", "a", 1 << 30))
    assert body.sent == 1


PACKED: dict[str, Callable[[HttpServer], object]] = {
    "a document": lambda server: list(server.document("case-1", "a", 1 << 30)),
    "entries": lambda server: list(server.news("case-1", 0)),
    "a bundle": lambda server: list(server.bundle("case-1")),
    "a page": lambda server: server.page("case-1"),
    "a head": lambda server: server.head("case-1"),
    "a greeting": lambda server: server.greet(0),
    "a no": lambda server: server.head("no-such"),
}


@pytest.mark.parametrize("what", PACKED)
@pytest.mark.parametrize("packed", ["gzip", "GZIP", "identity, br"])
def test_what_is_packed_is_refused_unread(what: str, packed: str):
    """The fault: 306 kB of gzip became 314 MB."""
    body = Endless(b"packed")
    status = 404 if what == "a no" else 200
    server = asked(
        lambda _: httpx.Response(status, headers={"Content-Encoding": packed}, stream=body)
    )
    with pytest.raises(UnheardError, match="the server is at fault: it packs its answer") as told:
        PACKED[what](server)
    assert (body.sent, "\n" in str(told.value)) == (0, False)


def test_what_says_that_it_is_not_packed_is_read():
    answer = httpx.Response(200, headers={"Content-Encoding": "Identity"}, stream=Once(b"head"))
    assert asked(lambda _: answer).head("case-1") == b"head"


@pytest.mark.parametrize("what", ["entries", "a bundle"])
def test_lines_without_end_are_no_log(what: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_answers, "MOST_OF_LINES", 1000)
    body = Endless(b"a good line\n")
    with pytest.raises(UnheardError, match="at fault: it sends more than 1000 bytes"):
        PACKED[what](asked(lambda _: httpx.Response(200, stream=body)))
    assert body.sent == 1008


LISTS: dict[str, Callable[[int], dict[str, object]]] = {
    "cases": lambda n: {"cases": [{"case": f"case-{n}"}], "after": f"x{n}"},
    "invitations": lambda n: {"invitations": [{"case": f"case-{n}"}], "after": f"x{n}"},
    "reads": lambda n: {"reads": [{"n": n}]},
    "people": lambda n: {
        "people": [
            dict.fromkeys(("person", "institution", "name", "email", "made", "invited_until"), "a")
            | {"roles": [], "active": True, "devices": []}
        ],
        "after": "x" * n,
    },
    "acts": lambda n: {
        "acts": [
            dict.fromkeys(("at", "by", "act", "person", "institution"), "a") | {"n": n, "facts": {}}
        ]
    },
}


def listed(server: HttpServer, what: str) -> list[object]:
    desk = ServerDesk(server, SystemRandom())
    asks: dict[str, Callable[[], Iterator[object]]] = {
        "cases": server.cases,
        "invitations": server.invitations,
        "reads": lambda: server.reads("case-1"),
        "people": desk.everybody,
        "acts": desk.acts,
    }
    return list(asks[what]())


@pytest.mark.parametrize("what", LISTS)
def test_a_list_that_always_goes_on_is_given_up(what: str, monkeypatch: pytest.MonkeyPatch):
    assert http_answers.MOST_PAGES <= 10_000
    monkeypatch.setattr(http_answers, "MOST_PAGES", 20)
    pages = list[None]()

    def goes_on(_: httpx.Request) -> httpx.Response:
        pages.append(None)
        # Each page tells something new, and leads on to where none was.
        assert len(pages) < 50, "it is followed without end"
        return httpx.Response(200, stream=Once(dumps(LISTS[what](len(pages)))))

    with pytest.raises(UnheardError, match="at fault: its list goes on after 20 pages"):
        listed(asked(goes_on), what)
    assert len(pages) in {20, 21}


def test_a_list_whose_next_page_was_there_before_ends():
    pages = list[None]()

    def circle(_: httpx.Request) -> httpx.Response:
        pages.append(None)
        assert len(pages) < 50, "it is followed without end"
        return httpx.Response(
            200, stream=Once(dumps(LISTS["cases"](len(pages)) | {"after": "the same"}))
        )

    with pytest.raises(UnheardError, match="leads in a circle"):
        listed(asked(circle), "cases")
    assert len(pages) == 2
