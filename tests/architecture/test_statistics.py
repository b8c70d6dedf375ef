"""No public function of the statistics is there for tests alone: what is built is used, or goes."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import touchstone.statistics

# One worker reads the modules, once for all of these tests.
pytestmark = pytest.mark.xdist_group("architecture")
ROOM = Path(touchstone.statistics.__file__).parent
SOURCE = ROOM.parent
KEPT = {
    "sequential_design": "a battery in an order of one's own; reviews draw evenly (ADR 87)",
    "replay_outcomes": "the plain form, with which every faster path is compared",
}
"""Names without a caller that stay, each with its reason."""


def used_in(source: str, *, own: bool) -> set[str]:
    """Names that a module reads, of those that it has from the statistics; if `own`, defines."""
    tree = ast.parse(source)
    known = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and own}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "touchstone.statistics"
        ):
            known |= {each.name for each in node.names}
    read = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return known & read


def public() -> list[str]:
    room = touchstone.statistics
    return [name for name in room.__all__ if callable(getattr(room, name)) and name.islower()]


@cache
def callers() -> set[str]:
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        if path != ROOM / "__init__.py":
            found |= used_in(path.read_text("utf-8"), own=path.parent == ROOM)
    return found


def test_every_public_function_has_a_caller_outside_tests():
    used = callers()
    assert [name for name in public() if name not in used and name not in KEPT] == []


def test_nothing_is_kept_that_has_a_caller_or_is_gone():
    used, names = callers(), public()
    assert [name for name in KEPT if name in used or name not in names] == []


def test_every_public_name_is_in_the_rooms_docstring():
    listed = set(re.findall(r"`(\w+)`", touchstone.statistics.__doc__ or ""))
    assert [name for name in touchstone.statistics.__all__ if name not in listed] == []
    modules = {path.stem for path in ROOM.glob("*.py")} - {"__init__"}
    assert listed - modules == set(touchstone.statistics.__all__) - modules


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from touchstone.statistics import pass_at", set()),
        ("def pass_at():\n    return 1", set()),
        ("pass_at = 1\nprint(pass_at)", set()),
        ("from touchstone.statistics import pass_at\nx = pass_at(1, [1], [2])", {"pass_at"}),
        ("from touchstone.statistics import pass_at\nmake(pass_at)", {"pass_at"}),
        ("def pass_at():\n    return 1\ndef two():\n    return pass_at()", {"pass_at"}),
    ],
)
def test_an_import_or_a_definition_is_no_use(source: str, found: set[str]):
    assert used_in(source, own=True) == found
