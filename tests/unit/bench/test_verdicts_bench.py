"""The bench measures what it says, on populations that take no time; gates hold on them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from touchstone.bench import verdicts
from touchstone.bench.learning import learn
from touchstone.bench.populations import invent
from touchstone.bench.table import BenchTable
from touchstone.cli import app as command_line
from touchstone.errors import BadInputError
from touchstone.statistics import (
    RateRule,
    e_process,
    replay_outcomes,
    sampling_weights,
    sequential_design,
)


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    return written(tmp_path, models=8, items=60)


def written(folder: Path, *, models: int, items: int) -> Path:
    """A matrix of invented outcomes, as a file."""
    table = invent(np.random.default_rng(4), models=models, items=items).outcomes
    path = folder / "matrix.csv"
    rows = [
        ",".join([f"m{number}", *(f"{cell:g}" for cell in row), str(number + 1)])
        for number, row in enumerate(table)
    ]
    header = ",".join(["model", *(f"i{number}" for number in range(items)), "cost"])
    path.write_text("\n".join([header, *rows]))
    return path


USUAL = verdicts._Options(
    tau=None,
    zone=0.0,
    alpha=0.05,
    beta=0.02,
    concurrency=1,
    shuffle_items=False,
    train="others",
    repeats=1,
)


def values(table: BenchTable) -> dict[str, float]:
    return {row.name: row.value for row in table.rows}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"zone": 0.05},
        {"shuffle_items": True},
        {"train": "weakest"},
        {"train": "few"},
        {"train": "none"},
        {"concurrency": 20},
        {"tau": 0.5},
        {"alpha": 0.01, "beta": 0.1},
    ],
    ids=str,
)
def test_no_gate_is_missed(matrix: Path, options: dict[str, Any]):
    # One threshold takes a third of the time, and so few orders miss a gate by chance.
    table = verdicts.run(matrix, repeats=12 if "tau" in options else 4, **options)
    assert [row.name for row in table.rows if row.met is False] == []
    assert all(np.isfinite(row.value) for row in table.rows)
    assert values(table)["all tests together"] < 1
    assert "all tests together, by cost" in values(table)


def test_nearer_thresholds_cost_more_and_views_help(matrix: Path):
    learnt = values(verdicts.run(matrix, repeats=4))
    blinded = values(verdicts.run(matrix, repeats=4, train="none"))
    means = [learnt[f"{points} points: mean used"] for points in (5, 10, 20)]
    assert means == sorted(means, reverse=True)
    assert learnt["all tests together"] < blinded["all tests together"]


def test_concurrency_costs_samples_but_no_verdict(matrix: Path):
    one, many = (verdicts.run(matrix, repeats=4, concurrency=count) for count in (1, 20))
    assert values(one)["started beyond the verdict, mean"] == 0
    assert 0 < values(many)["started beyond the verdict, mean"] <= 20 / 60
    name = "10 points: coverage at the stop"
    assert values(one).keys() == values(many).keys()
    assert name in values(one)


def test_the_bench_plays_as_a_review_does():
    """The batched tests give the very verdicts that `replay_outcomes` gives, sample for sample."""
    table = invent(np.random.default_rng(2), models=8, items=80).outcomes
    views, rng = learn(table[1:]), np.random.default_rng(0)
    threshold = np.array([0.3, 0.5, 0.7])
    rules = [RateRule(float(each), 0.0, 0.05, 0.02) for each in threshold]
    designs = [sequential_design(rule, views, rng.uniform(size=80)) for rule in rules]
    weights = np.stack([sampling_weights(views, rule) for rule in rules])
    orders = np.stack([each.order for each in designs])
    used, word, _ = verdicts._play(table[0], views, threshold, weights, orders, USUAL)
    for number, each in enumerate(designs):
        got = replay_outcomes(each, dict(enumerate(table[0])))
        assert got.used == used[number]
        assert {"above": 1, "below": -1}.get(got.word, 0) == word[number]


def rig(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bettors win without evidence."""
    fair = e_process.update_wealth

    def rigged(setup: Any, wealth: Any, *drawn: Any) -> Any:
        after = fair(setup, wealth, *drawn)
        after.logs[:] += np.random.default_rng(0).normal(0, 3, after.logs.shape)
        return after

    monkeypatch.setattr("touchstone.bench.verdicts.update_wealth", rigged)


