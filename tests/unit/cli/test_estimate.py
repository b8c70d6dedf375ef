"""Estimates from a table of runs, by the command: what is told, refused and doubted."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from touchstone.cli.app import run
from touchstone.handin import is_unseen
from touchstone.statistics import clustered_mean, grader_corrected, paired_difference, pass_at_k


def written(folder: Path, rows: list[str], header: str = "model,item,outcome,cluster") -> str:
    path = folder / "runs.csv"
    path.write_text("\n".join([header, *rows]))
    return str(path)


def table(folder: Path) -> str:
    """Two models on 24 items of 8 clusters, three runs each; the other solves nothing new."""
    rng, rows = np.random.default_rng(1), []
    for item in range(24):
        for _ in range(3):
            own = int(rng.random() < 0.7)
            rows.append(f"new,i{item},{own},c{item % 8}")
            rows.append(f"old,i{item},{int(own and rng.random() < 0.4)},c{item % 8}")
    return written(folder, rows)


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, Any], str]:
    code = run(["estimate", *argv, "--json"])
    said = capsys.readouterr()
    return code, json.loads(said.out) if said.out else {}, said.err


def columns(path: str, model: str) -> tuple[np.ndarray, list[str]]:
    rows = [line.split(",") for line in Path(path).read_text().splitlines()[1:]]
    own = [row for row in rows if row[0] == model]
    return np.array([float(row[2]) for row in own]), [row[3] for row in own]


def test_all_that_is_asked_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = table(tmp_path)
    code, found, err = told(
        capsys,
        path,
        "--reference",
        "old",
        "--attempts",
        "2",
        "--threshold",
        "0.5",
        "--alpha",
        "0.05",
        "--beta",
        "0.02",
        "--sensitivity",
        "45/50",
        "--specificity",
        "48/50",
    )
    assert (code, err) == (0, "")
    new, old = found["models"]
    outcomes, clusters = columns(path, "new")
    rate = clustered_mean(outcomes, clusters)
    assert new["rate"]["value"] == rate.value
    assert new["rate"]["interval"]["low"] == rate.interval.low
    assert (new["runs"], new["items"], new["rate"]["clusters"]) == (72, 24, 8)
    by_item = outcomes.reshape(24, 3)
    assert new["pass_at"] == pass_at_k(2, [int(each) for each in by_item.sum(1)], [3] * 24)
    others = columns(path, "old")[0].reshape(24, 3)
    apart = paired_difference(by_item.mean(1), others.mean(1), [f"c{i % 8}" for i in range(24)])
    assert new["paired"]
    assert new["difference"]["value"] == pytest.approx(apart.value)
    assert new["difference"]["interval"]["low"] == pytest.approx(apart.interval.low)
    assert old["difference"] is None
    hits = clustered_mean(np.repeat([1.0, 0], [45, 5]), [str(each) for each in range(50)])
    fails = clustered_mean(np.repeat([1.0, 0], [48, 2]), [str(each) for each in range(50)])
    mended = grader_corrected(int(outcomes.sum()), 72, hits, fails, clusters=clusters)
    assert new["corrected"]["value"] == mended.value
    assert new["corrected"]["interval"]["low"] == pytest.approx(mended.interval.low)
    assert new["word"] in {"above", "undetermined"}
    assert run(["estimate", path, "--reference", "old"]) == 0
    lines = capsys.readouterr().out
    assert "difference from the reference, paired" in lines
    # As the report says rates: a decimal would promise more than such a table holds.
    assert re.search(r"rate \d+% \(95% interval \d+% to \d+%\)", lines)
    assert not re.search(r"\d\.\d+%", lines)


def test_other_names_and_minutes_give_a_horizon(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    rows = [f"m,t{n},{int(n % 5 < 4 - n // 5)},f{n % 5},{2 ** (n // 2)}" for n in range(20)] + [
        f"flat,t{n},1,f{n % 5},{2 ** (n // 2)}" for n in range(20)
    ]
    path = written(tmp_path, rows, "alias,task,score,family,human")
    names = ["model=alias", "item=task", "outcome=score", "cluster=family", "minutes=human"]
    asked = [text for name in names for text in ("--column", name)]
    code, found, _ = told(capsys, path, *asked)
    assert code == 0
    falls, flat = found["models"]
    assert 1 < falls["horizon"]["minutes"] < 1000
    assert flat["horizon"] is None
    assert "no time horizon" in flat["without"][0]
    code, _, err = told(capsys, path)
    assert code == 2
    assert "has no column 'model'; say what it is called: --column model=NAME" in err


def test_a_horizon_that_the_items_do_not_bound_has_no_bound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    solved = [int(n % 3 < 2) if n < 10 else int(n % 2 == 0) for n in range(20)]
    rows = [f"m,t{n},{each},f{n % 5},{2 ** (n // 2)}" for n, each in enumerate(solved)]
    path = written(tmp_path, rows, "model,item,outcome,cluster,minutes")
    assert run(["estimate", path, "--attempts", "1"]) == 0
    lines = capsys.readouterr().out
    assert "time horizon at 50%: 165 minutes (95% interval 1.05 to no bound)" in lines
    assert "pass@1, solved at least once: 60%" in lines


def test_different_items_are_told_apart_and_copies_are_doubted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    rng = np.random.default_rng(0)
    rows = [f"a,i{n},{int(rng.random() < 0.5)},c{n}" for n in range(60)]
    rows += [row.replace("a,", "copy,", 1) for row in rows]
    for name in ("third", "fourth", "fifth"):
        rows += [f"{name},i{n},{int(rng.random() < 0.5)},c{n}" for n in range(60)]
    _, found, err = told(capsys, written(tmp_path, rows))
    assert "pseudo-replicate: a and copy have the same outcome on all 60 items" in err
    assert [each["kind"] for each in found["doubts"]] == ["pseudo-replicate"]
    rows += [f"else,j{n},1,c{n}" for n in range(5)]
    _, found, _ = told(capsys, written(tmp_path, rows), "--reference", "a")
    other = found["models"][-1]
    assert not other["paired"]
    assert other["difference"]["interval"]["low"] < other["difference"]["interval"]["high"]


@pytest.mark.parametrize(
    ("rows", "options", "says"),
    [
        (["a,i,1,c"], [], "at least two clusters"),
        (["a,i,1,c", "a,j,0,d", "b,i,1,c"], [], "model b: an error between clusters"),
        (["a,i,2,c"], [], "run 1 has an outcome of 2, outside [0, 1]"),
        (["a,i,x,c"], [], "'x' for outcome, which is no number"),
        (["a,i,nan,c"], [], "which is no number"),
        (["a,,1,c"], [], "run 1 has no item"),
        (["a,i"], [], "has 2 columns only"),
        ([], [], "holds no run"),
        (["a,i,1,c", "a,j,1,d"], ["--reference", "b"], "no run is of this model"),
        (["a,i,1,c", "a,j,1,d"], ["--sensitivity", "3/4"], "go together"),
        (["a,i,1,c", "a,j,1,d"], ["--sensitivity", "5/4", "--specificity", "3/4"], "at most"),
        (["a,i,1,c", "a,j,1,d"], ["--sensitivity", "x", "--specificity", "3/4"], "such as 45/50"),
        (["a,i,1,c", "a,j,1,d"], ["--alpha", "0.1"], "go with --threshold"),
        (["a,i,1,c", "a,j,1,d"], ["--column", "item"], "write such as item=task_id"),
        (["a,i,1,c", "a,j,1,d"], ["--column", "thing=x"], "--column thing: there are"),
        (["a,i,1,c", "a,j,1,d"], ["--threshold", "1.5"], "a threshold must lie strictly"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_two(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rows: list[str],
    options: list[str],
    says: str,
):
    assert run(["estimate", written(tmp_path, rows), *options]) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_what_cannot_be_told_is_said_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = written(tmp_path, ["a,i,1,c", "a,j,0.5,d"])
    _, found, _ = told(
        capsys, path, "--attempts", "2", "--sensitivity", "4/5", "--specificity", "4/5"
    )
    assert [text.partition(":")[0] for text in found["models"][0]["without"]] == [
        "pass@2",
        "corrected rate",
    ]


def test_names_of_a_table_reach_the_terminal_as_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    odd = "a\x1b[2J\x1b]0;owned\x07\u202e\x9bm"
    rows = [f"{name},t{n},1,f{n}" for n in range(6) for name in (odd, "b")]
    path = written(tmp_path, rows, "model,item,outcome,cluster")
    shown = ""
    for more in ([], ["--json"]):
        assert run(["estimate", path, *more]) == 0
        said = capsys.readouterr()
        assert not [c for c in said.out + said.err if c != "\n" and is_unseen(c)]
        shown = said.out
    assert json.loads(shown)["models"][0]["model"] == odd, "a program still gets it whole"
