"""The two scripted solvers of a family of claims: steps at random, and asked_steps at every edge.

They read the terms by the family's fixed grammar, and ask its program as a black box.
"""

import json
from collections.abc import Mapping
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
_THOROUGH = {"stock": 20, "edges": 4, "tries": 200}
_FOLDER = ".notes"


@dataclass(frozen=True)
class Prober:
    """Asks the program about some steps, and explains where it differs from its terms."""

    script: Mapping[str, str]
    """Programs by file name, those of the family and the common one."""
    plan: Mapping[str, int]
    read: str
    """What it reads first, as a shell command; empty: it reads nothing."""
    thought: str

    def step(self, transcript: Transcript) -> Step:
        """Read (who is thorough), probe, then say what came of it."""
        done = transcript.exchanges
        if self.read and not done:
            return RunCommand(
                self.read, "First I read the terms, and what the program makes of it."
            )
        if len(done) > bool(self.read):
            return _say(done[-1].output)
        lines = [f"mkdir -p {_FOLDER}"]
        for name, text in self.script.items():
            lines.append(f"cat > {_FOLDER}/{name} <<'END_OF_SCRIPT'\n{text}\nEND_OF_SCRIPT")
        lines.append(f"python3 -B {_FOLDER}/claim_try.py '{json.dumps(dict(self.plan))}'")
        return RunCommand("\n".join(lines), self.thought)


def _say(output: str) -> Say:
    if "parts claimed" in output:
        return Say("claims.json holds what the program does otherwise than its terms.")
    return Say("I could not tell where the program differs from its terms.")


def claim_solvers(family: str, read: str, stock: int, thought: str) -> Solvers:
    """The solvers of a family; the quick one asks about `stock` lists of steps at random."""
    own = f"{_ROOM}.{family.replace('-', '_')}"
    places = {
        "draws.py": (_ROOM, "draws.py"),
        "model.py": (own, "model.py"),
        "reading.py": (f"{own}.solvers", "scripts/reading.py"),
        "claim_try.py": (f"{_ROOM}.claims", "scripts/claim_try.py"),
    }
    script = {
        name: files(package).joinpath(path).read_text(encoding="utf-8")
        for name, (package, path) in places.items()
    }
    quick = Prober(script, {"stock": stock, "edges": 0, "tries": 0}, "", "")
    return Solvers(family, quick, Prober(script, _THOROUGH, read, thought))
