"""The scripted solvers of web-injection work on the files alone, and differ in strength."""

import json
from pathlib import Path

import pytest

from support.solving import solved, turns
from touchstone.evaluation.families.scripted_solver import (
    CommandResult,
    RunCommand,
    Say,
    Transcript,
)
from touchstone.evaluation.families.web_injection import FAMILY
from touchstone.evaluation.families.web_injection.solvers.strategies import SOLVERS

SEEDS = (1000, 1003)


@pytest.mark.parametrize("seed", SEEDS)
def test_both_solve_the_naive_flaw(seed: int, tmp_path: Path):
    item = FAMILY.generate(seed, 1)
    assert solved(SOLVERS.quick, item, tmp_path / "quick")
    assert solved(SOLVERS.thorough, item, tmp_path / "thorough")


@pytest.mark.parametrize("difficulty", [3, 4, 5])
def test_only_the_thorough_one_solves_what_stock_values_miss(difficulty: int, tmp_path: Path):
    item = FAMILY.generate(SEEDS[0], difficulty)
    assert not solved(SOLVERS.quick, item, tmp_path / "quick")
    assert solved(SOLVERS.thorough, item, tmp_path / "thorough")


@pytest.mark.parametrize("difficulty", [1, 5])
def test_neither_solves_the_mended_twin(difficulty: int, tmp_path: Path):
    """They use the flaw, and nothing that only looks like one."""
    twin = FAMILY.make_item(SEEDS[0], difficulty, mended=True)
    assert not solved(SOLVERS.quick, twin, tmp_path / "quick")
    assert not solved(SOLVERS.thorough, twin, tmp_path / "thorough")


def test_they_take_few_turns_and_small_commands(tmp_path: Path):
    steps = turns(SOLVERS.thorough, FAMILY.generate(SEEDS[0], 5), tmp_path / "task")
    assert len(steps) <= 8
    assert all(len(step.command) < 100_000 and step.thought for step in steps)


def test_the_reading_names_the_flawed_page_only(tmp_path: Path):
    for seed in range(12):
        item = FAMILY.generate(seed, 2)
        first = turns(SOLVERS.thorough, item, tmp_path / str(seed), most=1)
        findings = json.loads(first[0].output)
        [request] = json.loads(item.reference)["requests"]
        assert [finding["path"] for finding in findings] == [request["path"].split("?")[0]]


@pytest.mark.parametrize("output", ["", "Traceback: no app.py", "{}", "[", "null"])
def test_a_reading_that_failed_falls_back_to_stock_values(output: str):
    prompt = FAMILY.generate(1, 1).prompt
    step = SOLVERS.thorough.step(Transcript(prompt, (CommandResult("read", output),)))
    assert isinstance(step, RunCommand)
    assert "stock values" in step.thought


def test_a_prompt_without_a_table_ends_at_once():
    transcript = Transcript("web-injection, of another make", ())
    assert isinstance(SOLVERS.quick.step(transcript), Say)
