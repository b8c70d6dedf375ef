"""A party leaves, and guests and invitations are taken back, by commands from own machines."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.party_homes import Machines, machines
from support.party_server import CASE, Roles

from .conftest import Command, Said, Sits

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"
AUDITOR, READER = "example-auditor", "example-reader"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    more: Roles = ((AUDITOR, "auditor"), (READER, "auditor"))
    with machines(tmp_path_factory.mktemp("leaving"), more) as found:
        yield found


def test_an_invitation_is_taken_back_without_a_word_and_a_guest_with_one(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...]
):
    at(CENTRE)
    invite = ("party", "invite", CASE, "example-guest", "--role", "auditor")
    assert command(*invite, *by_server, "--yes").code == 0
    assert command("party", "remove", CASE, "example-guest", *by_server, "--yes").code == 0
    assert made.events()[-1] == "party-uninvited"
    typed = ("party", "remove", CASE, READER)
    assert "--reason: write one line that says why" in command(*typed, *by_server).refused()
    shown = command(*typed, "--reason", "Its work is done.", *by_server)
    assert "To be read by every party of the case" in shown.err
    assert "It says: Its work is done." in shown.err
    assert command(*typed, "--reason", "Its work is done.", *by_server, "--yes").code == 0
    assert made.here.state(CASE).left[READER].by == CENTRE


def test_who_may_not_be_removed_is_said_before_anything_is_signed(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...]
):
    size = len(made.events())

    def refused(party: str, *words: str) -> Said:
        at(party)
        said = command("party", *words, *by_server, "--yes")
        assert (said.code, len(made.events())) == (1, size)
        return said

    why = ("--reason", "Too slow.")
    assert "agency-of-framework" in refused(CENTRE, "remove", CASE, AGENCY, *why).err
    assert "role-not-removed" in refused(CENTRE, "remove", CASE, LAB, *why).err
    assert "guest-of-another" in refused(LAB, "remove", CASE, AUDITOR, *why).err
    assert "not-your-role" in refused(LAB, "leave", CASE).err


def test_a_party_leaves_by_a_file_and_does_nothing_more(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...], tmp_path: Path
):
    at(AUDITOR)
    file = tmp_path / "leaving.deed"
    # Once the case is followed, its beginning does elsewhere.
    assert command("clock", "show", CASE, *by_server).code == 0
    begins = command("party", "leave", CASE[:-1], *by_server, "--to-file", file).refused()
    assert f"CASE: this cannot be undone: write the whole id, {CASE}" in begins
    assert not file.exists()
    assert command("party", "leave", CASE, *by_server, "--to-file", file).code == 0
    assert command("deed", "sign", file, "--yes").code == 0
    # An exit is not too old because others went on.
    at(LAB)
    says = ("participation", "set", CASE, "participating", "--source", "Our letter.")
    assert command(*says, *by_server, "--yes").code == 0
    at(AUDITOR)
    assert command("deed", "send", file, *by_server).code == 0
    assert made.here.state(CASE).left[AUDITOR].by == AUDITOR
    said = command(*says, *by_server, "--yes")
    assert (said.code, "has-left" in said.err) == (1, True)
    rows = json.loads(command("next", *by_server, "--json").out)
    assert rows == []
    # Its own machine goes on following what it had, and finds nothing amiss.
    assert command("clock", "show", CASE, *by_server).code == 0
