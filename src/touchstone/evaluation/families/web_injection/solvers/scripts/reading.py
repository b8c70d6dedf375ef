"""Reads CONTRACT.txt by its grammar, and asks app.py."""

import importlib
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(1, ".")
# Each kind of step, its boolean, and how either value is said.
_SAID: tuple[tuple[str, str, str, str], ...] = (
    ("cut", "front", r"first (?P<size>\d+) char|after (?P<size2>\d+)", r"last \d+|all but \d+"),
    ("trim", "left", r"off its beginning|from the left", r"off its end|from the right"),
    ("case", "lower", r"small|lower case", r"capitals|upper case"),
    ("wrap", "before", r"puts a `.` before|begins it with", r"puts a `.` behind|ends it with"),
    ("drop", "every", r"leaves out every|drops each", r"leaves out the first|drops one"),
    ("bar", "anywhere", r"anywhere|if it holds", r"begins with `|comes first"),
    ("decode", "again", r"once more|twice", r"codes once|one time"),
    ("guard", "whole", r"(special character|characters plain)$", r"wildcard$"),
)


def read_task() -> tuple[Any, Any]:
    """(facts, parts) of the task."""
    text = Path("CONTRACT.txt").read_text(encoding="utf-8")
    head, _, pages = text.partition("\n1. ")
    said = re.search(r"in a query: (.*?)\. A `(.)` before", head)
    mark = re.search(r"A code is `(.)`", head)
    if said is None or mark is None:
        raise SystemExit("I do not understand this contract.")
    specials = "".join(re.findall(r"`(.)`", said[1]))
    facts = {"specials": specials, "escape": said[2], "mark": mark[1]}
    return facts, [_page(line) for line in f"1. {pages}".splitlines()]


def _page(line: str) -> dict[str, Any]:
    page, said = line.split(". /", 1)[1].split(" ", 1)
    first, *steps, last = said.split("; ")
    of = re.search(r"/(\w+)", first)
    query = re.search(r"`(.*)` and what is left", last)
    return {
        "page": page,
        "query": query[1] if query else "",
        "of": of[1] if of else "",
        "given": re.search(r"last given|asked with", first) is not None,
        "steps": [_step(each) for each in steps],
    }


def _step(said: str) -> dict[str, Any]:
    # Two of a kind that is said by its two characters, in either order.
    if turned := re.fullmatch(r"turns each `(.)` into `(.)`", said):
        return {"do": "swap", "there": True, "char": turned[1], "other": turned[2]}
    if written := re.fullmatch(r"writes `(.)` for every `(.)`", said):
        return {"do": "swap", "there": True, "char": written[2], "other": written[1]}
    for kind, boolean, true, false in _SAID:
        if re.search(true, said) or re.search(false, said):
            step: dict[str, Any] = {"do": kind, boolean: re.search(true, said) is not None}
            if size := re.search(r"\d+", said):
                step["size"] = int(size[0])
            if char := re.search(r"`(.)`", said):
                step["char"] = char[1]
            return step
    raise SystemExit(f"I do not understand: {said}")


def answers(facts: Any, wanted: Any) -> list[Any]:
    """What the program comes to, for each list of requests."""
    del facts
    app: Any = importlib.import_module("app")
    return [app.asked(steps) for steps in wanted]
