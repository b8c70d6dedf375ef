"""Every fault of a database, translated to one clear line."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import DatabaseError, InterfaceError, connections, transaction
from django.db.utils import Error

from touchstone.errors import TouchstoneError
from touchstone.records.errors import (
    AppendOnlyError,
    BusyError,
    DamagedError,
    FullError,
    NotPreparedError,
    RecordsError,
    UnreachableError,
)
from touchstone.records.settings import WAIT_SECONDS

# What triggers say begins with this (migration 0002).
REFUSED = "touchstone: "
NOT_PREPARED = (
    "the database has no tables of this version; fix: run `touchstone doctor --prepare`"
    " as docs/how-to/postgresql.md says"
)
_MOVED = (
    "{path}: was moved or replaced while it was in use, and a connection that is kept would go on"
    " with the old one; fix: put it back, or start this process again"
)
_FILES: dict[str, tuple[int, int]] = {}
"""By alias, which SQLite file (device and inode) this process uses.

What is written into a file that somebody moved away is lost to all who were promised it. Nor is a
new connection the way out: SQLite, closing the last one to the old file, deletes the journal that
lies beside the new one.
"""
_CLOCK_OF_POSTGRESQL = "SELECT extract(epoch from clock_timestamp())::bigint"
_CLOCK_OF_SQLITE = "SELECT strftime('%s', 'now')"
_BUSY = BusyError(
    f"the record is busy: another process held it for over {WAIT_SECONDS} s; fix: try again"
)
_FULL = FullError("the disk of the record is full; nothing was written; fix: make room, try again")
_NOT_PREPARED = NotPreparedError(NOT_PREPARED)
# SQLSTATE codes and classes: PostgreSQL manual, appendix A.
_STATES: dict[str, TouchstoneError] = {
    "53100": _FULL,
    "40P01": _BUSY,
    "40001": _BUSY,
    "55P03": _BUSY,
    "42P01": _NOT_PREPARED,
    "42703": _NOT_PREPARED,
    "42501": UnreachableError(
        "the database role may not do that; fix: name its owner in TOUCHSTONE_DATABASE_OWNER, as"
        " docs/how-to/postgresql.md says"
    ),
}
# SQLite has codes too, but Python 3.11 leaves them out of some errors; the texts are stable.
_TEXTS: tuple[tuple[str, TouchstoneError], ...] = (
    ("is locked", _BUSY),
    ("is full", _FULL),
    ("disk I/O error", _FULL),
    ("no such table", _NOT_PREPARED),
    ("no such column", _NOT_PREPARED),
    ("malformed", DamagedError("the record's file is damaged; fix: restore it from a backup")),
    ("not a database", DamagedError("the record's file is no database; fix: restore a backup")),
)


@contextlib.contextmanager
def translated(alias: str) -> Iterator[None]:
    """Turn each database error within into one of this room's; others pass as they are.

    Raises UnreachableError, with nothing done, where SQLite's file is not the one in use.
    """
    _require_same_file(alias)
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        fault = _translate(error)
        if isinstance(fault, RecordsError):
            # A broken connection would stay broken; the next use makes a new one.
            connections[alias].close_if_unusable_or_obsolete()
        raise fault from error


def begin_with_file(alias: str) -> None:
    """Whatever SQLite file stands there now is the one that this process uses from here on."""
    _FILES.pop(alias, None)


def _require_same_file(alias: str) -> None:
    connection = connections[alias]
    # What began with the file that was there, ends with it.
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    path = str(connection.settings_dict["NAME"])
    try:
        found = Path(path).stat()
    except OSError:
        now = None
    else:
        now = found.st_dev, found.st_ino
        _FILES.setdefault(alias, now)
    if alias in _FILES and now != _FILES[alias]:
        raise UnreachableError(_MOVED.format(path=path))


def clock_seconds(alias: str) -> int:
    """The database's own clock, in seconds since the epoch; SQLite's is this machine's."""
    connection = connections[alias]
    postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute(_CLOCK_OF_POSTGRESQL if postgres else _CLOCK_OF_SQLITE)
        return int(cursor.fetchone()[0])


def raw(value: object) -> bytes:
    """A binary column's bytes. Raises DamagedError: SQLite keeps any type in any column."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise DamagedError(f"the record holds a {type(value).__name__} where bytes stood")


def rewrite_heads(alias: str, seconds: int) -> bool:
    """Have PostgreSQL write the table of case heads anew, without the rows that were replaced.

    False where some had to be kept, since an older transaction may still read them, or where others
    held the table for so many seconds.
    """
    try:
        with (
            translated(alias),
            transaction.atomic(using=alias, durable=True),
            connections[alias].cursor() as cursor,
        ):
            wait = f"{max(1, seconds * 1000):d}ms"
            # For this transaction alone (true): the connection keeps its own.
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [wait])
            left = rows_left(alias, "SELECT touchstone_rewrite()")
    except BusyError:
        return False
    return left == [0]


def empty_journal(alias: str, seconds: int) -> bool:
    """Move SQLite's journal into the file and cut it to nothing; false where a reader holds it.

    Older pages would outlive in it what was erased.
    """
    with translated(alias), connections[alias].cursor() as cursor:
        # A PRAGMA takes no parameters.
        cursor.execute(f"PRAGMA busy_timeout = {seconds * 1000:d}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            busy, _, _ = cursor.fetchone()
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000:d}")
    return not busy


def rows_left(alias: str, statement: str) -> list[int]:
    """Have PostgreSQL write tables anew, verbosely; how many dead rows it had to keep in each.

    They are kept for older transactions. Nothing is given for a table that the role may not write.
    """
    left: list[int] = []

    def heard(notice: Any) -> None:
        # The first number of the detail, in every language, is how many dead rows are kept.
        if number := re.search(r"\d+", notice.message_detail or ""):
            left.append(int(number[0]))

    with connections[alias].cursor() as cursor:
        connections[alias].connection.add_notice_handler(heard)
        try:
            cursor.execute(statement)
        finally:
            connections[alias].connection.remove_notice_handler(heard)
    return left


def _translate(error: Error) -> TouchstoneError:
    # The first line alone: others repeat the statement, which may hold what was sent.
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if REFUSED in text:
        return AppendOnlyError(text.split(REFUSED, 1)[1])
    state, module = _origin(error)
    if state is not None:
        known = _STATES.get(state)
    elif module == "sqlite3":
        known = next((fault for part, fault in _TEXTS if part in text), None)
    else:
        known = None
    if known is not None:
        # A new one each time: what is raised twice gathers the traces of both.
        return type(known)(*known.args)
    return UnreachableError(f"the database does not do what it should: {text}")


def _origin(error: BaseException) -> tuple[str | None, str]:
    """The SQLSTATE and the module of the driver's own error, behind Django's."""
    # Django's error has the driver's behind it, and that may have another: the innermost knows.
    origin = error
    while behind := origin.__cause__ or origin.__context__:
        origin = behind
        if state := getattr(origin, "sqlstate", None):
            return str(state), type(origin).__module__
    return None, type(origin).__module__
