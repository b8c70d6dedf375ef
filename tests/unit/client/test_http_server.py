"""What a server says over HTTP is bounded, and followed nowhere; addresses are checked first."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from support.live_server import Told
from touchstone.client import http_answers, http_server
from touchstone.client.errors import NotLetInError, ServerAddressError, UnheardError
from touchstone.client.http_connection import checked_url
from touchstone.client.http_server import MOST_TRIES, HttpServer
from touchstone.deeds.signing import Outgoing
from touchstone.ledger import dumps
from touchstone.ledger.canonical import MAX_LINE
from touchstone.ledger.contract2 import SentPart, SubmittedDeed
from touchstone.ledger.errors import UnpromisedError

Handler = Callable[[httpx.Request], httpx.Response]
DEED = Outgoing(SubmittedDeed({"a": 1}, (SentPart(bytes(32), b"{}"),)), (b"some evidence",))


def asked(answer: Handler, url: str = "https://review.example") -> HttpServer:
    return HttpServer(url, Told("one"), transport=httpx.MockTransport(answer))


class Pieces(httpx.SyncByteStream):
    """A body as it comes over a network: a piece at a time."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces


def said(status: int, body: bytes) -> httpx.Response:
    return httpx.Response(status, stream=Pieces(body[:7], body[7:]))


def says(status: int, body: bytes = b"{}") -> Handler:
    return lambda _: said(status, body)


@pytest.mark.parametrize(
    "url",
    [
        "http://review.example",
        "http://10.0.0.1:8443",
        "http://127.0.0.1.example",
        "ftp://127.0.0.1",
        "review.example",
        "https://ann:secret@review.example",
        "https://review.example/?a=1",
        "https://review.example:port",
        "https://",
    ],
)
def test_an_address_that_is_not_safe_is_refused(url: str):
    with pytest.raises(ServerAddressError) as refused:
        checked_url(url)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["https://review.example/", "http://127.0.0.1:8443", "http://[::1]:1", "http://localhost"],
)
def test_https_or_this_machine_is_taken(url: str):
    assert checked_url(url) == url.rstrip("/")


def test_nobody_is_followed_with_the_token():
    seen = list[str]()

    def leads(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(307, headers={"Location": "https://thief.example/"})

    with asked(leads) as server, pytest.raises(UnheardError):
        server.head("case-1")
    assert seen == ["https://review.example/v1/cases/case-1/head"]


def test_a_greeting_says_nothing_of_who_asks():
    def answer(request: httpx.Request) -> httpx.Response:
        assert "Authorization" not in request.headers
        assert request.url.query == b"size=3"
        return said(200, b'{"checkpoint":"c","consistency":["00"],"keys":["k"]}')

    with asked(answer) as server:
        greeting = server.greet(3)
    assert (greeting.keys, greeting.checkpoint, greeting.consistency) == ((b"k",), "c", (b"\x00",))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"checkpoint":"c","consistency":["0"],"keys":[]}',
        b'{"checkpoint":1,"consistency":[],"keys":[]}',
        b'{"checkpoint":"c","consistency":[],"keys":[1]}',
        b'{"checkpoint":"c", "consistency":[],"keys":[]}',
        b'"' + b"a" * MAX_LINE + b'"',
    ],
)
def test_what_is_no_greeting_is_not_heard(body: bytes):
    with asked(says(200, body)) as server, pytest.raises(UnheardError):
        server.greet(0)


@pytest.mark.parametrize("body", [b'{"newest":[1]}', b'{"newest":[1,true]}', b'{"newest":[-1,1]}'])
def test_newest_is_a_number_or_none_for_each_topic(body: bytes):
    with asked(says(200, body)) as server, pytest.raises(UnheardError):
        server.newest("case-1", ["halt", "clock"])
    with asked(says(200, b'{"newest":[1,null]}')) as server:
        assert list(server.newest("case-1", ["halt", "clock"])) == [1, None]


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_fault_is_no_answer(status: int):
    with asked(says(status, b"<html>")) as server, pytest.raises(UnheardError):
        server.send("case-1", DEED)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (404, b'{"code":"unknown","detail":"no such case"}', "unknown"),
        (409, b'{"code":"parts","detail":"they differ"}', "parts"),
        (401, b'{"code":"token","detail":"nobody"}', "token"),
        (403, b"<html>", "not-allowed"),
        (400, b'{"code":7}', "refused"),
    ],
)
def test_a_no_that_nobody_signed_promises_nothing(status: int, body: bytes, code: str):
    with asked(says(status, body)) as server, pytest.raises(UnpromisedError) as told:
        server.cancel("case-1", {"a": 1})
    assert told.value.code == code
    assert len(told.value.why) < 400


