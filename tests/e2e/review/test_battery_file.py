"""A review by a battery file: a grader, attempts, two elicitations, a pack that hangs, a kill.

Killed while a pack's samples ask, it goes on by `review measure`, as whoever measures would.
"""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.endpoint import Endpoint, completion, serve
from support.packaged import configure
from support.packs import CAPITALS, GRADED, register_here
from support.reviews import KEY, descendants, started, write_submission
from support.small_review import arguments, write_framework
from touchstone.clearance import party_audience
from touchstone.cli.app import run
from touchstone.review import RunKey
from touchstone.review.audience_view import Entry, read_entries
from touchstone.review.state import State
from touchstone.service.installation import open_installation
from touchstone.verdicts.content_parsers import registered_of

pytestmark = [pytest.mark.needs_sandbox, pytest.mark.timeout(280)]

SUBJECTS_KEY, GRADERS_KEY = "the-subjects-key-0123456789", "the-graders-key-0123456789"
NAMED = '[families]\nshipped = ["payment-logic"]\npacks = ["capitals", "sleeper"]\n'
BATTERY = """format = "touchstone battery 1"
id = "example-battery"

[[sets]]
criterion = "capitals"
pack = "capitals"
attempts = 2
limits = { messages = 7 }
roles = { grader = "grader/SUBMISSION.toml" }

[[sets]]
criterion = "beside"
pack = "sleeper"
limits = { process_seconds = 15 }

[[sets]]
criterion = "few"
family = "payment-logic"
counts = { 1 = 1 }
attempts = 5
elicitation = "quick-1"
"""
SLEEPER = """
import asyncio
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import match
from inspect_ai.solver import solver

@solver
def sleeps():
    async def solve(state, generate):
        state = await generate(state)
        await asyncio.sleep(3600)
        return state
    return solve

@task
def sleeper():
    return Task(dataset=json_dataset("items.json"), solver=sleeps(), scorer=match())
"""


class Subject:
    """It answers the first question of a sample, and then lets the others wait for a while."""

    def __init__(self) -> None:
        self.waits, self.go = threading.Event(), threading.Event()
        self.asked: list[str] = []

    def __call__(self, body: dict[str, Any], _: int) -> dict[str, Any]:
        said = str(body["messages"][-1]["content"])
        if said.startswith("Capital of"):
            self.asked.append(said)
            if len(self.asked) > 1:
                self.waits.set()
                self.go.wait(120)
        return completion("Rome", model="tiny-1")


def judge(body: dict[str, Any], _: int) -> dict[str, Any]:
    said = str(body["messages"][-1]["content"])
    return completion("C" if said == "Rome Rome" else "I", model="judge-1")


@dataclass(frozen=True)
class Reviewed:
    """What a review left."""

    state: State
    entries: list[Entry]
    report: str
    told: dict[str, Any]
    asked: list[str]
    grader: Endpoint
    subject: Endpoint

    def of(self, criterion: str) -> list[dict[str, Any]]:
        """The outcomes of a set as facts and details together say them."""
        found = []
        for entry in self.entries:
            if entry.kind != "outcomes-recorded":
                continue
            facts, details = entry.event.facts(), entry.content("details") or {"outcomes": []}
            if facts["criterion"] == criterion:
                said = {each["index"]: each for each in details["outcomes"]}
                found += [said[each["index"]] | each for each in facts["outcomes"]]
        return found


def lay_out(folder: Path, home: Path) -> tuple[Path, Path]:
    """An installation with both packs registered; the framework's file, and the battery's."""
    configure(home, NAMED)
    framework = write_framework(folder)
    framework.write_text(framework.read_text().replace("payment-logic", "capitals"))
    (folder / "grader").mkdir()
    battery = folder / "battery.toml"
    battery.write_text(BATTERY)
    graded = {"code": GRADED, "scorer": "asked", "top": 'roles = ["grader"]'}
    register_here(home, folder / "graded", list(CAPITALS), **graded)
    items = [{"input": "Capital of nowhere?", "target": "None"}]
    register_here(home, folder / "sleeper", items, code=SLEEPER, function="sleeper")
    return framework, battery


