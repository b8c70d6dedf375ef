"""Parties act over HTTP, each with its own key, against one server that holds none of them."""

import json
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.live_server import Doorkeeper, LiveServer, Told, live
from support.party_server import AGREEMENT, FRAMEWORK, ROLES, Party, halts, opens, party
from touchstone.client.acting import Client
from touchstone.client.errors import UnheardError, WaitingError
from touchstone.client.followed import Machine
from touchstone.client.http_server import PIECE, HttpServer
from touchstone.deeds.cases import (
    agreement_signed,
    clock_paused,
    party_invited,
    party_joined,
    review_resumed,
)
from touchstone.deeds.deed import Deed
from touchstone.deeds.designation import evidence_declared
from touchstone.deeds.seen_case import SeenCase
from touchstone.keys import SystemRandom
from touchstone.ledger.errors import RefusedDeedError
from touchstone.records import BusyError
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.api import cases, deeds
from touchstone.server.api.problems import PROBLEM
from touchstone.server.bodies import FREE
from touchstone.server.chosen import MOST_BODY
from touchstone.server.running import listen
from touchstone.server.settings import set_up_server
from touchstone.service.installation import open_installation
from touchstone.service.reporting.feed import entries_since
from touchstone.service.taking import take_deed
from touchstone.verifier.verify import verify_bundle


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    set_up_server()
    return tmp_path_factory.mktemp("served") / "server"


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[LiveServer]:
    with open_installation(home, apart=True) as here:
        open_accounts(home, None)
        with live(here, Doorkeeper()) as answers:
            yield answers


class Lossy(httpx.BaseTransport):
    """The network, until a test takes something away: deeds are done, and answers are lost."""

    def __init__(self) -> None:
        self.carries = httpx.HTTPTransport()
        self.loses = False
        self.sent: list[bytes] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.sent.append(request.read())
        response = self.carries.handle_request(request)
        if self.loses and request.method == "POST":
            response.read()
            response.close()
            raise httpx.ReadError("the connection was cut")
        return response

    def close(self) -> None:
        self.carries.close()


@dataclass
class Trio:
    """A case that three parties began over HTTP."""

    case: str
    lab: Party
    centre: Party
    agency: Party
    lossy: Lossy
    https: list[HttpServer]

    def server_of(self, party: Party) -> HttpServer:
        return self.https[[self.lab, self.centre, self.agency].index(party)]


def again(party: Party, asked: HttpServer, folder: str = "http") -> Client:
    """The party's client, which remembers what it has in its folder."""
    own = party.server.here.keyring.history.lines[0].fingerprint
    here = Machine(party.server.here.clock, SystemRandom())
    return Client.open(
        party.home / folder, asked, party=party.id, pinned=own, told=ROLES, machine=here
    )


@pytest.fixture(scope="module")
def trio(server: LiveServer, home: Path) -> Iterator[Trio]:
    """One case for all tests here; each leaves it as it found it, but for entries."""
    here, case, lossy = server.serving.here, "case-1", Lossy()
    parties = [party(here, home.parent, name, role) for name, role in ROLES]
    with ExitStack() as stack:
        asked = [
            stack.enter_context(
                HttpServer(
                    server.url,
                    Told(server.doorkeeper.lets_in(each.id)),
                    transport=lossy if each.id == "example-lab" else None,
                )
            )
            for each in parties
        ]
        for each, own in zip(parties, asked, strict=True):
            each.client = again(each, own)
        lab, centre, agency = parties
        made = Trio(case, lab, centre, agency, lossy, asked)
        opens(centre, FRAMEWORK, case)
        for each in (lab, agency):
            invites, joins = partial(_invites, centre, each), partial(_joins, each)
            centre.act(invites, case)
            each.act(joins, case)
        for each in (lab, centre):
            each.act(
                partial(agreement_signed, by=each.id, text=AGREEMENT, text_recorded=True), case
            )
        yield made


