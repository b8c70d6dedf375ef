"""Part 0 of entries as the tables hold them, and when each was recorded.

Each is held against what its entry committed to.

A state is decided on these facts: what somebody changed in the table must not pass for them.
"""

from collections.abc import Collection, Iterable, Sequence

from django.db import connections

from touchstone.ledger import Entry, MalformedError, commit_part, loads, parse_entry
from touchstone.ledger.contract2 import PaddedEntry, parse_padded_entry
from touchstone.records.database import raw
from touchstone.records.errors import DamagedError
from touchstone.records.models import EntryRow, PartRow
from touchstone.records.values import SALT_SIZE, Event, RecordedFacts

_JOINED = (
    f"SELECT e.n, e.line, p.body FROM {EntryRow._meta.db_table} e"  # noqa: S608, SLF001  our names
    f" LEFT JOIN {PartRow._meta.db_table} p"  # noqa: SLF001
    " ON p.case_id = e.case_id AND p.n = e.n AND p.i = 0"
    " WHERE e.case_id = %s AND "
)

# The recorded part comes last of those that are stored: padding is not.
_TIMED = (
    f"SELECT e.line, p.body, r.i, r.body FROM {EntryRow._meta.db_table} e"  # noqa: S608, SLF001
    f" LEFT JOIN {PartRow._meta.db_table} p"  # noqa: SLF001
    " ON p.case_id = e.case_id AND p.n = e.n AND p.i = 0"
    f" LEFT JOIN {PartRow._meta.db_table} r"  # noqa: SLF001
    " ON r.case_id = e.case_id AND r.n = e.n AND r.i ="
    f" (SELECT MAX(m.i) FROM {PartRow._meta.db_table} m"  # noqa: SLF001
    " WHERE m.case_id = e.case_id AND m.n = e.n)"
    " WHERE e.case_id = %s AND e.n >= %s AND e.n < %s ORDER BY e.n"
)

_AT_ONCE = 500


def read_events(alias: str, case: str, start: int, stop: int, contract: int) -> list[Event]:
    """Part 0 of entries start to stop - 1. Raises DamagedError."""
    if start >= stop:
        return []
    rows = _rows(alias, "e.n >= %s AND e.n < %s", [case, start, stop])
    found = [event for _, event in _opened(case, rows, contract)]
    if len(found) != stop - start:
        raise DamagedError(f"{case}: an entry or its facts are missing")
    return found


def read_events_at(
    alias: str, case: str, places: Sequence[int], contract: int
) -> list[tuple[int, Event]]:
    """Part 0 of the entries at these places, each with its n, in order. Raises DamagedError."""
    found: list[tuple[int, Event]] = []
    # A statement has so many values at most, on SQLite.
    for start in range(0, len(places), _AT_ONCE):
        some = places[start : start + _AT_ONCE]
        wanted = f"e.n IN ({', '.join(['%s'] * len(some))})"
        found += _opened(case, _rows(alias, wanted, [case, *some]), contract)
    if [n for n, _ in found] != [*places]:
        raise DamagedError(f"{case}: an entry or its facts are missing")
    return found


def read_recorded(
    alias: str, case: str, start: int, stop: int, contract: int
) -> list[RecordedFacts]:
    """The same, each with the time at which it was recorded; in contract 1, as its facts say it.

    That time is held against its entry too. Raises DamagedError.
    """
    if contract == 1 or start >= stop:
        facts = read_events(alias, case, start, stop, contract)
        return [(event, str(event["at"])) for event in facts]
    with connections[alias].cursor() as cursor:
        cursor.execute(_TIMED, [case, start, stop])
        rows: list[tuple[object, object, int, object]] = cursor.fetchall()
    if len(rows) != stop - start:
        raise DamagedError(f"{case}: an entry or its facts are missing")
    try:
        return [_timed(case, row) for row in rows]
    except MalformedError as error:
        raise DamagedError(f"{case}: a fact was altered: {error}") from error


def _timed(case: str, row: tuple[object, object, int, object]) -> RecordedFacts:
    line, facts, i, recorded = row
    entry = parse_padded_entry(raw(line))
    told = _fact(case, entry, raw(recorded), i)
    if told.get("kind") != "recorded":
        raise DamagedError(f"{case}: entry {entry.n} does not say when it was recorded")
    return _fact(case, entry, raw(facts)), str(told["at"])


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


def _fact(case: str, entry: Entry | PaddedEntry, body: bytes, i: int = 0) -> Event:
    data = body[SALT_SIZE:]
    if commit_part(body[:SALT_SIZE], data) != entry.parts[i]:
        raise DamagedError(f"{case}: a fact of entry {entry.n} was altered; fix: restore a backup")
    event: Event = loads(data)
    return event
