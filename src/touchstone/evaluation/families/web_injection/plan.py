"""What one item is: its pages, which of them the program has wrong, and what shows it."""

from typing import Any

from touchstone.evaluation.families.claims.planting import ClaimPlan, Part, planted
from touchstone.evaluation.families.claims.words import NAMES, VERBS
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.web_injection import model

CHARACTERS = "!#$%&*+,-./:<=>?@^_|~"
TITLES = (
    *(
        "Alder Lane Seeds",
        "Brackwater Boats",
        "Copper Hill Prints",
        "Dunmore Library",
        "Elm Row Maps",
    ),
    *(
        "Fennel Court Clocks",
        "Gorse Bank Tents",
        "Hollin Quay Fish",
        "Inkwell Books",
        "Juniper Tools",
    ),
)
_SHALLOW = ("front", "left", "lower", "before", "there")
# What the deeper slips change shows only for values that hold what a page treats in a special way,
# at a place that matters: their share rises from level to level.
LEVELS: dict[int, tuple[int, int, tuple[str, ...]]] = {
    1: (9, 3, ("front", "front", "lower", "lower", "before", "before", "there")),
    2: (9, 3, ("front", "lower", "before", "before", "there", "left", "left", "order")),
    3: (9, 3, ("front", "left", "lower", *("before",) * 2, "every", "whole", "order", "anywhere")),
    4: (10, 4, ("before", "given", *("order",) * 3, *("again", "whole", "every") * 2)),
    5: (10, 4, (*("order",) * 3, *("again", "whole", "every") * 2)),
}
"""Of each difficulty: pages, the steps of a page, and what may be wrong."""
_KEPT_FROM = 4
"""From which difficulty on pages take what others were given."""
DEEPEST = ("again", "order", "given", "whole", "anywhere", "every", *_SHALLOW)


def make_plan(draw: Draws, difficulty: int) -> ClaimPlan:
    """Draw a plan."""
    count, steps, kinds = LEVELS[difficulty]
    chars = draw.sample(CHARACTERS, 5)
    facts: dict[str, Any] = {"specials": "".join(chars), "escape": chars[1]}
    facts["mark"] = chars[draw.between(2, 4)]
    pages, columns = draw.sample(VERBS, count), draw.sample(NAMES, count)
    parts: list[Part] = []
    for page, column in zip(pages, columns, strict=True):
        # A page may take what another, further up, was given or made of it.
        kept = parts and difficulty >= _KEPT_FROM and draw.below(3) == 0
        of = draw.pick(parts)["page"] if kept else ""
        parts.append(
            {
                "page": page,
                "query": column + draw.pick(("=", ": ", " is ", "->")),
                "of": of,
                "given": bool(draw.below(2)),
                "steps": _steps(draw, facts, steps),
            }
        )
    slips, shown = planted(draw, model, facts, parts, kinds)
    return ClaimPlan(draw.pick(TITLES), facts, tuple(parts), slips, shown)


def _steps(draw: Draws, facts: dict[str, Any], count: int) -> list[Part]:
    return [_step(draw, facts, kind) for kind in draw.sample(list(model.KINDS), count)]


def _step(draw: Draws, facts: dict[str, Any], kind: str) -> Part:
    step: Part = {"do": kind, model.KINDS[kind]: bool(draw.below(2))}
    if kind == "cut":
        return step | {"size": draw.between(3, 9)}
    if kind in {"trim", "wrap", "drop", "bar"}:
        return step | {"char": draw.pick(facts["specials"] + "aeio")}
    if kind == "swap":
        one, other = draw.sample(facts["specials"] + "bcdfgh", 2)
        return step | {"char": one, "other": other}
    return step
