"""Packs in a review: a hostile one beside an honest one and a family, and one that changed."""

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.endpoint import Endpoint, completion, serve
from support.packaged import configure
from support.packs import CAPITALS, HOSTILE, register_here
from support.reviews import KEY, write_submission
from support.small_review import arguments, write_framework
from touchstone.clearance import party_audience
from touchstone.cli.app import run
from touchstone.evaluation.packs.private_file import read_header, seal_pack
from touchstone.evaluation.packs.registering import (
    RegisteredPack,
    register_sealed,
)
from touchstone.keys import SystemRandom
from touchstone.keys.age_files import write_identity
from touchstone.review.audience_view import read_entries
from touchstone.service.configuration import families_of
from touchstone.service.errors import ConfigurationError
from touchstone.service.installation import open_installation

pytestmark = [pytest.mark.needs_sandbox, pytest.mark.needs_compiler, pytest.mark.timeout(280)]

SECRET = "the-key-of-this-test-0123456789"
WORDS = ("probe", "silent", "banana", "dict", "list", "nan", "raise", "self", "vendor")
GAINED = "explanation=str({name: what for name, what in found.items() if what})"
"""So that what it reached stands in its outcome, where a reader of the record meets it."""
NAMED = '[families]\npacks = ["capitals", "hostile-task"]\n'


def hostile(home: Path, folder: Path, port: int) -> RegisteredPack:
    place = {
        "key": SECRET[:-6],
        "home": str(home),
        "journal": str(home / "touchstone.toml"),
        "port": port,
        "parent": os.getpid(),
        "other": "Capital of France?",
    }
    said = json.dumps(place).replace('":', '" =')
    return register_here(
        home,
        folder,
        [{"input": word} for word in WORDS],
        code=HOSTILE.replace('metadata={"gained": found}', GAINED),
        function="hostile_task",
        scorer="hostile",
        task=f"arguments = {{ place = {said} }}",
    )


def framework_of(folder: Path) -> Path:
    """One criterion for a family, and two that name packs."""
    path = write_framework(folder)
    head, *criteria = path.read_text("utf-8").split("[[criteria]]")
    (numeric,) = [each for each in criteria if 'kind = "numeric"' in each]
    named = [numeric.replace("payment-logic", name) for name in ("capitals", "hostile-task")]
    path.write_text("[[criteria]]".join([head, *named, *criteria]), "utf-8")
    return path


@dataclass(frozen=True)
class Reviewed:
    """What a review left."""

    report: str
    endpoint: Endpoint
    home: Path
    outcomes: dict[str, list[dict[str, Any]]]
    """By criterion."""
    sealed: dict[str, Any]


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reviewed]:
    folder = tmp_path_factory.mktemp("review")
    home = folder / "home"
    configure(home, NAMED)
    framework = framework_of(folder)
    with (
        pytest.MonkeyPatch.context() as patch,
        socket.create_server(("127.0.0.1", 0)) as listener,
        serve(lambda *_: completion("Rome")) as endpoint,
    ):
        patch.setenv("TOUCHSTONE_HOME", str(home))
        patch.setenv(KEY, SECRET)
        # The honest one as a centre gets it: sealed, and opened by a key that lies elsewhere.
        _sealed_for(
            home,
            folder / "key",
            register_here(folder / "authors", folder / "honest", list(CAPITALS)),
        )
        patch.setenv("TOUCHSTONE_PACK_KEYS", str(folder / "key" / "centre.key"))
        hostile(home, folder / "hostile", listener.getsockname()[1])
        submission = write_submission(folder, endpoint.url, framework="small")
        more = ("--items", str(len(WORDS)), "--json", "--accept-no-tools")
        # 1: of the hostile pack too little was measured for a verdict.
        assert run([str(word) for word in arguments(submission, framework, *more)]) == 1
        outcomes, sealed = _recorded(home)
        report = (folder / "out" / "report-example-centre.html").read_text("utf-8")
        yield Reviewed(report, endpoint, home, outcomes, sealed)


def _sealed_for(home: Path, keys: Path, pack: RegisteredPack) -> None:
    recipient = write_identity(keys / "centre.key").recipient
    data, _ = seal_pack(pack, [recipient], None, SystemRandom())
    register_sealed(data, read_header(data, "it"), home)


