"""Lets a scripted solver work on an item in a plain folder, and the item's judge say what it did.

It stands in for the server and the sandbox where a test is about the solver alone.
"""

from dataclasses import dataclass
from pathlib import Path

from support.subject_loop import judge, lay_out, run_in
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.scripted_solver import (
    CommandResult,
    RunCommand,
    Strategy,
    Transcript,
)

SECONDS = 60.0


@dataclass(frozen=True)
class Turn:
    """One command of a solver, why, and what came back."""

    command: str
    thought: str
    output: str


def turns(strategy: Strategy, item: Item, folder: Path, most: int = 9) -> list[Turn]:
    """All turns of a solver (at most `most`) on a fresh copy of the item's files in `folder`."""
    folder.mkdir(parents=True)
    lay_out(item.files, folder)
    done: list[Turn] = []
    while len(done) < most:
        exchanges = tuple(CommandResult(turn.command, turn.output) for turn in done)
        step = strategy.step(Transcript(item.prompt, exchanges))
        if not isinstance(step, RunCommand):
            break
        ran = run_in(folder, ["bash", "-c", step.command], SECONDS)
        done.append(Turn(step.command, step.thought, ran.stderr + ran.stdout))
    return done


def solved(strategy: Strategy, item: Item, folder: Path) -> bool:
    """Whether the solver's answer scores 1. No answer is no solution; a judge's fault is an error.

    Raises:
        KeyError: the judge gave no verdict.
    """
    turns(strategy, item, folder)
    left = folder / item.answer
    answer = left.read_bytes() if left.is_file() else None
    return bool(judge(item, answer, folder.with_name(f"{folder.name}-judge"))["score"])
