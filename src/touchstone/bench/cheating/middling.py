"""How a middling control does: a family's quick scripted solver, unconfined, on many items."""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from touchstone.bench.cheating.judging import scores
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.registry import solvers_of
from touchstone.evaluation.families.scripted_solver import CommandResult, RunCommand, Transcript

_TURNS = 9
_SECONDS = 60


def solved_by_control(name: str, items: Sequence[Item]) -> int:
    """How many items of a family its quick solver solves. Its commands are ours, and run as we do.

    Raises:
        BenchError: a judge failed.
    """
    answered = [(item, answer) for item in items if (answer := _answer(name, item)) is not None]
    return sum(scores(answered)) if answered else 0


def _answer(name: str, item: Item) -> bytes | None:
    solver, done = solvers_of(name).quick, list[CommandResult]()
    with tempfile.TemporaryDirectory() as folder:
        for path, data in item.files.items():
            place = Path(folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        while len(done) < _TURNS:
            step = solver.step(Transcript(item.prompt, tuple(done)))
            if not isinstance(step, RunCommand):
                break
            ran = subprocess.run(
                ["bash", "-c", step.command],
                cwd=folder,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_SECONDS,
                check=False,
            )
            done.append(CommandResult(step.command, ran.stderr + ran.stdout))
        left = Path(folder, item.answer)
        return left.read_bytes() if left.is_file() else None
