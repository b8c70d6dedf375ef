"""Models beside people, by the command: lengths from trials, uplift, and what cannot be told."""

import json
from pathlib import Path
from typing import Any

import pytest

from touchstone.cli.app import run

RUNS = "model,item,outcome,cluster"
TRIALS = "item,person,solved,minutes,model,limit"


def written(path: Path, header: str, rows: list[str]) -> str:
    path.write_text("\n".join([header, *rows]))
    return str(path)


def told(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    runs: list[str],
    trials: list[str],
    headers: tuple[str, str] = (RUNS, TRIALS),
) -> tuple[int, dict[str, Any], str]:
    code = run(
        [
            "estimate",
            written(folder / "runs.csv", headers[0], runs),
            "--humans",
            written(folder / "trials.csv", headers[1], trials),
            "--json",
        ]
    )
    said = capsys.readouterr()
    return code, json.loads(said.out) if said.out else {}, said.err


def ten_items() -> list[str]:
    """A model that solves the six shortest of ten."""
    return [f"m,t{n},{int(n < 6)},c{n % 5}" for n in range(10)]


def ten_timed() -> list[str]:
    """Two people solve each in 2^n minutes on the geometric mean; a third gives up at once."""
    rows = []
    for n in range(10):
        rows += [f"t{n},ada,1,{2.0**n * 2},,4000", f"t{n},ben,1,{2.0**n / 2},,4000"]
        rows += [f"t{n},cyd,0,0.1,,4000"]
    return rows


def test_lengths_are_those_of_people_who_solved_and_the_horizon_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    code, found, err = told(tmp_path, capsys, ten_items(), ten_timed())
    assert (code, err) == (0, "")
    model, people = found["models"][0], found["people"]
    assert people["items"]["t3"]["minutes"] == pytest.approx(8)
    assert (people["trials"], people["people"], people["unsolved"]) == (30, 3, 10)
    # Between the longest that it solved (2^5) and the shortest that it did not.
    assert 16 < model["horizon"]["minutes"] < 128
    assert model["conditions"] == {
        "items": 10,
        "clusters": 5,
        "timed": 10,
        "stated": 0,
        "shortest": pytest.approx(1),
        "longest": pytest.approx(512),
        "extrapolated": False,
    }
    # 6 of 10 against 2 of 3 on every item.
    assert model["people_items"] == 10
    assert model["over_people"]["value"] == pytest.approx(0.6 - 2 / 3)


def test_a_horizon_outside_of_the_items_is_said_to_be_extrapolated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    runs = [f"m,t{n},{int(n not in (3, 8, 9))},c{n % 5}" for n in range(10)]
    trials = [f"t{n},ada,1,{10 + n / 10},,40" for n in range(10)]
    _, found, _ = told(tmp_path, capsys, runs, trials)
    assert found["models"][0]["conditions"]["extrapolated"]
    assert (
        run(["estimate", str(tmp_path / "runs.csv"), "--humans", str(tmp_path / "trials.csv")]) == 0
    )
    assert "the horizon lies outside of these: extrapolated" in capsys.readouterr().out


def test_an_item_that_nobody_solved_is_never_left_out_in_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    trials = [*ten_timed()[:-3], "t9,ada,0,4000,,4000"]
    _, found, _ = told(tmp_path, capsys, ten_items(), trials)
    model = found["models"][0]
    assert model["horizon"] is model["conditions"] is None
    assert any("item t9 has no length" in reason for reason in model["without"])
    # Stated by the runs' own table, it has one, and how many do is said.
    runs = [f"{row},{2**n}" for n, row in enumerate(ten_items())]
    _, found, _ = told(tmp_path, capsys, runs, trials, (f"{RUNS},minutes", TRIALS))
    conditions = found["models"][0]["conditions"]
    assert (conditions["timed"], conditions["stated"]) == (9, 1)


def test_a_model_that_ran_only_some_of_the_peoples_items_is_not_paired(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    _, found, _ = told(tmp_path, capsys, ten_items()[:8], ten_timed())
    model = found["models"][0]
    assert model["over_people"] is None
    assert any(
        "of 10 items that people tried the model did not run 2" in r for r in model["without"]
    )


def test_uplift_is_by_people_and_time_within_the_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    alone = [f"t0,p{n},{int(n < 3)},30,,60" for n in range(10)]
    helped = [f"t0,q{n},{int(n < 9)},15,m,60" for n in range(10)]
    runs = [f"m,t{n},{n % 2},c{n}" for n in range(4)]
    _, found, _ = told(tmp_path, capsys, runs, alone + helped)
    (arm,) = found["people"]["uplift"]
    assert (arm["model"], arm["paired"], arm["people"], arm["alone_people"]) == ("m", False, 10, 10)
    assert arm["success"]["value"] == pytest.approx(0.6)
    assert arm["success"]["interval"]["low"] > 0
    # With: nine at a quarter and one whole; without: three at a half and seven whole.
    assert arm["time"]["value"] == pytest.approx(0.325 - 0.85)
    assert arm["without"] == []
    assert (
        run(["estimate", str(tmp_path / "runs.csv"), "--humans", str(tmp_path / "trials.csv")]) == 0
    )
    shown = capsys.readouterr().out
    assert "uplift in success, by different people: 60 points (95% interval " in shown
    assert "share of the time allowed that is used" in shown


def test_arms_on_other_items_without_limits_or_alone_are_told_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    runs = [f"m,t{n},{n % 2},c{n}" for n in range(4)]
    header = (RUNS, "item,person,solved,minutes,model")
    rows = ["t0,a,1,5,", "t0,b,0,5,", "t1,a,1,5,m", "t1,b,1,5,m"]
    _, found, _ = told(tmp_path, capsys, runs, rows, header)
    (arm,) = found["people"]["uplift"]
    assert arm["paired"]
    assert arm["time"] is None
    assert any("2 were tried in one arm only" in reason for reason in arm["without"])
    assert any("without a limit" in reason for reason in arm["without"])
    _, found, _ = told(tmp_path, capsys, runs, ["t1,a,1,5,m", "t1,b,1,5,m"], header)
    (arm,) = found["people"]["uplift"]
    assert arm["success"] is None
    assert "nobody tried an item without help" in arm["without"][0]


@pytest.mark.parametrize(
    ("header", "rows", "says"),
    [
        ("item,person,solved", ["t0,a,1"], "no column 'minutes'"),
        (TRIALS, [], "holds no trial"),
        (TRIALS, ["t0,a,1,0,,60"], "trial 1 has 0 for minutes: write more than 0"),
        (TRIALS, ["t0,a,1,nan,,60"], "which is no number"),
        (TRIALS, ["t0,a,0.5,3,,60"], "0.5 for solved: write 1 or 0"),
        (TRIALS, ["t0,,1,3,,60"], "trial 1 has no person"),
        (TRIALS, ["t0,a,1,61,,60"], "is solved after its limit"),
        (TRIALS, ["t0,a,1,3"], "has 4 columns only"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_two(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    header: str,
    rows: list[str],
    says: str,
):
    code, found, err = told(tmp_path, capsys, ten_items(), rows, (RUNS, header))
    assert (code, found) == (2, {})
    assert says in err
    assert err.count("\n") == 1
