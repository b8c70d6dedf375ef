"""Which party is of which case, found by party; filled from the facts of the cases that stand.

What facts say of members is fixed by the form of the record, so this asks the code of today.
"""

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models

from touchstone.records.membership import follow_members

SALT_SIZE = 32


def fill(apps: Any, schema_editor: Any) -> None:
    """Note the members of each case."""
    alias = schema_editor.connection.alias
    parts = apps.get_model("records", "PartRow").objects.using(alias).filter(i=0)
    members = apps.get_model("records", "MemberRow")
    cases = apps.get_model("records", "CaseRow").objects.using(alias)
    for case in list(cases.values_list("case", flat=True)):
        rows = parts.filter(case_id=case).order_by("n").values_list("n", "body")
        members.objects.using(alias).bulk_create(
            members(party=party, case_id=case, role=each.role, n=each.n, joined=each.joined)
            for party, each in follow_members(_facts(rows.iterator())).items()
        )


def _facts(rows: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """Part 0s; none of what is altered: `check` tells of that."""
    for n, body in rows:
        try:
            facts = json.loads(bytes(body)[SALT_SIZE:])
        except (ValueError, TypeError):
            continue
        if isinstance(facts, dict):
            yield n, facts


class Migration(migrations.Migration):
    """One table, filled."""

    dependencies: ClassVar = [("records", "0011_refused_signers")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="MemberRow",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "party",
                        "case_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("party", models.CharField(max_length=128)),
                ("role", models.CharField(max_length=64)),
                ("n", models.BigIntegerField()),
                ("joined", models.BooleanField()),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="records.caserow",
                    ),
                ),
            ],
        ),
        migrations.RunPython(fill),
    ]