def test_a_connection_that_is_refused_or_cut_is_no_answer():
    def cut(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("cut")

    with asked(cut) as server, pytest.raises(UnheardError):
        server.send("case-1", DEED)


def test_lines_come_as_they_are_and_one_without_an_end_is_none():
    with asked(says(200, b"a\nbb\nhalf")) as server:
        assert list(server.news("case-1", 0)) == [b"a", b"bb"]

    class Endless(httpx.SyncByteStream):
        sent = 0

        def __iter__(self) -> Iterator[bytes]:
            while True:
                self.sent += 1
                yield bytes(1 << 16)

    endless = Endless()
    with asked(lambda _: httpx.Response(200, stream=endless)) as server:
        with pytest.raises(UnheardError):
            list(server.news("case-1", 0))
        assert endless.sent == 17
        with pytest.raises(UnheardError):
            server.head("case-1")


def test_an_answer_that_drips_is_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_answers, "WHOLE_SECONDS", -1.0)
    with asked(says(200, b"{}")) as server, pytest.raises(UnheardError):
        server.head("case-1")


def test_evidence_is_sent_where_it_is_asked_for_and_from_where_it_is_missing():
    came = list[tuple[str, str, bytes]]()

    def answer(request: httpx.Request) -> httpx.Response:
        came.append((request.method, request.headers.get("Content-Range", ""), request.read()))
        if request.method == "PUT":
            if len(came) == 2:
                return said(409, b'{"code":"offset","detail":"5 are here","offset":5}')
            return said(200, b'{"received":13}')
        if len(came) == 1:
            return said(409, b'{"code":"evidence","detail":"send it"}')
        return said(200, b"the answer")

    with asked(answer) as server:
        assert server.send("case-1", DEED) == b"the answer"
    assert [each[:2] for each in came] == [
        ("POST", ""),
        ("PUT", "bytes 0-12/13"),
        ("PUT", "bytes 5-12/13"),
        ("POST", ""),
    ]
    assert came[0] == came[3]
    parts = [{"salt": "00" * 32, "text": "{}"}]
    assert came[0][2] == dumps({"envelope": {"a": 1}, "parts": parts})


@pytest.mark.parametrize("lets_on", [False, True])
def test_evidence_that_never_gets_there_is_given_up(lets_on: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_server, "PIECE", 4)
    tries = list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        first = request.headers["Content-Range"].split()[1].partition("-")[0]
        tries.append(first)
        assert len(tries) < 200, "it is sent without end"
        # By turns: let on by a piece, and set back to the beginning.
        if lets_on and first == "0":
            return said(200, b'{"received":4}')
        return said(409, b'{"code":"offset","detail":"send them","offset":0}')

    with asked(answer) as server, pytest.raises(UnheardError, match="does not get there"):
        server.bring("case-1", b"some evidence")
    assert len(tries) == (MOST_TRIES + 1) * (1 + lets_on)


@pytest.mark.parametrize("received", [0, 1, 3, 5])
def test_a_piece_that_was_taken_brings_evidence_as_far_as_it_reaches(
    received: int, monkeypatch: pytest.MonkeyPatch
):
    """The fault: one byte more at each piece of 4 MiB was taken for getting on."""
    monkeypatch.setattr(http_server, "PIECE", 4)
    sent = list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["Content-Range"])
        return said(200, dumps({"received": received}))

    with asked(answer) as server, pytest.raises(UnheardError, match="at fault: of 4 bytes"):
        server.bring("case-1", b"some evidence")
    assert sent == ["bytes 0-3/13"]


def test_evidence_whose_size_is_overstated_is_not_there():
    with asked(says(200, b'{"received":99}')) as server, pytest.raises(UnheardError):
        server.bring("case-1", b"some evidence")


def test_a_case_is_one_step_of_the_path():
    seen = list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path.decode())
        return said(200, b"{}")

    with asked(answer) as server:
        server.head("../people?a#b")
    assert seen == ["/v1/cases/..%2Fpeople%3Fa%23b/head"]


def test_a_token_that_is_not_taken_any_more_is_forgotten_and_another_one_sent_once():
    seen = list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return said(200, b"{}") if seen[-1] == "Bearer two" else said(401, b'{"code":"token"}')

    told = Told("one", ["three", "two"])
    with HttpServer("https://a.example", told, transport=httpx.MockTransport(answer)) as server:
        assert server.head("case-1") == b"{}"
        assert seen == ["Bearer one", "Bearer two"]
        told.token = "none"
        with pytest.raises(UnpromisedError) as refused:
            server.head("case-1")
    assert refused.value.code == "token"
    assert seen[2:] == ["Bearer none", "Bearer three"]