def _invites(centre: Party, invited: Party, seen: SeenCase) -> Deed:
    return party_invited(seen, centre.id, invited.id, invited.role, invited.signer.fingerprint)


def _joins(joining: Party, seen: SeenCase) -> Deed:
    key, following = joining.signer.public_key.hex(), joining.following.fingerprint
    return party_joined(seen, joining.id, joining.role, key, following)


def kinds(server: LiveServer, case: str) -> list[str]:
    return [each["type"] for each in server.serving.here.records.case(case).events()]


def test_three_parties_begin_a_case_over_http_and_the_server_has_no_key_of_theirs(
    server: LiveServer, trio: Trio, home: Path
):
    begun = ["case-opened", *["party-invited", "party-joined"] * 2, *["agreement-signed"] * 2]
    assert kinds(server, trio.case)[:7] == begun
    for each in (trio.lab, trio.centre, trio.agency):
        asked = trio.server_of(each)
        told = list(entries_since(server.serving.here, trio.case, each.id, 0, sight="contents"))
        assert list(asked.news(trio.case, 0)) == told
        assert list(asked.news(trio.case, 3)) == told[3 * 9 :]
        assert list(asked.news(trio.case, 3000)) == []
    keys = [
        path.read_bytes().split(b"\n")[1]
        for each in (trio.lab, trio.centre, trio.agency)
        for path in (each.home / "keys").glob("*.pem")
    ]
    disk = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert len(keys) == 6
    assert not any(key in disk for key in keys)


def test_an_answer_that_was_lost_is_asked_for_with_the_same_bytes(server: LiveServer, trio: Trio):
    before = kinds(server, trio.case)
    trio.lossy.loses = True
    with pytest.raises(WaitingError) as waiting:
        trio.lab.act(halts("example-lab"), trio.case)
    assert kinds(server, trio.case) == [*before, "review-halted"]
    client = again(trio.lab, trio.server_of(trio.lab))
    with pytest.raises(WaitingError):
        client.act(trio.case, trio.lab.signer, resumes)
    trio.lossy.loses = False
    assert client.send(waiting.value.deed).n == len(kinds(server, trio.case)) - 1
    assert len(set(trio.lossy.sent[-3:])) == 1
    client.act(trio.case, trio.lab.signer, resumes)
    assert kinds(server, trio.case) == [*before, "review-halted", "review-resumed"]


def resumes(seen: SeenCase) -> Deed:
    return review_resumed(seen, "example-lab", "It was none.")


def test_a_refusal_is_for_good_and_a_deed_that_waits_can_be_taken_back(
    server: LiveServer, trio: Trio, monkeypatch: pytest.MonkeyPatch
):
    before = kinds(server, trio.case)
    with pytest.raises(RefusedDeedError):
        trio.agency.act(partial(clock_paused, by="example-agency", reason="Time."), trio.case)

    def busy(*_: object, **__: object) -> None:
        raise BusyError("busy")

    with monkeypatch.context() as patched:
        patched.setattr(deeds, "take_deed", busy)
        with pytest.raises(WaitingError) as waiting:
            trio.agency.act(halts("example-agency"), trio.case)
    with pytest.raises(RefusedDeedError) as refused:
        trio.agency.client.cancel(waiting.value.deed)
    assert refused.value.code == "cancelled"
    assert kinds(server, trio.case) == before


