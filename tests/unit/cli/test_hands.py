"""A deed is done here, by a server or in a file: the same entry, by the party's own key."""

import io
import json
import shutil
from typing import Any

import pytest

from support.party_homes import URL, Machines
from support.party_server import CASE
from touchstone.ledger.contract2 import parse_deed_part, parse_statement_envelope

from .conftest import Command, Sits

LAB, CENTRE = "example-lab", "example-centre"
SAYS = ("participation", "set", CASE, "participating", "--source", "Letter of 3 June.")


def entry(made: Machines, n: int) -> tuple[dict[str, Any], str]:
    """What an entry says, and the fingerprint of the key that signed it."""
    parts = made.here.records.case(CASE).entry_parts(n)
    deed = next(p.data for p in parts[1:] if p.data and json.loads(p.data)["kind"] == "deed")
    statement = parse_statement_envelope(parse_deed_part(deed)["envelope"]).statement
    facts = json.loads(parts[0].data or b"")
    words = json.loads(parts[1].data or b"")
    return {**facts, "at": "", "source": words["content"]["text"]}, statement.key


def test_the_same_deed_stands_whichever_hand_did_it(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
):
    at(LAB)
    there = command(*SAYS, *by_server, "--yes", "--json")
    found = [entry(made, json.loads(there.out)["entry"])]

    beside = made.folder / "server" / "keys" / "parties" / LAB
    shutil.copytree(made.home(LAB) / "parties" / LAB, beside)
    beside.parent.chmod(0o700)
    monkeypatch.setenv("TOUCHSTONE_HOME", str(made.folder / "server"))
    here = command(*SAYS, "--as", LAB, "--yes", "--json")
    found.append(entry(made, json.loads(here.out)["entry"]))
    shutil.rmtree(beside)

    assert found[0] == found[1]
    assert found[0][1] == made.key(LAB).fingerprint


def test_what_binds_is_shown_and_nothing_is_signed_unasked(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...]
):
    at(LAB)
    before = len(made.events())
    said = command(*SAYS, *by_server)
    assert said.code == 1
    assert "nothing was signed: this asks on a terminal" in said.err
    assert "States that it is participating under the framework." in said.err
    assert "It says: Letter of 3 June." in said.err
    assert "To be read by example-agency, example-centre." in said.err
    assert len(made.events()) == before


@pytest.mark.parametrize(("typed", "stands"), [("y\n", True), ("n\n", False), ("", False)])
def test_on_a_terminal_it_asks(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    stands: bool,
):
    at(LAB)
    terminal = io.StringIO(typed)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    before = len(made.events())
    said = command(*SAYS, *by_server)
    assert "Sign this as example-lab? [y/N]" in said.err
    assert said.code == (0 if stands else 1)
    assert len(made.events()) == before + stands


def test_what_the_law_refuses_is_neither_signed_nor_sent(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...]
):
    at(LAB)
    before = len(made.server(LAB).sent)
    words = ("inquiry", "answer", CASE, "first", "--answer", "cannot-say", "--reasons", "Why.")
    line = command(*words, *by_server, "--yes").refused(1)
    assert "refused (" in line
    assert "nothing was signed" in line
    assert len(made.server(LAB).sent) == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--trust", "SHA256:" + "0" * 64), "--trust: says whom a server is believed to be"),
        (("--server", "ftp://x"), "is no server's address"),
        (("--server", "http://127.0.0.1:7778"), "is not known here"),
        (("--server", "http://127.0.0.1:7778", "--trust", "abc"), "is no fingerprint"),
        (("--server", URL, "--as", "example-centre"), "has no key of that party"),
        (("--server", URL, "--as", "../x"), "--as: write an id"),
    ],
)
def test_bad_options_write_nothing(
    made: Machines, command: Command, at: Sits, options: tuple[str, ...], told: str
):
    at(LAB)
    before = sorted(made.home(LAB).rglob("*"))
    assert told in command(*SAYS, *options, "--yes").refused(2)
    assert sorted(made.home(LAB).rglob("*")) == before


def test_another_fingerprint_than_the_pinned_one_is_refused(
    command: Command, at: Sits, by_server: tuple[str, ...]
):
    at(LAB)
    assert command(*SAYS, *by_server, "--yes").code == 0
    other = ("--server", URL, "--trust", "SHA256:" + "0" * 64)
    assert "is pinned" in command(*SAYS, *other, "--yes").refused(2)
