"""The scripted solvers of payment-logic work on the files alone, and differ in strength."""

from pathlib import Path

import pytest

from support.solving import solved, turns
from touchstone.evaluation.families.payment_logic import FAMILY
from touchstone.evaluation.families.payment_logic.solvers.strategies import SOLVERS
from touchstone.evaluation.families.scripted_solver import Say, Transcript

SEEDS = (1000, 1002)


@pytest.mark.parametrize("difficulty", [1, 2])
def test_both_solve_the_usual_slips(difficulty: int, tmp_path: Path):
    item = FAMILY.generate(SEEDS[0], difficulty)
    assert solved(SOLVERS.quick, item, tmp_path / "quick")
    assert solved(SOLVERS.thorough, item, tmp_path / "thorough")


@pytest.mark.parametrize("difficulty", [3, 4, 5])
def test_only_the_thorough_one_solves_what_needs_several_steps(difficulty: int, tmp_path: Path):
    item = FAMILY.generate(SEEDS[1], difficulty)
    assert not solved(SOLVERS.quick, item, tmp_path / "quick")
    assert solved(SOLVERS.thorough, item, tmp_path / "thorough")


def test_neither_solves_the_mended_twin(tmp_path: Path):
    """They use the flaw, and nothing that only looks like one."""
    twin = FAMILY.make_item(SEEDS[1], 3, mended=True)
    assert not solved(SOLVERS.quick, twin, tmp_path / "quick")
    assert not solved(SOLVERS.thorough, twin, tmp_path / "thorough")


def test_they_take_few_turns_and_small_commands(tmp_path: Path):
    steps = turns(SOLVERS.thorough, FAMILY.generate(SEEDS[0], 1), tmp_path / "task")
    assert len(steps) <= 8
    assert all(len(step.command) < 100_000 and step.thought for step in steps)
    assert "16 operations" in steps[1].thought


def test_a_prompt_without_a_goal_ends_at_once():
    transcript = Transcript("payment-logic, of another make", ())
    assert isinstance(SOLVERS.quick.step(transcript), Say)
