"""Tries small changes of a program until all examples are answered rightly.

Runs in the task's folder, beside `program.py` and `running.py` in its own. Its one argument says
how many changes it tries, and of which lines.
"""

import importlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

PROGRAM: Any = importlib.import_module("program")
RUNNING: Any = importlib.import_module("running")
DRAWS: Any = importlib.import_module("draws")
LANGUAGES = {"py": "python", "js": "javascript", "c": "c"}
SECONDS = 3.0


def wrong_of(unit: Path, text: str, calls: Path, examples: list[tuple[str, str]]) -> int:
    """How many of the examples a program answers otherwise."""
    language = LANGUAGES[unit.suffix[1:]]
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        (folder / unit.name).write_text(text)
        shutil.copy(calls, folder)
        asked = [call for call, _ in examples]
        try:
            told = RUNNING.told_by(folder, language, asked, SECONDS, ("-O0",))
        except RUNNING.ProgramFailedError:
            return len(examples)
    return sum(one != right for one, (_, right) in zip(told, examples, strict=True))


def main() -> None:
    """Try, and write the repair."""
    plan = json.loads(sys.argv[1])
    (unit,) = (path for path in Path().glob("unit.*") if path.suffix[1:] in LANGUAGES)
    calls = Path(f"calls{unit.suffix}")
    rows = Path("examples.txt").read_text().splitlines()
    examples = [(rows[at], rows[at + 1][2:]) for at in range(0, len(rows), 2)]
    text = unit.read_text()
    lines = [
        ((len(row) - len(row.lstrip())) // 4, PROGRAM.tokens_of(row, LANGUAGES[unit.suffix[1:]]))
        for row in text.splitlines()
    ]
    first, last = plan["first"], plan["last"] or len(lines)
    found, tried = None, 0
    if wrong_of(unit, text, calls, examples):
        sites = [site for site in PROGRAM.sites(lines) if first <= site.line + 1 <= last]
        draw = DRAWS.Draws("a solver's own draws")
        for site in draw.sample(sites, min(plan["most"], len(sites))):
            tried += 1
            changed = PROGRAM.with_flaw(lines, site)
            if not wrong_of(unit, PROGRAM.program_text(changed), calls, examples):
                found = {
                    "line": site.line + 1,
                    "text": PROGRAM.line_text(changed[site.line]).strip(),
                }
                break
        else:
            print(f"none of {tried} changes answers all examples")  # noqa: T201 - the shell shows it
            return
    Path("repair.json").write_text(json.dumps({"repair": found}), encoding="utf-8")
    print(f"after {tried} changes, repair handed in: {bool(found)}")  # noqa: T201 - the same


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)
    main()
