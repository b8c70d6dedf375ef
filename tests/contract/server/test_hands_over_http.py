"""The commands of a party's machine against a real server on loopback, which holds no key of it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.live_server import Doorkeeper, Told, live
from support.party_homes import Machines, machines
from support.party_server import CASE
from touchstone.cli import connecting
from touchstone.cli.app import run
from touchstone.client.http_server import HttpServer
from touchstone.server.accounts.preparing import open_accounts

LAB = "example-lab"
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
    monkeypatch.setenv("TOUCHSTONE_HOME", str(made.home(LAB)))
    monkeypatch.delenv("TOUCHSTONE_DATABASE", raising=False)
    doorkeeper = Doorkeeper()
    token = doorkeeper.lets_in(LAB)
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

    admit = ("party", "signers", "admit", "ab" * 32, "--label", "desk", "--kind", "review-halted")
    code, out, err = call(*admit, "--yes", "--json")
    assert code == 0, err
    assert list(json.loads(out)["entries"]) == [CASE]


def test_what_is_refused_says_its_code_and_is_not_recorded(made: Machines, call: Call):
    before = made.events()
    code, out, err = call(*ANSWER, "--yes")
    assert (code, out) == (1, "")
    assert "refused (" in err
    assert made.events() == before
