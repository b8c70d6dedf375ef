"""The second wall: on PostgreSQL the database itself shows a party the rows of its cases alone.

The first wall is the service, which asks whose case it is and what its markings say. This one is
for what the service forgets: rows are read by a role of their own (`TOUCHSTONE_DATABASE_READER`)
under policies by membership (migrations 0013 and 0014). SQLite has nothing of the kind.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connections, transaction

from touchstone.records.database import translated
from touchstone.records.errors import DatabaseSettingError
from touchstone.records.settings import (
    DATABASE,
    DATABASE_READER,
    connect,
    is_postgresql,
)
from touchstone.records.values import is_storable

MEMBER_POLICY = "touchstone_member"
RECORDER_POLICY = "touchstone_recorder"
READABLE: Mapping[str, tuple[str, ...]] = {
    # Neither the key nor the hashes inside of the tree: what is read for a party needs neither.
    "records_caserow": ("case", "log", "size", "contract"),
    "records_entryrow": ("case_id", "n", "line", "type"),
    "records_partrow": ("case_id", "n", "i", "body", "label", "clear"),
    "records_deedrow": ("case_id", "n", "key", "seq", "digest", "seen", "at", "root"),
    "records_topicrow": ("case_id", "topic", "n"),
    "records_answerrow": ("digest", "case", "party", "line"),
    "records_evidencerow": ("case_id", "name", "facts", "size"),
    # Titles, names and statuses may come from what not every member may read.
    "records_indexrow": ("case_id", "framework", "updated"),
    "records_memberrow": ("party", "case_id", "role", "n", "joined", "last"),
}
"""By table the columns that whoever reads for a party may read; of other tables it reads none."""
_TABLES = (
    "SELECT c.relname FROM pg_class c LEFT JOIN pg_policy p"
    " ON p.polrelid = c.oid AND p.polname = %s AND p.polcmd = 'r' AND p.polpermissive"
    " AND pg_get_expr(p.polqual, c.oid) LIKE '%%touchstone.party%%'"
    " WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%s)"
    " AND c.relrowsecurity AND c.relforcerowsecurity AND p.oid IS NOT NULL"
)
_ROLE = (
    "SELECT r.rolsuper OR r.rolbypassrls,"
    " EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace"
    " AND c.relname = ANY(%(tables)s) AND pg_has_role(r.oid, c.relowner, 'MEMBER')),"
    " EXISTS (SELECT 1 FROM pg_policies p, unnest(p.roles) one WHERE p.schemaname = 'public'"
    " AND p.tablename = ANY(%(tables)s) AND p.permissive = 'PERMISSIVE' AND p.policyname <> %(own)s"
    " AND (one = 'public' OR pg_has_role(r.oid, one, 'MEMBER')))"
    " FROM pg_roles r WHERE r.rolname = %(role)s"
)


class PartyConnection:
    """The connection by which rows are read for parties: the record's own one on SQLite."""

    def __init__(self, home: Path, alias: str, address: str | None) -> None:
        """`alias` is the record's; `address` that of the reading role, None where none is named."""
        self._home = home
        self._record = alias
        self._address = address
        self._reader: str | None = None

    @contextmanager
    def of(self, party: str) -> Iterator[str]:
        """The alias by which to read for a party, until the context is left; no writing.

        Raises DatabaseSettingError where PostgreSQL would not hold the wall, UnreachableError.
        """
        alias = self._alias()
        if not is_postgresql(alias):
            # A transaction there would keep writers waiting.
            with translated(alias):
                yield alias
            return
        with translated(alias), transaction.atomic(using=alias, durable=True):
            # For this transaction alone (true): the connection is kept, and serves others next.
            statement = "SELECT set_config('touchstone.party', %s, true)"
            with connections[alias].cursor() as cursor:
                cursor.execute(statement, [party if is_storable(party) else ""])
            yield alias

    def close(self) -> None:
        """Close this thread's connection."""
        if self._reader is not None:
            connections[self._reader].close()

    def _alias(self) -> str:
        if self._reader is None:
            self._reader = self._checked()
        return self._reader

    def _checked(self) -> str:
        """The alias, once it is seen that the wall stands. Raises DatabaseSettingError."""
        if not is_postgresql(self._record):
            return self._record
        alias = reader_alias(self._home, self._record, self._address)
        if faults := [*wall_faults(alias), *role_faults(alias, user_of(alias))]:
            raise DatabaseSettingError(f"nothing is read for parties: {faults[0]}")
        return alias


def reader_alias(home: Path, record: str, address: str | None) -> str:
    """The alias of the role that reads for parties. Raises DatabaseSettingError for none."""
    if not address:
        raise DatabaseSettingError(
            f"nothing is read for parties: {DATABASE_READER} is not set; fix: name a role that sees"
            " a party's own rows alone, as docs/how-to/postgresql.md says"
        )
    alias = connect(home, address)
    if connections[alias].settings_dict["NAME"] != connections[record].settings_dict["NAME"]:
        raise DatabaseSettingError(f"{DATABASE_READER}: is another database than {DATABASE}")
    return alias


def user_of(alias: str) -> str:
    """The role that an alias connects as."""
    return str(connections[alias].settings_dict["USER"])


def wall_faults(alias: str) -> list[str]:
    """The tables of a PostgreSQL database that have no wall or one that is off, a line each."""
    with translated(alias), connections[alias].cursor() as cursor:
        cursor.execute(_TABLES, [MEMBER_POLICY, list(READABLE)])
        walled = {name for (name,) in cursor.fetchall()}
    fix = "fix: touchstone doctor --prepare"
    return [
        f"{table} has no row-level security; {fix}" for table in sorted(READABLE.keys() - walled)
    ]


def role_faults(alias: str, role: str) -> list[str]:
    """Why a role is none to read for parties with: for it the wall would not hold."""
    asked: dict[str, Any] = {"tables": list(READABLE), "own": MEMBER_POLICY, "role": role}
    with translated(alias), connections[alias].cursor() as cursor:
        cursor.execute(_ROLE, asked)
        found = cursor.fetchone()
    if found is None:
        return [f"there is no role {role!r}; fix: touchstone doctor --prepare"]
    reasons = (
        "may go past row-level security (SUPERUSER or BYPASSRLS)",
        "owns the tables, or is a member of the role that does",
        "sees all rows, by another policy: it records, or is a member of a role that does",
    )
    fix = f"fix: name another role in {DATABASE_READER}"
    return [f"the role {role!r} {why}; {fix}" for why, so in zip(reasons, found, strict=True) if so]
