"""What is next, by command: a table, JSON, and a calendar that programs can read."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import icalendar
import pytest
from rich.console import Console

from support import shared
from support.party_homes import Machines, machines
from support.party_server import CASE, Roles
from support.small_case import measure, settle, small_case
from touchstone.cli import next_deeds
from touchstone.deeds.designation import finding_disputed, outside_finding_signed
from touchstone.editions.next_text import next_rows
from touchstone.service.reporting.feed import entries_since
from touchstone.service.reporting.next_here import next_in_case

from .conftest import Command, Sits

LAB, EVALUATOR = "example-lab", "example-evaluator"


def _settled(folder: Path) -> None:
    with small_case(folder) as case:
        measure(case)
        settle(case)


@pytest.fixture(scope="session")
def settled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same that tests of the service look at, made once."""
    return shared.made_once("settled", _settled, tmp_path_factory.mktemp("settled"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """As elsewhere, with an evaluator from outside beside the three."""
    more: Roles = ((EVALUATOR, "independent-evaluator"),)
    with machines(tmp_path_factory.mktemp("machines"), more) as found:
        yield found


@pytest.fixture
def home(settled_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(settled_home, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TOUCHSTONE_DATABASE", raising=False)
    return tmp_path / "home"


def test_what_is_next_is_a_table(command: Command):
    said = command("next", "--as", "example-treasury")
    assert said.code == 0
    assert "waits for you" in said.out
    assert "Concur with proposal 1 (covered frontier model), or dissent." in said.out
    assert "awaited" in said.out
    assert "example-lab" not in said.out


def test_a_narrow_terminal_is_told_in_lines(command: Command, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(next_deeds, "screen", lambda: Console(width=80))
    lines = command("next", "--as", "example-treasury").out.splitlines()
    first = "example-treasury, waits for you: Concur with proposal 1 (covered frontier model)"
    assert lines[0] == f"{first}, or dissent."
    assert lines[1].startswith("    case ")
    assert any(line.endswith(", for example-treasury") for line in lines)


# What calculates, measures, decides by terms, answers or asks over HTTP, and judges: nothing of it
# tells what is next, and each is slow to load.
NOT_LOADED = (
    "cedarpy",
    "cryptography.x509",
    "django.core.mail",
    "django.http",
    "granian",
    "httpx",
    "icalendar",
    "inspect_ai",
    "ninja",
    "numpy",
    "scipy",
    "touchstone.bench",
    "touchstone.client",
    "touchstone.demo",
    "touchstone.editions.page",
    "touchstone.evaluation",
    "touchstone.gateway",
    "touchstone.planning",
    "touchstone.server",
    "touchstone.statistics.verdicts",
    "touchstone.terms.bundle.policy_bundle",
    "touchstone.terms.document",
    "touchstone.terms.policy",
    "touchstone.verdicts.fixed_verdicts",
    "touchstone.witness",
    "z3",
)
COLD = """
import gc
import sys
from touchstone.cli import main
try:
    main(["next", "--json"])
except SystemExit:
    from pydantic.plugin._loader import _plugins
    print(_plugins, gc.get_freeze_count() > 0, *sys.modules, file=sys.stderr)
"""


def test_a_cold_start_loads_what_it_needs_and_no_more(home: Path):
    """In a process of its own: what other tests loaded would be there already."""
    environment = os.environ | {"TOUCHSTONE_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", COLD], capture_output=True, text=True, check=True, env=environment
    )
    assert json.loads(done.stdout)
    plugins, frozen, *loaded = done.stderr.splitlines()[-1].split(" ")
    # Nobody looked for plugins of Pydantic's: they would see what parties hand in.
    assert plugins == "None"
    # Nor looks anybody through all of it for cycles once it is to go.
    assert frozen == "True"
    assert "touchstone.service.reporting.next_here" in loaded
    assert {*NOT_LOADED} & {*loaded} == set()


def test_programs_read_the_same(command: Command):
    rows = json.loads(command("next", "--json").out)
    assert {row["party"] for row in rows} > {"example-lab", "example-treasury"}
    (own,) = [row for row in rows if row["by"] == row["party"] == "example-treasury"]
    assert own["deeds"] == ["designation-concurred", "designation-dissented"]
    assert own["about"] == {"designation": "covered", "proposal": 1}
    assert (own["stance"], own["due_at"]) == ("must", None)
    one = json.loads(command("next", own["case"][:8], "--as", "example-treasury", "--json").out)
    assert one == [row for row in rows if row["party"] == "example-treasury"]


def test_a_calendar_has_each_end_once(command: Command, tmp_path: Path):
    command("next", "--ics", tmp_path / "next.ics")
    data = (tmp_path / "next.ics").read_bytes()
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    events = icalendar.Calendar.from_ical(data).walk("VEVENT")
    assert len({str(event["UID"]) for event in events}) == len(events) == 5
    release = next(event for event in events if "Announce" in str(event["SUMMARY"]))
    assert str(release["SUMMARY"]) == "example-lab: Announce the release to the public."
    assert release["DTSTART"].to_ical() == b"20270105T235959Z"
    assert "Until 2027-01-05 23:59 Europe/London" in str(release["DESCRIPTION"])
    command("next", "--as", "example-lab", "--ics", tmp_path / "again.ics")
    again = icalendar.Calendar.from_ical((tmp_path / "again.ics").read_bytes())
    assert {str(event["UID"]) for event in again.walk("VEVENT")} == {
        str(event["UID"]) for event in events
    }


def test_nothing_is_next_for_a_stranger(command: Command):
    said = command("next", "--as", "a-stranger")
    assert (said.code, said.out) == (0, "Nothing is next for a-stranger.\n")
    assert command("next", "--as", "a-stranger", "--json").out == "[]\n"


def test_bad_input_is_refused_in_a_line(command: Command, tmp_path: Path):
    assert "--as: write an id" in command("next", "--as", "a stranger").refused()
    assert "no case begins with 'abx'" in command("next", "abx").refused()
    line = command("next", "--ics", tmp_path / "nowhere" / "next.ics").refused()
    assert "nowhere/next.ics: No such file or directory" in line


def test_a_partys_machine_is_told_the_same_by_a_server(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
):
    at("example-lab")
    there = json.loads(command("next", CASE, *by_server, "--json").out)
    everyone = {
        each.party: next_rows([each], made.here.now()) for each in next_in_case(made.here, CASE)
    }
    assert there == [json.loads(json.dumps(row.as_dict())) for row in everyone["example-lab"]]
    assert there
    assert json.loads(command("next", *by_server, "--json").out) == there
    # A machine that never looked at a case is told of it all the same, and follows it.
    for folder in (made.home("example-lab") / "parties" / "example-lab" / "servers").iterdir():
        shutil.rmtree(folder / "client")
    looked = list[str]()
    news = made.server("example-lab").news

    def followed(case: str, start: int) -> Iterable[bytes]:
        looked.append(case)
        return news(case, start)

    monkeypatch.setattr(made.server("example-lab"), "news", followed)
    assert json.loads(command("next", *by_server, "--json").out) == there
    assert json.loads(command("next", CASE[:3], *by_server, "--json").out) == there
    assert {*looked} == {CASE}
    # Of what it followed it is told also where the server lists nothing.
    monkeypatch.setattr(made.server("example-lab"), "cases", list)
    assert json.loads(command("next", *by_server, "--json").out) == there
    assert "no case of that name" in command("next", "zz", *by_server).refused()


def test_an_invitation_is_told_and_its_case_is_not_followed(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
):
    at("example-agency")
    server = made.server("example-agency")
    monkeypatch.setattr(server, "invitations", lambda: ["case-of-theirs"])
    told = json.loads(command("next", *by_server, "--json").out)
    assert [row["deeds"] for row in told if row["case"] == "case-of-theirs"] == [["party-joined"]]
    (one,) = json.loads(command("next", "case-of", *by_server, "--json").out)
    assert one["case"] == "case-of-theirs"


def test_who_may_not_read_the_framework_is_told_of_its_own_finding(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...]
):
    lab, evaluator = made.parties[0], made.parties[3]
    at(EVALUATOR)
    quiet = command("next", *by_server)
    assert quiet.out == f"Nothing that is next for {EVALUATOR} is shown to it.\n"
    assert f"The framework of case {CASE} is not open to {EVALUATOR}: it is told" in quiet.err
    programs = command("next", *by_server, "--json")
    assert (programs.out, programs.err) == ("[]\n", quiet.err)
    evaluator.act(
        lambda seen: outside_finding_signed(
            seen,
            EVALUATOR,
            "outside-1",
            "cyber",
            "It answers too much.",
            "sha256:" + "5" * 64,
            "The items go on being used.",
            marking=seen.marks.reaching(EVALUATOR),
        )
    )
    lab.act(
        lambda seen: finding_disputed(
            seen,
            LAB,
            "outside-1",
            "We see it otherwise.",
            rerun_wanted=True,
            marking=seen.marks.reaching(EVALUATOR),
        )
    )
    said = command("next", *by_server)
    assert "Look at finding outside-1 again." in said.out
    assert "waits for you" in said.out
    assert "awaited" not in said.out
    assert f"The framework of case {CASE} is not open to {EVALUATOR}: it is told" in said.err


def test_whose_role_sees_no_words_is_told_so_and_not_that_nothing_is_next(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
):
    at(LAB)
    for folder in (made.home(LAB) / "parties" / LAB / "servers").glob("*"):
        shutil.rmtree(folder / "client")
    monkeypatch.setattr(
        made.server(LAB),
        "news",
        lambda case, start: entries_since(made.here, case, LAB, start, sight="facts"),
    )
    said = command("next", *by_server)
    assert said.out == f"Nothing that is next for {LAB} is shown to it.\n"
    assert "whose role sees facts and no words" in said.err
