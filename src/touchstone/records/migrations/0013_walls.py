"""The policies of the second wall on PostgreSQL: what a role sees that reads for one party.

They sleep until `touchstone doctor --prepare` has said who records, and switches them on with it
in one transaction (`records.roles`): else whoever records would see nothing meanwhile.
"""

from typing import Any, ClassVar

from django.db import migrations

# Without a party, and where it was said for an earlier transaction, this is null: no row is its.
PARTY = "nullif(current_setting('touchstone.party', true), '')"
OWN = f"party = {PARTY}"


def _of_case(table: str, column: str = "case_id", also: str = "") -> str:
    # The table of members has a policy of its own, which holds in here too.
    return (
        f"EXISTS (SELECT 1 FROM public.records_memberrow m WHERE m.{OWN}"  # noqa: S608 our own names
        f" AND m.case_id = {table}.{column}{also})"
    )


POLICIES = {
    "records_memberrow": OWN,
    "records_answerrow": OWN,
    "records_caserow": _of_case("records_caserow", '"case"'),
    "records_entryrow": _of_case("records_entryrow"),
    "records_partrow": _of_case("records_partrow"),
    "records_deedrow": _of_case("records_deedrow"),
    "records_topicrow": _of_case("records_topicrow"),
    # Who is invited learns neither what the case is under nor what evidence it has.
    "records_indexrow": _of_case("records_indexrow", also=" AND m.joined"),
    "records_evidencerow": _of_case("records_evidencerow", also=" AND m.joined"),
}


def make(apps: Any, schema_editor: Any) -> None:
    """Make the policies; SQLite has nothing of the kind."""
    del apps
    if schema_editor.connection.vendor != "postgresql":
        return
    for table, seen in POLICIES.items():
        for statement in (
            f"DROP POLICY IF EXISTS touchstone_member ON {table}",
            f"CREATE POLICY touchstone_member ON {table} FOR SELECT USING ({seen})",
        ):
            schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    """Nine policies."""

    dependencies: ClassVar = [("records", "0012_members")]
    operations: ClassVar = [migrations.RunPython(make)]
