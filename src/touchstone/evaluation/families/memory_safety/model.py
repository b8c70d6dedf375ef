"""Which cells records touch. Standard library only: all read it, judge and solvers too.

A record has two numbers, a and b, and a region of its own. Whatever a program can have otherwise
is one boolean of a record, and both values are as likely in the layout.
"""

from typing import Any

MOST_STEPS = 6
LARGEST = 255
SLIPS = {
    "put": ("from_one", "upward", "closed"),
    "fill": ("headed", "wide", "closed"),
    "span": ("from_one", "upward", "closed"),
    "pour": ("kept", "clipped"),
    "gate": ("odd",),
}
"""What each kind of record can have otherwise; those behind a gate also `lent`."""


def open_slips(parts: Any) -> list[Any]:
    """Everything that a program of these records could have otherwise."""
    found = [(place, name) for place, part in enumerate(parts) for name in SLIPS[part["kind"]]]
    return found + [(place, "lent") for place, part in enumerate(parts) if part["gate"]]


def slips_made(parts: Any, slips: Any) -> list[Any]:
    """The records with some booleans the other way round."""
    changed = [dict(part) for part in parts]
    for place, name in slips:
        changed[place][name] = not changed[place][name]
    return changed


def comes_to(facts: Any, parts: Any, steps: Any) -> list[int]:
    """The cells that the last record touches, in order; none where it is refused."""
    del facts
    known = {part["record"]: part for part in parts}
    lent: dict[str, bool] = {}
    ends: dict[str, int] = {}
    cells: list[int] = []
    for step in steps:
        part = known[step["record"]]
        cells = []
        if part["kind"] == "gate":
            lent[part["record"]] = (step["a"] % 2 == 1) == part["odd"]
        elif not part["gate"] or lent.get(part["gate"], False) == part["lent"]:
            cells = _TOUCHED[part["kind"]](part, step["a"], step["b"], ends)
    return sorted(cells)


def room(part: Any) -> int:
    """How many cells the region of a record has: the same, whatever its booleans are.

    As many as the widest of its variants touches: were it as many as it may touch, whoever leaves
    the region, or never reaches its end, would be wrong, and nobody had to read how it is said.
    """
    limit, width = int(part["limit"]), int(part["width"])
    return {"gate": 0, "pour": limit, "fill": limit * width + 1}.get(
        part["kind"], (limit + 1) * width
    )


def _over(part: Any, number: int) -> bool:
    return number > part["limit"] or (number == part["limit"] and not part["closed"])


def _elements(part: Any, first: int, count: int) -> list[int]:
    """The cells of some elements of a region, counted from its first cell or from its last."""
    width = part["width"]
    offsets = range(first * width, (first + count) * width)
    if part["upward"]:
        return [part["first"] + offset for offset in offsets]
    return [part["last"] - offset for offset in offsets]


def _put(part: Any, a: int, b: int, ends: dict[str, int]) -> list[int]:
    del b, ends
    if a < part["from_one"] or _over(part, a):
        return []
    return _elements(part, a - part["from_one"], 1)


def _span(part: Any, a: int, b: int, ends: dict[str, int]) -> list[int]:
    del ends
    # The number of the last element that is meant, which is one less than the sum.
    if a < part["from_one"] or _over(part, a + b - 1):
        return []
    return _elements(part, a - part["from_one"], b)


def _fill(part: Any, a: int, b: int, ends: dict[str, int]) -> list[int]:
    del b, ends
    if _over(part, a):
        return []
    count = a * (part["width"] if part["wide"] else 1)
    begin = 0 if part["headed"] else 1
    return [part["first"] + at for at in range(begin, count + 1)]


def _pour(part: Any, a: int, b: int, ends: dict[str, int]) -> list[int]:
    del b
    begin = ends.get(part["record"], 0) if part["kept"] else 0
    if begin + a > part["limit"]:
        if not part["clipped"]:
            return []
        a = part["limit"] - begin
    ends[part["record"]] = begin + a
    return [part["first"] + begin + at for at in range(a)]


_TOUCHED = {"put": _put, "span": _span, "fill": _fill, "pour": _pour}


def steps_fault(facts: Any, parts: Any, steps: Any) -> str:
    """Why something is no list of records; empty: it is one."""
    del facts
    if not isinstance(steps, list) or not 1 <= len(steps) <= MOST_STEPS:
        return f"steps are not 1 to {MOST_STEPS} records"
    known = {part["record"] for part in parts}
    for number, step in enumerate(steps, start=1):
        if not isinstance(step, dict) or set(step) != {"record", "a", "b"}:
            return f"record {number} has not just record, a and b"
        if not isinstance(step["record"], str) or step["record"] not in known:
            return f"record {number} is none of the layout's"
        if any(type(step[key]) is not int or not 0 <= step[key] <= LARGEST for key in ("a", "b")):
            return f"record {number}: a and b are no whole numbers from 0 to {LARGEST}"
    return ""


def some_steps(draw: Any, facts: Any, parts: Any, focus: int | None) -> list[Any]:
    """Records at random; with a focus, those that bring a record to its edges."""
    del facts
    at_edges = focus is not None
    part = draw.pick(parts) if focus is None else parts[focus]
    if part["kind"] == "gate" and at_edges:
        behind = [each for each in parts if each["gate"] == part["record"]]
        part = draw.pick(behind) if behind else part
    steps = [_some(draw, part, at_edges)]
    if at_edges and part["kind"] == "pour":
        steps = [_some(draw, part, at_edges) for _ in range(draw.between(1, 3))]
    gates = [each for each in parts if each["record"] == part["gate"]]
    if gates and draw.below(4):
        steps.insert(0, _some(draw, gates[0], at_edges))
    return steps


def _some(draw: Any, part: Any, at_edges: bool) -> dict[str, Any]:
    limit = part["limit"]
    a, b = draw.between(0, 24), draw.between(0, 9)
    if at_edges and draw.below(3):
        a = max(0, draw.pick((0, 1, limit - 1, limit, limit, limit + 1, limit // 2)))
    if at_edges and part["kind"] == "span" and draw.below(3):
        a = draw.between(0, 9)
        b = max(0, limit - a + draw.between(0, 2))
    return {"record": part["record"], "a": a, "b": b}
