"""Tables of a new SQLite file, made once in a process and then copied.

Nothing of a home is kept: only that file as the migrations leave it. An older home, PostgreSQL and
a copy to read are migrated as ever, and so is the first new file.
"""

import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path


def make_once(*, beforehand: bool = False) -> None:
    """From now on, in this process and in those forked from it, `beforehand` made for them all."""
    preparation = sys.modules["touchstone.records.preparation"]
    migrate = preparation._migrate
    kept = bytearray()

    def quick(alias: str) -> None:
        connection = preparation.connections[alias]
        if connection.vendor != "sqlite" or connection.introspection.table_names():
            migrate(alias)
            return
        connection.ensure_connection()
        if not kept:
            migrate(alias)
            kept.extend(connection.connection.serialize())
            return
        # Not in memory: a file with a journal of its own cannot be opened there.
        with tempfile.NamedTemporaryFile(prefix="tables-") as file:
            file.write(kept)
            file.flush()
            try:
                with closing(sqlite3.connect(file.name)) as tables:
                    tables.backup(connection.connection)
            except sqlite3.OperationalError:
                # The disk is full, say: the way of the product says it as the product does.
                migrate(alias)

    preparation._migrate = quick  # type: ignore[attr-defined]  # a module by its name
    if beforehand:
        with tempfile.TemporaryDirectory() as folder:
            alias = preparation.connect(Path(folder), None)
            preparation.prepare_file(Path(folder), alias)
            preparation.connections[alias].close()
