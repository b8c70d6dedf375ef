"""`touchstone reads`: who read what of a case, and whether that is what the record holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cyclopts import App

from touchstone.cli.hands import ANYWHERE, AtServer, CaseId, check_options, refusals
from touchstone.cli.opened import opened
from touchstone.cli.output import Json, tell
from touchstone.errors import BadInputError
from touchstone.handin import day_written

if TYPE_CHECKING:
    from touchstone.client.read_check import ToldReads

DONE, NO = 0, 1
reads = App(
    name="reads",
    help="Who read what of a case that is not open to all, and its digests in the record.",
    suppress_keyboard_interrupt=False,
)


@dataclass(frozen=True)
class _Shown:
    """What is told of reads, with each of them where one day was asked for."""

    told: "ToldReads"
    lookers: tuple[str, ...]
    """Whom the agreement hands no copy of what models answered."""
    each: bool

    def lines(self) -> Iterator[str]:
        """For people."""
        from touchstone.editions.sentences import sentence

        if not self.told.days:
            yield sentence("reads.none")
        for day in self.told.days:
            yield sentence(
                "reads.day",
                day=day.day,
                told=day.told,
                stands=day.stands,
                n=day.n or 0,
                recorded=day.recorded or 0,
            )
        for read in self.told.reads if self.each else ():
            named = {name: read[name] for name in read if name != "case"}
            yield sentence("reads.row", **named)
        if self.lookers:
            yield sentence("reads.view-only", parties=self.lookers)
        if self.told.altered:
            yield sentence("reads.altered", days=self.told.altered)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {**self.told.as_dict(), "view_only": list(self.lookers)}


@reads.command
def show(case: CaseId, *, day: str | None = None, where: AtServer = ANYWHERE) -> int:
    """Show on which days a case was read, and check what is told against the record.

    A server tells it to the case's developer alone. Exit 1: a day is told otherwise than the
    installation recorded it. For example: touchstone reads show case-1 --day 2026-12-01
    --server https://review.example --as example-lab

    Args:
        day: One day (UTC, YYYY-MM-DD), with each read of it; default: all days, without.
    """
    check_options(where)
    asked = _day(day)
    there = where.server is not None
    found, lookers = _there(case, asked, where) if there else _here(case, asked)
    tell(_Shown(found, tuple(sorted(lookers)), each=day is not None), json=where.json)
    return NO if found.altered else DONE


@reads.command
def record(*, json: Json = False) -> int:
    """Record the digest of each day that is over: what a server does by itself; for cron.

    For example: touchstone reads record
    """
    # Before anything of the record: with it Django is set up for the accounts, too.
    from touchstone.server.accounts.preparing import open_accounts

    with opened() as installation:
        from touchstone.records.settings import from_environment
        from touchstone.server.daily_reads import record_reads

        installation.records.check_writable()
        open_accounts(installation.home, from_environment())
        done = record_reads(installation)
    tell(done, json=json)
    return NO if done.waiting else DONE


def _here(case: str, day: str) -> "tuple[ToldReads, frozenset[str]]":
    from touchstone.server.accounts.preparing import open_accounts

    with opened() as installation:
        from touchstone.client.read_check import told_reads
        from touchstone.records.settings import from_environment
        from touchstone.review.view_only import lookers_in
        from touchstone.server.accounts.reads import every_read
        from touchstone.service.cases.case_admin import find
        from touchstone.service.cases.read_digests import days_digested

        # First: of a case that is not there no accounts are asked, or made.
        name = find(installation, case)
        open_accounts(installation.home, from_environment())
        told = told_reads(name, days_digested(installation, name), every_read(name, day), day)
        return told, lookers_in(installation.records.case(name))


def _there(case: str, day: str, where: AtServer) -> "tuple[ToldReads, frozenset[str]]":
    from touchstone.cli.hands_there import greeted_server
    from touchstone.client.read_check import told_reads
    from touchstone.review.read_digests import digested_days

    with refusals():
        server, client, name = greeted_server(where, case)
        told = tuple(server.reads(name, day))
        # What the record holds is followed and checked by this machine, and not told by the server.
        seen = client.look(name)
        digested = digested_days(seen.entries_of("reads-digested"))
        return told_reads(name, digested, told, day), seen.lookers


def _day(text: str | None) -> str:
    """A day as it was typed; empty where none was. Raises BadInputError."""
    try:
        return "" if text is None else day_written(text).isoformat()
    except ValueError as error:
        raise BadInputError(f"--day: {error}; write it as 2026-12-01") from error
