"""SQLite homes as earlier versions left them: the newest migrations are taken back."""

import contextlib
import sqlite3
from pathlib import Path

# What takes each migration back, newest first; those with no statement did nothing on SQLite.
_BACK: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("0014_leaving", ("ALTER TABLE records_memberrow DROP COLUMN last",)),
    ("0013_walls", ()),
    ("0012_members", ("DROP TABLE records_memberrow",)),
    ("0011_refused_signers", ("DROP TABLE records_refusedsignerrow",)),
    (
        "0010_staging",
        ("DROP TABLE records_stagedpiecerow", "DROP TABLE records_stagedrow"),
    ),
    ("0009_outcomes", ("DROP TABLE records_outcomerow",)),
    (
        "0008_types",
        ("DROP INDEX entries_by_type", "ALTER TABLE records_entryrow DROP COLUMN type"),
    ),
    ("0007_executions", ("DROP TABLE records_executionrow",)),
    (
        "0006_deeds",
        (
            "DROP TRIGGER records_caserow_contract",
            "DROP TRIGGER records_partrow_clear",
            "ALTER TABLE records_caserow DROP COLUMN contract",
            "ALTER TABLE records_partrow DROP COLUMN clear",
            "DROP TABLE records_answerrow",
            "DROP TABLE records_topicrow",
            "DROP TABLE records_deedrow",
        ),
    ),
    ("0005_old_statistics", ()),
    ("0004_rewriting", ()),
    ("0003_certificates", ("DROP TABLE records_certificaterow",)),
)
NEWEST = _BACK[0][0]
MIGRATIONS = len(_BACK) + 1
"""How many states a home can be brought to: as it is now, and one for each that is taken back."""


def make_older(home: Path, undone: int) -> None:
    """Take back the newest `undone` migrations; the journal is emptied into the file."""
    with contextlib.closing(sqlite3.connect(home / "record.sqlite3", isolation_level=None)) as file:
        for name, statements in _BACK[:undone]:
            for statement in statements:
                file.execute(statement)
            done = file.execute("DELETE FROM django_migrations WHERE name = ?", [name])
            assert done.rowcount == 1, name
