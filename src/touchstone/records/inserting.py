"""Rows put into the tables by plain statements: what every deed writes.

Django's own way takes ten times as long for these few rows, which is most of what a deed costs.
The statements are made once, from the models, so that they know no other names than these.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from typing import Any

from django.db import connections

from touchstone.records.models import CaseRow, Row
from touchstone.records.values import is_storable

_HEAD = ("case", "log", "size", "frontier", "wrapped_key", "contract")
OPEN_HEAD = ("case", "log", "size", "contract")
"""What whoever reads for a party may see of a case's head."""


def insert(alias: str, *added: tuple[type[Row], Sequence[Sequence[Any]]]) -> None:
    """Add rows to tables, each with a value for every column, in the order of the model's fields.

    One after the other, in the order given.
    """
    # In one cursor for all: a deed writes half a dozen tables.
    with _cursor(alias) as (cursor, written):
        for table, rows in added:
            if rows:
                cursor.executemany(written(_insertion(table)), rows)


def update(alias: str, table: type[Row], key: Any, changes: Mapping[str, Any]) -> int:
    """Change columns of the row with that primary key, its first column; gives how many."""
    with _cursor(alias) as (cursor, written):
        cursor.execute(written(_updating(table, tuple(changes))), [*changes.values(), key])
        return int(cursor.rowcount)


def put(alias: str, table: type[Row], row: Sequence[Any]) -> None:
    """Add a row, or change the one that has the same first column, which is the primary key."""
    with _cursor(alias) as (cursor, written):
        cursor.execute(written(_putting(table)), row)


def first(
    alias: str, table: type[Row], columns: tuple[str, ...], where: Mapping[str, Any]
) -> tuple[Any, ...] | None:
    """Those columns of the one row in which each of the others has the value given."""
    return _first(alias, _selection(table, columns, tuple(where)), list(where.values()))


def newest_row(
    alias: str,
    table: type[Row],
    columns: tuple[str, ...],
    where: Mapping[str, Any],
    *,
    by: str,
    before: tuple[str, int],
) -> tuple[Any, ...] | None:
    """The same of the row that is highest by a column, among those below a bound of another."""
    bound, most = before
    return _first(alias, _last(table, columns, tuple(where), by, bound), [*where.values(), most])


def case_head(
    alias: str, case: str, *, lock: bool = False, columns: tuple[str, ...] = _HEAD
) -> CaseRow | None:
    """A case's head; `lock`: nobody else changes it before this transaction ends.

    With these columns: any other would be asked for when it is used. On SQLite a transaction that
    writes holds the whole file from its beginning.
    """
    # What no column can hold is no case: the database's own error would say more than that.
    if not is_storable(case):
        return None
    statement = _selection(CaseRow, columns, ("case",))
    if lock and connections[alias].features.has_select_for_no_key_update:
        # Rows that only refer to the case, as a leaf with its head does, wait for nobody.
        statement += " FOR NO KEY UPDATE"
    found = _first(alias, statement, [case])
    return None if found is None else CaseRow.from_db(alias, columns, found)


def _first(alias: str, statement: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
    with _cursor(alias) as (cursor, written):
        cursor.execute(written(statement), values)
        found: tuple[Any, ...] | None = cursor.fetchone()
        return found


@contextmanager
def _cursor(alias: str) -> Iterator[tuple[Any, Callable[[str], str]]]:
    """A cursor of the driver itself, and what writes a statement as it wants it.

    Its errors are Django's, which `translated` knows; nothing else of Django stands between.
    """
    connection = connections[alias]
    connection.ensure_connection()
    with connection.wrap_database_errors, closing(connection.connection.cursor()) as cursor:
        yield cursor, _with_question_marks if connection.vendor == "sqlite" else str


@cache
def _with_question_marks(statement: str) -> str:
    return statement.replace("%s", "?")


@cache
def _insertion(table: type[Row]) -> str:
    columns = _columns(table)
    places = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {_name(table)} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608


@cache
def _putting(table: type[Row]) -> str:
    key, *others = _columns(table)
    changes = ", ".join(f"{column} = excluded.{column}" for column in others)
    return f"{_insertion(table)} ON CONFLICT ({key}) DO UPDATE SET {changes}"


@cache
def _updating(table: type[Row], columns: tuple[str, ...]) -> str:
    changes = ", ".join(f"{column} = %s" for column in _known(table, columns))
    key = _columns(table)[0]
    return f"UPDATE {_name(table)} SET {changes} WHERE {key} = %s"  # noqa: S608


@cache
def _selection(table: type[Row], columns: tuple[str, ...], where: tuple[str, ...]) -> str:
    wanted = ", ".join(_known(table, columns))
    terms = " AND ".join(f"{column} = %s" for column in _known(table, where))
    return f"SELECT {wanted} FROM {_name(table)} WHERE {terms}"  # noqa: S608


@cache
def _last(
    table: type[Row], columns: tuple[str, ...], where: tuple[str, ...], by: str, bound: str
) -> str:
    most, order = _known(table, (bound, by))
    return f"{_selection(table, columns, where)} AND {most} < %s ORDER BY {order} DESC LIMIT 1"


def _known(table: type[Row], columns: tuple[str, ...]) -> tuple[str, ...]:
    """The same as a statement has them. Raises KeyError for a column that the table has not."""
    quoted = tuple(f'"{column}"' for column in columns)
    if strange := set(quoted) - set(_columns(table)):
        raise KeyError(f"{_name(table)} has no column {min(strange)}")
    return quoted


def _name(table: type[Row]) -> str:
    name: str = table._meta.db_table  # noqa: SLF001  Django's own name for what is public
    return name


@cache
def _columns(table: type[Row]) -> tuple[str, ...]:
    fields = table._meta.concrete_fields  # noqa: SLF001
    return tuple(f'"{field.column}"' for field in fields if field.column)