def test_a_server_that_is_killed_between_append_and_answer_gives_the_same_receipt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its own server, since that one goes down; on the same socket another takes its place."""
    done = list[bytes]()

    def dies(*asked: Any, **how: Any) -> Any:
        done.append(take_deed(*asked, **how).line)
        raise ConnectionResetError

    doorkeeper, listener = Doorkeeper(), listen("127.0.0.1", 0)
    with listener:
        with (
            open_installation(tmp_path / "server", apart=True) as here,
            live(here, doorkeeper, listener) as server,
            HttpServer(server.url, Told(doorkeeper.lets_in("example-centre"))) as asked,
            monkeypatch.context() as patched,
        ):
            centre = party(here, tmp_path, "example-centre", "centre")
            centre.client = again(centre, asked)
            patched.setattr(deeds, "take_deed", dies)
            with pytest.raises(WaitingError) as waiting:
                opens(centre, FRAMEWORK, "case-killed")
        with (
            open_installation(tmp_path / "server", apart=True) as here,
            live(here, doorkeeper, listener) as server,
            HttpServer(server.url, Told(doorkeeper.lets_in("example-centre"))) as asked,
        ):
            client = again(centre, asked)
            receipt = client.send(waiting.value.deed)
            assert client.answers("case-killed") == tuple(done)
            assert receipt.n == 0
            assert kinds(server, "case-killed") == ["case-opened"]


def test_evidence_goes_before_its_deed_where_it_is_asked_for(server: LiveServer, trio: Trio):
    data, staging = secrets.token_bytes(PIECE + 70_000), server.serving.here.records.staging
    named = ("application/zip", "shown.zip")
    with pytest.raises(RefusedDeedError) as refused:
        trio.lab.act(
            lambda seen: evidence_declared(
                seen, "example-lab", "some-criterion", "not-met", data, *named
            ),
            trio.case,
        )
    assert refused.value.code.startswith("law-")
    digest = f"sha256:{sha256(data).hexdigest()}"
    found = staging.look(trio.case, "example-lab", digest)
    assert found is not None
    assert (found.whole, found.size) == (True, len(data))
    assert staging.look(trio.case, "example-centre", digest) is None
    # Nothing is sent again of what is there; an empty piece of evidence has no bytes at all.
    trio.server_of(trio.lab).bring(trio.case, data)
    trio.server_of(trio.lab).bring(trio.case, b"")


def asked_as(server: LiveServer, header: str) -> httpx.Client:
    return httpx.Client(base_url=f"{server.url}/v1/", headers={"Authorization": header})


def test_an_upload_goes_on_where_it_was_broken_off(server: LiveServer, trio: Trio):
    data = secrets.token_bytes(200_000)
    digest = f"sha256:{sha256(data).hexdigest()}"
    path = f"cases/{trio.case}/evidence/{digest}"

    def put(web: httpx.Client, first: int, piece: bytes, **headers: str) -> httpx.Response:
        said = f"bytes {first}-{first + len(piece) - 1}/{len(data)}"
        kind = "application/octet-stream"
        return web.put(
            path, content=piece, headers={"Content-Type": kind, "Content-Range": said, **headers}
        )

    with asked_as(server, server.doorkeeper.lets_in("example-lab")) as web:
        assert web.head(path).headers["Upload-Offset"] == "0"
        assert put(web, 0, data[:100_000]).json()["received"] == 100_000
        assert web.head(path).headers["Upload-Offset"] == "100000"
        late = put(web, 70_000, data[70_000:])
        assert (late.status_code, late.json()["code"], late.json()["offset"]) == (
            409,
            "offset",
            100_000,
        )
        assert (
            put(web, 100_000, data[100_000:], **{"Content-Type": "text/plain"}).status_code == 415
        )
        odd = put(web, 100_000, data[100_000:], **{"Content-Range": "bytes 100000-100001/200000"})
        assert (odd.status_code, odd.json()["code"]) == (400, "range")
        wrong = put(web, 100_000, bytes(100_000))
        assert (wrong.status_code, wrong.json()["code"]) == (400, "digest")
        assert put(web, 0, data).json()["whole"] is True
        assert web.delete(path).json() == {"forgotten": True}
        assert web.head(path).headers["Upload-Offset"] == "0"


def test_lists_newest_bundle_and_page_are_the_partys_own(
    server: LiveServer, trio: Trio, tmp_path: Path
):
    with asked_as(server, server.doorkeeper.lets_in("example-agency")) as web:
        listed = web.get("cases", params={"most": 500}).json()["cases"]
        own = next(each for each in listed if each["case"] == trio.case)
        assert own["role"] == "agency"
        first = web.get("cases", params={"most": 1}).json()
        if first["after"] is not None:
            second = web.get("cases", params={"most": 1, "after": first["after"]}).json()
            assert second["cases"][0]["case"] != first["cases"][0]["case"]
        assert web.get("cases", params={"after": "nowhere"}).json()["code"] == "page"
        assert trio.case not in web.get("invitations").text
        bundle = tmp_path / "bundle.jsonl"
        bundle.write_bytes(web.get(f"cases/{trio.case}/bundle").content)
        pinned = server.serving.here.keyring.history.lines[0].fingerprint
        assert verify_bundle(bundle, trust=[pinned]).word == "authentic"
        page = web.get(f"cases/{trio.case}/report")
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "sandbox" in page.headers["Content-Security-Policy"]
        assert "Example" in page.text
    topics = ["keys:example-lab", "release", "finding:none"]
    assert list(trio.server_of(trio.lab).newest(trio.case, topics)) == [2, None, None]


READS = ("entries", "head", "newest?topic=halt", "bundle", "report")


def test_denied_is_the_same_as_absent_in_status_bytes_and_headers(server: LiveServer, trio: Trio):
    digest = "sha256:" + 64 * "0"
    sent = {"Content-Type": "application/json"}
    ranged = {"Content-Type": "application/octet-stream", "Content-Range": "bytes 0-0/1"}
    lab = next(iter(trio.lossy.sent))

    def told(web: httpx.Client, case: str) -> list[tuple[int, bytes, dict[str, str]]]:
        answers = [web.get(f"cases/{case}/{each}") for each in READS]
        answers += [
            web.post(f"cases/{case}/deeds", content=lab, headers=sent),
            web.put(f"cases/{case}/evidence/{digest}", content=b"a", headers=ranged),
            web.head(f"cases/{case}/evidence/{digest}"),
            web.delete(f"cases/{case}/evidence/{digest}"),
        ]
        return [(each.status_code, each.content, {**each.headers, "date": ""}) for each in answers]

    with asked_as(server, server.doorkeeper.lets_in("example-other")) as web:
        there, absent = told(web, trio.case), told(web, "case-none")
        odd = told(web, "..%2f%00%ff")
    assert there == absent
    # A deed of another party's is refused before any case is looked for.
    assert [each[0] for each in there] == [404] * 5 + [409] + [404] * 3
    assert {each[0] for each in odd} == {404}


def test_who_may_not_ask_is_told_so_before_any_case_is_looked_at(server: LiveServer, trio: Trio):
    sent = {"Content-Type": "application/json"}
    for header, status in (
        ("", 401),
        ("Bearer nobody", 401),
        (server.doorkeeper.lets_in("", frozenset({"administrator"})), 403),
    ):
        with asked_as(server, header) as web:
            for path in ("cases", f"cases/{trio.case}/entries", "events", "cases/none/entries"):
                response = web.get(path)
                assert (response.status_code, response.headers["Content-Type"]) == (status, PROBLEM)
    with asked_as(server, server.doorkeeper.lets_in("example-lab", frozenset({"auditor"}))) as web:
        assert web.get(f"cases/{trio.case}/head").status_code == 200
        assert web.post(f"cases/{trio.case}/deeds", content=b"{}", headers=sent).status_code == 403
    twice = [("Authorization", server.doorkeeper.lets_in("example-lab")) for _ in range(2)]
    assert httpx.get(f"{server.url}/v1/cases", headers=twice).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"envelope":{},"parts":[],"why":"more"}',
        b'{"envelope":{},"parts":{}}',
        b'{"envelope":{},"parts":[{"salt":"00","text":"{}"}]}',
        b'{"envelope":{},"parts":[' + b",".join([b'{"salt":"%064d","text":"{}"}' % 0] * 9) + b"]}",
    ],
)
def test_a_deed_of_another_form_is_told_which_field(server: LiveServer, trio: Trio, body: bytes):
    with asked_as(server, server.doorkeeper.lets_in("example-lab")) as web:
        sent = {"Content-Type": "application/json"}
        response = web.post(f"cases/{trio.case}/deeds", content=body, headers=sent)
    assert (response.status_code, response.json()["code"]) == (422, "fields")
    assert "more" not in response.text


def test_an_answer_that_breaks_off_is_none(trio: Trio, monkeypatch: pytest.MonkeyPatch):
    def breaks(*_: object) -> Iterator[bytes]:
        yield b"{}" * 40_000
        raise BusyError("gone")

    monkeypatch.setattr(cases, "entries_since", breaks)
    with pytest.raises(UnheardError):
        list(trio.server_of(trio.lab).news(trio.case, 0))


def head_of(server: LiveServer, head: str, body: bytes = b"") -> bytes:
    """What comes first of an answer to a request, byte by byte as it is given."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as made:
        made.sendall(head.encode() + b"\r\n\r\n" + body)
        made.settimeout(20)
        return made.recv(4096).split(b"\r\n")[0]


