"""Scripted solvers of the payment-logic tasks: usual slips, and play with a law as the alarm."""

import base64
import json
import re
from importlib.resources import files

from touchstone.evaluation.families.scripted_solver import (
    RunCommand,
    Say,
    Solvers,
    Step,
    Transcript,
)

READ = "cat README.txt; sed -n '/^OPERATIONS/,/^}/p' ledger.py"
# Walks bound the work, so that a busy machine finds the same; seconds only cap it.
WALKS = 800
WALK_STEPS = 40
WALK_SECONDS = 15.0


def _try(prompt: str, way: str) -> str | None:
    """The command that tries; None if the prompt names no goal."""
    goal = re.search(r"rose by\s+(\d+)", prompt)
    if goal is None:
        return None
    plan = {
        "goal": goal[1],
        "way": way,
        "walks": WALKS,
        "steps": WALK_STEPS,
        "seconds": WALK_SECONDS,
    }
    packed = base64.b64encode(json.dumps(plan).encode()).decode("ascii")
    text = files(__package__).joinpath("scripts", "payment_try.py").read_text(encoding="utf-8")
    script = text.replace("@PLAN@", packed)
    return f"python3 -B - <<'END_OF_SCRIPT'\n{script}\nEND_OF_SCRIPT\n"


def _say(output: str) -> Say:
    if "it worked with" in output:
        return Say("operations.json holds operations that make money from nothing.")
    return Say("I found no operations that make money from nothing.")


_UNTOLD = Say("The task does not say by how much money has to rise.")


class Quick:
    """Tries a handful of usual slips, each on its own."""

    def step(self, transcript: Transcript) -> Step:
        """Try, then say what came of it."""
        if transcript.exchanges:
            return _say(transcript.exchanges[-1].output)
        command = _try(transcript.prompt, "stock")
        return RunCommand(command) if command else _UNTOLD


class Thorough:
    """Learns the operations, plays at random, and shortens a play in which all money rose."""

    def step(self, transcript: Transcript) -> Step:
        """Read, play, then say what came of it."""
        done = transcript.exchanges
        if not done:
            return RunCommand(READ, "First I learn the operations, their fields, and my accounts.")
        if len(done) > 1:
            return _say(done[-1].output)
        command = _try(transcript.prompt, "walk")
        return RunCommand(command, _thought(done[0].output)) if command else _UNTOLD


def _thought(output: str) -> str:
    names = re.findall(r"^    '(\w+)': \{", output, re.MULTILINE)
    return (
        f"The {len(names)} operations are {', '.join(names)}. Money may only move, so all of it "
        "together must never rise. I play at random and watch that sum; where it rises, I drop "
        "every operation that is not needed for it, and repeat the rest until it is enough."
    )


SOLVERS = Solvers("payment-logic", Quick(), Thorough())
