"""`touchstone next`: what each party's next deeds are, who holds the ball, and until when."""

from pathlib import Path
from typing import TYPE_CHECKING

from touchstone.cli.hands import ANYWHERE, AtServer, check_options
from touchstone.cli.opened import opened
from touchstone.cli.output import screen, show, show_json, warn
from touchstone.handin.shown_ids import short_cases

if TYPE_CHECKING:
    from touchstone.editions.next_text import NextInCase, NextRow
    from touchstone.service.installation import Installation

    _Told = tuple[list[NextInCase], str, str | None]
    """What was found, at which moment, and of which party alone, if of one."""

DONE = 0
TABLE_WIDTH = 140
"""Columns that the table needs: on a narrower terminal each deed is told in lines."""


def next_deeds(
    case: str | None = None, *, ics: Path | None = None, where: AtServer = ANYWHERE
) -> int:
    """Show what is next in each case, the most urgent first: what, whose, until when, and why.

    Each party is told what follows from what it may read, and nothing else; here every party, or
    that of --as. For example: touchstone next --as example-lab --ics next.ics

    Args:
        case: The case's id, or enough of its beginning; default: every case.
        ics: Also write the ends as a calendar file, for any calendar program.
    """
    from touchstone.editions.next_text import next_rows, reservations

    check_options(where)
    found, now, told = _there(case, where) if where.server is not None else _here(case, where.party)
    rows = next_rows(found, now)
    if ics is not None:
        _write_calendar(ics, found, where.party, now)
    if where.json:
        show_json([row.as_dict() for row in rows])
    else:
        _show(found, rows, told)
    # Beside JSON too: an empty list alone would read as if nothing were next.
    for line in reservations(found):
        warn(f"touchstone: {line}")
    return DONE


def _here(case: str | None, party: str | None) -> "_Told":
    with opened() as installation:
        return _found(installation, case, party), installation.now(), party


def _found(installation: "Installation", case: str | None, party: str | None) -> "list[NextInCase]":
    from touchstone.service.reporting.next_here import next_for, next_for_all, next_in_case

    if case is not None:
        from touchstone.service.cases.case_admin import find

        named = None if party is None else [party]
        return list(next_in_case(installation, find(installation, case), named))
    if party is not None:
        return list(next_for(installation, party))
    return list(next_for_all(installation))


def _there(case: str | None, where: AtServer) -> "_Told":
    from touchstone.cli.hands import refusals
    from touchstone.cli.hands_there import client_of
    from touchstone.client.next_there import next_there
    from touchstone.handin import utc_text
    from touchstone.keys import SystemClock

    with refusals():
        home, client = client_of(where, keyless=True)
        found = list(next_there(client, home.party, case))
    return found, utc_text(SystemClock().now()), home.party


def _show(found: "list[NextInCase]", rows: "list[NextRow]", party: str | None) -> None:
    from touchstone.cli import tables
    from touchstone.editions.sentences import sentence

    # As below: what else is said of cases is said of the same ones.
    shown = short_cases(each.case for each in found)
    if rows and screen().width < TABLE_WIDTH:
        for row in rows:
            _show_narrow(row, shown[row.case])
    elif rows:
        tables.grid(
            ("Until", "Case", "For", "By", "", "What", "Why"),
            [(r.due_text, shown[r.case], r.party, r.by, r.stands, r.what, r.why) for r in rows],
        )
    elif party is not None and any(each.unread for each in found):
        show(sentence("next.nothing-shown", party=party))
    elif party is None:
        show(sentence("next.nothing"))
    else:
        show(sentence("next.nothing-for", party=party))


def _show_narrow(row: "NextRow", case: str) -> None:
    until = f"until {row.due_text}, " if row.due_text else ""
    to_whom = f", for {row.party}" if row.party != row.by else ""
    show(f"{row.by}, {row.stands}: {row.what}")
    show(f"    {until}case {case}{to_whom}")
    show(f"    {row.why}")


def _write_calendar(path: Path, found: "list[NextInCase]", party: str | None, now: str) -> None:
    from touchstone.editions.calendar_feed import CalendarEntry, calendar_text
    from touchstone.editions.sentences import sentence
    from touchstone.keys.files import write_file

    name = sentence("next.calendar-of-all")
    if party is not None:
        name = sentence("next.calendar", party=party)
    entries = [
        CalendarEntry(each.case, each.party, deed, each.hidden)
        for each in found
        for deed in each.deeds
    ]
    write_file(path, [calendar_text(entries, name, now)])
