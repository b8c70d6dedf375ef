"""Reads LAYOUT.txt by its grammar, and asks program.c."""

import re
import subprocess
from pathlib import Path
from typing import Any


def read_task() -> tuple[Any, Any]:
    """(facts, parts) of the task."""
    text = Path("LAYOUT.txt").read_text(encoding="utf-8")
    head, _, records = text.partition("\n1. ")
    cells = re.search(r": (\d+) cells", head)
    if cells is None:
        raise SystemExit("I do not understand this layout.")
    return {"cells": int(cells[1])}, [_record(line) for line in f"1. {records}".splitlines()]


def _record(line: str) -> dict[str, Any]:
    found = re.fullmatch(r"\d+\. `(\w+)` (.*)", line)
    if found is None:
        raise SystemExit(f"I do not understand: {line}")
    said = found[2]
    part: dict[str, Any] = {"record": found[1], "gate": "", "lent": False, "limit": 12, "width": 1}
    if said.startswith("touches no cell"):
        odd = re.search(r"a is (odd|no even)", said) is not None
        return {**part, "kind": "gate", "odd": odd}
    for key, form in (
        ("first", r"cells (\d+) to"),
        ("last", r"cells \d+ to (\d+)"),
        ("width", r"(?:of|have|which) (\d+) (?:cells|make)|elements have (\d+)"),
        (
            "limit",
            r"(?:above|greater than|beyond|not below) (\d+)|of (\d+) or more|from (\d+) on\b",
        ),
    ):
        if value := re.search(form, said):
            part[key] = int(next(filter(None, value.groups())))
    if gate := re.search(r"refused but \w+(?: long)?(?: as)? `(\w+)` (has lent|lends)?", said):
        part |= {"gate": gate[1], "lent": gate[2] is not None}
    part["closed"] = re.search(r"(above|greater than|beyond) \d", said) is not None
    part["upward"] = re.search(r"upwards", said) is not None
    part["from_one"] = re.search(r"from 1,|one being", said) is not None
    if "the next a cells" in said:
        kept = re.search(r"behind the last|before of its kind", said) is not None
        clipped = re.search(r"as many as are left|cut to what fits", said) is not None
        limit = part["last"] - part["first"] + 1
        return {**part, "kind": "pour", "kept": kept, "clipped": clipped, "limit": limit}
    if "behind the region's first one" in said:
        headed = re.search(r"as well|first cell, too", said) is not None
        wide = re.search(r"elements of|groups, each", said) is not None
        return {**part, "kind": "fill", "headed": headed, "wide": wide}
    return {**part, "kind": "put" if "touches element a" in said else "span"}


def answers(facts: Any, wanted: Any) -> list[Any]:
    """What the program touches, for each list of records."""
    del facts
    program = Path(".notes", "program")
    subprocess.run(["gcc", "-O0", "-w", "program.c", "main.c", "-o", str(program)], check=True)
    lines = []
    for steps in wanted:
        lines += [f"{step['record']} {step['a']} {step['b']}" for step in steps] + ["-"]
    done = subprocess.run(
        [f"./{program}"], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True
    )
    return [sorted(map(int, line.split())) for line in done.stdout.splitlines()]
