"""Triggers that refuse to change what must stand, and the one row of the installation log.

They stop accidents, not the owner of the tables. On SQLite a later migration that alters one of
these tables makes it anew, without its triggers: it has to run `guard` again.
"""

from typing import Any, ClassVar

from django.db import migrations

APPEND_ONLY = {
    "records_entryrow": ("entries", "case_id = NEW.case_id AND n = NEW.n"),
    "records_leafrow": ("installation leaves", '"index" = NEW."index"'),
    "records_checkpointrow": ("checkpoints", "id = NEW.id"),
}
# A part may only lose its content, with a label that says why, and part 0 not even that.
PART_KEPT = (
    "OLD.i = 0 OR NEW.body IS NOT NULL OR NEW.label = '' OR OLD.label <> ''"
    " OR NEW.case_id <> OLD.case_id OR NEW.n <> OLD.n OR NEW.i <> OLD.i"
)
# A head only grows, and a destroyed key stays destroyed.
HEAD_KEPT = (
    'NEW.size < OLD.size OR NEW.log <> OLD.log OR NEW."case" <> OLD."case"'
    " OR (OLD.wrapped_key IS NULL AND NEW.wrapped_key IS NOT NULL)"
)
INSTALLATION_KEPT = "NEW.size < OLD.size OR NEW.id <> OLD.id"
GUARDED = {
    "records_partrow": (PART_KEPT, "a part can only be erased"),
    "records_caserow": (HEAD_KEPT, "a case head only grows"),
    "records_installationrow": (INSTALLATION_KEPT, "the log only grows"),
}


def sqlite_guards() -> list[str]:
    """Trigger statements for SQLite."""
    statements = []

    def guard(table: str, kind: str, deed: str, what: str, when: str = "1") -> None:
        statements.append(
            f"CREATE TRIGGER {table}_{kind} BEFORE {deed} ON {table} WHEN {when} "
            f"BEGIN SELECT RAISE(ABORT, 'touchstone: {what}'); END"
        )

    def guard_replace(table: str, what: str, same: str) -> None:
        # INSERT OR REPLACE deletes without asking a delete trigger.
        there = f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 our own names only
        guard(table, "no_replace", "INSERT", what, there)

    for table, (subject, same) in APPEND_ONLY.items():
        what = f"{subject} are only appended"
        guard(table, "no_update", "UPDATE", what)
        guard(table, "no_delete", "DELETE", what)
        guard_replace(table, what, same)
    for table, (kept, what) in GUARDED.items():
        guard(table, "kept", "UPDATE", what, kept)
        guard(table, "no_delete", "DELETE", what)
    same_part = "case_id = NEW.case_id AND n = NEW.n AND i = NEW.i"
    guard_replace("records_partrow", "a part can only be erased", same_part)
    guard_replace("records_caserow", "a case head only grows", "log = NEW.log")
    guard_replace("records_installationrow", "the log only grows", "id = NEW.id")
    return statements


def postgresql_guards() -> list[str]:
    """Trigger statements for PostgreSQL."""
    refuse = (
        "CREATE FUNCTION touchstone_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'touchstone: %', TG_ARGV[0]; END $$"
    )
    statements = [refuse]

    def guard(table: str, kind: str, deed: str, what: str, when: str = "") -> None:
        each = "STATEMENT" if deed == "TRUNCATE" else "ROW"
        condition = f"WHEN ({when}) " if when else ""
        statements.append(
            f"CREATE TRIGGER {table}_{kind} BEFORE {deed} ON {table} FOR EACH {each} {condition}"
            f"EXECUTE FUNCTION touchstone_refuse('{what}')"
        )

    for table, (what, _) in APPEND_ONLY.items():
        guard(table, "no_change", "UPDATE OR DELETE", f"{what} are only appended")
        guard(table, "no_truncate", "TRUNCATE", f"{what} are only appended")
    for table, (kept, what) in GUARDED.items():
        guard(table, "kept", "UPDATE", what, kept)
        guard(table, "no_delete", "DELETE", what)
        guard(table, "no_truncate", "TRUNCATE", what)
    return statements


def guard(apps: Any, schema_editor: Any) -> None:
    """Make the triggers of this back end, and the installation's row."""
    installation = apps.get_model("records", "InstallationRow").objects
    # An empty ledger.Frontier: its size in eight bytes.
    installation.using(schema_editor.connection.alias).create(id=1, size=0, frontier=bytes(8))
    postgresql = schema_editor.connection.vendor == "postgresql"
    for statement in postgresql_guards() if postgresql else sqlite_guards():
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    """Guards and the first row."""

    dependencies: ClassVar = [("records", "0001_tables")]
    operations: ClassVar = [migrations.RunPython(guard)]