def test_who_is_not_let_in_is_told_all_that_the_server_said():
    def answer(request: httpx.Request) -> httpx.Response:
        assert "Authorization" not in request.headers
        return said(403, b'{"code":"scopes","detail":"fewer","scopes":["read"]}')

    with asked(answer) as server, pytest.raises(NotLetInError) as refused:
        server.enter("tokens", {"a": 1})
    assert (refused.value.code, refused.value.said["scopes"]) == ("scopes", ["read"])
    with asked(says(200, b'{"token":"a"}')) as server:
        assert server.enter("tokens", {}) == {"token": "a"}


def test_a_long_line_in_tiny_pieces_costs_by_its_size_and_lines_end_where_they_do():
    """The fault: each piece was joined to all before it, and a server held the client for long."""
    line = b"x" * (768 << 10)
    data = line + b"\n" + b"second\n\nthird\nwithout an end"
    pieces = [data[at : at + 8] for at in range(0, len(data), 8)]
    server = asked(lambda _: httpx.Response(200, stream=Pieces(*pieces)))
    began = time.thread_time()
    found = list(server.news("a-case", 0))
    assert time.thread_time() - began < 4.0
    assert found == [line, b"second", b"", b"third"]


def test_all_pages_of_cases_are_asked_for():
    pages = {
        None: {"cases": [{"case": "b"}, {"case": "a"}], "after": "2"},
        "2": {"cases": [{"case": "c"}], "after": None},
    }
    server = asked(lambda request: said(200, dumps(pages[request.url.params.get("after")])))
    assert list(server.cases()) == ["a", "b", "c"]
    invited = {"invitations": [{"case": "d", "role": "agency", "n": 3}], "after": None}
    assert list(asked(says(200, dumps(invited))).invitations()) == ["d"]
    with pytest.raises(UnheardError):
        list(asked(says(200, dumps({"cases": [], "after": None}))).invitations())


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"after":3,"cases":[]}', b'{"after":null,"cases":[1]}', b'{"after":null,"cases":{}}'],
)
def test_what_is_no_list_of_cases_is_not_heard(body: bytes):
    with pytest.raises(UnheardError):
        list(asked(says(200, body)).cases())


def test_a_list_of_cases_that_leads_in_a_circle_ends():
    body = dumps({"cases": [{"case": "a"}], "after": "1"})
    assert list(asked(says(200, body)).cases()) == ["a"]


def test_reads_are_asked_for_page_by_page_to_their_end():
    seen = list[str]()

    def pages(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.query.decode())
        after = int(request.url.params["after"])
        rows = [{"n": after + 1}, {"n": after + 2}] if after < 4 else []
        return said(200, dumps({"reads": rows}))

    found = list(asked(pages).reads("case-1", "2026-12-01"))
    assert [each["n"] for each in found] == [1, 2, 3, 4]
    assert seen == [f"after={after}&day=2026-12-01" for after in (0, 2, 4)]


@pytest.mark.parametrize("row", [{}, {"n": "1"}, {"n": True}, {"n": 0}, {"n": -1}])
def test_a_list_of_reads_that_does_not_get_on_ends(row: dict[str, object]):
    with pytest.raises(UnheardError):
        list(asked(says(200, dumps({"reads": [row]}))).reads("case-1"))


def test_a_file_is_sent_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_server, "PIECE", 4)
    path, came, spans = tmp_path / "file", bytearray(), list[str]()
    path.write_bytes(b"0123456789")

    def takes(request: httpx.Request) -> httpx.Response:
        came.extend(request.read())
        spans.append(request.headers["Content-Range"])
        return said(200, dumps({"received": len(came)}))

    asked(takes).bring_file("case-1", path)
    assert (bytes(came), spans) == (
        b"0123456789",
        ["bytes 0-3/10", "bytes 4-7/10", "bytes 8-9/10"],
    )


@pytest.mark.parametrize("heeded", [True, False])
def test_a_document_goes_on_from_a_byte(heeded: bool):
    def gives(request: httpx.Request) -> httpx.Response:
        assert request.headers["Range"] == "bytes=9-"
        return said(206, b"9abcdef") if heeded else said(200, b"0123456789abcdef")

    assert b"".join(asked(gives).document("case-1", "a/b", 16, 9)) == b"9abcdef"
