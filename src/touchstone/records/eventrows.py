"""Part 0 of entries as the tables hold them, each held against what its entry committed to.

A state is decided on these facts: what somebody changed in the table must not pass for them.
"""

from collections.abc import Collection, Iterable, Sequence

from django.db import connections

from touchstone.ledger import Entry, MalformedError, commit_part, loads, parse_entry
from touchstone.ledger.contract2 import PaddedEntry, parse_padded_entry
from touchstone.records.database import raw
from touchstone.records.errors import DamagedError
from touchstone.records.models import EntryRow, PartRow
from touchstone.records.values import SALT_SIZE, Event

_JOINED = (
    f"SELECT e.n, e.line, p.body FROM {EntryRow._meta.db_table} e"  # noqa: S608, SLF001  our names
    f" LEFT JOIN {PartRow._meta.db_table} p"  # noqa: SLF001
    " ON p.case_id = e.case_id AND p.n = e.n AND p.i = 0"
    " WHERE e.case_id = %s AND "
)


def read_events(alias: str, case: str, start: int, stop: int, contract: int) -> list[Event]:
    """Part 0 of entries start to stop - 1. Raises DamagedError."""
    if start >= stop:
        return []
    rows = _rows(alias, "e.n >= %s AND e.n < %s", [case, start, stop])
    found = [event for _, event in _opened(case, rows, contract)]
    if len(found) != stop - start:
        raise DamagedError(f"{case}: an entry or its facts are missing")
    return found


def read_events_of(
    alias: str, case: str, types: Collection[str], stop: int, contract: int
) -> list[tuple[int, Event]]:
    """Part 0 of each entry before `stop` that is of one of these types, with its n, in order.

    Found by index: nothing of the others is read. Raises DamagedError.
    """
    if not types:
        return []
    wanted = f"e.n < %s AND e.type IN ({', '.join(['%s'] * len(types))})"
    found = _opened(case, _rows(alias, wanted, [case, stop, *types]), contract)
    for n, event in found:
        if event.get("type") not in types:
            raise DamagedError(f"{case}: entry {n} is listed under a type that is not its own")
    return found


def read_entry(line: bytes, contract: int) -> Entry | PaddedEntry:
    """The entry of a log of that contract that a line is. Raises MalformedError."""
    return parse_entry(line) if contract == 1 else parse_padded_entry(line)


def _rows(alias: str, where: str, values: Sequence[str | int]) -> list[tuple[int, object, object]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"{_JOINED}{where} ORDER BY e.n", values)
        rows: list[tuple[int, object, object]] = cursor.fetchall()
    return rows


def _opened(
    case: str, rows: Iterable[tuple[int, object, object]], contract: int
) -> list[tuple[int, Event]]:
    try:
        return [
            (n, _fact(case, read_entry(raw(line), contract), raw(body))) for n, line, body in rows
        ]
    except MalformedError as error:
        raise DamagedError(f"{case}: a fact was altered: {error}") from error


def _fact(case: str, entry: Entry | PaddedEntry, body: bytes) -> Event:
    data = body[SALT_SIZE:]
    if commit_part(body[:SALT_SIZE], data) != entry.parts[0]:
        raise DamagedError(f"{case}: a fact of entry {entry.n} was altered; fix: restore a backup")
    event: Event = loads(data)
    return event
