"""Ratchets over names and layout: what a name means, and what the formatter is kept from."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from support import parsed

# One worker reads the modules, once for all of these tests.
ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "touchstone"
ENTRY_POINTS = {"main", "run"}
"""Where a program or a bench begins: called by that name from outside."""
COMMANDS = "cli/*.py"
"""A command bears the name that is typed, and may share it with the deed that it calls."""
SHARED: Mapping[str, tuple[str, ...]] = {
    "Plan": ("evaluation/families/*/plan.py",),
    "make_plan": ("evaluation/families/*/plan.py",),
    "judge": ("evaluation/families/*/judge.py",),
    # Each family of claims has a model and a reader of one form.
    **dict.fromkeys(
        ("open_slips", "slips_made", "comes_to", "steps_fault", "some_steps"),
        ("evaluation/families/*/model.py",),
    ),
    **dict.fromkeys(
        ("read_task", "answers"), ("evaluation/families/*/solvers/scripts/reading.py",)
    ),
    "RejectedError": ("evaluation/families/*/judge.py",),
    "draw": ("editions/page/*.py",),
    "describe": ("editions/page/*.py",),
    # The verifier is a program of its own, which imports nothing of ours: what both say of the
    # record's format bears the format's name in both.
    "leaf_hash": ("ledger/*.py", "verifier/*.py"),
    "fingerprint": ("ledger/*.py", "verifier/*.py"),
    "Checkpoint": ("ledger/*.py", "verifier/*.py"),
    "AlteredError": ("ledger/*.py", "verifier/*.py"),
}
"""Names that the files of a feature share by design: these files count as one."""
MOST_HOMONYMS = 21
"""Public top-level names that more than one file defines. It only falls."""
THRICE = frozenset({"shown"})
"""Names that three files or more define. It only shrinks."""


def kept_apart(name: str, path: str) -> str:
    """What a definition counts as: its file, or the feature whose files share the name."""
    shared = SHARED.get(name, ())
    return shared[0] if any(fnmatch(path, each) for each in shared) else path


def defined(path: str, source: str) -> list[str]:
    """Public names that a module defines, but for the entry points."""
    found = []
    for node in parsed.tree(source).body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        command = fnmatch(path, COMMANDS) and not isinstance(node, ast.ClassDef)
        if not node.name.startswith("_") and node.name not in ENTRY_POINTS and not command:
            found.append(node.name)
    return found


def homonyms(modules: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Names that more than one file defines, with the files; from (path, source) of each module."""
    places: dict[str, set[str]] = defaultdict(set)
    for path, source in modules:
        for name in defined(path, source):
            places[name].add(kept_apart(name, path))
    return {name: files for name, files in places.items() if len(files) > 1}


@cache
def here() -> dict[str, set[str]]:
    paths = [path for path in SOURCE.rglob("*.py") if "migrations" not in path.parts]
    return homonyms((str(path.relative_to(SOURCE)), path.read_text("utf-8")) for path in paths)


def test_no_more_names_mean_two_things():
    found = here()
    told = "\n".join(f"{name}: {', '.join(sorted(found[name]))}" for name in sorted(found))
    assert len(found) <= MOST_HOMONYMS, told


def test_the_ceiling_is_where_the_names_are():
    """A ceiling left high would let new homonyms in: lower it with each that goes."""
    assert len(here()) > MOST_HOMONYMS - 5


def test_no_name_means_three_things_beyond_the_list():
    thrice = {name for name, files in here().items() if len(files) > 2}
    assert thrice - THRICE == set()


def test_no_name_is_listed_that_means_less_than_three_things():
    thrice = {name for name, files in here().items() if len(files) > 2}
    assert THRICE - thrice == set()


def test_a_shared_name_is_shared_where_it_says():
    found: dict[str, int] = defaultdict(int)
    for path in SOURCE.rglob("*.py"):
        place = str(path.relative_to(SOURCE))
        for name in defined(place, path.read_text("utf-8")):
            found[name] += kept_apart(name, place) != place
    assert [name for name in SHARED if found[name] < 2] == []


@pytest.mark.parametrize(
    ("modules", "found"),
    [
        ((("a.py", "def one(): ..."), ("b.py", "class one: ...")), {"one"}),
        ((("a.py", "def one(): ..."), ("b.py", "def two(): ...\none = 1")), set()),
        ((("a.py", "def _one(): ..."), ("b.py", "def _one(): ...")), set()),
        ((("a.py", "def run(): ..."), ("b.py", "def run(): ...")), set()),
        ((("cli/a.py", "def one(): ..."), ("b.py", "def one(): ...")), set()),
        ((("cli/a.py", "class One: ..."), ("b.py", "class One: ...")), {"One"}),
        (
            (
                ("evaluation/families/a/plan.py", "class Plan: ..."),
                ("evaluation/families/b/plan.py", "class Plan: ..."),
            ),
            set(),
        ),
        (
            (
                ("evaluation/families/a/plan.py", "class Plan: ..."),
                ("service/planning.py", "class Plan: ..."),
            ),
            {"Plan"},
        ),
    ],
)
def test_the_walk_finds_homonyms(modules: tuple[tuple[str, str], ...], found: set[str]):
    assert set(homonyms(modules)) == found


def test_nothing_keeps_the_formatter_off():
    mark = "# fmt: " + "skip"
    files = [
        path for folder in ("src", "tests", "scripts") for path in (ROOT / folder).rglob("*.py")
    ]
    assert [str(path) for path in files if mark in path.read_text("utf-8")] == []
