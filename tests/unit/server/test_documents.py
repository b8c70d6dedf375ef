"""Documents: sent before their deed, sealed in their case, fetched by who may read them alone."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest
from django.test import Client

from support.party_server import CASE, FRAMEWORK, Begun, Party, begin, begun, opens
from support.small_case import Minutes, small_case
from touchstone.clearance import Marking, tlp
from touchstone.cli.app import run
from touchstone.deeds.cases import document_handed_in
from touchstone.deeds.deed import SentEvidence
from touchstone.errors import TouchstoneError
from touchstone.ledger.errors import UnpromisedError
from touchstone.records.staging import LARGEST
from touchstone.server.accounts.models import RateRow, SensitiveRead
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.errors import NotAuthenticatedError
from touchstone.server.principal import Principal
from touchstone.server.serving import SERVING, Serving
from touchstone.server.settings import set_up_server
from touchstone.service import installation
from touchstone.service.access.documents_handed_in import fetch_document
from touchstone.service.installation import open_installation

LAB, CENTRE, AGENCY, STRANGER = (
    "example-lab",
    "example-centre",
    "example-agency",
    "example-stranger",
)
OTHER = "case-2"
DATA = b"".join(sha256(str(n).encode()).digest() for n in range(80_000))
"""2.5 MB: of several pieces, each sealed by itself."""
DIGEST = f"sha256:{sha256(DATA).hexdigest()}"


def known(authorization: str | None, _now: str) -> Principal:
    party = (authorization or "").removeprefix("Bearer ")
    if party not in {LAB, CENTRE, AGENCY, STRANGER}:
        raise NotAuthenticatedError("no token")
    roles, scopes = frozenset({"lead"}), frozenset({"read", "deeds", "evidence"})
    return Principal(f"p-{party}", party, roles, scopes, party)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Begun]:
    """A case of three parties, in which the lab handed one document in for the centre alone."""
    homes = tmp_path_factory.mktemp("documents")
    set_up_server()
    clock = Minutes()
    with open_installation(homes / "server", clock, apart=True) as here:
        open_accounts(here.home, None)
        _, centre, _ = begin(here, homes)
        opens(centre, FRAMEWORK, OTHER)
        made = begun(here, clock, homes)
        send(made, made.lab, DATA)
        hand_in(made.lab, "plan", DATA, tlp("AMBER+STRICT", LAB, CENTRE))
        yield made


@pytest.fixture
def asks(scene: Begun) -> Callable[..., Any]:
    def ask(party: str, document: str = "plan", case: str = CASE, **headers: str) -> Any:
        client = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
        cast("dict[str, object]", client.defaults)[SERVING] = Serving(scene.here, known)
        RateRow.objects.all().delete()
        given = {"Authorization": f"Bearer {party}", **headers}
        return client.get(f"/v1/cases/{case}/documents/{document}", headers=given)

    return ask


def send(scene: Begun, by: Party, data: bytes, case: str = CASE) -> None:
    digest = f"sha256:{sha256(data).hexdigest()}"
    staging = scene.here.records.staging
    staging.begin(case, by.id, digest, len(data))
    staging.write(case, by.id, digest, 0, data)


def hand_in(
    by: Party, document: str, data: bytes, marking: Marking | None = None, name: str = "plan.pdf"
) -> int:
    digest = f"sha256:{sha256(data).hexdigest()}"
    shown = marking or tlp("AMBER", LAB, CENTRE, AGENCY)
    part = SentEvidence(digest, len(data), "application/pdf", name, shown)
    return by.act(lambda seen: document_handed_in(seen, by.id, document, "safety-plan", part))


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


@pytest.mark.parametrize("party", [LAB, CENTRE])
def test_who_may_read_it_fetches_it_whole(asks: Callable[..., Any], party: str):
    answer = asks(party)
    assert (answer.status_code, body(answer)) == (200, DATA)
    # Never as the page or program that its party says it is.
    assert answer["Content-Type"] == "application/octet-stream"
    assert (answer["Content-Disposition"], answer["Content-Length"]) == (
        "attachment",
        str(len(DATA)),
    )


@pytest.mark.parametrize("start", [0, 1, 65_536, 1 << 20, len(DATA) - 1])
def test_what_was_broken_off_goes_on(asks: Callable[..., Any], start: int):
    answer = asks(LAB, Range=f"bytes={start}-")
    assert (answer.status_code, body(answer)) == (206, DATA[start:])
    assert answer["Content-Range"] == f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"


@pytest.mark.parametrize("asked", ["bytes=-5", "bytes=1-2", "lines=1-", "bytes=-", "bytes=1-,3-"])
def test_a_range_of_another_form_is_not_heeded(asks: Callable[..., Any], asked: str):
    answer = asks(LAB, Range=asked)
    assert (answer.status_code, len(body(answer))) == (200, len(DATA))


def test_denied_is_the_same_as_absent(asks: Callable[..., Any]):
    for party in (AGENCY, STRANGER):
        denied, absent = asks(party), asks(party, "no-such")
        assert (denied.status_code, denied.content) == (absent.status_code, absent.content)
        assert denied.status_code == (409 if party == AGENCY else 404)
        assert dict(denied.headers) == dict(absent.headers)
    # Of a case of others, and of none; and another case does not open this one's.
    strange, none = asks(STRANGER), asks(STRANGER, case="case-of-nobody")
    assert (strange.status_code, strange.content) == (none.status_code, none.content)
    assert asks(CENTRE, case=OTHER).content == asks(CENTRE, "no-such").content


def test_whoever_reads_it_is_written_down(asks: Callable[..., Any]):
    SensitiveRead.objects.all().delete()
    body(asks(CENTRE))
    asks(AGENCY)
    (row,) = SensitiveRead.objects.all()
    told = (row.party, row.route, row.first, row.last)
    assert told[:2] == (CENTRE, "v1/cases/<case>/documents/<name>")
    assert row.first == row.last


def test_a_range_that_gives_nothing_is_no_read(asks: Callable[..., Any]):
    SensitiveRead.objects.all().delete()
    answer = asks(CENTRE, Range=f"bytes={len(DATA)}-")
    assert (answer.status_code, answer.json()["code"]) == (416, "range")
    assert not SensitiveRead.objects.exists()
    # Twin: of one byte it is one.
    assert body(asks(CENTRE, Range=f"bytes={len(DATA) - 1}-")) == DATA[-1:]
    assert SensitiveRead.objects.count() == 1


def test_one_digest_of_two_parties_tells_neither_of_the_other(
    scene: Begun, asks: Callable[..., Any]
):
    # What the lab handed in is not there for the agency, which sends the same by itself.
    with pytest.raises(UnpromisedError, match="send them first"):
        hand_in(scene.agency, "own-plan", DATA)
    assert scene.here.records.staging.look(CASE, AGENCY, DIGEST) is None
    send(scene, scene.agency, DATA)
    # Its deed waits on its machine, and stands once the bytes are there.
    (kept,) = scene.agency.client.unanswered
    scene.agency.client.send(kept.digest)
    assert body(asks(LAB, "own-plan")) == DATA
    assert asks(AGENCY).status_code == 409


def test_an_id_is_used_once(scene: Begun):
    send(scene, scene.centre, b"another")
    with pytest.raises(TouchstoneError, match="take a new id"):
        hand_in(scene.centre, "plan", b"another")


def test_what_is_too_large_is_said_before_it_is_sent(scene: Begun):
    with pytest.raises(TouchstoneError, match="at most"):
        scene.here.records.staging.begin(CASE, LAB, f"sha256:{'0' * 64}", LARGEST + 1)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a\\b", "CON", ".."])
def test_a_name_leads_nowhere(scene: Begun, asks: Callable[..., Any], name: str):
    data = name.encode()
    send(scene, scene.lab, data)
    document = f"named-{sha256(data).hexdigest()[:8]}"
    hand_in(scene.lab, document, data, name=name)
    answer = asks(LAB, document)
    # What it is called is told by the record alone: no header bears it, and no file.
    assert (body(answer), name in str(answer.headers)) == (data, False)
    assert not [each for each in scene.here.home.rglob("*") if each.name == "passwd"]


def test_it_lies_there_sealed(scene: Begun):
    held = [path for path in scene.here.home.rglob("*") if path.is_file()]
    assert held
    assert not any(DATA[:64] in path.read_bytes() for path in held)


def test_a_file_that_was_altered_is_no_document(scene: Begun):
    data = b"to be altered" * 1_000
    send(scene, scene.lab, data)
    before = {path for path in scene.here.home.rglob("*") if path.is_file()}
    hand_in(scene.lab, "altered", data)
    new = {path for path in scene.here.home.rglob("*") if path.is_file()} - before
    (file,) = (path for path in new if path.stat().st_size > len(data))
    sealed = file.read_bytes()
    file.chmod(0o600)
    for bad in (sealed[:-1], sealed[:100] + bytes([sealed[100] ^ 1]) + sealed[101:]):
        file.write_bytes(bad)
        with pytest.raises(TouchstoneError, match="altered"):
            b"".join(fetch_document(scene.here, CASE, LAB, "altered", sight="contents").pieces)
    file.write_bytes(sealed)
    assert (
        b"".join(fetch_document(scene.here, CASE, LAB, "altered", sight="contents").pieces) == data
    )


def test_commands_hand_in_list_and_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    with small_case(tmp_path / "one") as case:
        name = case.id
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "one" / "home"))
    monkeypatch.delenv("TOUCHSTONE_DATABASE", raising=False)
    monkeypatch.setattr(installation, "SystemClock", Minutes)

    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = run(words)
        found = capsys.readouterr()
        return code, found.out + found.err

    file, out = tmp_path / "weights.bin", tmp_path / "fetched.bin"
    file.write_bytes(DATA)
    add = ("document", "add", name, str(file), "--kind", "weights", "--id", "w1")
    assert call(*add)[0] == 2
    by_lab = ("--as", LAB, "--yes")
    assert call(*add, "--reader", CENTRE, *by_lab)[0] == 0
    assert "take a new id" in call(*add, *by_lab)[1]
    assert call(*add, "--to-file", str(tmp_path / "deed"), *by_lab)[0] == 2
    for party, told in ((CENTRE, "w1: weights.bin (weights,"), (AGENCY, "No document of case")):
        code, said = call("document", "list", name, "--as", party)
        assert (code, said.startswith(told)) == (0, True), said
    get = ("document", "get", name, "w1", "--out", str(out), "--as")
    assert call(*get, AGENCY)[0] == 2
    # What was broken off before goes on; what came otherwise is thrown away.
    part = tmp_path / ".fetched.bin.part"
    part.write_bytes(DATA[:1_000_000])
    assert (call(*get, CENTRE)[0], out.read_bytes() == DATA, part.exists()) == (0, True, False)
    assert call(*get, CENTRE)[0] == 2
    out.unlink()
    part.write_bytes(b"x" * 10)
    code, said = call(*get, CENTRE)
    assert (code, "thrown away" in said, out.exists(), part.exists()) == (2, True, False, False)
