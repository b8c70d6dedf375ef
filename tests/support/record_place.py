"""Where a record lies in a test, on either database."""

import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support import deeds
from support.postgresql import Postgresql
from touchstone.keys import Keyring
from touchstone.records import Records


@dataclass(frozen=True)
class Place:
    """Where one test's record lies; `database` is None for SQLite."""

    home: Path
    database: str | None
    name: str
    server: Postgresql | None
    reader: str | None = None

    @property
    def keyring(self) -> Keyring:
        """The installation's keys, made where there are none."""
        return Keyring.open_or_create(self.home / "keys", deeds.AT)

    def open(self) -> Records:
        """The record, opened as the application does."""
        return Records.open(self.home, self.keyring, self.database, self.reader)

    def owner(self, *statements: str) -> None:
        """Run statements as whoever owns the tables, with nobody's guards but the triggers."""
        if self.server:
            self.server.admin(*statements, database=self.name)
            return
        connection = sqlite3.connect(self.home / "record.sqlite3", isolation_level=None)
        try:
            for statement in statements:
                connection.execute(statement)
        finally:
            connection.close()

    def evidence_files(self) -> list[Path]:
        """Every evidence file on disk."""
        return [path for path in (self.home / "evidence").rglob("*") if path.is_file()]

    def child(self, case: str, batches: int) -> subprocess.Popen[str]:
        """A process that appends."""
        script = str(Path(deeds.__file__))
        command = [sys.executable, script, "append", str(self.home), self.database or "-", case]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        return subprocess.Popen(
            [*command, str(batches)], stdout=subprocess.PIPE, text=True, env=environment
        )
