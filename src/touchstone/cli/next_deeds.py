"""`touchstone next`: what each party's next deeds are, who holds the ball, and until when."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from touchstone.cli.opened import opened
from touchstone.cli.output import Json, show, show_json, warn

if TYPE_CHECKING:
    from touchstone.service.installation import Installation
    from touchstone.service.reporting.next_here import NextInCase, NextRow

DONE = 0


def next_deeds(
    case: str | None = None,
    *,
    party: Annotated[str | None, Parameter(name="--as", help="Of this party alone.")] = None,
    ics: Path | None = None,
    json: Json = False,
) -> int:
    """Show what is next in the cases here, the most urgent first: what, whose, until when, and why.

    Each party is told what follows from what it may read, and nothing else. Example: touchstone
    next --as example-lab --ics next.ics

    Args:
        case: The case's id, or enough of its beginning; default: every case.
        ics: Also write the ends as a calendar file, for any calendar program.
    """
    from touchstone.service.file_io import a_name
    from touchstone.service.reporting.next_here import next_rows

    if party is not None:
        a_name("--as", party)
    with opened() as installation:
        now = installation.now()
        found = _found(installation, case, party)
        rows = next_rows(found, now)
        if ics is not None:
            _write_calendar(ics, found, party, now)
    if json:
        show_json([row.as_dict() for row in rows])
    else:
        _show(found, rows, party)
    return DONE


def _found(installation: "Installation", case: str | None, party: str | None) -> "list[NextInCase]":
    from touchstone.service.reporting.next_here import next_for, next_for_all, next_in_case

    if case is not None:
        from touchstone.service.cases.case_admin import find

        named = None if party is None else [party]
        return list(next_in_case(installation, find(installation, case), named))
    if party is not None:
        return list(next_for(installation, party))
    return list(next_for_all(installation))


def _show(found: "list[NextInCase]", rows: "list[NextRow]", party: str | None) -> None:
    from touchstone.cli import tables
    from touchstone.editions.sentences import sentence
    from touchstone.service.reporting.next_here import remarks

    if rows:
        tables.grid(
            ("Until", "Case", "For", "By", "", "What", "Why"),
            [(r.due_text, r.case[:12], r.party, r.by, r.stands, r.what, r.why) for r in rows],
        )
    elif party is None:
        show(sentence("next.nothing"))
    else:
        show(sentence("next.nothing-for", party=party))
    for line in remarks(found):
        warn(f"touchstone: {line}")


def _write_calendar(path: Path, found: "list[NextInCase]", party: str | None, now: str) -> None:
    from touchstone.editions.calendar_feed import CalendarEntry, calendar_text
    from touchstone.editions.sentences import sentence
    from touchstone.keys.files import write_file

    name = sentence("next.calendar-of-all")
    if party is not None:
        name = sentence("next.calendar", party=party)
    entries = [CalendarEntry(each.case, each.party, deed) for each in found for deed in each.deeds]
    write_file(path, [calendar_text(entries, name, now)])