def _recorded(home: Path) -> tuple[dict[str, list[dict[str, Any]]], dict[str, Any]]:
    outcomes: dict[str, list[dict[str, Any]]] = {}
    sealed: dict[str, Any] = {}
    with open_installation(home) as installation:
        (listing,) = installation.records.cases()
        reader = installation.records.case(listing.case)
        for entry in read_entries(reader, party_audience("example-centre")):
            if entry.kind == "battery-sealed":
                sealed = (entry.content("registered") or {})["battery"]
            if entry.kind == "outcomes-recorded" and (details := entry.content("details")):
                name = entry.event.facts()["criterion"]
                outcomes.setdefault(name, []).extend(details["outcomes"])
    return outcomes, sealed


def test_each_set_has_its_own_outcomes_and_says_whose_they_are(reviewed: Reviewed):
    told = reviewed.outcomes
    results = {name: sorted(each["result"] for each in of) for name, of in told.items()}
    assert results["capitals"] == ["solved", "unsolved", "unsolved"]
    assert len(results["hostile-task"]) == len(WORDS) == len(results["payment-logic"])
    assert "solved" not in results["payment-logic"]
    for part in reviewed.sealed["sets"]:
        (mark,) = {json.dumps(each["pack"]) for each in told[part["id"]]}
        assert json.loads(mark) == part.get("pack")
        made_by = "touchstone" if mark == "null" else f"pack:{part['id']}"
        assert part["made_by"]["distribution"] == made_by
        committed = {each["commitment"] for each in told[part["id"]]}
        assert committed == {*part["commitments"]}
        # By which each transcript is found in the engine's log, a pack's as a family's.
        assert len({each["uuid"] for each in told[part["id"]]} - {""}) == len(committed)


def test_a_hostile_pack_reaches_no_outcome_but_its_own(reviewed: Reviewed):
    (solved,) = [e for e in reviewed.outcomes["hostile-task"] if e["result"] == "solved"]
    # Only its relay answers, and that with refusals.
    assert solved["reason"] == "{'relay': '[False, False, False]'}"
    keys = {each["Authorization"] for each in reviewed.endpoint.headers}
    assert keys == {f"Bearer {SECRET}"}


def test_a_pack_that_came_sealed_ran_and_lies_nowhere_in_the_clear(reviewed: Reviewed):
    assert [path.name for path in (reviewed.home / "packs").glob("capitals*")] == [
        "capitals.sealed"
    ]
    for path in reviewed.home.rglob("*"):
        # Logs are packed: while a chunk runs they lie in its folder, and go with it.
        assert path.suffix != ".eval", path
        assert not path.is_file() or b"Capital of Spain?" not in path.read_bytes(), path


def test_what_is_no_score_is_an_error_of_the_instrument_and_never_a_0(reviewed: Reviewed):
    told = [each for each in reviewed.outcomes["hostile-task"] if each["result"] != "solved"]
    assert len(told) == len(WORDS) - 1
    said = {(each["result"], each["cause"], each["score"]) for each in told}
    assert said == {("lost-instrument", "judge", "not-measured")}
    reasons = " ".join(each["reason"] for each in told)
    for word in ("'banana'", "(dict)", "(list)", "nan", "as it likes", "graded itself"):
        assert word in reasons


def test_the_report_says_whose_finding_it_is(reviewed: Reviewed):
    for part in reviewed.sealed["sets"]:
        if pack := part.get("pack"):
            assert pack["digest"] in reviewed.report
    assert reviewed.report.count("a finding by the developer, run by the centre") >= 2
    # Beside its result, too, and not among the conditions alone.
    assert "By a pack: a finding by the developer, run by the centre" in reviewed.report


def test_a_pack_that_is_not_registered_is_refused_by_name(tmp_path: Path):
    configure(tmp_path / "home", '[families]\npacks = ["capitals"]\n')
    with pytest.raises(ConfigurationError, match="no pack 'capitals' is registered here"):
        families_of(tmp_path / "home")


def test_doctor_says_whose_each_named_pack_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    home = tmp_path / "home"
    configure(home, '[families]\nshipped = ["payment-logic"]\npacks = ["capitals", "other"]\n')
    pack = register_here(home, tmp_path / "honest", list(CAPITALS))
    monkeypatch.setenv("TOUCHSTONE_HOME", str(home))
    run(["doctor", "--json"])
    said = capsys.readouterr()
    assert said.out, said.err
    rows = {row["name"]: row for row in json.loads(said.out)}
    found = rows["Pack capitals"]
    assert (found["ok"], found["found"]) == (True, f"1 of Example Lab, 3 items, {pack.digest}")
    assert "no pack 'other' is registered here" in rows["Pack other"]["fix"]
