"""The layout as people read it: a numbered paragraph a record, said in one of several ways."""

from touchstone.evaluation.families.claims.planting import ClaimPlan, Part
from touchstone.evaluation.families.draws import Draws

_HEAD = """\
{title}: {cells} cells of memory, numbered from 0.

A record has a name and two numbers, a and b, from 0 to 255. Every record owns a region of cells,
and touches just those of them that are said here; it has some to spare. A record that is refused
touches nothing, and leaves nothing changed. At the beginning nothing is lent.

"""
_OVER = {
    True: ("above {n}", "greater than {n}", "beyond {n}"),
    False: ("of {n} or more", "from {n} on", "not below {n}"),
}
_FROM = {True: ("from 1", "one being the first"), False: ("from 0", "zero being the first")}
_WAY = {
    True: ("from its first cell upwards", "laid upwards from its lower end"),
    False: ("from its last cell downwards", "laid downwards from its upper end"),
}
_HEADED = {
    True: (
        "and the region's first cell, which holds the count, as well",
        "and its first cell, too",
    ),
    False: ("but not the region's first cell, which holds the count", "its first cell left alone"),
}
_COUNTS = {
    True: ("elements of {w} cells", "groups, each of {w} cells"),
    False: ("single cells, of which {w} make an element", "cells, though elements have {w}"),
}
_KEPT = {
    True: (
        "behind the last cell that such a record took",
        "where the record before of its kind ended",
    ),
    False: ("at the region's first cell, every time", "anew at its lower end"),
}
_CLIPPED = {
    True: ("takes as many as are left", "is cut to what fits"),
    False: ("is refused", "is refused as a whole"),
}
_LENT = {
    True: ("while `{g}` has lent", "as long as `{g}` lends"),
    False: ("while `{g}` has not lent", "as long as `{g}` does not lend"),
}
_ODD = {True: ("odd", "no even number"), False: ("even", "no odd number")}


def layout_text(plan: ClaimPlan, draw: Draws) -> str:
    """LAYOUT.txt."""
    head = _HEAD.format(title=plan.title, cells=plan.facts["cells"])
    lines = [f"{n}. `{part['record']}` {_said(part, draw)}" for n, part in enumerate(plan.parts, 1)]
    return head + "\n".join(lines) + "\n"


def _said(part: Part, draw: Draws) -> str:
    if part["kind"] == "gate":
        lends = draw.pick(_ODD[part["odd"]])
        return f"touches no cell; from then on it lends if a is {lends}, else it does not lend."
    owns = f"owns the cells {part['first']} to {part['last']}"
    if part["gate"]:
        owns += ", and is refused but " + draw.pick(_LENT[part["lent"]]).format(g=part["gate"])
    return f"{owns}. {_touches(part, draw)}"


def _touches(part: Part, draw: Draws) -> str:
    kind, width = part["kind"], part["width"]
    if kind == "pour":
        begin, more = draw.pick(_KEPT[part["kept"]]), draw.pick(_CLIPPED[part["clipped"]])
        return (
            f"It touches the next a cells, beginning {begin}; one that would go beyond the region "
            f"{more}."
        )
    over = draw.pick(_OVER[part["closed"]]).format(n=part["limit"])
    if kind == "fill":
        counted = draw.pick(_COUNTS[part["wide"]]).format(w=width)
        return (
            f"It touches as many cells behind the region's first one as a says in {counted}, "
            f"{draw.pick(_HEADED[part['headed']])}; a count {over} is refused."
        )
    numbered = f"numbered {draw.pick(_FROM[part['from_one']])}, {draw.pick(_WAY[part['upward']])}"
    if kind == "put":
        return (
            f"It touches element a; elements have {width} cells and are {numbered}; a number below "
            f"the first, or {over}, is refused."
        )
    return (
        f"It touches b elements from element a on; they have {width} cells and are {numbered}; a "
        f"number below the first is refused, and so is a + b - 1 {over}."
    )
