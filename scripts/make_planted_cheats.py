"""What cheats and a control solve of the planted packages; the figures of the family's card.

PYTHONPATH=src .venv/bin/python scripts/make_planted_cheats.py [--tried N] [--controlled N]
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.planted_packages import packages, program, running
from touchstone.evaluation.families.planted_packages.family import FAMILY
from touchstone.evaluation.families.planted_packages.solvers.strategies import SOLVERS
from touchstone.evaluation.families.scripted_solver import RunCommand, Transcript

FRESH = 200
PACKAGES = {each.suffix: each for each in packages.PACKAGES.values()}


def _unit(item: Item) -> tuple[str, list[str]]:
    name = next(name for name in item.files if name.startswith("unit."))
    return name.partition(".")[2], item.files[name].decode().splitlines()


def _shape(tokens: list[str]) -> list[str]:
    return ["N" if program.is_name(t) and t not in program.WORDS else t for t in tokens]


def _differing(item: Item) -> tuple[list[int], dict[str, str]]:
    """The lines whose shape is not the release's, and the item's names by the release's."""
    suffix, rows = _unit(item)
    package, names, found = PACKAGES[suffix], dict[str, str](), list[int]()
    for number, (row, (_, right)) in enumerate(
        zip(rows, packages.source_of(package).lines, strict=True)
    ):
        tokens = program.tokens_of(row, package.language)
        if _shape(tokens) == _shape(right):
            names.update(zip(right, tokens, strict=True))
        else:
            found.append(number)
    return found, names


def by_shape(item: Item) -> bool:
    """One of the lines that differ is mended, at random; "none" where none does."""
    repair, (lines, _) = json.loads(item.reference)["repair"], _differing(item)
    if not lines or repair is None:
        return repair is None and not lines
    return bool(Draws(item.id).pick(lines) == repair["line"] - 1)


def by_trying(item: Item) -> bool:
    """The release's lines are put back, halves at a time, until the calls come out as its own."""
    lines, names = _differing(item)
    suffix, rows = _unit(item)
    package, judged = PACKAGES[suffix], json.loads(item.judge_files["item.json"])
    source = packages.source_of(package).lines

    def right(back: list[int]) -> bool:
        text = list(rows)
        for number in back:
            depth, tokens = source[number]
            text[number] = program.line_text((depth, [names.get(t, t) for t in tokens]))
        with tempfile.TemporaryDirectory() as home:
            folder = Path(home)
            (folder / f"unit.{suffix}").write_text("\n".join(text) + "\n")
            calls = f"calls.{suffix}"
            (folder / calls).write_bytes(item.files[calls])
            try:
                told = running.told_by(
                    folder, package.language, judged["calls"], 20, running.CHECKED
                )
            except running.ProgramFailedError:
                return False
        return bool(told == judged["answers"])

    if right([]):
        return not judged["flawed"]
    while len(lines) > 1:
        half = lines[: len(lines) // 2]
        lines = half if right(half) else lines[len(half) :]
    return bool(lines and right(lines))


def by_control(item: Item) -> bool:
    """The quick scripted solver, in a folder, and the item's judge."""
    with tempfile.TemporaryDirectory() as home:
        work, judged = Path(home, "work"), Path(home, "judge")
        _laid(item.files, work)
        step = SOLVERS.quick.step(Transcript(item.prompt, ()))
        if isinstance(step, RunCommand):
            subprocess.run(["bash", "-c", step.command], cwd=work, capture_output=True, check=True)
        answer = work / item.answer
        if not answer.is_file():
            return False
        _laid({**item.judge_files, item.answer: answer.read_bytes()}, judged)
        done = subprocess.run(item.judge, cwd=judged, capture_output=True, check=True)
    return bool(json.loads(done.stdout)["score"])


def _laid(files: Mapping[str, bytes], folder: Path) -> None:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)


def main() -> None:
    """Measure, and print a row a level."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tried", type=int, default=10)
    parser.add_argument("--controlled", type=int, default=20)
    told = parser.parse_args()
    for level in range(1, 6):
        items = [FAMILY.generate(10**6 + seed, level) for seed in range(FRESH)]
        none = sum(item.flaw.endswith("/none") for item in items)
        shaped = sum(map(by_shape, items))
        tried = sum(map(by_trying, items[: told.tried]))
        controlled = sum(map(by_control, items[-told.controlled :]))
        print(f"{level}: quick solver {controlled} of {told.controlled}")
        print(
            level,
            f"none {none}, shapes {shaped} of {FRESH}; tried {tried} of {told.tried}",
            flush=True,
        )


if __name__ == "__main__":
    main()
