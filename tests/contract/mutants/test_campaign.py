"""The short form of `make mutants`: what is caught is counted, what is missed is found."""

import json
import os
import subprocess
import sys
from pathlib import Path

from support.mutants.__main__ import HERE
from support.mutants.campaign import rooms
from support.mutants.operators import mutants
from support.mutants.reasons import read

ROOT = HERE.parents[2]
PURE = {"ledger", "statistics", "framework", "clearance", "terms", "review"}


def campaign(toy: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "support.mutants",
        "--root",
        str(toy),
        "--plan",
        str(toy / "plan.toml"),
        "--reasons",
        str(toy / "reasons.toml"),
        "--grace",
        "1",
        *more,
    ]
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )


def contents(toy: Path) -> dict[Path, bytes]:
    return {each: each.read_bytes() for each in toy.rglob("*.py")}


def blocks(text: str) -> str:
    """What the campaign offers to paste."""
    found = [each for each in text.split("\n\n") if "[[mutant]]" in each]
    return "\n".join(found)


def one(toy: Path, becomes: str) -> str:
    """The id of the toy's mutant that puts this there."""
    source = (toy / "src/toy/money.py").read_bytes()
    return next(each.id for each in mutants(source, "toy/money.py") if each.becomes == becomes)


def test_what_is_caught_is_counted_and_what_is_missed_is_found(toy: Path):
    before = contents(toy)
    ran = campaign(toy, "--only", "fee", "--count", "0", "--json", str(toy / "found.json"))
    assert contents(toy) == before
    found = {
        (each["mutant"]["was"], each["mutant"]["becomes"]): each["outcome"]
        for each in json.loads((toy / "found.json").read_text("utf-8"))
    }
    assert found["cents > 100", "(cents <= 100)"] == "killed"
    missed = {each for each, outcome in found.items() if outcome == "survived"}
    assert missed == {("cents > 100", "(cents >= 100)"), ("100", "(101)"), ("100", "(99)")}
    assert ran.returncode == 1
    assert "becomes = '(cents >= 100)'" in ran.stdout

    # What one test has cached, or a fixture has made for several, each of them reaches.
    (kept,) = (toy / ".mutants").glob("money-test_money-*.json")
    lines = json.loads(kept.read_text("utf-8"))["lines"]["toy/money.py"]
    reached = {each.split("::")[1] for each in lines["8"]}
    assert {"test_dear", "test_dear_again", "test_middling"} <= reached

    # With its reason a mutant that is missed is none; without one it is, and one that is gone too.
    offered = blocks(ran.stdout)
    (toy / "reasons.toml").write_text(offered, "utf-8")
    ran = campaign(toy)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "no reason" in ran.stderr
    reasoned = offered.replace('reason = ""', 'reason = "nobody pays 100"')
    (toy / "reasons.toml").write_text(reasoned, "utf-8")
    ran = campaign(toy, "--only", one(toy, "(cents >= 100)"))
    assert (ran.returncode, ran.stdout.count("nobody pays 100")) == (0, 1), ran.stderr
    (toy / "reasons.toml").write_text(reasoned.replace("cents > 100:", "cents > 200:"), "utf-8")
    ran = campaign(toy, "--only", one(toy, "left += 1"))
    assert (ran.returncode, ran.stdout.count("for a mutant that is gone")) == (1, 3)
    assert ran.stdout.splitlines()[1].split() == ["money", "1", "0", "1", "0", "0", "0"]


def test_tests_that_fail_without_a_mutant_begin_no_campaign(toy: Path):
    (toy / "tests/money/test_broken.py").write_text("def test_no():\n    assert 0\n", "utf-8")
    ran = campaign(toy)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "its tests fail without a mutant: FAILED tests/money/test_broken.py" in ran.stderr


def test_the_plan_is_of_all_pure_rooms_and_every_reason_still_names_a_mutant():
    plan = rooms(HERE / "rooms.toml")
    assert set(plan) == PURE
    known = set()
    for room in plan.values():
        assert all((ROOT / each).exists() for each in room.tests)
        made = room.mutants(ROOT)
        assert len({each.id for each in made}) == len(made) > 0
        known |= {each.key for each in made}
    assert set(read(HERE / "equivalent.toml")) <= known
