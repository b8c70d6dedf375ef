"""A person whom a server let in for a party reads by a token: no key of the party is there."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.every_command import arguments, commands
from support.party_homes import URL, Machines
from support.party_server import CASE
from touchstone.clearance import tlp
from touchstone.cli.app import app
from touchstone.deeds.cases import participation_noted, party_invited

from .conftest import Command

CENTRE = "example-centre"
ELSEWHERE = {
    ("accounts", "invite"),
    ("accounts", "code"),
    ("accounts", "list"),
    ("accounts", "roles"),
    ("accounts", "remove"),
    ("accounts", "acts"),
    ("submission", "endpoint-key", "set"),
    ("submission", "endpoint-key", "revoke"),
    ("submission", "endpoint-key", "show"),
    ("deed", "send"),
    ("deed", "waiting"),
    ("deed", "receipts"),
    ("deed", "cancel"),
    ("document", "get"),
    ("weights", "get"),
    ("case", "export"),
    ("reads", "show"),
    ("doctor",),
    ("party", "show"),
    ("seed", "check"),
    *(("oversight", each) for each in ("list", "show")),
    *(("transcripts", each) for each in ("list", "show", "export", "view")),
}
"""What asks a server for no case's entries, or shows keys that are here: each has its own tests."""


def _readings() -> Iterator[tuple[str, ...]]:
    """Every command that may ask a server and signs nothing: by its options, so a new one too."""
    for words, command in commands(app):
        names = {name for each in arguments(command) for name in each.names}
        if "--server" in names and "--to-file" not in names and words not in ELSEWHERE:
            yield words


READINGS = tuple(_readings())
NAMED_BY_OPTION = {("party", "signers", "show")}


@pytest.fixture
def keyless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine of a person who reads for the centre."""
    folder = tmp_path / "reader"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("TOUCHSTONE_HOME", str(folder))
    return folder


def test_what_is_looked_at_is_a_list_that_is_not_empty():
    assert {("clock", "show"), ("designation", "show"), ("document", "list")} <= {*READINGS}


@pytest.mark.parametrize("words", READINGS, ids=" ".join)
def test_it_is_shown_what_the_party_is_shown(
    made: Machines,
    command: Command,
    keyless: Path,
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
):
    case: tuple[str, ...] = ("--case", CASE) if words in NAMED_BY_OPTION else (CASE,)
    if words == ("review", "list"):
        case = ()
    typed = (*words, *case, "--server", URL, "--trust", made.pinned, "--as", CENTRE, "--json")
    own = command(*typed)
    assert not list(keyless.rglob("*.pem"))
    monkeypatch.setenv("TOUCHSTONE_HOME", str(made.home(CENTRE)))
    assert (own.code, own.out) == ((with_key := command(*typed)).code, with_key.out), own.err
    assert own.code == 0, own.err


def test_where_one_institution_let_somebody_in_it_need_not_be_named(
    made: Machines, command: Command, keyless: Path
):
    typed = ("clock", "show", CASE, "--server", URL, "--trust", made.pinned, "--json")
    assert "--as: name the party" in command(*typed).refused()
    assert command(*typed, "--as", CENTRE).code == 0
    assert (keyless / "parties" / CENTRE).is_dir()
    assert command(*typed).code == 0


def test_a_deed_still_needs_the_key(made: Machines, command: Command, keyless: Path):
    del keyless
    at = ("--server", URL, "--trust", made.pinned, "--as", CENTRE, "--yes")
    before = made.events()
    assert "has no key" in command("clock", "lay", CASE, *at).refused()
    assert made.events() == before


def test_a_case_is_shown_with_every_entry_as_its_party_reads_it(
    made: Machines, command: Command, keyless: Path, monkeypatch: pytest.MonkeyPatch
):
    """Also that there are some which it may not read: none is left out in silence."""
    size = len(made.events())
    private = tlp("RED", CENTRE)
    hand = next(party for party in made.parties if party.id == CENTRE)
    hand.act(lambda seen: participation_noted(seen, CENTRE, "declined", "A call.", private))
    by, n = ("--server", URL, "--trust", made.pinned, "--json"), size
    for party, open_to_it in ((CENTRE, True), ("example-agency", False)):
        shown = json.loads(command("review", "show", CASE, *by, "--as", party).out)
        assert [row["n"] for row in shown["timeline"]] == [*range(size + 1)]
        assert ("not open to you" in shown["timeline"][n]["text"]) != open_to_it
        assert shown["timeline"][n]["actor"] == (CENTRE if open_to_it else "")
    # What the centre reads by a server is what it reads where the record is.
    monkeypatch.setenv("TOUCHSTONE_HOME", str(made.home("server")))
    here = json.loads(command("review", "show", CASE, "--json").out)
    monkeypatch.setenv("TOUCHSTONE_HOME", str(keyless))
    there = json.loads(command("review", "show", CASE, *by, "--as", CENTRE).out)
    assert here == there
    (row,) = json.loads(command("review", "list", *by, "--as", CENTRE).out)
    assert (row["case"], row["status"]) == (CASE, here["status"])


def test_of_a_case_that_a_party_was_invited_to_it_is_told_to_join(
    made: Machines, command: Command, keyless: Path
):
    del keyless
    hand = next(party for party in made.parties if party.id == CENTRE)
    hand.act(lambda seen: party_invited(seen, CENTRE, "outside-lab", "independent-evaluator"))
    at = ("--server", URL, "--trust", made.pinned, "--as", "outside-lab")
    told = command("review", "show", CASE, *at).refused()
    assert (
        f"nothing of {CASE} is open to outside-lab before it joins: touchstone party join" in told
    )
    assert "invited: join to read it" in command("review", "list", *at).out
