"""What one item is: its records, which of them the program has wrong, and what shows it."""

from typing import Any

from touchstone.evaluation.families.claims.planting import ClaimPlan, Part, planted
from touchstone.evaluation.families.claims.words import NAMES
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.memory_safety import model

TITLES = (
    *("Alder meter", "Brackwater buoy", "Copper kiln", "Dunmore lift", "Elm press", "Fennel pump"),
    *("Gorse radio", "Hollin scale", "Inkwell plotter", "Juniper lathe", "Kestrel winch"),
)
# What the deeper slips change shows only for one number, or after other records: their share rises
# from level to level, and with it what records at random leave unseen.
_DEEP = ("kept", "closed")
LEVELS: dict[int, tuple[int, tuple[str, ...], tuple[str, ...]]] = {
    1: (8, ("put", "fill", "span"), ("from_one", "upward", "headed", "wide")),
    2: (9, ("put", "fill", "span"), ("from_one", "upward", "headed", "wide", "closed")),
    3: (
        9,
        ("put", "fill", "span", "pour"),
        ("upward", "wide", "kept", "clipped", "closed", "closed"),
    ),
    4: (10, ("put", "fill", "pour", "pour", "gate"), ("wide", "lent", "odd", *_DEEP * 3, "closed")),
    5: (11, ("put", "span", "pour", "pour", "gate"), (*_DEEP, *_DEEP, "closed")),
}
"""Of each difficulty: how many records, their kinds, and what may be wrong."""
DEEPEST = (
    *("lent", "odd", "kept", "clipped", "closed"),
    *("wide", "headed", "upward", "from_one"),
)
_GATED = 3
"""Of so many records one is behind a gate, where there are gates."""


def make_plan(draw: Draws, difficulty: int) -> ClaimPlan:
    """Draw a plan."""
    count, kinds, wrong = LEVELS[difficulty]
    drawn = [*kinds, *(draw.pick(kinds) for _ in range(count - len(kinds)))]
    names = draw.sample(NAMES, count)
    gates = [name for name, kind in zip(names, drawn, strict=True) if kind == "gate"]
    parts: list[Part] = []
    for name, kind in zip(names, drawn, strict=True):
        gated = gates and kind != "gate" and draw.below(_GATED) == 0
        parts.append(_record(draw, name, kind, draw.pick(gates) if gated else ""))
    # A gate without anything behind it would be wrong unseen.
    if gates and not any(part["gate"] for part in parts):
        draw.pick([part for part in parts if part["kind"] != "gate"])["gate"] = gates[0]
    parts = draw.sample(parts, count)
    at = draw.between(16, 99)
    for part in draw.sample(parts, count):
        part["first"], part["last"] = at, at + model.room(part) - 1
        at += model.room(part)
    facts: dict[str, Any] = {"cells": at + draw.between(0, 16)}
    slips, shown = planted(draw, model, facts, parts, wrong)
    return ClaimPlan(draw.pick(TITLES), facts, tuple(parts), slips, shown)


def _record(draw: Draws, name: str, kind: str, gate: str) -> Part:
    part: Part = {"record": name, "kind": kind, "gate": gate, "lent": bool(draw.below(2))}
    part |= {each: bool(draw.below(2)) for each in model.SLIPS[kind]}
    part |= {"limit": draw.between(5, 19), "width": draw.between(2, 4)}
    return part
