"""Whole reviews over the command line: a real endpoint, real sandboxes, a real record."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from support.reviews import command, environment, touchstone, write_submission
from touchstone.evaluation.subjects.launch import start_subject

pytestmark = [pytest.mark.needs_sandbox, pytest.mark.needs_compiler, pytest.mark.timeout(280)]


def shown(home: Path, case: str) -> dict[str, Any]:
    ran = touchstone("review", "show", case, "--json", home=home)
    assert ran.code == 0, ran.err
    found: dict[str, Any] = ran.json
    return found


def run_json(submission: Path, home: Path, key: str, *more: str) -> dict[str, Any]:
    out = submission.parent / "out"
    ran = touchstone(
        "review", "run", submission, "--out", out, "--accept-grade", "--json", *more,
        home=home, key=key,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    found: dict[str, Any] = ran.json
    return found


def test_killed_review_repeats_only_what_was_in_flight(tmp_path: Path):
    home, out = tmp_path / "home", tmp_path / "out"
    with start_subject() as subject:
        submission = write_submission(tmp_path, subject.url)
        args = ("review", "run", submission, "--out", out, "--items", "4", "--accept-grade")
        first = subprocess.Popen(
            command(*args),
            env=environment(home, subject.key),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        journals: list[Path] = []
        until = time.monotonic() + 120
        while time.monotonic() < until:
            journals = [p for p in home.glob("chunks/*/*/outcomes.jsonl") if _outcomes(p)]
            if journals:
                break
            time.sleep(0.05)
        assert journals, "no outcome was journaled in time"
        _kill_tree(first)
        before = {
            path.parent.name: _outcomes(path) for path in home.glob("chunks/*/*/outcomes.jsonl")
        }
        flying = {
            path.parent.name: _in_flight(path) for path in home.glob("chunks/*/*/outcomes.jsonl")
        }
        result = run_json(submission, home, subject.key, "--items", "4")
    assert result["repeated"] == sum(map(len, flying.values()))
    timeline = shown(home, str(result["case"]))["timeline"]
    assert isinstance(timeline, list)
    texts = [row["text"] for row in timeline]
    assert sum("case opened" in text.lower() for text in texts) == 1
    assert sum("seals the battery" in text.lower() for text in texts) == 1
    assert sum(map(len, before.values())) >= 1
    runs = result["runs"]
    assert isinstance(runs, list)
    assert [row["items"] for row in runs] == [4, 4, 4]


def _outcomes(path: Path) -> list[int]:
    return [row["outcome"]["index"] for row in _lines(path) if row["line"] == "outcome"]


def _in_flight(path: Path) -> set[int]:
    begun = {row["index"] for row in _lines(path) if row["line"] == "begin"}
    return begun - set(_outcomes(path))


def _lines(path: Path) -> list[dict[str, Any]]:
    whole = path.read_bytes().rpartition(b"\n")[0]
    return [row for row in map(json.loads, whole.splitlines()) if row.get("line")]


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for the command and for its workers, which are sessions of their own."""
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    process.kill()
    for child in children:
        try:
            os.kill(int(child), signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


def test_same_model_name_at_another_url_is_another_case(tmp_path: Path):
    """Inspect's own task identity ignores the address: the first log would answer for both."""
    home = tmp_path / "home"
    results = []
    for effort, folder in (("high", tmp_path / "a"), ("none", tmp_path / "b")):
        folder.mkdir()
        with start_subject(
            ("control-solver",) if effort == "high" else ("control-null",)
        ) as subject:
            name = "control-solver" if effort == "high" else "control-null"
            submission = write_submission(
                folder, subject.url, model=name, modes={"thinking": effort}
            )
            results.append(run_json(submission, home, subject.key, "--items", "1"))
    assert results[0]["case"] != results[1]["case"]
    solved = [sum(row["solved"] for row in result["runs"]) for result in results]
    assert solved[0] > solved[1] == 0


@pytest.mark.parametrize(("framework", "shortfall"), [("us-2026-05-draft", 45), ("us-2026-06", 0)])
def test_may_draft_falls_short_where_the_june_order_fits(
    tmp_path: Path, framework: str, shortfall: int
):
    """One submission with a release in 45 days; no threshold is stated, so none is concluded."""
    home = tmp_path / "home"
    release = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 45 * 86400))
    with start_subject(("control-null",)) as subject:
        submission = write_submission(
            tmp_path, subject.url, model="control-null", framework=framework, release=release
        )
        result = run_json(submission, home, subject.key, "--items", "1")
    case = shown(home, str(result["case"]))
    clock = case["clock"]
    assert isinstance(clock, dict)
    # The framework's own zone may be a day behind ours.
    assert abs(clock["shortfall_days"] - shortfall) <= 1
    assert case["verdicts"] == []
    assert result["designation"] == "undetermined"
    page = (tmp_path / "out" / "report-example-lab.html").read_text("utf-8")
    assert "none stated" in page
    assert ("later than the framework asks" in page) == bool(shortfall)


def test_halt_from_another_process_stops_the_run(tmp_path: Path):
    home = tmp_path / "home"
    with start_subject() as subject:
        submission = write_submission(tmp_path, subject.url, modes={"thinking": "high"})
        args = ("review", "run", submission, "--out", tmp_path, "--items", "40", "--accept-grade")
        running = subprocess.Popen(
            command(*args),
            env=environment(home, subject.key),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 120
        while time.monotonic() < until and not list(home.glob("chunks/*/*/outcomes.jsonl")):
            time.sleep(0.1)
        (case,) = touchstone("review", "list", "--json", home=home).json
        halted = touchstone("review", "halt", case["case"][:8], "--reason", "a look", home=home)
        assert halted.code == 0, halted.err
        _, err = running.communicate(timeout=90)
        assert running.returncode == 1
        assert "the review was halted; what ran is recorded" in err
        again = touchstone(*args, home=home, key=subject.key)
        assert again.code == 1
        assert "--resume REASON" in again.refusal


def test_another_model_in_mid_review_stops_and_is_never_pooled(tmp_path: Path):
    home = tmp_path / "home"
    with start_subject(fault="renamed", fault_after=14) as subject:
        submission = write_submission(tmp_path, subject.url, modes={"thinking": "high"})
        ran = touchstone(
            "review", "run", submission, "--out", tmp_path, "--items", "4", "--accept-grade",
            home=home, key=subject.key,
        )  # fmt: skip
    assert ran.code == 1, ran.err
    assert "another model answers" in ran.refusal
    (row,) = touchstone("review", "list", "--json", home=home).json
    texts = [entry["text"] for entry in shown(home, row["case"])["timeline"]]
    assert any(text.startswith("Another model answers for final") for text in texts)
