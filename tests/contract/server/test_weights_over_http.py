"""Sets of weights by the commands of parties' machines, against one real server on loopback."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from support.live_server import Doorkeeper, LiveServer, live
from support.party_homes import Machines, machines
from support.party_server import CASE
from support.small_case import SUBMISSION
from support.wired_parties import Call, caller, wired
from touchstone.cli.app import run
from touchstone.client.http_server import HttpServer
from touchstone.ledger import digest_bytes, dumps
from touchstone.server.accounts.preparing import open_accounts

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"
CANARY = b"canary-3c1e-of-weights"
LARGE = CANARY + b"".join(sha256(str(n).encode()).digest() for n in range(5_000))
PIECE = 64 << 10
"""160 kB are of three pieces."""


class Wire(httpx.BaseTransport):
    """The network: what was sent, and cut after so many pieces."""

    def __init__(self) -> None:
        self._carries = httpx.HTTPTransport()
        self.pieces_left: int | None = None
        self.deeds_left: int | None = None
        self.sent: list[tuple[str, str]] = []
        self.fetched: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            if self.pieces_left == 0:
                raise httpx.ReadError("the connection was cut")
            self.pieces_left = None if self.pieces_left is None else self.pieces_left - 1
            digest = request.url.path.rpartition("/")[2]
            self.sent.append((digest, request.headers["Content-Range"].partition("/")[0]))
        if request.url.path.endswith("/deeds"):
            if self.deeds_left == 0:
                raise httpx.ReadError("the connection was cut")
            self.deeds_left = None if self.deeds_left is None else self.deeds_left - 1
        if "/documents/" in request.url.path:
            self.fetched.append(request.url.path.rpartition("/")[2])
        return self._carries.handle_request(request)

    def close(self) -> None:
        self._carries.close()


@dataclass
class Scene:
    """The parties' machines, the one server, and the wire of each party to it."""

    made: Machines
    server: LiveServer
    wires: dict[str, Wire]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with ExitStack() as stack:
        made = stack.enter_context(machines(tmp_path_factory.mktemp("weights")))
        open_accounts(made.here.home, None)
        server = stack.enter_context(live(made.here, Doorkeeper()))
        found = Scene(made, server, {})
        found.wires.update({party: Wire() for party in (LAB, CENTRE, AGENCY)})
        stack.enter_context(wired(made, server, found.wires, PIECE))
        yield found