def name_grader(folder: Path, url: str) -> None:
    """Where the battery file says that the grader answers."""
    text = write_submission(folder / "grader", url, model="judge").read_text()
    (folder / "grader" / "SUBMISSION.toml").write_text(text.replace(KEY, "GRADER_KEY"))


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reviewed]:
    folder = tmp_path_factory.mktemp("review")
    home, subject = folder / "home", Subject()
    framework, battery = lay_out(folder, home)
    with (
        pytest.MonkeyPatch.context() as patch,
        serve(subject) as endpoint,
        serve(judge) as grader,
    ):
        name_grader(folder, grader.url)
        for name, value in (("TOUCHSTONE_HOME", str(home)), (KEY, SUBJECTS_KEY)):
            patch.setenv(name, value)
        patch.setenv("GRADER_KEY", GRADERS_KEY)
        submission = write_submission(folder, endpoint.url, framework="small")
        more = ("--battery", str(battery), "--items", "3", "--accept-no-tools")
        args = arguments(submission, framework, *more)
        first = started(*args, home=home, key=SUBJECTS_KEY, GRADER_KEY=GRADERS_KEY)
        while not subject.waits.wait(0.2):
            assert first.poll() is None, first.communicate(1)
        for each in descendants(first.pid):
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        first.kill()
        first.wait()
        subject.go.set()
        yield gone_on(folder, home, battery, subject, endpoint, grader)


def gone_on(
    folder: Path,
    home: Path,
    battery: Path,
    subject: Subject,
    endpoint: Endpoint,
    grader: Endpoint,
) -> Reviewed:
    """Go on to the end by `review measure`."""
    with open_installation(home) as installation:
        (case,) = (each.case for each in installation.records.cases())
    out = folder / "out"
    words = ["review", "measure", case, "--battery", str(battery), "--out", str(out)]
    with (folder / "told.json").open("w") as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", file)
        # 1: the pack that hangs measured nothing.
        assert run([*words, "--accept-grade", "--accept-no-tools", "--json"]) in {0, 1}
    with open_installation(home) as installation:
        state = installation.state(case)
        reader = installation.records.case(case)
        entries = list(read_entries(reader, party_audience("example-centre")))
    report = (out / "report-example-centre.html").read_text("utf-8")
    told = json.loads((folder / "told.json").read_text())
    return Reviewed(state, entries, report, told, subject.asked, grader, endpoint)


def test_each_pair_has_one_outcome_and_what_was_answered_was_never_asked_again(
    reviewed: Reviewed,
):
    pairs = [(each["attempt"], each["index"]) for each in reviewed.of("capitals")]
    assert sorted(pairs) == [(attempt, index) for attempt in (1, 2) for index in range(3)]
    results = {(e["attempt"], e["index"]): e for e in reviewed.of("capitals")}
    lost = [each for each in results.values() if each["result"] == "lost-instrument"]
    # The one that the first process had an answer to: it may not have another try.
    assert [each["attempt"] for each in lost] == [1]
    assert "killed" in lost[0]["reason"] or "died" in lost[0]["reason"]
    assert any(each["executions"] == 2 for each in results.values())
    key = RunKey("battery-1", "capitals", "final", "instant")
    assert reviewed.state.tally(*key).attempt(2).solved.bit_count() == 1


