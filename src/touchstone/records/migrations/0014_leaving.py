"""From which entry on a party reads no more, in the table of members and in the second wall.

Filled from the facts of the cases that stand; what facts say of leaving is fixed by the form of the
record, so this asks the code of today.
"""

import json
from typing import Any, ClassVar

from django.db import migrations, models

from touchstone.records.membership import LEAVING, leaver_of

SALT_SIZE = 32
PARTY = "nullif(current_setting('touchstone.party', true), '')"


def fill(apps: Any, schema_editor: Any) -> None:
    """Note who has left, and by which entry."""
    alias = schema_editor.connection.alias
    entries = apps.get_model("records", "EntryRow").objects.using(alias).filter(type__in=LEAVING)
    parts = apps.get_model("records", "PartRow").objects.using(alias).filter(i=0)
    members = apps.get_model("records", "MemberRow").objects.using(alias)
    for case, n in list(entries.order_by("case_id", "n").values_list("case_id", "n")):
        body = parts.filter(case_id=case, n=n).values_list("body", flat=True).first()
        try:
            party = leaver_of(json.loads(bytes(body or b"")[SALT_SIZE:]))
        except (ValueError, TypeError, KeyError):
            # It was altered: `check` tells of that.
            continue
        members.filter(case_id=case, party=party, joined=True, last=None).update(last=n)


def _of_case(table: str, also: str = "") -> str:
    # The table of members has a policy of its own, which holds in here too.
    return (
        "EXISTS (SELECT 1 FROM public.records_memberrow m"  # noqa: S608 our own names
        f" WHERE m.party = {PARTY} AND m.case_id = {table}.case_id{also})"
    )


def _until_left(table: str) -> str:
    return _of_case(table, f" AND (m.last IS NULL OR {table}.n <= m.last)")


POLICIES = {
    # Of a later entry its line stays, since the log goes on for it: commitments, and no fact.
    "records_partrow": _until_left("records_partrow"),
    "records_topicrow": _until_left("records_topicrow"),
    "records_deedrow": _until_left("records_deedrow"),
    # No row says with which entry a piece came.
    "records_evidencerow": _of_case("records_evidencerow", " AND m.joined AND m.last IS NULL"),
}


def close(apps: Any, schema_editor: Any) -> None:
    """Let the policies end with the leaving; SQLite has nothing of the kind."""
    del apps
    if schema_editor.connection.vendor != "postgresql":
        return
    for table, seen in POLICIES.items():
        # Altered and not made anew: no moment is without one.
        statement = f"ALTER POLICY touchstone_member ON {table} USING ({seen})"
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    """A column, filled, and four policies."""

    dependencies: ClassVar = [("records", "0013_walls")]
    operations: ClassVar = [
        migrations.AddField("MemberRow", "last", models.BigIntegerField(null=True)),
        migrations.RunPython(fill),
        migrations.RunPython(close),
    ]
