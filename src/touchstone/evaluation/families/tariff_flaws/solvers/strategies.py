"""Scripted solvers of the tariff tasks: a few orders at random, and probes at every edge."""

import base64
import json
from importlib.resources import files

from touchstone.evaluation.families.scripted_solver import (
    RunCommand,
    Say,
    Solvers,
    Step,
    Transcript,
)

READ = "cat TERMS.txt tariff.py"
QUICK = {"stock": 16, "edges": 0, "tries": 0}
THOROUGH = {"stock": 40, "edges": 3, "tries": 400}


def _try(plan: dict[str, int]) -> str:
    packed = base64.b64encode(json.dumps(plan).encode()).decode("ascii")
    text = files(__package__).joinpath("scripts", "tariff_try.py").read_text(encoding="utf-8")
    script = text.replace("@PLAN@", packed)
    return f"python3 -B - <<'END_OF_SCRIPT'\n{script}\nEND_OF_SCRIPT\n"


def _say(output: str) -> Say:
    if "clauses claimed" in output:
        return Say("claims.json holds what the program does otherwise than its terms.")
    return Say("I could not tell where the program differs from its terms.")


class Quick:
    """Asks the program about some orders at random, and explains where it differs."""

    def step(self, transcript: Transcript) -> Step:
        """Try, then say what came of it."""
        if transcript.exchanges:
            return _say(transcript.exchanges[-1].output)
        return RunCommand(_try(QUICK))


class Thorough:
    """Works out for each clause which orders would show it wrong, and asks about those."""

    def step(self, transcript: Transcript) -> Step:
        """Read, probe, then say what came of it."""
        done = transcript.exchanges
        if not done:
            return RunCommand(READ, "First I read the terms, and what the program makes of them.")
        if len(done) > 1:
            return _say(done[-1].output)
        thought = (
            "Each clause could be wrong at the edge of a condition, in its rounding, or in what it "
            "counts. For each such slip I look for orders that would show it, ask the program, and "
            "take the fewest slips that explain all of its answers."
        )
        return RunCommand(_try(THOROUGH), thought)


SOLVERS = Solvers("tariff-flaws", Quick(), Thorough())