@pytest.fixture
def call(scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command on a party's machine: its exit code, and what it says."""
    return caller(scene.made, scene.server, monkeypatch, capsys)


def weights(tmp_path: Path, salt: bytes = b"") -> Path:
    folder = tmp_path / "model"
    (folder / "shards").mkdir(parents=True)
    (folder / "config.json").write_bytes(b'{"of":"example-model-3"}' + salt)
    (folder / "shards" / "1.bin").write_bytes(LARGE + salt)
    (folder / "shards" / "2.bin").write_bytes(LARGE[::-1] + salt)
    # The same bytes twice: one document, and two files where it is fetched.
    (folder / "shards" / "3.bin").write_bytes(LARGE[::-1] + salt)
    return folder


def named(folder: Path, capsys: pytest.CaptureFixture[str], out: Path) -> str:
    """The digest of a set, as the lab's machine says it, with its manifest written."""
    capsys.readouterr()
    assert run(["weights", "manifest", str(folder), "--out", str(out), "--json"]) == 0
    digest: str = json.loads(capsys.readouterr().out)["digest"]
    assert digest == digest_bytes(out.read_bytes())
    return digest


def listed(call: Call) -> dict[str, tuple[str, str]]:
    """The kind and the digest of each document that the centre may have, by its drawn id."""
    documents = json.loads(call(CENTRE, "document", "list", CASE, "--json")[1])["documents"]
    return {each["document"]: (each["kind"], each["digest"]) for each in documents}


def submission(tmp_path: Path, digest: str) -> Path:
    path = tmp_path / "SUBMISSION.toml"
    text = SUBMISSION.format(framework="example")
    text = text.replace(
        '[[variants]]\nid = "final"', f'[[variants]]\nid = "final"\nweights = "{digest}"'
    )
    path.write_text(text, "utf-8")
    return path


def test_a_set_is_handed_in_named_by_a_submission_and_fetched_whole(
    scene: Scene, call: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    folder, manifest, wire = weights(tmp_path), tmp_path / "weights.json", scene.wires[LAB]
    digest, before = named(folder, capsys, manifest), scene.made.events()
    add = ("weights", "add", CASE, folder, "--manifest", manifest, "--reader", CENTRE, "--yes")
    handed_in = ("submission", "hand-in", CASE, submission(tmp_path, digest), "--yes")
    code, said = call(LAB, *handed_in)
    assert (code, "weights-not-there" in said, digest in said) == (1, True, True), said
    assert scene.made.events() == before

    wire.pieces_left = 3
    code, said = call(LAB, *add)
    assert (code == 0, "the server does not answer" in said, said.count("\n")) == (False, True, 1)
    wire.pieces_left = None
    wire.sent.clear()
    code, said = call(LAB, *add)
    assert (code, f'weights = "{digest}"' in said) == (0, True), said
    # It goes on: the file that was there is not sent again, and the broken one from its middle.
    large = digest_bytes(LARGE)
    assert digest_bytes(b'{"of":"example-model-3"}') not in {each for each, _ in wire.sent}
    assert [span for each, span in wire.sent if each == large] == [
        f"bytes 0-{PIECE - 1}",
        f"bytes {2 * PIECE}-{len(LARGE) - 1}",
    ]
    assert scene.made.events() == [*before, *["document-handed-in"] * 4]
    # Again, nothing is sent and nothing recorded.
    wire.sent.clear()
    assert call(LAB, *add)[0] == 0
    assert (wire.sent, len(scene.made.events())) == ([], len(before) + 4)

    # What it binds is shown before it is signed, and in the record after.
    code, said = call(LAB, *handed_in[:-1])
    assert (code == 0, digest in said) == (False, True), said
    code, said = call(LAB, *handed_in)
    assert (code, f"with weights: final {digest}" in said) == (0, True), said
    *_, bound = scene.made.here.records.case(CASE).events()
    assert (bound["type"], bound["variants"][0]["weights"]) == ("submission-received", digest)

    out = tmp_path / "fetched"
    code, said = call(CENTRE, "weights", "get", CASE, digest, "--out", out)
    assert code == 0, said
    assert {
        str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()
    } == {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    # Whoever may not read it is told what is told of a set that is not there.
    of_none = f"sha256:{'0' * 64}"
    told = [
        call(AGENCY, "weights", "get", CASE, each, "--out", out.with_name("a"))
        for each in (digest, of_none)
    ]
    assert told[0] == told[1]
    assert (told[0][0], "no manifest of weights" in told[0][1]) == (2, True), told
    # In the clear it lies nowhere on the server's disk.
    files = [path for path in scene.made.home("server").rglob("*") if path.is_file()]
    assert [path for path in files if CANARY in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda at: (at / "shards" / "1.bin").write_bytes(LARGE[:-1] + b"x"), "has changed"),
        (lambda at: (at / "shards" / "4.bin").write_bytes(b"x"), "was added"),
        (lambda at: (at / "config.json").unlink(), "is missing"),
        (lambda at: (at / ".git").mkdir(), "hidden by its name"),
    ],
)
def test_a_folder_that_changed_since_its_manifest_is_refused_and_nothing_sent(
    scene: Scene,
    call: Call,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    change: Callable[[Path], object],
    said: str,
):
    folder, manifest = weights(tmp_path, b"changed"), tmp_path / "weights.json"
    named(folder, capsys, manifest)
    before = scene.made.events()
    change(folder)
    scene.wires[LAB].sent.clear()
    code, told = call(LAB, "weights", "add", CASE, folder, "--manifest", manifest, "--yes")
    assert (code, said in told, told.count("\n")) == (2, True, 1), told
    assert (scene.wires[LAB].sent, scene.made.events()) == ([], before)


def test_a_file_that_changes_while_the_set_is_handed_in_is_refused(
    scene: Scene,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    folder, before = weights(tmp_path, b"meanwhile"), scene.made.events()
    bring = HttpServer.bring_file

    def changes(self: HttpServer, case: str, path: Path) -> None:
        bring(self, case, path)
        (folder / "shards" / "2.bin").write_bytes(b"other")
        (folder / "shards" / "3.bin").write_bytes(b"other")

    monkeypatch.setattr(HttpServer, "bring_file", changes)
    code, said = call(LAB, "weights", "add", CASE, folder, "--yes")
    assert (code, "has changed since" in said, said.count("\n")) == (2, True, 1), said
    # Of the set there is no manifest, so that no submission names it.
    kinds = [each.get("kind") for each in scene.made.here.records.case(CASE).events()]
    assert kinds[len(before) :] == ["weights", "weights"]


def test_a_manifest_that_leads_outside_writes_nothing_where_it_is_fetched(
    call: Call, tmp_path: Path
):
    inner = tmp_path / "inner"
    inner.mkdir()
    file, hostile = tmp_path / "a.bin", tmp_path / "hostile.json"
    file.write_bytes(b"outside")
    entry = {"path": "../outside.bin", "size": 7, "sha256": sha256(b"outside").hexdigest()}
    hostile.write_bytes(dumps({"format": "touchstone/weights/1", "files": [entry]}))
    for path, kind in ((file, "weights"), (hostile, "weights-manifest")):
        assert call(LAB, "document", "add", CASE, path, "--kind", kind, "--yes")[0] == 0
    digest = digest_bytes(hostile.read_bytes())
    code, said = call(CENTRE, "weights", "get", CASE, digest, "--out", inner / "got")
    assert (code, "leads elsewhere" in said, said.count("\n")) == (2, True, 1), said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bin", "hostile.json", "inner"]
    assert [*inner.iterdir()] == []


def test_what_is_larger_than_any_manifest_is_not_fetched_for_one(
    scene: Scene, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    large = tmp_path / "large.json"
    large.write_bytes(b"as large as a document may be")
    assert call(LAB, "document", "add", CASE, large, "--kind", "weights-manifest", "--yes")[0] == 0
    monkeypatch.setattr("touchstone.evaluation.weights.MOST_MANIFEST", 10)
    scene.wires[CENTRE].fetched.clear()
    digest = digest_bytes(large.read_bytes())
    code, said = call(CENTRE, "weights", "get", CASE, digest, "--out", tmp_path / "got")
    assert (code, "no manifest of weights" in said, said.count("\n")) == (2, True, 1), said
    assert scene.wires[CENTRE].fetched == []


def test_a_manifest_in_its_own_folder_would_be_of_the_set_and_is_not_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    folder = weights(tmp_path)
    capsys.readouterr()
    out = folder / "shards" / ".." / "manifest.json"
    code = run(["weights", "manifest", str(folder), "--out", str(out)])
    said = capsys.readouterr().err
    assert (code, "lies in the folder" in said, said.count("\n")) == (2, True, 1), said
    assert sorted(each.name for each in folder.iterdir()) == ["config.json", "shards"]


def test_what_lies_beside_the_files_of_a_set_is_not_taken_for_one(
    scene: Scene, call: Call, tmp_path: Path
):
    folder, out = weights(tmp_path, b"beside"), tmp_path / "got"
    code, said = call(LAB, "weights", "add", CASE, folder, "--yes", "--json")
    digest = json.loads(said)["digest"]
    part = tmp_path / ".got.part"
    part.mkdir()
    (part / "more.bin").write_bytes(b"x")
    # Half of one came before.
    (part / "config.json").write_bytes((folder / "config.json").read_bytes()[:5])
    get = ("weights", "get", CASE, digest, "--out", out)
    code, said = call(CENTRE, *get)
    assert (code, "not of the set" in said, out.exists()) == (2, True, False), said
    (part / "more.bin").unlink()
    # What is whole is not fetched again.
    scene.wires[CENTRE].fetched.clear()
    code, said = call(CENTRE, *get)
    assert (code, out.is_dir(), part.exists()) == (0, True, False), said
    kinds = listed(call)
    fetched = [kinds[each] for each in scene.wires[CENTRE].fetched]
    assert fetched == [("weights-manifest", digest)]


def test_no_other_party_keeps_a_set_from_being_handed_in_and_fetched(
    scene: Scene, call: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    folder, manifest, junk = weights(tmp_path, b"blocked"), tmp_path / "m.json", tmp_path / "junk"
    digest = named(folder, capsys, manifest)
    junk.write_bytes(b"junk")
    # The ids that these had when they were made of digests are taken, and the manifest is there.
    squats = [f"weights-manifest-{digest[7:31]}", f"weights-{digest_bytes(LARGE)[7:31]}"]
    tries = [(junk, "note", id_) for id_ in squats] + [(manifest, "weights-manifest", "x1")]
    for file, kind, id_ in tries:
        code, said = call(
            AGENCY, "document", "add", CASE, file, "--kind", kind, "--id", id_, "--yes"
        )
        assert code == 0, said
    # The other's alone is no set: it is told as one that is not there.
    get = ("weights", "get", CASE, digest, "--out", tmp_path / "got")
    code, said = call(CENTRE, *get)
    assert (code, "no manifest of weights" in said, said.count("\n")) == (2, True, 1), said
    code, said = call(LAB, "weights", "add", CASE, folder, "--reader", CENTRE, "--yes")
    assert code == 0, said
    code, said = call(CENTRE, *get)
    assert (code, (tmp_path / "got" / "shards" / "1.bin").read_bytes()) == (0, LARGE + b"blocked")
    # And who hands in a whole set, of which no submission could be, is told so beforehand.
    before = scene.made.events()
    code, said = call(AGENCY, "weights", "add", CASE, folder, "--yes")
    assert (code, "not the developer" in said, said.count("\n")) == (2, True, 1), said
    assert scene.made.events() == before


def test_a_set_is_handed_in_anew_for_other_readers_and_never_twice_for_the_same(
    scene: Scene, call: Call, tmp_path: Path
):
    folder, wire = weights(tmp_path, b"readers"), scene.wires[LAB]
    # The same bytes as another document are no file of a set.
    config = ("document", "add", CASE, folder / "config.json", "--kind", "memo", "--yes")
    assert call(LAB, *config, "--reader", AGENCY)[0] == 0
    before = len(scene.made.events())
    add = ("weights", "add", CASE, folder, "--yes", "--json", "--reader", AGENCY)
    # The second deed is signed, and waits here: with the same command it is sent as it is.
    wire.deeds_left = 1
    code, said = call(LAB, *add)
    assert (code == 0, "waits for an answer" in said) == (False, True), said
    wire.deeds_left = None
    code, said = call(LAB, *add)
    assert (code, len(scene.made.events())) == (0, before + 4), said
    get = ("weights", "get", CASE, json.loads(said)["digest"], "--out", tmp_path / "got")
    assert call(CENTRE, *get)[0] == 2
    code, said = call(LAB, *add, "--reader", CENTRE)
    assert (code, "4 of these were there for other readers" in said) == (0, True), said
    assert len(scene.made.events()) == before + 8
    # However the readers are ordered, these are there now.
    both = (*add[:-2], "--reader", CENTRE, "--reader", AGENCY)
    code, said = call(LAB, *both)
    assert (code, "other readers" in said, len(scene.made.events())) == (0, False, before + 8), said
    code, said = call(CENTRE, *get)
    assert code == 0, said


class _OneMore(httpx.SyncByteStream):
    """What a server answers, and a byte."""

    def __init__(self, honest: httpx.Response) -> None:
        self._honest = honest

    def __iter__(self) -> Iterator[bytes]:
        yield self._honest.read() + b"x"

    def close(self) -> None:
        self._honest.close()


def test_a_server_that_sends_more_than_a_set_has_fills_no_disk(
    scene: Scene, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    folder, out = weights(tmp_path, b"more"), tmp_path / "got"
    code, said = call(LAB, "weights", "add", CASE, folder, "--yes", "--json")
    digest, wire = json.loads(said)["digest"], scene.wires[CENTRE]
    honest, kinds = wire.handle_request, listed(call)

    def lies(request: httpx.Request) -> httpx.Response:
        answer = honest(request)
        if kinds.get(request.url.path.rpartition("/")[2], ("", ""))[0] != "weights":
            return answer
        # Each file a byte too long.
        return httpx.Response(206, stream=_OneMore(answer))

    with monkeypatch.context() as patch:
        patch.setattr(wire, "handle_request", lies)
        code, said = call(CENTRE, "weights", "get", CASE, digest, "--out", out)
    assert (code == 0, "the server is at fault: it sends more" in said) == (False, True), said
    assert (said.count("\n"), out.exists()) == (1, False)
    kept = [path.stat().st_size for path in (tmp_path / ".got.part").rglob("*") if path.is_file()]
    assert kept == [0]


def test_other_bytes_than_a_deed_names_are_thrown_away_and_fetched_again(
    scene: Scene, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    folder, out = weights(tmp_path, b"other"), tmp_path / "got"
    _, said = call(LAB, "weights", "add", CASE, folder, "--yes", "--json")
    digest, wire = json.loads(said)["digest"], scene.wires[CENTRE]
    honest, kinds = wire.handle_request, listed(call)

    def lies(request: httpx.Request) -> httpx.Response:
        answer = honest(request)
        if kinds.get(request.url.path.rpartition("/")[2], ("", ""))[0] != "weights":
            return answer
        # As many bytes, and not these.
        told = bytes(byte ^ 1 for byte in answer.read())
        stream = httpx.ByteStream(told)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=stream)

    with monkeypatch.context() as patch:
        patch.setattr(wire, "handle_request", lies)
        code, said = call(CENTRE, "weights", "get", CASE, digest, "--out", out)
    assert (code, said.count("\n"), out.exists()) == (2, 1, False), said
    assert "what came is not what its deed names, and was thrown away" in said
    part = tmp_path / ".got.part"
    assert [path for path in part.rglob("*") if path.is_file()] == []
    code, said = call(CENTRE, "weights", "get", CASE, digest, "--out", out)
    assert code == 0, said
    assert (out / "shards" / "1.bin").read_bytes() == (folder / "shards" / "1.bin").read_bytes()


def test_of_a_destroyed_case_no_file_of_a_set_is_left(scene: Scene, call: Call, tmp_path: Path):
    """The last test of this file: of the case nothing but proofs is left."""
    home = scene.made.home("server")

    def sealed() -> list[Path]:
        found = (path for path in home.rglob("*") if path.is_file() and CASE in path.parts)
        return [path for path in found if path.stat().st_size > len(LARGE)]

    folder = weights(tmp_path, b"destroyed")
    code, said = call(LAB, "weights", "add", CASE, folder, "--yes", "--json")
    digest = json.loads(said)["digest"]
    assert len(sealed()) >= 2
    over = ("--reason", "The agreed time is over.", "--yes")
    assert call(CENTRE, "review", "close", CASE, *over)[0] == 0
    code, said = call(CENTRE, "review", "destroy", CASE, *over, "--out", tmp_path)
    assert (code, sealed()) == (0, []), said
    code, said = call(CENTRE, "weights", "get", CASE, digest, "--out", tmp_path / "gone")
    assert (code, said.count("\n"), (tmp_path / "gone").exists()) == (2, 1, False), said
