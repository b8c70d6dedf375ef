"""Making the tables, and on PostgreSQL the rights of the role that the application uses."""

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from touchstone.keys.files import locked
from touchstone.records.apps import RecordsConfig
from touchstone.records.database import NOT_PREPARED, translated
from touchstone.records.database_file import make_database_file
from touchstone.records.errors import DatabaseSettingError, NotPreparedError, UnreachableError
from touchstone.records.roles import (
    grant_reader,
    grant_recorder,
    make_role,
    raise_walls,
    without_walls,
)
from touchstone.records.settings import (
    DATABASE,
    DATABASE_OWNER,
    FILE,
    connect,
    from_environment,
    is_postgresql,
    reader_from_environment,
)
from touchstone.records.soundness import readable_copy
from touchstone.records.walls import reader_alias, user_of

# Any number that no other program on the server uses as an advisory lock.
_LOCK = 0x746F7563


def prepare(
    home: Path,
    database: str | None = None,
    owner: str | None = None,
    reader: str | None = None,
) -> bool:
    """Make or bring up to date the tables; gives whether the application's role owns nothing.

    `database` is what the application uses, `owner` the address of the role that owns the tables
    (PostgreSQL; None: the environment's setting, else the application's own role, which then could
    drop the triggers), `reader` that of the role that reads for parties (None: the environment's,
    else nothing can be read for them). Roles that are missing are made where the owner may.
    Raises DatabaseSettingError, UnreachableError.
    """
    alias = connect(home, database or from_environment())
    if not is_postgresql(alias):
        prepare_file(home, alias)
        return False
    named = owner or os.environ.get(DATABASE_OWNER)
    owner_alias = connect(home, named) if named else alias
    if connections[owner_alias].settings_dict["NAME"] != connections[alias].settings_dict["NAME"]:
        raise DatabaseSettingError(f"{DATABASE_OWNER}: is another database than {DATABASE}")
    with translated(owner_alias), connections[owner_alias].cursor() as cursor:
        # Two that start at the same time are not to make the same tables.
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            make_role(owner_alias, alias)
            _migrate(owner_alias)
            if owner_alias != alias:
                grant_recorder(owner_alias, user_of(alias))
            raise_walls(owner_alias, user_of(alias))
            if address := reader or reader_from_environment():
                reading = reader_alias(home, alias, address)
                make_role(owner_alias, reading)
                grant_reader(owner_alias, user_of(reading))
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    return owner_alias != alias


def prepare_file(home: Path, alias: str) -> None:
    """Make or bring up to date the SQLite file, which its owner alone may read.

    Raises DatabaseSettingError with the fix where others may open it.
    """
    path = home / FILE
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UnreachableError(f"{path}: {error.strerror}") from error
    make_database_file(path)
    with translated(alias):
        if not _pending(alias):
            return
        with locked(home / ".preparing"):
            _migrate(alias)


def check(alias: str) -> None:
    """Raise NotPreparedError unless the tables are those of this version."""
    with translated(alias):
        pending = _pending(alias)
    if pending:
        raise NotPreparedError(NOT_PREPARED)


def prepared_copy(home: Path, alias: str) -> tempfile.TemporaryDirectory[str] | None:
    """A folder with a copy of an older version's SQLite file, brought up to date; else None.

    For a file that can only be read: its tables would stay as they are for ever. `alias` reads it.
    The caller cleans the folder up. Raises NotPreparedError where the file never had tables.
    """
    with translated(alias):
        if not _pending(alias):
            return None
        applied = MigrationRecorder(connections[alias]).applied_migrations()
    if not any(app == RecordsConfig.label for app, _ in applied):
        raise NotPreparedError(f"{home / FILE}: holds no record; fix: restore it from a backup")
    folder = tempfile.TemporaryDirectory(prefix="touchstone-")
    try:
        _copy(alias, Path(folder.name) / FILE)
        own = connect(Path(folder.name), None)
        with translated(own):
            _migrate(own)
        connections[own].close()
    except BaseException:
        folder.cleanup()
        raise
    return folder


def connect_to_read(home: Path) -> tuple[str, tempfile.TemporaryDirectory[str] | None]:
    """What stands for a SQLite file that cannot be written, and the folder of its copy, if any."""
    source, copied = readable_copy(home)
    alias = connect(home, None, reading=source)
    try:
        newer = prepared_copy(home, alias)
    except BaseException:
        connections[alias].close()
        if copied is not None:
            copied.cleanup()
        raise
    if newer is None:
        return alias, copied
    connections[alias].close()
    if copied is not None:
        copied.cleanup()
    return connect(home, None, reading=Path(newer.name) / FILE), newer


def _copy(alias: str, target: Path) -> None:
    """Copy a SQLite database as one reader sees it, its journal too."""
    connection = connections[alias]
    with (
        translated(alias),
        connection.wrap_database_errors,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        connection.ensure_connection()
        connection.connection.backup(copy)


def _pending(alias: str) -> bool:
    executor = MigrationExecutor(connections[alias])
    return bool(executor.migration_plan(_leaves(executor)))


class _Migrations(MigrationExecutor):
    """Those that change what rows hold see the rows, though a wall is up."""

    def apply_migration(self, state: Any, migration: Any, *args: Any, **options: Any) -> Any:
        """Apply one migration."""
        with without_walls(self.connection.alias, atomic=migration.atomic):
            return super().apply_migration(state, migration, *args, **options)


def _migrate(alias: str) -> None:
    executor = _Migrations(connections[alias])
    executor.migrate(_leaves(executor))


def _leaves(executor: MigrationExecutor) -> list[tuple[str, str]]:
    """Where this room's tables end: a server's process has others, which are not the record's."""
    return list(executor.loader.graph.leaf_nodes(RecordsConfig.label))