def test_a_grader_is_asked_by_its_role_under_its_own_key(reviewed: Reviewed):
    said = {each["Authorization"] for each in reviewed.grader.headers}
    assert said == {f"Bearer {GRADERS_KEY}"}
    assert {each["Authorization"] for each in reviewed.subject.headers} == {
        f"Bearer {SUBJECTS_KEY}"
    }
    (sealed,) = [each for each in reviewed.entries if each.kind == "battery-sealed"]
    parts = {each["id"]: each for each in sealed.content("registered")["battery"]["sets"]}
    assert parts["capitals"]["roles"]["grader"]["model"] == "openai-api/subject/judge"
    assert GRADERS_KEY not in json.dumps([each.event.facts() for each in reviewed.entries])
    assert "openai-api/subject/judge" in reviewed.report
    # The grader's are not among the models that answered as the subject.
    models = {name for each in reviewed.of("capitals") for name in each["models"]}
    assert models == {"tiny-1"}


def test_a_pack_that_hangs_is_ended_by_the_files_limit_and_the_rest_goes_on(reviewed: Reviewed):
    (slept,) = reviewed.of("beside")
    assert (slept["result"], slept["cause"]) == ("lost-instrument", "engine")
    assert "15 s" in slept["reason"]
    assert not [key for key in reviewed.state.verdicts if key.criterion == "beside"]


def test_what_was_chosen_and_what_the_attempts_say_stand_in_report_and_result(
    reviewed: Reviewed,
):
    (sealed,) = [each for each in reviewed.entries if each.kind == "battery-sealed"]
    assert sealed.content("registered")["battery"]["file"] in reviewed.report
    assert "each item is tried 2 times" in reviewed.report
    tried = {each["criterion"]: each for each in reviewed.told["attempts"]}
    assert {name: each["attempts"] for name, each in tried.items()} == {"capitals": 2, "few": 5}
    said = tried["capitals"]
    assert (said["criterion"], said["attempts"], said["items"], said["lost"]) == (
        "capitals",
        2,
        3,
        1,
    )
    assert [each["k"] for each in said["pass_at"]] == [1, 2]
    # Of the first attempts one was lost, and of the second ones none.
    assert [each["lost"] for each in said["by_attempt"]] == [1, 0]
    assert "pass@2" in reviewed.report


def test_a_set_is_drawn_out_by_its_own_elicitation_in_each_of_its_attempts(reviewed: Reviewed):
    few = reviewed.of("few")
    assert [(each["attempt"], each["result"]) for each in few] == [
        (n, "no-attempt") for n in range(1, 6)
    ]
    (sealed,) = [each for each in reviewed.entries if each.kind == "battery-sealed"]
    registered = registered_of(sealed.content("registered"))
    own, usual = registered.elicitation_of("few"), registered.elicitation_of("capitals")
    assert (own.id, own.tools, usual.id) == ("quick-1", ("bash",), "react-2")
    assert own.code is not None
    # A tool, and one that says that it is ready: as the endpoint was asked, two calls a sample.
    asked = [each for each in reviewed.subject.requests if len(each.get("tools", ())) == 2]
    of_samples = [each for each in asked if "claims.json" in json.dumps(each)]
    assert len(of_samples) == 5 * 2
    assert "drawn out otherwise than the other sets: quick-1, agent loop" in reviewed.report


def test_a_grader_that_is_not_there_is_found_out_before_the_subject_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    home, asked = tmp_path / "home", list[object]()
    framework, battery = lay_out(tmp_path, home)
    for name, value in (("TOUCHSTONE_HOME", str(home)), (KEY, SUBJECTS_KEY)):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GRADER_KEY", GRADERS_KEY)

    def subject(body: dict[str, Any], number: int) -> dict[str, Any]:
        asked.append(body)
        return completion("Rome", number=number)

    with serve(subject) as endpoint:
        submission = write_submission(tmp_path, endpoint.url)
        # Nobody listens at the discard port.
        name_grader(tmp_path, "http://127.0.0.1:9/v1")
        words = arguments(submission, framework, "--battery", str(battery))
        assert run([str(word) for word in words]) != 0
    assert "set capitals: role 'grader': its endpoint gave" in capsys.readouterr().err
    assert asked == []
    with open_installation(home) as here:
        assert list(here.records.cases()) == []
