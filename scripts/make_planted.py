"""Verifies every flaw that could be planted, and writes what was found: planted_packages/recorded/.

    touchstone assets pull planted-packages
    PYTHONPATH=src .venv/bin/python scripts/make_planted.py [PACKAGE...]

Of each package the clean program answers all calls, twice; then the program with one thing
otherwise does. A flaw is one that shows in some of the calls, the same ones both times.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from touchstone.evaluation.families.planted_packages import cases, packages, program, running
from touchstone.evaluation.families.planted_packages.recorded_flaws import marks_of
from touchstone.evaluation.families.planted_packages.writing import calls_text

SECONDS = 8.0
LEAST, MOST = 2, 0.6
"""A flaw shows in so many calls at least, and in so large a part of them at most."""


def _answers(package: packages.Package, lines: Sequence[program.Line]) -> list[str] | None:
    """What the program answers; None: it cannot be had in time, or does not build."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        (folder / f"unit.{package.suffix}").write_text(program.program_text(lines))
        (folder / f"calls.{package.suffix}").write_text(calls_text(package, {}))
        calls = cases.calls(package.name)
        try:
            return running.told_by(folder, package.language, calls, SECONDS, running.CHECKED)
        except running.ProgramFailedError:
            return None


def _names(lines: Sequence[program.Line]) -> set[str]:
    pieces = {piece for _, line in lines for piece in line}
    return {each for each in pieces if program.is_name(each) or program.is_text(each)}


def _flaws(
    package: packages.Package, lines: Sequence[program.Line], right: Sequence[str]
) -> list[list[object]]:
    found: list[list[object]] = []
    for number, site in enumerate(program.sites(lines)):
        wrong = program.with_flaw(lines, site)
        # A repair has no name that the program has not: one that is gone could not come back.
        if not _names(lines) <= _names(wrong):
            continue
        told = _answers(package, wrong)
        shown = [at for at, each in enumerate(right) if told and told[at] != each]
        if LEAST <= len(shown) <= MOST * len(right) and _answers(package, wrong) == told:
            found.append([number, marks_of(shown)])
    return found


def main() -> None:
    """Verify the flaws of the packages named, or of all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("package", nargs="*")
    for name in parser.parse_args().package or packages.PACKAGES:
        package = packages.PACKAGES[name]
        lines = packages.source_of(package).lines
        right = _answers(package, lines)
        if right is None or _answers(package, lines) != right or "" in right:
            sys.exit(f"{name}: the clean program does not answer all calls alike")
        flaws = _flaws(package, lines, right)
        rows = ",\n  ".join(map(json.dumps, flaws))
        text = f'{{"answers": {json.dumps(right)},\n "flaws": [\n  {rows}\n]}}\n'
        (Path(packages.__file__).parent / "recorded" / f"{name}.json").write_text(
            text, encoding="ascii"
        )
        print(f"{name}: {len(flaws)} flaws of {len(program.sites(lines))} places")


if __name__ == "__main__":
    main()
