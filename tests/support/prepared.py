"""Tables of a new SQLite file, made once in a process and then copied.

Nothing of a home is kept: only that file as the migrations leave it. An older home, PostgreSQL and
a copy to read are migrated as ever, and so is the first new file.
"""

import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path


def make_once() -> None:
    """From now on, in this process and those forked from it."""
    preparation = sys.modules["touchstone.records.preparation"]
    migrate = preparation._migrate
    folder = tempfile.TemporaryDirectory(prefix="prepared-")
    kept = Path(folder.name) / "tables.sqlite3"

    def quick(alias: str) -> None:
        connection = preparation.connections[alias]
        if connection.vendor != "sqlite" or connection.introspection.table_names():
            migrate(alias)
            return
        connection.ensure_connection()
        if not kept.exists():
            migrate(alias)
            kept.write_bytes(connection.connection.serialize())
            return
        with closing(sqlite3.connect(kept)) as tables:
            tables.backup(connection.connection)

    quick.folder = folder  # type: ignore[attr-defined]  # which goes with the process
    preparation._migrate = quick
