"""An installation and its witnesses through the commands: asked, cosigned, verified, and caught."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.june import June, Said
from support.witnesses import NAME, ServedWitness, served_witness, write_witness
from touchstone.service.cases.case_admin import open_found
from touchstone.service.installation import open_installation
from touchstone.service.reporting.edition_files import audiences, issue_editions

OTHER = "witness.example/w2"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    # A witness has no installation: it must not make one.
    return os.environ | {"TOUCHSTONE_HOME": str(tmp_path / "no-home")}


@pytest.fixture
def witness(june: June, environment: dict[str, str], tmp_path: Path) -> Iterator[ServedWitness]:
    vkey = june.call("keys", "show", "--json").json["vkey"]
    with served_witness(tmp_path / "w1", [vkey], environment) as served:
        configure(june, served)
        yield served
    assert not (tmp_path / "no-home").exists()


def configure(june: June, *witnesses: ServedWitness) -> None:
    tables = [
        f'[[witnesses]]\nname = "w{number}"\nurl = "{each.url}"\nvkey = "{each.vkey}"\n'
        for number, each in enumerate(witnesses, start=1)
    ]
    (june.home / "touchstone.toml").write_text("".join(tables), "utf-8")


def status(witness: ServedWitness, june: June) -> Said:
    return june.call("witness", "status", witness.config, "--json")


def doctors_row(june: June) -> Any:
    rows = june.call("doctor", "--json").json
    return next(row for row in rows if row["name"] == "Witness w1")


def release(june: June, scope: str = "internal") -> Said:
    return june.call(
        "release", "announce", june.case, "--scope", scope, "--variant", "final", "--yes"
    )


def editions(june: June, out: Path) -> Path:
    """The centre's bundle, as a review writes it."""
    with open_installation(june.home) as here:
        case = open_found(here, june.case)
        issued = issue_editions(case, out, audiences(case.participants))
    return next(each.bundle for each in issued if each.audience == case.participants.centre)


def policy(folder: Path, june: June, *vkeys: str, least: int) -> Path:
    lines = [f"log {june.call('keys', 'show', '--json').json['vkey']}"]
    lines += [f"witness w{number} {vkey}" for number, vkey in enumerate(vkeys)]
    names = " ".join(f"w{number}" for number in range(len(vkeys)))
    lines += [f"group g {least} {names}", "quorum g", ""]
    (folder / "policy").write_text("\n".join(lines), "utf-8")
    return folder / "policy"


def test_a_cosigned_bundle_meets_a_policy(
    june: June, witness: ServedWitness, environment: dict[str, str], tmp_path: Path
):
    vkey = june.call("keys", "show", "--json").json["vkey"]
    with served_witness(tmp_path / "w2", [vkey], environment, OTHER) as other:
        one = policy(tmp_path, june, witness.vkey, other.vkey, least=1)
        asked = june.call("witness", "ask")
        assert (asked.code, asked.err) == (0, "")
        assert "w1 cosigned" in asked.out
        # The head that was published with the editions is in the checkpoint that was cosigned.
        after = editions(june, tmp_path / "after")
        said = june.call("verify", after, "--policy", one, "--json")
        assert (said.code, said.json["word"], said.json["policy"]) == (0, "authentic", "met")
        assert said.json["not_cosigned_by"] == ["w1"]
        both = policy(tmp_path, june, witness.vkey, other.vkey, least=2)
        assert june.call("verify", after, "--policy", both).out.startswith(
            "authentic, policy not met\n"
        )
        configure(june, witness, other)
        for name in ("w1", "w2"):
            assert june.call("witness", "ask", "--witness", name).code == 0
        last = june.call("verify", editions(june, tmp_path / "both"), "--policy", both)
        assert last.code == 0, last.out
        assert "cosigned by w1 at 20" in last.out
    assert june.call("check").code == 0


def test_a_deed_that_outsiders_should_see_is_cosigned_at_once(june: June, witness: ServedWitness):
    assert doctors_row(june)["fix"] == "touchstone witness ask"
    assert june.call("witness", "ask").code == 0
    assert doctors_row(june)["ok"]
    (before,) = status(witness, june).json["logs"]
    done = release(june)
    assert (done.code, done.err) == (0, "")
    (after,) = status(witness, june).json["logs"]
    assert after["size"] == before["size"] + 1
    # Other deeds wait for the timer.
    assert june.call("review", "halt", june.case, "--reason", "a look at it").code == 0
    assert status(witness, june).json["logs"] == [after]


