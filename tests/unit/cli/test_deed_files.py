"""A deed in a file: drafted where a network is, signed where the key is, sent by anybody."""

import json
import os
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from support.party_homes import SERVER, URL, Machines
from support.party_server import CASE
from touchstone.clearance import tlp
from touchstone.client.deed_file import read_deed_file, write_deed_file
from touchstone.client.party_home import PartyHome
from touchstone.deeds.deed import Deed, Evidence
from touchstone.ledger.contract2 import RecordedAnswer, parse_answer

from .conftest import Command, Sits

AGENCY, LAB = "example-agency", "example-lab"
SAYS = ("participation", "set", CASE, "participating", "--source", "Letter of 3 June.")


@pytest.fixture
def offline(made: Machines, tmp_path: Path) -> Path:
    """The machine of the agency that has its key, and never a network."""
    folder = tmp_path / "offline"
    shutil.copytree(made.home(AGENCY) / "parties" / AGENCY, folder / "parties" / AGENCY)
    for path in (folder, folder / "parties"):
        path.chmod(0o700)
    shutil.rmtree(folder / "parties" / AGENCY / "servers", ignore_errors=True)
    return folder


@pytest.fixture
def online(tmp_path: Path) -> Path:
    """The machine of the agency that has a network, and no key."""
    folder = tmp_path / "online"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def drafted(
    command: Command,
    by_server: tuple[str, ...],
    online: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A file with a deed that nobody has signed."""
    file = tmp_path / "note.deed"
    monkeypatch.setenv("TOUCHSTONE_HOME", str(online))
    said = command(*SAYS, *by_server, "--as", AGENCY, "--to-file", file)
    assert said.code == 0, said.err
    assert f"Next, where the key is: touchstone deed sign {file}" in said.out
    return file


@pytest.fixture
def signed(command: Command, offline: Path, drafted: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, signed on the machine without a network."""
    monkeypatch.setenv("TOUCHSTONE_HOME", str(offline))
    said = command("deed", "sign", drafted, "--yes")
    assert said.code == 0
    # Who signs offline has to be told how the file goes on, and that a server is to be named.
    assert f"touchstone deed send {drafted} --server URL" in said.out
    return drafted


def test_a_file_gives_the_entry_that_a_server_gives(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    signed: Path,
    online: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("TOUCHSTONE_HOME", str(online))
    said = command("deed", "send", signed, *by_server, "--json")
    by_file = made.here.records.case(CASE).events()[json.loads(said.out)["entry"]]
    at(AGENCY)
    said = command(*SAYS, *by_server, "--yes", "--json")
    directly = made.here.records.case(CASE).events()[json.loads(said.out)["entry"]]
    alike = {"at": "", "source": ""}
    assert {**by_file, **alike} == {**directly, **alike}
    assert not list(online.rglob("*.pem"))


def test_an_operator_is_handed_the_file(made: Machines, command: Command, at: Sits, signed: Path):
    at(SERVER)
    before = len(made.events())
    first = command("deed", "send", signed, "--json")
    assert json.loads(first.out) == {"case": CASE, "type": "participation-noted", "entry": before}
    # The same bytes again are the same deed.
    assert command("deed", "send", signed, "--json").out == first.out
    assert len(made.events()) == before + 1


def test_what_binds_is_shown_where_it_is_signed(
    command: Command, offline: Path, drafted: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TOUCHSTONE_HOME", str(offline))
    before = drafted.read_bytes()
    said = command("deed", "sign", drafted)
    assert said.code == 1
    for line in (
        "example-agency signs, in case case-1: Participation noted.",
        "It says: Letter of 3 June.",
        "To be read by example-centre, example-lab.",
        "The case then stands: open.",
        f"What is signed names its log: {read_deed_file(drafted).log.log}, after",
    ):
        assert line in said.err
    assert drafted.read_bytes() == before


def test_another_partys_key_signs_nothing_of_it(
    command: Command, at: Sits, drafted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    at(LAB)
    assert "has no key of that party" in command("deed", "sign", drafted, "--yes").refused()
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "newcomer"))
    assert command("party", "init", AGENCY).code == 0
    line = command("deed", "sign", drafted, "--yes").refused()
    assert "has no key that may sign this for example-agency" in line


def test_a_deed_is_signed_once_and_sent_signed(
    command: Command,
    by_server: tuple[str, ...],
    drafted: Path,
    offline: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    assert "is not signed" in command("deed", "send", drafted, *by_server).refused()
    monkeypatch.setenv("TOUCHSTONE_HOME", str(offline))
    assert command("deed", "sign", drafted, "--yes").code == 0
    assert "is signed already" in command("deed", "sign", drafted, "--yes").refused()


def test_nobody_sends_for_another(
    command: Command, at: Sits, by_server: tuple[str, ...], signed: Path
):
    at(LAB)
    line = command("deed", "send", signed, *by_server, "--as", LAB).refused()
    assert "only example-agency can send it" in line


def test_a_file_is_never_written_over(
    command: Command, at: Sits, by_server: tuple[str, ...], tmp_path: Path
):
    at(LAB)
    file = tmp_path / "mine.txt"
    file.write_text("kept", "utf-8")
    line = command(*SAYS, *by_server, "--to-file", file).refused()
    assert "exists; name a new file" in line
    assert file.read_text("utf-8") == "kept"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("touchstone-deed/1", "touchstone-deed/9"),
        ('"participation-noted"', '"participation-mooted"'),
        ('"form"', '"extra":1,"form"'),
        ('{"kind":"content"', '{"kind":"other"'),
        ('"size":', '"size":"x","sizes":'),
        ('"size":', '"size":-1,"sizes":'),
        ('"root_seen":"', '"root_seen":"zz'),
        ('"topics":{', '"topics":{"clock":3,'),
        ('"topics":{', '"topics":{},"tropics":{'),
        ('"recorded_at":"2', '"recorded_at":"x'),
        ('"value":{', '"value":3,"values":{'),
        ("\n", ""),
    ],
)
def test_a_file_that_holds_no_deed_is_refused_in_one_line(
    command: Command,
    drafted: Path,
    offline: Path,
    old: str,
    new: str,
    monkeypatch: pytest.MonkeyPatch,
):
    text = drafted.read_text("utf-8")
    drafted.write_text(text.replace(old, new), "utf-8")
    assert drafted.read_text("utf-8") != text
    monkeypatch.setenv("TOUCHSTONE_HOME", str(offline))
    assert "note.deed: " in command("deed", "sign", drafted, "--yes").refused()


def test_what_was_changed_after_signing_is_not_what_was_signed(
    made: Machines, command: Command, at: Sits, signed: Path
):
    text = signed.read_text("utf-8")
    signed.write_text(text.replace("Letter of 3 June.", "Letter of 4 July."), "utf-8")
    at(SERVER)
    before = made.events()
    assert command("deed", "send", signed).code != 0
    assert made.events() == before


def test_what_waits_is_listed_sent_again_and_taken_back(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...]
):
    at(LAB)
    server, before = made.server(LAB), len(made.events())
    server.deaf = True
    assert "waits for an answer" in command(*SAYS, *by_server, "--yes").refused(1)
    (row,) = json.loads(command("deed", "waiting", "--json").out)
    assert (row["type"], row["case"], row["server"]) == ("participation-noted", CASE, URL)
    server.deaf = False
    sent = command("deed", "send", row["deed"][:12], "--json")
    assert json.loads(sent.out)["entry"] == before
    assert json.loads(command("deed", "waiting", "--json").out) == []

    server.deaf = True
    assert "waits for an answer" in command(*SAYS, *by_server, "--yes").refused(1)
    (row,) = json.loads(command("deed", "waiting", "--json").out)
    server.deaf = False
    said = command("deed", "cancel", row["deed"][:12])
    assert said.out == f"Deed {row['deed'][:12]} will never be recorded.\n"
    assert len(made.events()) == before + 1


