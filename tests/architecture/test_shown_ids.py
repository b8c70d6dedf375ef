"""Ids are shortened in one place: where each cuts them by itself, two can look alike."""

import ast
from pathlib import Path

import pytest

from support import parsed

SOURCE = Path(__file__).parents[2] / "src" / "touchstone"
# Each exception has its reason. A new one needs a reason too.
CUTS = {
    "evaluation/families/naming.py": "a label that is a digest's beginning, and no id",
    "terms/analysis/claims.py": "the first of a list of choices",
    "client/party_home.py": "the name of a folder, which is made from a digest",
}


def cuts(source: str) -> int:
    """How often a module takes the first 12 of something."""
    return sum(
        isinstance(node, ast.Slice)
        and node.lower is None
        and isinstance(node.upper, ast.Constant)
        and node.upper.value == 12
        for node in parsed.nodes(source)
    )


def test_nobody_else_shows_the_first_twelve_of_an_id():
    found = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if cuts(path.read_text("utf-8"))
    }
    assert found == CUTS.keys()


@pytest.mark.parametrize("source", ["x = case.id[:12]", "f'{kept.case[:12]} stands'"])
def test_the_walk_sees_a_cut(source: str):
    assert cuts(source) == 1
