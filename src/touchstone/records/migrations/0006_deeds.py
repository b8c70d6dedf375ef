"""Logs of contract 2: what the checks of a deed ask for, its answers, and the triggers over them.

Columns are added by plain statements: Django would make the tables anew on SQLite, without their
triggers.
"""

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models

# Each with what a row of the same place would have in common.
APPEND_ONLY = {
    "records_deedrow": (
        "deeds",
        "case_id = NEW.case_id AND (n = NEW.n OR (key = NEW.key AND seq = NEW.seq))",
    ),
    "records_topicrow": (
        "topics",
        "case_id = NEW.case_id AND topic = NEW.topic AND n = NEW.n",
    ),
    "records_answerrow": ("answers", "digest = NEW.digest"),
}
KEPT = {
    "records_caserow_contract": (
        "records_caserow",
        "NEW.contract <> OLD.contract",
        "a case head only grows",
    ),
    # Release, withdrawal and the lifting of an order are held against these for ever.
    "records_partrow_clear": (
        "records_partrow",
        "OLD.clear OR NEW.clear",
        "only content can be erased",
    ),
}


def sqlite_guards() -> list[str]:
    """Trigger statements for SQLite."""
    statements = []

    def guard(name: str, deed: str, table: str, what: str, when: str = "1") -> None:
        statements.append(
            f"CREATE TRIGGER {name} BEFORE {deed} ON {table} WHEN {when} "
            f"BEGIN SELECT RAISE(ABORT, 'touchstone: {what}'); END"
        )

    for table, (subject, same) in APPEND_ONLY.items():
        what = f"{subject} are only appended"
        guard(f"{table}_no_update", "UPDATE", table, what)
        guard(f"{table}_no_delete", "DELETE", table, what)
        # INSERT OR REPLACE deletes without asking a delete trigger.
        there = f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 our own names only
        guard(f"{table}_no_replace", "INSERT", table, what, there)
    for name, (table, kept, what) in KEPT.items():
        guard(name, "UPDATE", table, what, kept)
    return statements


def postgresql_guards() -> list[str]:
    """Trigger statements for PostgreSQL."""
    statements = []

    def guard(name: str, deed: str, table: str, what: str, when: str = "") -> None:
        each = "STATEMENT" if deed == "TRUNCATE" else "ROW"
        condition = f"WHEN ({when}) " if when else ""
        statements.append(
            f"CREATE TRIGGER {name} BEFORE {deed} ON {table} FOR EACH {each} {condition}"
            f"EXECUTE FUNCTION touchstone_refuse('{what}')"
        )

    for table, (subject, _) in APPEND_ONLY.items():
        what = f"{subject} are only appended"
        guard(f"{table}_no_change", "UPDATE OR DELETE", table, what)
        guard(f"{table}_no_truncate", "TRUNCATE", table, what)
    for name, (table, kept, what) in KEPT.items():
        guard(name, "UPDATE", table, what, kept)
    return statements


def guard(apps: Any, schema_editor: Any) -> None:
    """Make the triggers of this back end."""
    del apps
    postgresql = schema_editor.connection.vendor == "postgresql"
    for statement in postgresql_guards() if postgresql else sqlite_guards():
        schema_editor.execute(statement, params=None)


def _added(table: str, model: str, column: str, field: Any, default: str) -> Any:
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD COLUMN {column} NOT NULL DEFAULT {default}",
        state_operations=[migrations.AddField(model, column.split(maxsplit=1)[0], field)],
    )


def _of_case() -> Any:
    return models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="records.caserow",
    )


def _place(*names: str) -> Any:
    return models.CompositePrimaryKey(
        *names, blank=True, editable=False, primary_key=True, serialize=False
    )


class Migration(migrations.Migration):
    """Two columns, three tables, their guards."""

    dependencies: ClassVar = [("records", "0005_old_statistics")]
    operations: ClassVar = [
        _added(
            "records_caserow",
            "caserow",
            "contract smallint",
            models.SmallIntegerField(default=1),
            "1",
        ),
        _added(
            "records_partrow",
            "partrow",
            "clear bool",
            models.BooleanField(default=False),
            "false",
        ),
        migrations.CreateModel(
            name="DeedRow",
            fields=[
                ("pk", _place("case_id", "n")),
                ("n", models.BigIntegerField()),
                ("key", models.CharField(max_length=71)),
                ("seq", models.BigIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("seen", models.BigIntegerField()),
                ("at", models.CharField(max_length=20)),
                ("root", models.BinaryField()),
                ("case", _of_case()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("case", "key", "seq"), name="one_deed")
                ],
            },
        ),
        migrations.CreateModel(
            name="TopicRow",
            fields=[
                ("pk", _place("case_id", "topic", "n")),
                ("topic", models.CharField(max_length=200)),
                ("n", models.BigIntegerField()),
                ("case", _of_case()),
            ],
        ),
        migrations.CreateModel(
            name="AnswerRow",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("case", models.CharField(db_index=True, max_length=64)),
                ("party", models.CharField(max_length=128)),
                ("line", models.BinaryField()),
            ],
        ),
        migrations.RunPython(guard),
    ]
