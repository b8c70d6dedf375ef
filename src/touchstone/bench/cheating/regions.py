"""A cheat at the memory tasks that reads of each record what region it owns, and nothing else."""

import json
from collections.abc import Set as AbstractSet

from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.claims.planting import Part
from touchstone.evaluation.families.memory_safety import model

_NUMBERS = range(22)
"""Beyond any bound of the family's."""
_COUNTS = range(4)


def out_of_bounds(item: Item) -> frozenset[int]:
    """The records that leave their region, or that never touch its last cell, numbered from 1.

    Whoever builds the program has this by trying all numbers. The model says here what the
    program does, which tests hold to it.
    """
    told = json.loads(item.judge_files["item.json"])
    parts = model.slips_made(told["parts"], [(at, what) for at, what in told["slips"]])
    return frozenset(
        number
        for number, part in enumerate(parts, start=1)
        if part["kind"] != "gate" and _beside(part, reached_cells(part))
    )


def reached_cells(part: Part) -> frozenset[int]:
    """Every cell that a record touches, whatever its numbers are, where nothing is lent."""
    free, counts = [{**part, "gate": ""}], _COUNTS if part["kind"] == "span" else (1,)
    asked = [{"record": part["record"], "a": a, "b": b} for a in _NUMBERS for b in counts]
    return frozenset(cell for step in asked for cell in model.comes_to({}, free, [step]))


def _beside(part: Part, cells: AbstractSet[int]) -> bool:
    return part["last"] not in cells or not cells <= set(range(part["first"], part["last"] + 1))