def test_a_gate_that_is_missed_is_said(matrix: Path, monkeypatch: pytest.MonkeyPatch):
    """Twin: bettors who win without evidence are wrong more often than the gate allows."""
    rig(monkeypatch)
    table = verdicts.run(matrix, repeats=4)
    missed = [row.name for row in table.rows if row.met is False]
    assert "5 points: wrong verdicts" in missed


def test_a_missed_gate_is_an_answer_of_no_and_progress_is_told(
    matrix: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    asked = ["bench", "verdicts", "--matrix", str(matrix), "--tau", "0.5", "--json"]
    # In few orders chance alone misses the true gate.
    monkeypatch.setattr(verdicts, "_TESTS", 1)
    monkeypatch.setattr(verdicts, "_WRONG_GATE", 1.0)
    assert command_line.run(asked) == 0
    told = capsys.readouterr().err
    assert "verdicts: model 1 of 8\n" in told
    assert "verdicts: model 8 of 8\n" in told
    monkeypatch.setattr(verdicts, "_WRONG_GATE", 0.0)
    rig(monkeypatch)
    assert command_line.run(asked) == 1


def test_copies_among_the_models_of_a_matrix_are_named(matrix: Path):
    lines = matrix.read_text().splitlines()
    name, *cells = lines[3].split(",")
    matrix.write_text("\n".join([*lines, ",".join([f"{name}-again", *cells])]))
    notes = verdicts.run(matrix, tau=0.5, repeats=1).notes
    said = f"{name} and {name}-again have the same outcome on all 60 items"
    assert notes == (f"pseudo-replicate: {said}",)
    assert verdicts.run(tau=0.5, repeats=1, items=48).notes == ()


def test_the_oracle_is_walds():
    """Known answer: with every outcome 1 and a threshold of 1/2, five ones are 31 to 1."""
    needed = verdicts._oracle(np.ones(10_000), np.array([0.5]), USUAL, np.random.default_rng(0))
    assert needed.tolist() == [5.0]


def test_goals_are_those_of_five_hundred_items_alone(matrix: Path):
    goals = [row.goal for row in verdicts.run(matrix, repeats=1).rows if "median" in row.name]
    assert goals == ["", "", ""]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"train": "best"}, "train is one of"),
        ({"items": 9}, "items is 10 to 5000"),
        ({"items": 5001}, "items is 10 to 5000"),
        ({"items": 48, "matrix": Path("m.csv")}, "and no matrix"),
        ({"concurrency": 0}, "at least 1"),
        ({"repeats": 0}, "at least 1"),
        ({"tau": 0.0}, "a threshold"),
        ({"tau": 1.0}, "a threshold"),
        ({"tau": float("nan")}, "a threshold"),
        ({"zone": 0.5}, "a zone"),
        ({"alpha": 0.0}, "alpha"),
        ({"beta": 1.0}, "beta"),
        ({"zone": 0.49}, "leaves room"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any], what: str):
    with pytest.raises(BadInputError, match=what):
        verdicts.run(**{"repeats": 1, **options})


def test_few_models_are_tested_in_more_orders_so_that_errors_can_be_told_from_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As many as memory allows: without any to spare, ten orders a test."""
    matrix = written(tmp_path, models=4, items=40)
    asked: list[int] = []
    tested = verdicts._test

    def seen(*args: Any) -> Any:
        asked.append(len(args[2]))
        return tested(*args)

    monkeypatch.setattr(verdicts, "_test", seen)
    monkeypatch.setattr(verdicts, "_TESTS", 40)
    verdicts.run(matrix, tau=0.5)
    many = sum(asked)
    monkeypatch.setattr(verdicts, "_CELLS", 0)
    asked.clear()
    verdicts.run(matrix, tau=0.5)
    assert many > sum(asked) == 4 * 10


def test_what_an_error_rate_allows_misses_no_gate(matrix: Path):
    table = verdicts.run(matrix, alpha=0.2, beta=0.1, repeats=1)
    goals = {row.name.partition(": ")[2]: row.goal for row in table.rows}
    assert goals["false above"] == goals["wrong verdicts"] == "at most 0.2"
    assert goals["false below"] == "at most 0.1"