def test_a_witness_that_is_down_costs_a_line_and_no_deed(
    june: June, witness: ServedWitness, environment: dict[str, str]
):
    witness.process.kill()
    witness.process.wait(30)
    before = june.call("review", "show", june.case, "--json").json["timeline"]
    done = release(june)
    assert (done.code, done.err.count("\n")) == (0, 1)
    assert "witness w1 did not cosign: cannot be reached" in done.err
    assert "again: touchstone witness ask" in done.err
    after = june.call("review", "show", june.case, "--json").json["timeline"]
    assert len(after) == len(before) + 1
    asked = june.call("witness", "ask", "--json")
    assert (asked.code, asked.json["answers"][0]["word"]) == (1, "unreachable")
    vkey = june.call("keys", "show", "--json").json["vkey"]
    with served_witness(witness.folder, [vkey], environment) as again:
        configure(june, again)
        assert june.call("witness", "ask").code == 0


def test_a_rotation_stops_no_witness(june: June, witness: ServedWitness):
    assert june.call("witness", "ask").code == 0
    rotated = june.call("keys", "rotate", "--reason", "yearly")
    assert "touchstone witness serve" in rotated.out
    assert june.call("keys", "show", "--json").json["vkey"] in rotated.out
    assert june.call("witness", "ask").code == 0
    # Over a revocation nobody is followed: its operator says whom to trust.
    keys = june.call("keys", "show", "--json").json["keys"]
    revoked = june.call("keys", "revoke", keys[-1]["fingerprint"], "--reason", "stolen")
    assert revoked.code == 0
    refused = june.call("witness", "ask", "--json")
    assert refused.code == 1
    (answer,) = refused.json["answers"]
    assert answer["word"] == "unknown-key"
    assert june.call("keys", "show", "--json").json["vkey"] in answer["says"]
    assert witness.process.poll() is None


def test_an_installation_that_goes_back_or_forks_is_caught(
    june: June, witness: ServedWitness, tmp_path: Path
):
    """Record and keys are put back together, so that nothing here knows what was signed."""
    assert june.call("witness", "ask").code == 0
    shutil.copytree(june.home, tmp_path / "kept")
    for _ in range(2):
        assert release(june).code == 0
    shutil.rmtree(june.home)
    shutil.copytree(tmp_path / "kept", june.home)
    back = june.call("witness", "ask", "--json")
    assert (back.code, back.json["answers"][0]["word"]) == (1, "ahead")
    for scope in ("partners", "internal", "public"):
        done = release(june, scope)
        assert done.code == 0
        assert "witness w1 did not cosign: has cosigned" in done.err
    forked = june.call("witness", "ask", "--json")
    assert (forked.code, forked.json["answers"][0]["word"]) == (1, "fork")
    seen = status(witness, june)
    assert seen.code == 1 or {each["kind"] for each in seen.json["evidence"]} >= {"unproven"}
    kept = [each for each in seen.json["evidence"] if each["kind"] in {"fork", "unproven"}]
    assert kept
    for each in kept:
        assert each["held"].partition("\n")[0] == each["offered"].partition("\n")[0]
        assert each["held"] != each["offered"]


@pytest.mark.usefixtures("witness")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('url = "ftp://w"', "url"),
        ('url = "http://a:b@w"', "url"),
        ('url = "http://w?x"', "url"),
        ('url = "http://w:99999"', "url"),
        ('vkey = "x"', "vkey"),
        ('name = "A B"', "name"),
        ("more = 1", "more"),
    ],
)
def test_witnesses_that_cannot_be_used_are_one_line(text: str, told: str, june: June):
    key = text.partition(" ")[0]
    file = june.home / "touchstone.toml"
    lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith(key)]
    file.write_text("\n".join([*lines, text, ""]), "utf-8")
    assert told in june.call("witness", "ask").refused(2)
    done = release(june)
    assert done.code == 0, "a deed is not lost for it"
    assert "witnesses were not asked" in done.err


def test_without_witnesses_nothing_is_asked(june: June, tmp_path: Path):
    assert "has no [[witnesses]]; fix: add one" in june.call("witness", "ask").refused(2)
    assert release(june).err == ""
    config = write_witness(tmp_path / "w", [])
    assert "touchstone witness key" in june.call("witness", "status", config).refused(2)
    assert json.loads(june.call("keys", "show", "--json").out)["vkey"].startswith("touchstone/")
    assert NAME not in june.call("keys", "show").out
