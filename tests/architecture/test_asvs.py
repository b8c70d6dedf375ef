"""The table of OWASP ASVS is whole, and nothing in it is met without what holds it."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from support.scripted import script

ROOT = Path(__file__).parents[2]
asvs = script("make_asvs")
ROWS = asvs.rows()
MOST_NOT_MET = 18
"""It may only fall: what is met once stays met."""


@cache
def defined_in(path: Path) -> frozenset[str]:
    """The tests that a file defines, whatever stands in it."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = ast.parse(path.read_text("utf-8")).body
    return frozenset(each.name for each in nodes if isinstance(each, kinds))


@cache
def headings(path: Path) -> frozenset[str]:
    return frozenset(re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE))


def wrong(row: Any) -> list[str]:
    """What is amiss with a row, each in a line."""
    found = [f"{row.status}: no status"] if row.status not in asvs.STATUSES else []
    for each in row.tests:
        file, _, test = each.partition("::")
        path = ROOT / "tests" / file
        if not test.startswith("test_") or not path.is_file() or test not in defined_in(path):
            found.append(f"{each}: no such test")
    for each in row.says:
        page, _, heading = each.partition("#")
        path = ROOT / "docs" / page
        if not path.is_file() or heading not in headings(path):
            found.append(f"{each}: no such page or heading")
    held = bool(row.tests or row.says) if row.status != "operator" else bool(row.says)
    if held != (row.status in {"met", "operator"}):
        found.append(f"{row.status}: {'something holds it' if held else 'nothing holds it'}")
    if not row.here.strip() or not row.ids:
        found.append("says nothing")
    return found


def uncovered(rows: list[Any]) -> dict[str, int]:
    """How often each requirement stands there that should stand there once and does not."""
    named = Counter(each for row in rows for each in row.ids)
    asked = Counter(asvs.asked_for())
    return {each: named[each] for each in named | asked if named[each] != asked[each]}


def test_every_requirement_is_listed():
    """345 of version 5.0.0, by level: a line that is lost would take its row with it."""
    levels = asvs.levels()
    assert Counter(levels.values()) == {1: 70, 2: 183, 3: 92}
    sections = Counter(name.rpartition(".")[0] for name in levels)
    for section, number in sections.items():
        assert {f"{section}.{each}" for each in range(1, number + 1)} <= levels.keys()
    assert {asvs.chapter_of(name) for name in levels} == asvs.CHAPTERS.keys()


def test_every_requirement_that_is_asked_for_has_one_row():
    assert uncovered(ROWS) == {}
    third = [name for name in asvs.asked_for() if asvs.levels()[name] == 3]
    assert {asvs.chapter_of(name) for name in third} == asvs.LEVEL_3 - {"V9"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.ids[0])
def test_a_row_is_held_by_what_it_names(row: Any):
    assert wrong(row) == []


def test_what_is_not_met_only_falls():
    assert sum(len(row.ids) for row in ROWS if row.status == "not-met") == MOST_NOT_MET


def test_the_page_is_current():
    assert asvs.PAGE.read_text("utf-8") == asvs.page(), "python scripts/make_asvs.py"


# ---------------------------------------------------------------- the checks see their defects
GOOD = asvs.Row(("V1.1.1",), "met", "so", ("architecture/test_asvs.py::test_the_page_is_current",))


def test_a_good_row_has_nothing_amiss():
    assert wrong(GOOD) == []
    assert wrong(asvs.Row(("V1.1.1",), "not-met", "so")) == []
    page = ("reference/asvs.md#OWASP ASVS 5.0",)
    assert wrong(asvs.Row(("V1.1.1",), "operator", "so", (), page)) == []


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (asvs.Row(("V1.1.1",), "met", "so"), "nothing holds it"),
        (asvs.Row(("V1.1.1",), "operator", "so", GOOD.tests), "nothing holds it"),
        (asvs.Row(("V1.1.1",), "not-met", "so", GOOD.tests), "something holds it"),
        (asvs.Row(("V1.1.1",), "met", "so", ("architecture/test_asvs.py::test_x",)), "no such"),
        (asvs.Row(("V1.1.1",), "met", "so", ("architecture/test_asvs.py::wrong",)), "no such"),
        (asvs.Row(("V1.1.1",), "met", "so", ("test_gone.py::test_x",)), "no such"),
        (asvs.Row(("V1.1.1",), "met", "so", (), ("reference/asvs.md#Gone",)), "no such page"),
        (asvs.Row(("V1.1.1",), "well", "so"), "no status"),
        (asvs.Row(("V1.1.1",), "not-met", " "), "says nothing"),
    ],
)
def test_a_row_that_is_amiss_is_seen(row: Any, why: str):
    assert any(why in each for each in wrong(row))


def test_a_requirement_that_is_missing_or_twice_or_not_asked_for_is_seen():
    assert uncovered(ROWS[1:]) == {"V1.1.1": 0}
    assert uncovered([*ROWS, ROWS[0]]) == {"V1.1.1": 2}
    assert uncovered([*ROWS, asvs.Row(("V1.2.10",), "met", "so")]) == {"V1.2.10": 1}