def test_a_deed_that_was_recorded_cannot_be_taken_back(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...]
):
    at(LAB)
    server = made.server(LAB)
    server.mute = True
    command(*SAYS, *by_server, "--yes").refused(1)
    (row,) = json.loads(command("deed", "waiting", "--json").out)
    server.mute = False
    line = command("deed", "cancel", row["deed"][:12]).refused(1)
    assert f"stands: entry {len(made.events()) - 1}" in line


def test_the_answers_that_came_are_written_to_files(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...], tmp_path: Path
):
    at(LAB)
    assert command(*SAYS, *by_server, "--yes").code == 0
    out = tmp_path / "receipts"
    said = command("deed", "receipts", CASE, "--out", out, "--json")
    files = [Path(each) for each in json.loads(said.out)["files"]]
    assert sorted(files) == sorted(out.iterdir())
    newest = parse_answer(files[-1].read_bytes().strip())
    newest.verify(made.here.keyring.history.current)
    assert isinstance(newest.answer, RecordedAnswer)
    assert newest.answer.n == len(made.events()) - 1
    assert f" written to {out}" in command("deed", "receipts", CASE, "--out", out).out
    for none in ("", "no-such-case"):
        line = command("deed", "receipts", none, "--out", tmp_path / "none").refused()
        assert "has had no answer" in line
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("what", ["", "abc", "0" * 12, "no-such-file"])
def test_what_is_neither_a_file_nor_waits(command: Command, at: Sits, what: str):
    at(LAB)
    line = command("deed", "cancel", what).refused()
    assert "no file is called so, and no deed that waits begins so" in line


