"""Reads a task's terms, asks its program, and looks for the fewest slips that explain it.

Runs in the task's folder, beside the family's `model.py` and `reading.py` and `draws.py`. Its one
argument says how it asked_steps: `stock` (steps at random) or `edges` (for every slip, steps at the
edges of its part, until that many show it).
"""

import importlib
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MODEL: Any = importlib.import_module("model")
READING: Any = importlib.import_module("reading")
DRAWS: Any = importlib.import_module("draws")
MOST_FLAWS = 3


def asked_steps(plan: dict[str, int], facts: Any, parts: Any, slips: Any) -> Iterator[Any]:
    """What the program is asked about."""
    draw = DRAWS.Draws("a solver's own draws")
    for _ in range(plan["stock"]):
        yield MODEL.some_steps(draw, facts, parts, None)
    for slip in slips if plan["edges"] else ():
        other, found = MODEL.slips_made(parts, [slip]), 0
        for _ in range(plan["tries"]):
            steps = MODEL.some_steps(draw, facts, parts, slip[0])
            if MODEL.comes_to(facts, parts, steps) != MODEL.comes_to(facts, other, steps):
                yield steps
                found += 1
            if found >= plan["edges"]:
                break


def fewest_slips(facts: Any, parts: Any, slips: Any, asked: Any) -> Any:
    """The fewest slips, at most one a part, under which the terms give the program's answers."""
    for count in range(MOST_FLAWS + 1):
        for chosen in itertools.combinations(slips, count):
            if len({place for place, _ in chosen}) < count:
                continue
            variant = MODEL.slips_made(parts, chosen)
            for at, (steps, told) in enumerate(asked):
                if MODEL.comes_to(facts, variant, steps) != told:
                    # What refuted one guess refutes most others: it goes to the front.
                    asked.insert(0, asked.pop(at))
                    break
            else:
                return chosen
    return None


def main() -> None:
    """Probe, explain, and write the claims."""
    plan = json.loads(sys.argv[1])
    facts, parts = READING.read_task()
    slips = MODEL.open_slips(parts)
    wanted = list(asked_steps(plan, facts, parts, slips))
    asked = list(zip(wanted, READING.answers(facts, wanted), strict=True))
    chosen = fewest_slips(facts, parts, slips, list(asked))
    if chosen is None:
        print("no few slips explain what the program does")  # noqa: T201 - the shell shows it
        return
    claims = []
    for slip in chosen:
        other = MODEL.slips_made(parts, [slip])
        for steps, _ in asked:
            right = MODEL.comes_to(facts, parts, steps)
            if MODEL.comes_to(facts, other, steps) != right:
                claims.append({"part": slip[0] + 1, "steps": steps, "right": right})
                break
    Path("claims.json").write_text(json.dumps({"claims": claims}), encoding="utf-8")
    names = ", ".join(str(claim["part"]) for claim in claims) or "none"
    print(f"after {len(asked)} probes, parts claimed: {names}")  # noqa: T201 - the same


if __name__ == "__main__":
    main()
