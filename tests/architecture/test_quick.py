"""What `make quick` leaves out is there, and is little."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SLOW = (TESTS / "slow.txt").read_text("utf-8").split()
MOST = 330
"""Tests that may be slow; there are more than 2,000 in `unit` and `architecture`."""


def names_in(file: str) -> set[str]:
    """The tests of a file, as `test_x` or `TestX::test_y`."""
    found = set()
    for node in ast.parse((TESTS / file).read_text("utf-8")).body:
        if isinstance(node, ast.Assign | ast.ClassDef):
            # A state machine's `TestX = Machine.TestCase` has a `runTest` of its own.
            names = node.targets if isinstance(node, ast.Assign) else [ast.Name(node.name)]
            found |= {f"{name.id}::runTest" for name in names if isinstance(name, ast.Name)}
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
    return found


@pytest.mark.parametrize("file", sorted({name.partition("::")[0] for name in SLOW}))
def test_every_slow_test_is_there(file: str):
    named = {name.partition("::")[2] for name in SLOW if name.startswith(f"{file}::")}
    assert file not in SLOW or not named, "a test of a file that is left out is not listed itself"
    assert named <= names_in(file), "write tests/slow.txt anew: scripts/list_slow_tests.py"


def test_few_are_left_out():
    assert len(SLOW) == len(set(SLOW)) <= MOST
