"""A review of a pack whose scores are only reported: they stand everywhere, and decide nothing.

One review for the whole file, over HTTP, by a battery file.
"""

import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from support.endpoint import completion, serve
from support.packaged import configure
from support.packs import register_here
from support.reviews import KEY, write_submission
from support.small_review import arguments, write_framework
from touchstone.clearance import party_audience
from touchstone.cli.app import run
from touchstone.review.audience_view import read_entries
from touchstone.service.installation import open_installation

pytestmark = [pytest.mark.needs_sandbox, pytest.mark.timeout(280)]

ESSAYS = """
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import Score, accuracy, scorer
from inspect_ai.solver import generate

@scorer(metrics=[accuracy()])
def marks():
    async def score(state, target):
        if target.text == "raise":
            raise RuntimeError("as it likes")
        odd = {"banana": "banana", "nan": float("nan")}
        return Score(value=odd[target.text] if target.text in odd else float(target.text))
    return score

@task
def essays():
    return Task(dataset=json_dataset("items.json"), solver=generate(), scorer=marks())
"""
SCORED = ("-1", "5", "2", "3.5")
NO_SCORE = ("banana", "nan", "raise", "5.001", "-1e300")
CUT = "4"
"""Its answer is cut short: the pack scores it, and that is no score of the subject's."""
BATTERY = """format = "touchstone battery 1"
id = "essays"

[[sets]]
criterion = "essays"
pack = "essays"
"""
UNMEASURED = {"lost-instrument": len(NO_SCORE), "cut": 1}
MEAN = sum(map(float, SCORED)) / len(SCORED)


def subject(body: dict[str, Any], number: int) -> dict[str, Any]:
    said = str(body["messages"][-1]["content"])
    answer = completion("A page or so.", number=number)
    if said == f"Essay {CUT}":
        answer["choices"][0]["finish_reason"] = "length"
    return answer


def typed(*words: str | Path) -> tuple[int, str]:
    """What a command says on stdout, and how it ends."""
    told = StringIO()
    with redirect_stdout(told):
        code = run([str(word) for word in words])
    return code, told.getvalue()


@dataclass(frozen=True)
class Reviewed:
    """What the review left."""

    home: Path
    told: dict[str, Any]
    report: str
    code: int


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reviewed]:
    folder = tmp_path_factory.mktemp("review")
    home = folder / "home"
    configure(home, '[families]\nshipped = ["payment-logic"]\npacks = ["essays"]\n')
    register_here(
        home,
        folder / "essays",
        [{"input": f"Essay {text}", "target": text} for text in (*SCORED, *NO_SCORE, CUT)],
        code=ESSAYS,
        function="essays",
        scorer="marks",
        score='values = "number"\nrange = [-1.0, 5.0]',
    )
    (folder / "battery.toml").write_text(BATTERY)
    with pytest.MonkeyPatch.context() as patch, serve(subject) as endpoint:
        patch.setenv("TOUCHSTONE_HOME", str(home))
        patch.setenv(KEY, "the-key-of-this-test-0123456789")
        submission = write_submission(folder, endpoint.url, framework="small")
        more = ("--battery", str(folder / "battery.toml"), "--items", "10", "--json")
        framework = write_framework(folder)
        code, told = typed(*arguments(submission, framework, *more, "--accept-no-tools"))
        report = (folder / "out" / "report-example-centre.html").read_text("utf-8")
        yield Reviewed(home, json.loads(told), report, code)


def held(said: dict[str, Any]) -> None:
    """The same numbers, wherever they stand."""
    assert said["decides"] == "nothing"
    assert (said["items"], said["ran"], said["scored"]) == (10, 10, len(SCORED))
    assert said["unmeasured"] == UNMEASURED
    assert said["range"] == [-1.0, 5.0]
    assert said["mean"] == pytest.approx(MEAN)
    low, high = said["interval"]
    assert -1 <= low < MEAN < high <= 5


def test_the_mean_stands_in_result_and_case_and_report_and_no_verdict_does(reviewed: Reviewed):
    (said,) = reviewed.told["reported"]
    held(said)
    (row,) = [each for each in reviewed.told["runs"] if each["criterion"] == "essays"]
    assert (row["reported_only"], row["solved"], row["verdict"]) == (True, 0, "")
    # The framework's own criterion was not asked.
    assert reviewed.code == 1
    assert {each["criterion"] for each in reviewed.told["runs"]} == {"essays"}
    assert "Reported only: decides nothing" in reviewed.report
    assert "4 of 10 items scored" in reviewed.report
    # In no row of the results, where they would look like none solved.
    results = reviewed.report.partition('id="results"')[2].partition("</section>")[0]
    assert "4 of 10 items scored" in results
    assert "Nothing that a verdict may rest on has been measured" in results
    assert "solved" not in results.partition("<h3>")[0]


def test_the_case_shows_them_as_json_and_in_a_table(
    reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TOUCHSTONE_HOME", str(reviewed.home))
    case = reviewed.told["case"]
    code, told = typed("review", "show", case, "--json")
    assert code == 0
    shown = json.loads(told)
    held(shown["reported"][0])
    assert (shown["verdicts"], shown["attempts"]) == ([], [])
    _, table = typed("review", "show", case)
    words = " ".join(table.split())
    assert "Scores that are reported only: they decide nothing." in words
    assert "4 of 10" in words
    assert "5 lost-instrument" in words


def test_what_is_no_score_is_an_error_of_the_instrument_and_never_a_0(reviewed: Reviewed):
    found: dict[str, dict[str, Any]] = {}
    with open_installation(reviewed.home) as installation:
        reader = installation.records.case(reviewed.told["case"])
        for entry in read_entries(reader, party_audience("example-centre")):
            if entry.kind == "outcomes-recorded":
                details = (entry.content("details") or {})["outcomes"]
                facts = {each["index"]: each for each in entry.event.facts()["outcomes"]}
                for each in details:
                    found[each["uuid"]] = {**each, "fact": facts[each["index"]]}
    scored = [each for each in found.values() if each["result"] == "reported"]
    assert sorted(float(each["reported"]["value"]) for each in scored) == sorted(map(float, SCORED))
    for each in scored:
        share = (float(each["reported"]["value"]) + 1) / 6
        assert float(each["fact"]["score"]) == pytest.approx(share)
        assert each["score"] == "not-measured"
    lost = [each for each in found.values() if each["result"] != "reported"]
    assert all(each["fact"]["score"] is None and "reported" not in each for each in lost)
    judged = [each for each in lost if each["result"] == "lost-instrument"]
    assert {each["cause"] for each in judged} == {"judge"}
    reasons = " ".join(each["reason"] for each in judged)
    for word in ("'banana'", "nan", "as it likes", "5.001"):
        assert word in reasons