def test_what_is_too_long_or_from_nobody_is_not_read(server: LiveServer, trio: Trio):
    path, host = f"/v1/cases/{trio.case}/evidence/sha256:00", "Host: 127.0.0.1"
    for length, status in ((MOST_BODY + 1, b"413"), (2 * FREE, b"401")):
        head = f"PUT {path} HTTP/1.1\r\n{host}\r\nContent-Length: {length}"
        assert status in head_of(server, head, bytes(FREE + 1))
    for said in (f"Content-Length: {2 << 20}", "Transfer-Encoding: chunked", "Content-Length: x"):
        assert b" 4" in head_of(server, f"POST /v1/cases/a/deeds HTTP/1.1\r\n{host}\r\n{said}")
    assert b"400" in head_of(server, "GET /v1/installation HTTP/1.1\r\nHost: strange.example")
    # Nor are hundreds of requests taken by one connection.
    assert not head_of(server, "PRI * HTTP/2.0", b"SM\r\n\r\n").startswith(b"\0\0")


def test_a_stream_tells_a_party_of_its_own_cases_as_they_move(server: LiveServer, trio: Trio):
    with (
        asked_as(server, server.doorkeeper.lets_in("example-lab")) as web,
        web.stream("GET", "events", timeout=30) as stream,
    ):
        assert stream.headers["Content-Type"] == "text/event-stream"
        lines = stream.iter_lines()
        begun = message(lines)
        assert begun["event"] == "ready"
        n = trio.lab.act(halts("example-lab"), trio.case)
        moved = message(lines)
        while (moved["data"]["case"], moved["data"]["size"]) != (trio.case, n + 1):
            moved = message(lines)
        assert set(moved["data"]) == {"case", "size"}
        n = trio.lab.act(resumes, trio.case)
    # Whoever was cut off is told what it missed since.
    since = {"Last-Event-ID": begun["id"]}
    with (
        asked_as(server, server.doorkeeper.lets_in("example-agency")) as web,
        web.stream("GET", "events", headers=since, timeout=30) as stream,
    ):
        lines = stream.iter_lines()
        assert message(lines)["event"] == "ready"
        missed = message(lines)
        while missed["data"]["case"] != trio.case:
            missed = message(lines)
        assert missed["data"]["size"] == n + 1
    with asked_as(server, server.doorkeeper.lets_in("example-other")) as web:
        with web.stream("GET", "events", headers=since, timeout=30) as stream:
            lines = stream.iter_lines()
            assert message(lines)["event"] == "ready"
        odd = web.get("events", headers={"Last-Event-ID": "1"})
        assert (odd.status_code, odd.json()["code"]) == (422, "event-id")


def message(lines: Iterator[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in lines:
        if not line and found:
            return found
        name, _, value = line.partition(": ")
        if name:
            found[name] = json.loads(value) if name == "data" else value
    raise AssertionError("the stream ended")
