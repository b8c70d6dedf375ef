"""What each role may do on PostgreSQL, said again whenever the tables are prepared.

The owner makes the tables and does no more. The recorder is the role of the application: it reads
all and appends. The reader reads for one party at a time, behind the wall (`records.walls`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from django.db import ProgrammingError, connections, transaction

from touchstone.records.apps import RecordsConfig
from touchstone.records.errors import DatabaseSettingError
from touchstone.records.settings import is_postgresql
from touchstone.records.walls import READABLE, RECORDER_POLICY, role_faults, user_of

APPEND_ONLY = (
    "records_entryrow",
    "records_leafrow",
    "records_checkpointrow",
    "records_deedrow",
    "records_topicrow",
    "records_answerrow",
)
NEVER_DELETED = (
    "records_caserow",
    "records_partrow",
    "records_installationrow",
    "records_certificaterow",
)
_FORCED = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    " AND relforcerowsecurity ORDER BY relname"
)
_RECORDERS = (
    "SELECT roles::text[] FROM pg_policies WHERE schemaname = 'public' AND tablename = %s"
    " AND policyname = %s"
)
_WALLED = (
    "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace AND relname = %s"
)


def make_role(owner: str, alias: str) -> None:
    """Make the role that an alias connects as, where it is missing; `owner` is the owner's alias.

    Raises DatabaseSettingError where the owner may make none.
    """
    connection, role = connections[owner], user_of(alias)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone():
            return
        name = connection.ops.quote_name(role)
        kind = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"
        try:
            cursor.execute(f"CREATE ROLE {name} {kind}{_password(owner, alias)}")
        except ProgrammingError as error:
            raise DatabaseSettingError(
                f"there is no role {role!r}, and the role that prepares may make none; fix:"
                f" CREATE ROLE {name} LOGIN, as the server's administrator"
            ) from error


def _password(owner: str, alias: str) -> str:
    """What a new role is told of the password in its address: never the password itself."""
    password = str(connections[alias].settings_dict["PASSWORD"])
    if not password:
        return ""
    # Statements may stand in the server's log.
    made = connections[owner].connection.pgconn.encrypt_password(
        password.encode(), user_of(alias).encode(), b"scram-sha-256"
    )
    return f" PASSWORD '{made.decode()}'"


def grant_recorder(owner: str, role: str) -> None:
    """Give the application's role what it needs, and take back what it must not do."""
    connection = connections[owner]
    name = connection.ops.quote_name(role)
    with connection.cursor() as cursor:
        # Not those of a server's accounts, which lie beside them and have rights of their own.
        own = [each for each in connection.introspection.table_names(cursor) if _is_own(each)]
    _run(
        owner,
        f"GRANT USAGE ON SCHEMA public TO {name}",
        *(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {name}" for table in own),
        # To read them is what a backup asks for.
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}",
        f"GRANT EXECUTE ON FUNCTION touchstone_rewrite() TO {name}",
        f"GRANT SELECT ON django_migrations TO {name}",
        f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {name}",
        # After the grants on all, which take in those that only grow.
        *(f"REVOKE UPDATE, DELETE ON {table} FROM {name}" for table in APPEND_ONLY),
        *(f"REVOKE DELETE ON {table} FROM {name}" for table in NEVER_DELETED),
    )


def grant_reader(owner: str, role: str) -> None:
    """Let a role read for parties, and take back all else that it was given.

    Raises DatabaseSettingError where the wall would not hold for it.
    """
    if faults := role_faults(owner, role):
        raise DatabaseSettingError(faults[0])
    name = connections[owner].ops.quote_name(role)
    _run(
        owner,
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}",
        f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {name}",
        f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM {name}",
        f"GRANT USAGE ON SCHEMA public TO {name}",
        *(
            f"GRANT SELECT ({', '.join(map(_quoted, columns))}) ON {table} TO {name}"
            for table, columns in READABLE.items()
        ),
    )


def raise_walls(owner: str, recorder: str) -> None:
    """Switch the policies on, for the tables' owner too, and let the recorder see and add all.

    A role that recorded before still does. Where all is so already no lock is taken.
    """
    with transaction.atomic(using=owner), connections[owner].cursor() as cursor:
        for table in READABLE:
            _let_record(cursor, table, recorder, connections[owner].ops.quote_name)
            cursor.execute(_WALLED, [table])
            if cursor.fetchone() != (True,):
                cursor.execute(
                    f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
                )


def _let_record(cursor: Any, table: str, recorder: str, quote: Any) -> None:
    cursor.execute(_RECORDERS, [table, RECORDER_POLICY])
    found = cursor.fetchone()
    if found is None:
        cursor.execute(
            f"CREATE POLICY {RECORDER_POLICY} ON {table} TO {quote(recorder)}"
            " USING (true) WITH CHECK (true)"
        )
    elif recorder not in found[0]:
        names = ", ".join(map(quote, [*found[0], recorder]))
        cursor.execute(f"ALTER POLICY {RECORDER_POLICY} ON {table} TO {names}")


@contextmanager
def without_walls(owner: str, *, atomic: bool) -> Iterator[None]:
    """Let the owner see its rows while it changes tables: else it would change none, in silence.

    In the transaction that the caller's goes into, if it is `atomic`. Nothing is lifted for any
    other role.
    """
    if not is_postgresql(owner):
        yield
        return
    with transaction.atomic(using=owner) if atomic else nullcontext():
        with connections[owner].cursor() as cursor:
            cursor.execute(_FORCED)
            tables = [name for (name,) in cursor.fetchall()]
        _run(owner, *(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY" for table in tables))
        try:
            yield
        except BaseException:
            if not atomic:
                _force(owner, tables)
            raise
        _force(owner, tables)


def _force(owner: str, tables: Sequence[str]) -> None:
    if tables:
        # A table with checks that are still to come cannot be altered.
        again = (f"ALTER TABLE IF EXISTS {table} FORCE ROW LEVEL SECURITY" for table in tables)
        _run(owner, "SET CONSTRAINTS ALL IMMEDIATE", *again)


def _run(owner: str, *statements: str) -> None:
    with transaction.atomic(using=owner), connections[owner].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _is_own(table: str) -> bool:
    return table.startswith(f"{RecordsConfig.label}_")


def _quoted(column: str) -> str:
    return f'"{column}"'
