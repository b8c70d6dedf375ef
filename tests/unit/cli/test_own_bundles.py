"""A developer answers directives and signs bundles on its own machine, by a server or in a file."""

import json
from importlib import resources
from pathlib import Path

import pytest

from support.june import Gateway
from support.party_homes import Machines
from support.party_server import CASE
from touchstone.service.access.bundles import bundle_name
from touchstone.terms import Pin, accept_bundle, position

from .conftest import Command, Sits

LAB, AGENCY = "example-lab", "example-agency"
FILES = ("terms.toml", "entities.toml", "order.toml", "narrowly.toml")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The texts of the invented terms, and an empty folder for bundles."""
    folder = tmp_path_factory.mktemp("texts")
    for name in FILES:
        said = resources.files("touchstone.demo.access").joinpath(name).read_text("utf-8")
        (folder / name).write_text(said, "utf-8")
    return folder


def test_terms_and_an_order_reach_gateways_by_the_developers_own_key(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...], files: Path
):
    def does(party: str, *words: object) -> dict[str, object]:
        at(party)
        said = command(*map(str, words), *by_server, "--yes", "--json")
        assert said.code == 0, (words, said.err)
        found: dict[str, object] = json.loads(said.out)
        return found

    out, entities = files / "bundles", ("--entities", files / "entities.toml")
    at(LAB)
    early = command("terms", "bundle", CASE, "--out", str(out), *by_server, "--yes")
    assert "terms" in early.refused(early.code)
    does(LAB, "terms", "offer", CASE, files / "terms.toml")
    does(AGENCY, "terms", "agree", CASE)
    first = does(LAB, "terms", "bundle", CASE, "--out", out, *entities, "--stream", "gateways")
    pin = Pin(bytes.fromhex(str(first["key"])), "gateways")
    assert first["key"] == made.key(LAB).public_key.hex()
    one = accept_bundle((out / bundle_name(1)).read_bytes(), pin, None)
    # What would say the same is signed by nobody.
    size = len(made.events())
    again = does(LAB, "terms", "bundle", CASE, "--out", out)
    assert (again["number"], len(made.events())) == (1, size)

    does(AGENCY, "directive", "issue", CASE, files / "order.toml")
    answer = ("directive", "answer", CASE, "1", "--narrowly", str(files / "narrowly.toml"))
    at(LAB)
    # Who belongs where is in the newest bundle, which no server sends back.
    lacking = command(*answer, *by_server, "--yes")
    assert "bundle 1 in the record is not in the folder" in lacking.refused()
    reads = does(LAB, *answer, "--out", out)
    assert reads["type"] == "directive-answered"
    at(LAB)
    # The answer alone puts nothing in force: who asks is told that no gateway has it.
    state = json.loads(command("directive", "status", CASE, *by_server, "--json").out)
    assert [each["in_force"] for each in state["directives"]] == [False]

    # The second bundle goes by a file, and is laid once it stands.
    file = files / "bundle.deed"
    typed = ("terms", "bundle", CASE, "--out", str(out))
    said = command(*typed, *by_server, "--to-file", str(file))
    assert said.code == 0, said.err
    assert not (out / bundle_name(2)).exists()
    assert command("deed", "sign", str(file), "--yes").code == 0
    assert command("deed", "send", str(file), *by_server).code == 0
    laid = does(LAB, *typed)
    assert (laid["number"], len(laid["directives"])) == (2, 1)  # type: ignore[arg-type]  # JSON
    two = accept_bundle((out / bundle_name(2)).read_bytes(), pin, position(one))
    assert list(two.directives)

    # A gateway's receipts go into the record by the developer's key; a second time none is new.
    gateway = Gateway(files / "gateway", pin)
    for number in (1, 2):
        gateway.take((out / bundle_name(number)).read_bytes(), 1_798_000_000_000 + number)
    asked = ("directive", "status", CASE, "--gateway", gateway.option, "--record")
    assert (
        "2 receipts are to be noted"
        in command(*asked, *by_server, "--to-file", str(files / "receipt.deed")).refused()
    )
    noted = does(LAB, *asked)
    assert (noted["noted"], noted["silent"]) == (2, False)
    assert does(LAB, *asked)["noted"] == 0
    assert made.events()[-2:] == ["receipt-noted", "receipt-noted"]


def test_a_developer_goes_back_to_an_older_bundle_by_its_own_key(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...], files: Path
):
    """After the test above, whose two bundles lie in the folder."""
    out = files / "bundles"
    by, laid = (*by_server, "--yes", "--json"), ("--out", str(out))
    at(LAB)
    back, before = ("terms", "rollback", CASE), made.events()
    # Of one that is not there nothing is signed, nor by another than the developer.
    none = command(*back, "7", *laid, *by)
    assert "7" in none.refused(none.code)
    at(AGENCY)
    other = command(*back, "1", *laid, *by)
    assert f"the developer of this case is {LAB}" in other.refused(other.code)
    assert made.events() == before
    at(LAB)
    found = json.loads(command(*back, "1", *laid, *by).out)
    assert found["number"] == 3
    pin = Pin(made.key(LAB).public_key, "gateways")
    one = accept_bundle((out / bundle_name(1)).read_bytes(), pin, None)
    two = accept_bundle((out / bundle_name(2)).read_bytes(), pin, position(one))
    three = accept_bundle((out / bundle_name(3)).read_bytes(), pin, position(two))
    assert (bool(two.directives), bool(three.directives)) == (True, False)
    assert made.events() == [*before, "bundle-published"]
    # By a file it is signed elsewhere, and is laid by nobody before it stands.
    file = files / "back.deed"
    assert command(*back, "1", *laid, *by_server, "--to-file", str(file)).code == 0
    assert not (out / bundle_name(4)).exists()
    assert command("deed", "sign", str(file), "--yes").code == 0
    assert command("deed", "send", str(file), *by_server).code == 0
    assert made.events() == [*before, "bundle-published", "bundle-published"]


def test_what_only_the_record_of_this_machine_has_is_said(
    command: Command, at: Sits, by_server: tuple[str, ...], tmp_path: Path
):
    at(LAB)
    file = ("--to-file", str(tmp_path / "status.deed"))
    asked = command("directive", "status", CASE, *by_server, *file)
    assert "--to-file: a question is no deed: add --record" in asked.refused()
