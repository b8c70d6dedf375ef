"""The commands of a party's machine against a real server on loopback, which holds no key of it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest

from support.claims import some_claim
from support.live_server import Doorkeeper, Told, live
from support.party_homes import Machines, machines
from support.party_server import CASE
from touchstone.clearance import party_audience
from touchstone.cli import connecting
from touchstone.cli.app import run
from touchstone.client.acting import Client
from touchstone.client.errors import WrongInstallationError
from touchstone.client.http_server import HttpServer
from touchstone.review.audience_view import entry_for
from touchstone.server.accounts.preparing import open_accounts

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"
Call = Callable[..., tuple[int, str, str]]
NOTE = ("participation", "set", CASE, "participating", "--source", "Letter of 3 June.")
ANSWER = ("inquiry", "answer", CASE, "first", "--answer", "cannot-say", "--reasons", "Too early.")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with machines(tmp_path_factory.mktemp("hands")) as found:
        open_accounts(found.here.home, None)
        yield found


@pytest.fixture
def call(
    made: Machines, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Call]:
    """Run a command on the lab's machine, by a token that it was given."""
    with machine_of(LAB, made, monkeypatch, capsys) as called:
        yield called


@contextmanager
def machine_of(
    party: str,
    made: Machines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Call]:
    """Runs commands on a party's machine, by a token that it was given."""
    monkeypatch.setenv("TOUCHSTONE_HOME", str(made.home(party)))
    monkeypatch.delenv("TOUCHSTONE_DATABASE", raising=False)
    doorkeeper = Doorkeeper()
    token = doorkeeper.lets_in(party)
    with live(made.here, doorkeeper) as server, HttpServer(server.url, Told(token)) as talks:
        monkeypatch.setattr(connecting, "connect", lambda *_: talks)

        def called(*words: str | Path) -> tuple[int, str, str]:
            there = ("--server", server.url, "--trust", made.pinned)
            code = run([*map(str, words), *there])
            said = capsys.readouterr()
            return code, said.out, said.err

        yield called


def test_a_deed_a_file_and_an_act_in_all_cases(made: Machines, call: Call, tmp_path: Path):
    code, out, err = call(*NOTE, "--yes", "--json")
    assert code == 0, err
    assert json.loads(out)["entry"] == len(made.events()) - 1

    file = tmp_path / "note.deed"
    assert call(*NOTE, "--to-file", file)[0] == 0
    assert run(["deed", "sign", str(file), "--yes"]) == 0
    code, out, err = call("deed", "send", file, "--json")
    assert code == 0, err
    # After what signing said.
    assert json.loads(out[out.index("{") :])["entry"] == len(made.events()) - 1

    admit = (
        "party",
        "signers",
        "admit",
        some_claim(LAB),
        "--label",
        "desk",
        "--kind",
        "review-halted",
    )
    code, out, err = call(*admit, "--yes", "--json")
    assert code == 0, err
    assert list(json.loads(out)["entries"]) == [CASE]


def test_what_is_next_is_told_of_cases_that_the_server_lists(made: Machines, call: Call):
    del made
    code, out, err = call("next", "--json")
    assert code == 0, err
    assert {row["case"] for row in json.loads(out)} == {CASE}


def test_what_is_refused_says_its_code_and_is_not_recorded(made: Machines, call: Call):
    before = made.events()
    code, out, err = call(*ANSWER, "--yes")
    assert (code, out) == (1, "")
    assert "refused (" in err
    assert made.events() == before


