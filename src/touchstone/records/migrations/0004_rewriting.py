"""Let the application's role have PostgreSQL write the heads of cases anew, without dead rows.

An update leaves the row as it was in the table's file. The key of a destroyed case, which stands in
that row, is gone from there only once the table is written anew, and that is for the owner: hence a
function that does this with the owner's rights and nothing else. The server's statistics of a
column hold some of its values, and none are kept of the keys.
"""

from typing import Any, ClassVar

from django.db import migrations

REWRITE = (
    "CREATE FUNCTION touchstone_rewrite() RETURNS void LANGUAGE plpgsql SECURITY DEFINER"
    " SET search_path = pg_catalog, pg_temp AS"
    " $$ BEGIN CLUSTER VERBOSE public.records_caserow USING records_caserow_pkey; END $$"
)
STATEMENTS = (
    REWRITE,
    "REVOKE ALL ON FUNCTION touchstone_rewrite() FROM PUBLIC",
    "ALTER TABLE records_caserow ALTER COLUMN wrapped_key SET STATISTICS 0",
)


def make(_apps: Any, schema_editor: Any) -> None:
    """Make the function; SQLite overwrites in place and needs none."""
    if schema_editor.connection.vendor == "postgresql":
        for statement in STATEMENTS:
            schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    """One function."""

    dependencies: ClassVar = [("records", "0003_certificates")]
    operations: ClassVar = [migrations.RunPython(make)]