def test_evidence_is_named_by_its_digest_where_it_is_signed(
    command: Command,
    made: Machines,
    offline: Path,
    at: Sits,
    by_server: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    plan, file = tmp_path / "plan.pdf", tmp_path / "declared.deed"
    plan.write_bytes(b"what the lab holds in its hands")
    at(LAB)
    declares = ("evidence", "declare", CASE, "employment-effects", plan, "--shows", "not-met")
    typed = (*declares, "--media-type", "application/pdf", *by_server, "--to-file", file)
    assert command(*typed).code == 0
    shutil.copytree(made.home(LAB) / "parties" / LAB, offline / "parties" / LAB)
    monkeypatch.setenv("TOUCHSTONE_HOME", str(offline))
    said = command("deed", "sign", file)
    digest = sha256(plan.read_bytes()).hexdigest()
    assert said.code == 1
    (line,) = [line for line in said.err.splitlines() if digest in line and "called" in line]
    assert "application/pdf, called plan.pdf" in line


def test_evidence_goes_with_the_file(tmp_path: Path, drafted: Path):
    data = bytes(range(256)) * 4_000
    found = read_deed_file(drafted)
    part = Evidence(data, "text/plain", "a.txt", tlp("RED", AGENCY))
    other = replace(found, deed=Deed(found.deed.event, (*found.deed.attachments, part)))
    write_deed_file(tmp_path / "other.deed", other)
    assert read_deed_file(tmp_path / "other.deed") == other


# ------------------------------------------------------------------ what brings a key


def carried(
    command: Command, file: Path, offline: Path, send: tuple[str, ...], patch: pytest.MonkeyPatch
) -> int:
    """Have a drafted deed signed where the key is, and sent from where the network is."""
    online = Path(os.environ["TOUCHSTONE_HOME"])
    patch.setenv("TOUCHSTONE_HOME", str(offline))
    signed = command("deed", "sign", file, "--yes")
    assert signed.code == 0, signed.err
    patch.setenv("TOUCHSTONE_HOME", str(online))
    sent = command("deed", "send", file, *send, "--json")
    assert sent.code == 0, sent.err
    n: int = json.loads(sent.out)["entry"]
    return n


def keyed_machine(folder: Path, command: Command, party: str, patch: pytest.MonkeyPatch) -> Path:
    """A machine that has a party's new keys, and no network."""
    patch.setenv("TOUCHSTONE_HOME", str(folder))
    assert command("party", "init", party).code == 0
    return folder


def test_a_case_is_opened_by_a_file_and_its_keys_never_meet_the_network(
    made: Machines,
    command: Command,
    by_server: tuple[str, ...],
    online: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    safe = keyed_machine(tmp_path / "safe", command, "example-centre", monkeypatch)
    key = PartyHome.open(safe, "example-centre")
    brings = ("--key", key.signer().public_key.hex(), "--next", key.following().fingerprint)
    file = tmp_path / "opening.deed"
    monkeypatch.setenv("TOUCHSTONE_HOME", str(online))
    opens = ("case", "open", "example", "--developer", LAB, "--id", "by-file")
    chosen = ("--access", "endpoint", "--reasoning", "full", "--as", "example-centre")
    said = command(*opens, *chosen, *brings, *by_server, "--to-file", file)
    assert said.code == 0, said.err
    assert "by-file" not in made.here.records.names()
    assert "The case is to be by-file.\nOnce it is recorded: touchstone party invite by-file" in (
        said.out
    )
    as_centre = (*by_server, "--as", "example-centre")
    assert carried(command, file, safe, as_centre, monkeypatch) == 0
    state = made.here.state("by-file")
    assert state.parties["example-centre"].key == key.signer().public_key.hex()
    assert not list(online.rglob("*.pem"))
    # The same case is not opened twice, by whichever file.
    again = command(*opens, *chosen, *brings, *by_server, "--to-file", tmp_path / "again.deed")
    assert again.code == 0, again.err
    monkeypatch.setenv("TOUCHSTONE_HOME", str(safe))
    assert command("deed", "sign", tmp_path / "again.deed", "--yes").code == 0
    monkeypatch.setenv("TOUCHSTONE_HOME", str(online))
    assert command("deed", "send", tmp_path / "again.deed", *as_centre).code != 0
    assert made.here.state("by-file").size == 1


def test_a_key_is_replaced_by_files_case_by_case(
    made: Machines,
    command: Command,
    by_server: tuple[str, ...],
    online: Path,
    offline: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    old = made.here.state(CASE).parties[AGENCY]
    monkeypatch.setenv("TOUCHSTONE_HOME", str(online))
    file, rotate = tmp_path / "rotation.deed", ("party", "rotate", "--as", AGENCY)
    drafted = (*rotate, *by_server, "--to-file", file)
    assert "name one with --case" in command(*drafted).refused()
    assert "touchstone party successor prints" in command(*drafted, "--case", CASE).refused()
    assert "--case: goes with --to-file" in command(*rotate, *by_server, "--case", CASE).refused()
    stolen = ("--key", "ab" * 32, "--next", "SHA256:" + "cd" * 32)
    announced = command(*drafted, "--case", CASE, *stolen).refused()
    assert f"{AGENCY} announced {old.next}" in announced
    assert not file.exists()

    monkeypatch.setenv("TOUCHSTONE_HOME", str(offline))
    assert "nothing was changed" in command("party", "successor").err
    new = json.loads(command("party", "successor", "--yes", "--json").out)
    monkeypatch.setenv("TOUCHSTONE_HOME", str(online))
    brings = ("--key", new["key"], "--next", new["next"])
    assert command(*drafted, "--case", CASE, *brings).code == 0
    n = carried(command, file, offline, (*by_server, "--as", AGENCY), monkeypatch)
    assert made.here.records.case(CASE).events()[n]["type"] == "party-key-rotated"
    assert made.here.state(CASE).parties[AGENCY].key == new["key"]
    assert made.here.state(CASE).parties[AGENCY].next == new["next"]