def test_a_key_is_piped_in_and_told_of_by_no_command(
    made: Machines, call: Call, monkeypatch: pytest.MonkeyPatch
):
    name, value = "EXAMPLE_LAB_KEY", "sk-canary-a81f"
    keys = ("submission", "endpoint-key")
    assert "No key was handed in" in call(*keys, "show", CASE)[1]
    monkeypatch.setattr("sys.stdin", StringIO(f"{value}\n"))
    code, out, err = call(*keys, "set", CASE, name, "--json")
    assert code == 0, err
    (told,) = json.loads(out)["keys"]
    assert (told["name"], told["revoked"], set(told)) == (
        name,
        False,
        {"name", "at", "by", "revoked"},
    )
    stored = made.here.records.endpoint_keys
    handed = stored.get(CASE, name)
    assert handed is not None
    assert handed.value == value
    shown = call(*keys, "show", CASE)
    assert f"{name}: handed in" in shown[1]
    assert value not in out + err + "".join(map(str, shown))
    on_disk = [path for path in made.home(LAB).rglob("*") if path.is_file()]
    assert not any(value.encode() in path.read_bytes() for path in on_disk)
    assert f"{name}: revoked" in call(*keys, "revoke", CASE, name)[1]
    handed = stored.get(CASE, name)
    assert handed is not None
    assert handed.revoked
    for words, typed in ((("set", CASE, name), "\n"), (("set", CASE, name), "x" * 9000)):
        monkeypatch.setattr("sys.stdin", StringIO(typed))
        code, _, err = call(*keys, *words)
        assert (code, "no key was given" in err) == (2, True)
    code, _, err = call(*keys, "revoke", CASE, "OTHER_KEY")
    assert (code, "no key of that name" in err) == (2, True)
    assert stored.get(CASE, name) == handed
    assert run([*keys, "show", CASE, "--as", LAB]) == 2


def test_no_key_is_sent_to_an_installation_that_is_not_the_pinned_one(
    made: Machines, call: Call, monkeypatch: pytest.MonkeyPatch
):
    typed = StringIO("sk-canary\n")
    monkeypatch.setattr("sys.stdin", typed)
    monkeypatch.setattr(Client, "greet", _another)
    code, _, err = call("submission", "endpoint-key", "set", CASE, "PINNED_KEY")
    assert (code, "another" in err) == (2, True)
    # It was not even asked for.
    assert typed.tell() == 0
    assert made.here.records.endpoint_keys.get(CASE, "PINNED_KEY") is None


def _another(_: Client) -> None:
    raise WrongInstallationError("another installation answers")


def test_a_seed_comes_of_two_machines_and_neither_sees_the_other_s_bytes(
    made: Machines, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    with machine_of(CENTRE, made, monkeypatch, capsys) as call:
        assert call("seed", "commit", CASE, "--yes")[0] == 0
    with machine_of(LAB, made, monkeypatch, capsys) as call:
        assert call("seed", "contribute", CASE, "--yes")[0] == 0
        code, _, err = call("seed", "contribute", CASE, "--yes")
        assert (code, "contribution-stands" in err) == (1, True)
    with machine_of(CENTRE, made, monkeypatch, capsys) as call:
        # Once it can read the answer, it is too late for another commitment.
        code, _, err = call("seed", "commit", CASE, "--yes")
        assert (code, "seed-committed" in err) == (1, True)
        code, out, _ = call("seed", "show", CASE, "--json")
    (row,) = json.loads(out)["seeds"]
    given = made.here.state(CASE).seeds["battery-1"]
    assert row["origin"] == given.origin.model_dump()
    readers = {
        event["type"]: _readers(made, n)
        for n, event in enumerate(made.here.records.case(CASE).events())
        if event["type"] in {"seed-committed", "seed-contributed"}
    }
    assert readers == {"seed-committed": {CENTRE}, "seed-contributed": {LAB, CENTRE}}


def _readers(made: Machines, n: int) -> set[str]:
    """Who of the parties reads what was contributed in an entry."""
    reader = made.here.records.case(CASE)
    return {
        party
        for party in (LAB, CENTRE, AGENCY)
        if entry_for(reader, n, party_audience(party)).content("contribution") is not None
    }


def test_a_centre_issues_and_destroys_and_its_server_carries_that_out(
    made: Machines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
):
    """The last test of this file: of the case nothing but proofs is left."""
    with machine_of(CENTRE, made, monkeypatch, capsys) as call:
        code, _, err = call("review", "issue", CASE, "--audience", AGENCY, "--yes")
        assert code == 0, err
        code, _, err = call("review", "issue", CASE, "--audience", "a-stranger", "--yes")
        assert (code, "the case has no audience of that name" in err) == (2, True)
        over = ("--reason", "The agreed time is over.", "--yes")
        assert call("review", "close", CASE, *over)[0] == 0
        code, _, err = call("review", "destroy", CASE, *over, "--out", tmp_path)
        assert code == 0, err
        code, _, err = call("review", "issue", CASE, "--audience", AGENCY, "--yes")
        assert (code, "destroyed" in err) == (2, True)
    assert made.here.records.case(CASE).destroyed
    (path,) = tmp_path.iterdir()
    kept = made.here.records.destructions.certificate(CASE)
    assert path.read_text("utf-8").strip() == kept
