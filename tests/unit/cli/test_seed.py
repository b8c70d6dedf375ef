"""`touchstone seed` from parties' own machines, and in the record of the centre's."""

import json
from pathlib import Path

from support.party_homes import Machines
from support.party_server import CASE
from support.small_case import measure, small_case

from .conftest import Command, Sits

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"


def test_both_contribute_by_their_own_keys(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...]
):
    at(LAB)
    said = command("seed", "contribute", CASE, *by_server, "--yes")
    assert "the centre has committed to no seed of battery-1" in said.refused()
    at(CENTRE)
    assert command("seed", "commit", CASE, *by_server, "--yes").code == 0
    size = len(made.events())
    said = command("seed", "commit", CASE, *by_server, "--yes")
    assert (said.code, "seed-committed" in said.err, len(made.events())) == (1, True, size)
    at(LAB)
    assert command("seed", "contribute", CASE, *by_server, "--yes").code == 0
    said = command("seed", "contribute", CASE, *by_server, "--yes")
    assert (said.code, "contribution-stands" in said.err) == (1, True)
    at(AGENCY)
    (row,) = json.loads(command("seed", "show", CASE, *by_server, "--json").out)["seeds"]
    origin = made.here.state(CASE).seeds["battery-1"].origin
    assert (row["origin"], row["sealed"]) == (origin.model_dump(), False)
    assert (
        "both have contributed; it is to be sealed" in command("seed", "show", CASE, *by_server).out
    )


def test_a_seed_is_opened_and_drawn_again(command: Command, home: Path):
    with small_case(home.parent) as case:
        name = case.id
        measure(case)
    shut = command("seed", "check", name, "--as", LAB)
    assert "the seed of battery-1 is not open to example-lab" in shut.refused()
    assert "the centre's" in command("seed", "reveal", name, "--as", LAB).refused()
    assert "no battery 'b' is sealed" in command("seed", "check", name, "--battery", "b").refused()
    whole = command("seed", "reveal", name[:-1], "--as", CENTRE, "--yes")
    assert "this cannot be undone" in whole.refused()
    assert command("seed", "reveal", name, "--as", CENTRE, "--yes").code == 0
    assert "alone, drawn as it sealed. It is revealed" in command("seed", "show", name).out
    said = command("seed", "check", name, "--as", LAB)
    assert said.code == 0
    assert "seed and order are as sealed, and so is each of its" in said.out
    found = json.loads(command("seed", "check", name, "--as", LAB, "--json").out)
    assert found["ran"]
    assert set(found["ran"].values()) == {6}
    assert f"{next(iter(found['ran']))}: 6 of its items ran, each the one" in said.out
    assert [each["lacking"] for each in found["sets"]] == [""] * len(found["sets"])
    agency = command("seed", "check", name, "--as", AGENCY)
    assert "is not open to example-agency" in agency.refused()
