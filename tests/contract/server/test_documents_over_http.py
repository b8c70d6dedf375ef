"""Documents and reads by the commands of parties' machines, against one real server on loopback."""

import json
import re
import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.live_server import Doorkeeper, LiveServer, live
from support.party_homes import Machines, machines
from support.party_server import CASE, FRAMEWORK, opens
from support.wired_parties import Call, caller, wired
from touchstone.cli.app import run
from touchstone.client import http_server
from touchstone.client.http_server import HttpServer
from touchstone.handin import utc_text
from touchstone.keys import SystemClock
from touchstone.ledger import digest_bytes
from touchstone.server.accounts.models import ACCOUNTS, SensitiveRead
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.daily_reads import DailyReads
from touchstone.server.serving import Serving

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"
OTHER = "case-2"
PIECE = 1 << 20
CANARY = b"canary-7d1f-of-a-safety-plan"
DATA = CANARY + b"".join(sha256(str(n).encode()).digest() for n in range(80_000))
"""2.5 MB: of three pieces."""


class Wire(httpx.BaseTransport):
    """The network, which a test cuts: after so many pieces sent, or bytes of a document taken."""

    def __init__(self) -> None:
        self._carries = httpx.HTTPTransport()
        self.pieces_left: int | None = None
        self.bytes_left: int | None = None
        self.deeds_cut: str | None = None
        self.asked: list[tuple[str, str]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        span = request.headers.get("Content-Range") or request.headers.get("Range")
        if span is not None:
            self.asked.append((request.method, span))
        if request.method == "PUT" and self.pieces_left is not None:
            if not self.pieces_left:
                raise httpx.ReadError("the connection was cut")
            self.pieces_left -= 1
        deeds_cut = self.deeds_cut if request.url.path.endswith("/deeds") else None
        if deeds_cut == "before it came":
            raise httpx.ReadError("the connection was cut")
        response = self._carries.handle_request(request)
        if deeds_cut == "after it stood":
            raise httpx.ReadError("the connection was cut")
        if "/documents/" in request.url.path and self.bytes_left is not None:
            cut = _Cut(response.stream, self.bytes_left)  # type: ignore[arg-type]
            return httpx.Response(response.status_code, headers=response.headers, stream=cut)
        return response

    def close(self) -> None:
        self._carries.close()


class _Cut(httpx.SyncByteStream):
    """An answer's bytes up to where the connection is cut."""

    def __init__(self, whole: httpx.SyncByteStream, left: int) -> None:
        self._whole, self._left = whole, left

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._whole:
            yield piece[: self._left]
            self._left -= len(piece)
            if self._left <= 0:
                raise httpx.ReadError("the connection was cut")

    def close(self) -> None:
        self._whole.close()


@dataclass
class Scene:
    """The parties' machines, the one server, and the wire of each party to it."""

    made: Machines
    server: LiveServer
    wires: dict[str, Wire] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.made.home("server")

    def there(self, case: str, document: str, party: str = LAB) -> httpx.Response:
        """The server's plain answer to who asks for a document."""
        token = self.server.doorkeeper.lets_in(party)
        url = f"{self.server.url}/v1/cases/{case}/documents/{document}"
        return httpx.get(url, headers={"Authorization": token}, trust_env=False)

    def evidence(self, case: str) -> list[Path]:
        """The files, sealed, of what was handed in or sent for a case."""
        found = (path for path in self.home.rglob("*") if path.is_file() and case in path.parts)
        return sorted(path for path in found if path.stat().st_size > len(CANARY))

    def holding(self, *wanted: bytes) -> list[Path]:
        """The files of the server's whole disk that hold one of these."""
        files = (path for path in self.home.rglob("*") if path.is_file())
        return [path for path in files if any(each in path.read_bytes() for each in wanted)]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with ExitStack() as stack:
        made = stack.enter_context(machines(tmp_path_factory.mktemp("documents")))
        open_accounts(made.here.home, None)
        opens(made.parties[1], FRAMEWORK, OTHER)
        server = stack.enter_context(live(made.here, Doorkeeper()))
        found = Scene(made, server)
        found.wires.update({party: Wire() for party in (LAB, CENTRE, AGENCY)})
        stack.enter_context(wired(made, server, found.wires, PIECE))
        yield found


@pytest.fixture
def call(scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command on a party's machine: its exit code, and what it says."""
    return caller(scene.made, scene.server, monkeypatch, capsys)


def add(file: Path, called: str, case: str = CASE) -> tuple[str | Path, ...]:
    return ("document", "add", case, file, "--kind", "safety-plan", "--id", called, "--yes")


@contextmanager
def room(size: int) -> Iterator[None]:
    """No file of this process grows past a size: the system says so to each write, as when full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_both_ways_go_on_where_they_were_broken_off(scene: Scene, call: Call, tmp_path: Path):
    file, out, before = tmp_path / "plan.pdf", tmp_path / "fetched.pdf", scene.made.events()
    file.write_bytes(DATA)
    lab, agency = scene.wires[LAB], scene.wires[AGENCY]
    lab.pieces_left = 2
    code, said = call(LAB, *add(file, "plan"))
    assert (code == 0, "the server does not answer" in said, said.count("\n")) == (False, True, 1)
    assert scene.made.events() == before
    lab.pieces_left = None
    lab.asked.clear()
    code, said = call(LAB, *add(file, "plan"))
    assert code == 0, said
    # The first is asked for anew and answered with how much is there; then the last alone is sent.
    size = len(DATA)
    sent = [span for method, span in lab.asked if method == "PUT"]
    assert sent == [f"bytes 0-{PIECE - 1}/{size}", f"bytes {2 * PIECE}-{size - 1}/{size}"]
    assert scene.made.events() == [*before, "document-handed-in"]

    code, said = call(AGENCY, "document", "list", CASE)
    told = f"plan: plan.pdf (safety-plan, application/octet-stream, {size} bytes)"
    assert (code, said.startswith(told)) == (0, True), said
    get = ("document", "get", CASE, "plan", "--out", out)
    agency.bytes_left = PIECE
    code, said = call(AGENCY, *get)
    assert (code == 0, "the server does not answer" in said, said.count("\n")) == (False, True, 1)
    part = (tmp_path / ".fetched.pdf.part").stat()
    there = part.st_size
    assert (there, out.exists(), oct(part.st_mode & 0o777)) == (PIECE, False, "0o600")
    agency.bytes_left = None
    agency.asked.clear()
    code, said = call(AGENCY, *get)
    assert (code, agency.asked, out.read_bytes() == DATA) == (
        0,
        [("GET", f"bytes={there}-")],
        True,
    ), said
    # The same file under its name: a copy would ask for the room of two.
    assert out.stat().st_ino == part.st_ino


@pytest.mark.usefixtures("scene")
def test_what_was_kept_of_a_document_is_checked_with_what_comes(call: Call, tmp_path: Path):
    file, out = tmp_path / "small", tmp_path / "small.out"
    file.write_bytes(b"a small plan")
    assert call(LAB, *add(file, "small"))[0] == 0
    get = ("document", "get", CASE, "small", "--out", out)
    part, elsewhere = tmp_path / ".small.out.part", tmp_path / "of-somebody"
    part.write_bytes(b"a SMALL")
    code, said = call(CENTRE, *get)
    assert (code == 0, "not what the deed names" in said, said.count("\n")) == (False, True, 1), (
        said
    )
    assert (part.exists(), out.exists()) == (False, False)

    elsewhere.write_bytes(b"")
    part.symlink_to(elsewhere)
    code, said = call(CENTRE, *get)
    assert (code == 0, said.count("\n"), elsewhere.read_bytes()) == (False, 1, b""), said
    part.unlink()
    # Twins: what is longer than the whole begins anew, and what is whole is taken as it is.
    for kept in (b"a small plan, and more", b"a small plan"):
        part.write_bytes(kept)
        code, said = call(CENTRE, *get)
        assert (code, out.read_bytes(), part.exists()) == (0, b"a small plan", False), said
        out.unlink()


class _Endless(httpx.SyncByteStream):
    """What a lying server sends in the place of a document."""

    taken = 0

    def __iter__(self) -> Iterator[bytes]:
        # Ended in the end, so that a client that follows it fails and fills no disk.
        while self.taken < 1000:
            self.taken += 5
            yield b"a sma"


@pytest.mark.parametrize("kept", [b"", b"a sm"])
def test_a_server_that_sends_more_than_was_handed_in_fills_no_disk(
    scene: Scene, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: bytes
):
    """The fault: 3 GB were written for a document of 14 bytes."""
    file, out, id_ = tmp_path / "short", tmp_path / "short.out", f"short-{len(kept)}"
    file.write_bytes(b"a small text" + kept)
    assert call(LAB, *add(file, id_))[0] == 0
    wire, body, part = scene.wires[CENTRE], _Endless(), tmp_path / ".short.out.part"
    honest = wire.handle_request
    if kept:
        part.write_bytes(kept)

    def lies(request: httpx.Request) -> httpx.Response:
        if "/documents/" in request.url.path:
            return httpx.Response(206, stream=body)
        return honest(request)

    with monkeypatch.context() as patch:
        patch.setattr(wire, "handle_request", lies)
        code, said = call(CENTRE, "document", "get", CASE, id_, "--out", out)
    assert (code == 0, "the server is at fault: it sends more than the 1" in said) == (False, True)
    assert (said.count("\n"), body.taken) == (1, 15)
    # Of what it sent nothing is kept, and by an honest server the same command goes on.
    assert (out.exists(), part.read_bytes()) == (False, kept)
    assert call(CENTRE, "document", "get", CASE, id_, "--out", out)[0] == 0
    assert out.read_bytes() == file.read_bytes()


def test_a_file_that_comes_while_a_document_is_fetched_is_left(
    scene: Scene, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    file, out = tmp_path / "late", tmp_path / "late.out"
    file.write_bytes(b"what was handed in")
    assert call(LAB, *add(file, "late"))[0] == 0
    wire = scene.wires[CENTRE]
    honest = wire.handle_request

    def meanwhile(request: httpx.Request) -> httpx.Response:
        if "/documents/" in request.url.path:
            out.write_text("precious")
        return honest(request)

    with monkeypatch.context() as patch:
        patch.setattr(wire, "handle_request", meanwhile)
        code, said = call(CENTRE, "document", "get", CASE, "late", "--out", out)
    part = tmp_path / ".late.out.part"
    assert (code, "came there while" in said, str(part) in said, said.count("\n")) == (
        2,
        True,
        True,
        1,
    ), said
    assert (out.read_text(), part.read_bytes()) == ("precious", b"what was handed in")


def test_who_read_what_is_recorded_by_the_server_and_a_change_is_found(
    scene: Scene, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    here, file = scene.made.here, tmp_path / "read"
    file.write_bytes(b"to be read")
    assert call(LAB, *add(file, "read"))[0] == 0
    # Not yesterday: until ten past midnight that day is not over.
    long_over = utc_text(SystemClock().now() - timedelta(days=2))
    with monkeypatch.context() as patch:
        patch.setattr(Serving, "now", lambda _: long_over)
        assert scene.there(CASE, "read", AGENCY).content == b"to be read"
    show = ("reads", "show", CASE, "--json")

    def stood() -> tuple[int, list[str]]:
        code, said = call(LAB, *show)
        days = json.loads(said)["days"]
        return code, [each["stands"] for each in days if each["day"] == long_over[:10]]

    assert stood() == (0, ["not-recorded"])
    # What `running._keep` calls now and then.
    keeps = DailyReads(here)
    keeps.keep()
    assert stood() == (0, ["as-recorded"])
    code, said = call(LAB, *show[:-1], "--day", long_over[:10])
    assert (code, "1 read" in said, f"of {AGENCY}" in said) == (0, True, True), said
    row = SensitiveRead.objects.using(ACCOUNTS).get(minute__startswith=long_over[:10])
    rows = SensitiveRead.objects.using(ACCOUNTS).filter(pk=row.pk)
    rows.update(person="ann")
    keeps.keep()
    assert stood() == (1, ["altered"])
    code, said = call(LAB, *show[:-1])
    assert (code, "ALTERED" in said) == (1, True)
    rows.update(person=row.person)
    assert stood() == (0, ["as-recorded"])
    # Whom the agreement hands no copy of answers stands beside what was read, once both signed it.
    told = "View only by the agreement: example-centre."
    assert call(LAB, "agreement", "offer", CASE, "--view-only", CENTRE, "--yes")[0] == 0
    code, said = call(LAB, *show[:-1])
    assert (code, told in said) == (0, False), said
    assert call(CENTRE, "agreement", "sign", CASE, "--yes")[0] == 0
    code, said = call(LAB, *show[:-1])
    assert (code, told in said) == (0, True), said
    assert json.loads(call(LAB, *show)[1])["view_only"] == [CENTRE]


def test_a_disk_without_room_takes_nothing_and_goes_on_with_room(
    scene: Scene,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
):
    file, out, before = tmp_path / "large.bin", tmp_path / "large.out", scene.made.events()
    data = DATA[::-1] * 4
    file.write_bytes(data)
    # A piece alone is larger than a file may be; the databases, and their logs, are smaller.
    monkeypatch.setattr(http_server, "PIECE", len(data))
    with room(len(data) - PIECE):
        code, said = call(LAB, *add(file, "large"))
    # Why is for the operator, in the log; whoever is outside learns no place, and what to do.
    told = "nothing was promised; send the same again"
    assert (code == 0, told in said, said.count("\n")) == (False, True, 1), said
    assert "the disk is full; nothing was written" in caplog.text
    assert str(scene.home) not in said
    code, said = call(LAB, "deed", "waiting")
    assert (scene.made.events(), said) == (before, "No deed waits for an answer.\n")
    assert call(LAB, *add(file, "large"))[0] == 0
    assert scene.made.events() == [*before, "document-handed-in"]

    get = ("document", "get", CASE, "large", "--out", out)
    with room(len(data) - PIECE):
        code, said = call(CENTRE, *get)
    assert (code == 0, "large.out: " in said, said.count("\n")) == (False, True, 1), said
    assert not out.exists()
    code, said = call(CENTRE, *get)
    assert (code, out.read_bytes() == data) == (0, True), said
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


DRAWN = re.compile(r"document-[0-9a-f]{16}")


def listed(call: Call, party: str) -> list[dict[str, Any]]:
    """The documents of the case as a party may have them."""
    found: list[dict[str, Any]] = json.loads(call(party, "document", "list", CASE, "--json")[1])[
        "documents"
    ]
    return found


def test_whoever_has_a_documents_bytes_is_not_told_that_it_was_handed_in(
    scene: Scene, call: Call, tmp_path: Path
):
    secret, other = tmp_path / "memo.txt", tmp_path / "other.txt"
    secret.write_bytes(b"a memo that the lab shows to the centre alone")
    other.write_bytes(b"a memo that nobody handed in")
    add_memo = ("document", "add", CASE, secret, "--kind", "memo", "--yes")
    assert call(LAB, *add_memo, "--reader", CENTRE)[0] == 0
    digest = digest_bytes(secret.read_bytes())
    known = [each["document"] for each in listed(call, CENTRE) if each["digest"] == digest]
    assert digest not in {each["digest"] for each in listed(call, AGENCY)}
    # What is there and what is not are taken alike, and of neither id anything follows.
    events = len(scene.made.events())
    for file in (secret, other):
        probe = ("document", "add", CASE, file, "--kind", "memo", "--name", "x", "--yes")
        code, said = call(AGENCY, *probe)
        assert code == 0, said
    assert len(scene.made.events()) == events + 2
    drawn = [*known, *(each["document"] for each in listed(call, AGENCY) if each["name"] == "x")]
    assert (len(drawn), len({*drawn})) == (3, 3)
    assert all(DRAWN.fullmatch(each) for each in drawn), drawn
    # Who may read the lab's hands in its own all the same: it is another party's word.
    code, said = call(CENTRE, *add_memo)
    assert (code, len(scene.made.events())) == (0, events + 3), said
    # Twin, as the documentation says: an id that somebody chose is one for all.
    code, said = call(AGENCY, *add_memo, "--id", known[0])
    assert (code, "document-id-taken" in said) == (1, True), said


@pytest.mark.parametrize("cut", ["before it came", "after it stood"])
def test_a_document_of_a_drawn_id_is_handed_in_once_where_its_answer_was_lost(
    scene: Scene, call: Call, tmp_path: Path, cut: str
):
    file, before = tmp_path / "lost.pdf", scene.made.events()
    file.write_bytes(cut.encode())
    again = ("document", "add", CASE, file, "--kind", "memo", "--yes")
    scene.wires[LAB].deeds_cut = cut
    code, said = call(LAB, *again)
    assert (code == 0, "waits for an answer" in said, said.count("\n")) == (False, True, 1), said
    scene.wires[LAB].deeds_cut = None
    code, said = call(LAB, *again)
    assert (code, "is there already" in said, said.count("\n")) == (1, True, 1), said
    assert scene.made.events() == [*before, "document-handed-in"]
    # For other readers it says so; under a new id it goes in once more.
    code, said = call(LAB, *again, "--reader", CENTRE)
    assert (code, "for other readers; to hand it in once more" in said) == (1, True), said
    new = f"again-{cut.partition(' ')[0]}"
    assert call(LAB, *again, "--reader", CENTRE, "--id", new)[0] == 0
    code, said = call(LAB, *again, "--reader", CENTRE)
    assert (code, f"document {new} is there" in said, "other readers" in said) == (1, True, False)


def test_a_machine_of_one_party_need_not_name_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    file, before = tmp_path / "plan.pdf", scene.made.events()
    file.write_bytes(b"a plan of its own")
    monkeypatch.setenv("TOUCHSTONE_HOME", str(scene.made.home(LAB)))
    there = ("--server", scene.server.url, "--trust", scene.made.pinned)
    assert run([*map(str, add(file, "unnamed")), *there]) == 0
    assert scene.made.events() == [*before, "document-handed-in"]


NOTE = ("participation", "set", CASE, "participating", "--source", "Letter of 3 June.", "--yes")


@pytest.mark.parametrize("goes_on", ["cancelled", "sent anew"])
def test_a_document_whose_bytes_are_gone_blocks_no_later_deed(
    scene: Scene, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, goes_on: str
):
    file, before = tmp_path / f"{goes_on}.pdf", scene.made.events()
    file.write_bytes(goes_on.encode())
    id_ = goes_on.replace(" ", "-")
    with monkeypatch.context() as patch:
        # They came, and expired before their deed did, say.
        patch.setattr(HttpServer, "bring_file", lambda *_: None)
        code, said = call(LAB, *add(file, id_))
    (waits,) = json.loads(call(LAB, "deed", "waiting", "--json")[1])
    cancels = f"touchstone deed cancel {waits['deed'][:12]}"
    assert (code, cancels in said, said.count("\n")) == (2, True, 1), said
    # The next deed is not sent before it, and says what is in its way.
    code, said = call(LAB, *NOTE)
    assert (code, cancels in said, said.count("\n")) == (2, True, 1), said
    assert scene.made.events() == before
    if goes_on == "cancelled":
        file.unlink()
        code, said = call(LAB, *cancels.split()[1:])
        assert (code, "will never be recorded" in said) == (0, True), said
        done: list[str] = []
    else:
        # The same command sends the bytes, and after them the deed that waited: done once.
        code, said = call(LAB, *add(file, id_))
        assert (code, "is there already" in said, said.count("\n")) == (1, True, 1), said
        done = ["document-handed-in"]
    assert call(LAB, *NOTE)[0] == 0
    assert scene.made.events() == [*before, *done, "participation-noted"]
    assert call(LAB, "deed", "waiting")[1] == "No deed waits for an answer.\n"


def test_of_a_destroyed_case_no_document_is_left_and_of_others_each(
    scene: Scene, call: Call, tmp_path: Path
):
    """The last test of this file: of the case nothing but proofs is left."""
    file, kept, half = (tmp_path / name for name in ("last.pdf", "kept.pdf", "half.pdf"))
    file.write_bytes(CANARY * 9_000)
    kept.write_bytes(CANARY * 8_000)
    half.write_bytes(DATA + b"half")
    assert call(LAB, *add(file, "last"))[0] == 0
    code, said = call(CENTRE, *add(kept, "kept", OTHER), "--reader", CENTRE)
    assert code == 0, said
    # One more is on its way, and has no deed yet.
    scene.wires[LAB].pieces_left = 1
    assert call(LAB, *add(half, "half"))[0] != 0
    scene.wires[LAB].pieces_left = None
    sealed = [path.read_bytes()[-64:] for path in scene.evidence(CASE)]
    others = [path.read_bytes() for path in scene.evidence(OTHER)]
    assert (len(sealed) > 2, len(others)) == (True, 1)
    assert len(scene.holding(*sealed)) >= len(sealed)
    over = ("--reason", "The agreed time is over.", "--yes")
    assert call(CENTRE, "review", "close", CASE, *over)[0] == 0
    code, said = call(CENTRE, "review", "destroy", CASE, *over, "--out", tmp_path)
    assert code == 0, said
    assert scene.evidence(CASE) == []
    assert scene.holding(CANARY, *sealed) == []
    # Twin: the same look finds what is not destroyed.
    assert [path.read_bytes() for path in scene.evidence(OTHER)] == others
    assert len(scene.holding(others[0][-64:])) == 1

    gone, absent = scene.there(CASE, "last"), scene.there(CASE, "no-such")
    assert (gone.status_code, gone.content) == (absent.status_code, absent.content)
    assert gone.status_code == 409
    code, said = call(LAB, "document", "list", CASE)
    assert (code, "was destroyed" in said, "last" in said) == (0, True, True), said
    code, said = call(LAB, "document", "get", CASE, "last", "--out", tmp_path / "none")
    assert (code, said.count("\n"), (tmp_path / "none").exists()) == (2, 1, False), said
    code, said = call(LAB, *add(file, "after"))
    assert (code == 0, said.count("\n")) == (False, 1), said
    out = tmp_path / "kept.out"
    assert call(CENTRE, "document", "get", OTHER, "kept", "--out", out)[0] == 0
    assert out.read_bytes() == kept.read_bytes()
