"""Making the accounts' tables: in a SQLite file of their own, or beside the record's."""

import os
from pathlib import Path

from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor

from touchstone.keys.files import locked
from touchstone.records.database import NOT_PREPARED, begin_with_file, translated
from touchstone.records.database_file import make_database_file
from touchstone.records.errors import NotPreparedError
from touchstone.records.settings import (
    ACCOUNTS_FILE,
    DATABASE_OWNER,
    connect,
    is_postgresql,
)
from touchstone.server.accounts.apps import AccountsConfig
from touchstone.server.accounts.models import ACCOUNTS
from touchstone.server.settings import serve_from

ONLY_ADDED = ("accounts_accountact", "accounts_sensitiveread")
"""Tables whose rows the application's role cannot change or delete (PostgreSQL)."""
# As the record's own preparation: two that start at once are not to make the same tables.
_LOCK = 0x746F7564


def open_accounts(home: Path, database: str | None) -> None:
    """Have this process use the accounts of an installation; a SQLite file is made where missing.

    Raises:
        DatabaseSettingError: others may read the file, or the setting is none.
        NotPreparedError: PostgreSQL has no tables of this version.
    """
    serve_from(home, database)
    if is_postgresql(ACCOUNTS):
        with translated(ACCOUNTS):
            if _pending(ACCOUNTS):
                raise NotPreparedError(NOT_PREPARED)
        return
    _prepare_file(home)


def prepare_accounts(home: Path, database: str | None, owner: str | None = None) -> None:
    """Make or bring up to date the accounts' tables.

    `owner` is the address of the PostgreSQL role that owns the tables; None: the environment's
    setting, else the application's own role. Raises as `open_accounts`.
    """
    serve_from(home, database)
    if not is_postgresql(ACCOUNTS):
        _prepare_file(home)
        return
    named = owner or os.environ.get(DATABASE_OWNER)
    alias = connect(home, named) if named else ACCOUNTS
    with translated(alias), connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            _migrate(alias)
            if alias != ACCOUNTS:
                _grant(alias, str(connections[ACCOUNTS].settings_dict["USER"]))
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _prepare_file(home: Path) -> None:
    make_database_file(home / ACCOUNTS_FILE)
    begin_with_file(ACCOUNTS)
    with translated(ACCOUNTS):
        if _pending(ACCOUNTS):
            with locked(home / ".preparing"):
                _migrate(ACCOUNTS)


def _pending(alias: str) -> bool:
    executor = MigrationExecutor(connections[alias])
    return bool(executor.migration_plan(_leaves(executor)))


def _migrate(alias: str) -> None:
    executor = MigrationExecutor(connections[alias])
    executor.migrate(_leaves(executor))


def _leaves(executor: MigrationExecutor) -> list[tuple[str, str]]:
    return list(executor.loader.graph.leaf_nodes(AccountsConfig.label))


def _grant(owner_alias: str, role: str) -> None:
    connection = connections[owner_alias]
    name = connection.ops.quote_name(role)
    with transaction.atomic(using=owner_alias), connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith(f"{AccountsConfig.label}_"):
                cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {name}")
        for table in ONLY_ADDED:
            cursor.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {name}")
        # The application has to see that the tables are those of its version.
        cursor.execute(f"GRANT SELECT ON django_migrations TO {name}")
        cursor.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}")
