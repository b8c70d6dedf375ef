"""Progress: one screen however many runs, whole numbers however narrow, plain lines in a pipe."""

import io

import pytest
from rich.console import Console

from support.review_case import early
from touchstone.cli import output
from touchstone.cli.progress import Lines, Pace, bars
from touchstone.review import RunKey
from touchstone.review.events.measuring import VerdictReached
from touchstone.service.measurement.tracking import Tracker
from touchstone.verdicts.run_progress import RunProgress


def rows(count: int, done: int = 3, flying: int = -1) -> list[RunProgress]:
    return [
        RunProgress(f"a-criterion-{n}", "thinking", 24, 24 if n < done else 0, 1, int(n == flying))
        for n in range(count)
    ]


def drawn(count: int, width: int, height: int, flying: int = -1) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(bars(rows(count, flying=flying), width, height))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("count", [1, 7, 300])
def test_fits_the_screen(width: int, count: int):
    lines = drawn(count, width, 24)
    assert len(lines) <= 24 - 4
    assert all(len(line) <= width for line in lines)
    assert any("0/24" in line or "24/24" in line for line in lines)


def test_a_bar_gives_way_before_a_name_is_cut_off():
    lines = drawn(2, 80, 24)
    assert [line.split()[:2] for line in lines] == [
        ["a-criterion-0", "thinking"],
        ["a-criterion-1", "thinking"],
    ]
    assert all("━━━━" in line for line in lines)
    wide = drawn(2, 120, 24)
    assert all("━" * 28 in line for line in wide)


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_waited_for_is_said_where_somebody_looks_on(
    terminal: bool, monkeypatch: pytest.MonkeyPatch
):
    console = output.Screen(
        file=io.StringIO(), force_terminal=terminal, width=80, color_system=None, _environ={}
    )
    monkeypatch.setattr(output, "screen", lambda **_: console)
    with output.waiting("making \x1b]0;x a task") as say:
        say("made of [bold] it")
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert ("of [bold] it" in said) == terminal
    assert said == "" or terminal
    assert "\x1b]0" not in said


def test_what_is_at_work_is_shown_and_the_rest_is_summed_up():
    lines = drawn(300, 100, 24, flying=250)
    assert any("a-criterion-250 " in line and "1 running" in line for line in lines)
    assert lines[-1].strip() == "and 282 more runs; 3 of all 300 have ended"


def test_time_left_is_from_this_runs_own_pace(monkeypatch: pytest.MonkeyPatch):
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    pace = Pace()
    assert pace.text(rows(2, done=1)) == "24 of 48 samples, 0:00"
    now += 3700
    assert pace.text(rows(2, done=1)) == "24 of 48 samples, 1:01:40"
    half = [RunProgress("a", "m", 48, 36, 0, 0)]
    assert pace.text(half) == "36 of 48 samples, 1:01:40, about 1:01:40 left"


def test_where_a_verdict_may_stop_runs_the_numbers_are_bounds(monkeypatch: pytest.MonkeyPatch):
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    pace = Pace()
    stopped = RunProgress("a", "m", 48, 8, 8, 2, verdict="above", used=8, may_stop=True)
    going = RunProgress("b", "m", 48, 8, 1, 8, may_stop=True)
    pace.text([RunProgress("a", "m", 48, 0, 0, 0, may_stop=True), going])
    now += 20
    assert pace.text([stopped, going]) == (
        "16 of 96 sealed samples, 1 of 2 runs ended, 0:20, at most 1:45 left"
    )
    assert pace.text([stopped, stopped]) == (
        "16 of 96 sealed samples, 2 of 2 runs ended, 0:20, about 0:10 left"
    )


def test_what_is_counted_as_solved_never_falls(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    lines, key = Lines(), RunKey("battery-1", "a", "final", "m")
    tracker = Tracker({key: 8})
    for index in range(8):
        now += 6
        tracker.add(key, index, solved=True)
        if index == 6:
            # It rests on the first three alone.
            verdict = early("m", "above", 3, 3)
            assert isinstance(verdict, VerdictReached)
            tracker.said[key] = verdict
        lines.progress(tracker.rows())
    told = capsys.readouterr().err.splitlines()
    assert [line.split(", ")[-1] for line in told] == [f"{n} solved" for n in range(1, 9)]


def test_lines_are_few_and_plain(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    lines = Lines()
    lines.step("Begun")
    for second in range(12):
        now = 1000.0 + second
        lines.progress([RunProgress("a", "m", 20, second, 0, 0)])
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "Begun",
        "5 of 20 samples, 0:05, 0 solved",
        "10 of 20 samples, 0:10, about 0:10 left, 0 solved",
    ]
