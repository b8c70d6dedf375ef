"""Who reads a case from its first entry to its last: whoever needs all of it, and nobody else.

What a command asks of a case is in its state, or is found by the type of the entries.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

from support import parsed

SOURCE = Path(__file__).parents[2] / "src" / "touchstone"
ROOMS = ("service", "editions", "planning", "verdicts", "cli", "demo", "records", "review")
# Each with why it needs all of a case. A new one needs a reason too.
WHOLE = {
    "service/reporting/edition_files.py": "an edition is of every entry, and so is its bundle",
    "service/reporting/next_here.py": "what is next follows from all that is open to each party",
    "service/reporting/told_cases.py": "what a page tells of a case, from one entry on",
    "service/reviews/results.py": "what a finished review says of it, beside its editions",
    "service/cases/case_admin.py": "the timeline of a case, a line an entry",
    "service/installation.py": "folds what no process folded before, or all of it for a check",
    "service/cases/checking.py": "a check recomputes everything",
    "records/store.py": "the list's line is made again, or held against all facts, for a check",
    "records/checking.py": "a check recomputes everything",
    "service/reporting/feed.py": "what a party's machine has not seen yet, from one entry on",
    "records/deedchecking.py": "a check recomputes everything",
    "records/reading.py": "sends all of it to a party, a page at a time",
    "records/reader.py": "the reader itself: its check, and proofs over the whole tree",
    "review/audience_view.py": "reads for all of these",
}
READS = {"read_entries", "shown_to_centre", "folded_state"}
OF_A_READER = {"events", "recorded_events", "parts", "entries", "lines"}
# What a case that is read or written is called here.
READERS = {"reader", "case", "self", "writer", "taking", "kept"}


@cache
def reads_whole(source: str) -> bool:
    """Whether a module reads all of a case."""
    return any(_called(node.func) for node in parsed.nodes(source) if isinstance(node, ast.Call))


def _called(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return function.id in READS
    if not isinstance(function, ast.Attribute):
        return False
    if function.attr in READS:
        return True
    return function.attr in OF_A_READER and _is_reader(function.value)


def _is_reader(owner: ast.expr) -> bool:
    if isinstance(owner, ast.Call):
        # As `installation.records.case(name).events()`.
        return isinstance(owner.func, ast.Attribute) and owner.func.attr == "case"
    last = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return last.strip("_") in READERS - {"self"}


def found() -> set[str]:
    return {
        str(path.relative_to(SOURCE))
        for room in ROOMS
        for path in sorted((SOURCE / room).rglob("*.py"))
        if reads_whole(path.read_text("utf-8"))
    }


def test_nobody_else_reads_a_case_from_end_to_end():
    assert found() - WHOLE.keys() == set()


def test_the_list_holds_nobody_who_does_not():
    # The reader's own methods call each other, which is not what is looked for.
    assert WHOLE.keys() - found() - {"records/reader.py"} == set()


@pytest.mark.parametrize(
    ("source", "whole"),
    [
        ("for entry in read_entries(reader, audience): pass", True),
        ("facts = case.installation.records.case(case.id).events()", True),
        ("facts = self._reader.events()", True),
        ("entries = map(parse_entry, reader.lines())", True),
        ("case.entries()", True),
        ("here.folded_state(case)", True),
        ("reader.events_of(['case-opened'])", False),
        ("read_entries_of(reader, audience, types)", False),
        ("case.entries_of('case-opened')", False),
        ("forecast.lines()", False),
    ],
)
def test_a_reading_is_told_from_what_is_none(source: str, whole: bool):
    assert reads_whole(source) is whole
