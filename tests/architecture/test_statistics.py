"""No public function of the statistics is there for tests alone: what is built is used, or goes."""

import ast
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

import touchstone.statistics
from support import parsed

# One worker reads the modules, once for all of these tests.
ROOM = Path(touchstone.statistics.__file__).parent
SOURCE = ROOM.parent
KEPT = {
    "sequential_design": "a battery in an order of one's own; reviews draw evenly (ADR 87)",
    "confidence_sequence": "one level alone; what a stop may say comes at two levels at once",
    "population_interval": "the same, of further items",
    "replay_outcomes": "the plain form, to which worst cases, simulations and the bench are held",
}
"""Names that no other room needs and that stay, with what they use; each with its reason."""


def reads(node: ast.AST) -> set[str]:
    """Names that some code reads."""
    return {
        each.id
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)
    }


def used_in(source: str) -> set[str]:
    """Names that a module reads, of those that it has from the statistics."""
    known = {
        name.name
        for node in parsed.nodes(source)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("touchstone.statistics")
        for name in node.names
    }
    return known & reads(parsed.tree(source)) if known else set()


def defined_in(source: str) -> dict[str, set[str]]:
    """What each function, class and constant of a module reads."""
    found: dict[str, set[str]] = {}
    for node in parsed.tree(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = reads(node)
        elif isinstance(node, ast.Assign):
            found |= {each.id: reads(node) for each in node.targets if isinstance(each, ast.Name)}
    return found


def reached(start: set[str], defined: Mapping[str, set[str]]) -> set[str]:
    """All that is used where `start` is, directly or by what it uses."""
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += defined.get(name, ())
    return found


def public() -> list[str]:
    room = touchstone.statistics
    return [name for name in room.__all__ if callable(getattr(room, name)) and name.islower()]


@cache
def here() -> dict[str, set[str]]:
    """What each name of the room reads."""
    found: dict[str, set[str]] = {}
    for path in ROOM.glob("*.py"):
        found |= defined_in(path.read_text("utf-8"))
    return found


@cache
def callers() -> frozenset[str]:
    """What the other rooms use of this one, directly."""
    paths = (path for path in SOURCE.rglob("*.py") if not path.is_relative_to(ROOM))
    return frozenset().union(*(used_in(path.read_text("utf-8")) for path in paths))


def test_every_public_function_is_used_outside_tests():
    """By another room, or by what another room uses: to call one another is no use."""
    used = reached({*callers(), *KEPT}, here())
    assert [name for name in public() if name not in used] == []


def test_nothing_is_kept_that_is_used_or_is_gone():
    used, names = reached(set(callers()), here()), public()
    assert [name for name in KEPT if name in used or name not in names] == []


def test_two_that_call_one_another_alone_are_unused():
    defined = defined_in("def a():\n    b()\ndef b():\n    a()\ndef c():\n    d()\ndef d(): ...")
    assert reached({"c"}, defined) == {"c", "d"}


def test_every_public_name_is_in_the_rooms_docstring():
    listed = set(re.findall(r"`(\w+)`", touchstone.statistics.__doc__ or ""))
    assert [name for name in touchstone.statistics.__all__ if name not in listed] == []
    modules = {path.stem for path in ROOM.glob("*.py")} - {"__init__"}
    assert listed - modules == set(touchstone.statistics.__all__) - modules


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from touchstone.statistics import pass_at", set()),
        ("pass_at = 1\nprint(pass_at)", set()),
        ("from touchstone.statistics import pass_at\nx = pass_at(1, [1], [2])", {"pass_at"}),
        ("from touchstone.statistics import pass_at\nmake(pass_at)", {"pass_at"}),
        ("from touchstone.statistics.estimates import pass_at\nmake(pass_at)", {"pass_at"}),
    ],
)
def test_an_import_alone_is_no_use(source: str, found: set[str]):
    assert used_in(source) == found
