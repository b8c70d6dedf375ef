"""The type of each entry's event beside its line, so that entries are found by it.

The rows that stand are told theirs from their part 0. Nothing else of an entry may change, so the
guard against it is lifted for this one statement.
"""

import json
from typing import Any, ClassVar

from django.db import migrations, models

SALT_SIZE = 32
_PAGE = 1000
_GUARD = (
    "CREATE TRIGGER records_entryrow_no_update BEFORE UPDATE ON records_entryrow WHEN 1 "
    "BEGIN SELECT RAISE(ABORT, 'touchstone: entries are only appended'); END"
)
_LIFTED = {
    "postgresql": (
        "ALTER TABLE records_entryrow DISABLE TRIGGER records_entryrow_no_change",
        "ALTER TABLE records_entryrow ENABLE TRIGGER records_entryrow_no_change",
    ),
    "sqlite": ("DROP TRIGGER records_entryrow_no_update", _GUARD),
}


def type_of(body: object) -> str:
    """The type that a part 0 says; none where it is altered: `check` tells of that."""
    try:
        facts = json.loads(bytes(body)[SALT_SIZE:])  # type: ignore[call-overload]
        return str(facts["type"])
    except (ValueError, TypeError, LookupError):
        return ""


def tell_types(apps: Any, schema_editor: Any) -> None:
    """Say of each entry what its part 0 says."""
    connection = schema_editor.connection
    lift, guard = _LIFTED[connection.vendor]
    parts = apps.get_model("records", "PartRow").objects.using(connection.alias).filter(i=0)
    schema_editor.execute(lift, params=None)
    change = "UPDATE records_entryrow SET type = %s WHERE case_id = %s AND n = %s"
    with connection.cursor() as cursor:
        for case in parts.values_list("case_id", flat=True).distinct():
            of_case, low = parts.filter(case_id=case).order_by("n"), 0
            while page := list(of_case.filter(n__gte=low).values_list("n", "body")[:_PAGE]):
                cursor.executemany(change, [(type_of(body), case, n) for n, body in page])
                low = page[-1][0] + 1
    schema_editor.execute(guard, params=None)


class Migration(migrations.Migration):
    """One column, filled, and its index."""

    dependencies: ClassVar = [("records", "0007_executions")]
    operations: ClassVar = [
        migrations.RunSQL(
            "ALTER TABLE records_entryrow ADD COLUMN type text NOT NULL DEFAULT ''",
            state_operations=[
                migrations.AddField("entryrow", "type", models.TextField(default=""))
            ],
        ),
        migrations.RunPython(tell_types),
        migrations.AddIndex(
            "entryrow", models.Index(fields=["case", "type", "n"], name="entries_by_type")
        ),
    ]
