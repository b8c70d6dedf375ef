"""Scripted solvers of the planted packages: some small changes at random, and many of them."""

import json
import re
from dataclasses import dataclass
from importlib.resources import files

from touchstone.evaluation.families.scripted_solver import (
    RunCommand,
    Say,
    Solvers,
    Step,
    Transcript,
)

_ROOM = "touchstone.evaluation.families"
_OWN = f"{_ROOM}.planted_packages"
_FOLDER = ".notes"
_PLACES = {
    "draws.py": (_ROOM, "draws.py"),
    "program.py": (_OWN, "program.py"),
    "running.py": (_OWN, "running.py"),
    "repair_try.py": (f"{_OWN}.solvers", "scripts/repair_try.py"),
}


@dataclass(frozen=True)
class Repairing:
    """Tries small changes until the examples are answered rightly; says "none" where they are."""

    most: int
    """How many changes it tries."""
    read: str
    """What it reads first, as a shell command; empty: it reads nothing."""
    thought: str

    def step(self, transcript: Transcript) -> Step:
        """Read (who is thorough), try, then say what came of it."""
        done = transcript.exchanges
        if self.read and not done:
            return RunCommand(self.read, "First I read what the calls are to do.")
        if len(done) > bool(self.read):
            return _say(done[-1].output)
        place = re.search(r"lines (\d+) to\s+(\d+)", transcript.prompt)
        first, last = map(int, place.groups()) if place else (1, 0)
        lines = [f"mkdir -p {_FOLDER}"]
        for name, (package, path) in _PLACES.items():
            text = files(package).joinpath(path).read_text(encoding="utf-8")
            lines.append(f"cat > {_FOLDER}/{name} <<'END_OF_SCRIPT'\n{text}\nEND_OF_SCRIPT")
        plan = json.dumps({"most": self.most, "first": first, "last": last})
        lines.append(f"python3 -B {_FOLDER}/repair_try.py '{plan}'")
        return RunCommand("\n".join(lines), self.thought)


def _say(output: str) -> Say:
    if "repair handed in" in output:
        return Say("repair.json holds the repair, or that nothing is wrong.")
    return Say("I could not tell what is wrong.")


SOLVERS = Solvers(
    "planted-packages",
    Repairing(24, "", ""),
    Repairing(
        240,
        "cat ABOUT.txt examples.txt",
        "Some examples may be answered wrongly. I change one thing after another among the lines "
        "that are named, and keep what answers all of them.",
    ),
)
