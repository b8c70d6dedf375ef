"""Let the application's role have PostgreSQL write the heads of cases anew, without dead rows.

An update leaves the row as it was in the table's file. The key of a destroyed case, which stands in
that row, is gone from there only once the table is written anew, and that is for the owner: hence a
function that does this with the owner's rights and nothing else. The server's statistics of a
column hold some of its values: those of the keys are dropped, and none are kept from now on. What
was destroyed before is not finished: nobody had the table written anew.
"""

from typing import Any, ClassVar

from django.db import migrations

REWRITE = (
    "CREATE FUNCTION touchstone_rewrite() RETURNS void LANGUAGE plpgsql SECURITY DEFINER"
    " SET search_path = pg_catalog, pg_temp AS"
    " $$ BEGIN CLUSTER VERBOSE public.records_caserow USING records_caserow_pkey; END $$"
)
# Giving a column the type that it has drops its statistics, which nobody but a superuser could
# delete. The guard of the heads looks at the column, so it is taken away meanwhile.
FORGET = (
    "DO $$ DECLARE guard text; BEGIN"
    " SELECT pg_get_triggerdef(oid) INTO STRICT guard FROM pg_trigger"
    " WHERE tgrelid = 'public.records_caserow'::regclass AND tgname = 'records_caserow_kept';"
    " DROP TRIGGER records_caserow_kept ON public.records_caserow;"
    " ALTER TABLE public.records_caserow ALTER COLUMN wrapped_key TYPE bytea;"
    " EXECUTE guard; END $$"
)
STATEMENTS = (
    REWRITE,
    "REVOKE ALL ON FUNCTION touchstone_rewrite() FROM PUBLIC",
    "ALTER TABLE records_caserow ALTER COLUMN wrapped_key SET STATISTICS 0",
    FORGET,
)


def make(apps: Any, schema_editor: Any) -> None:
    """Make the function and forget statistics; SQLite overwrites in place and needs neither."""
    alias = schema_editor.connection.alias
    certificates = apps.get_model("records", "CertificateRow").objects.using(alias)
    if schema_editor.connection.vendor == "postgresql":
        for statement in STATEMENTS:
            schema_editor.execute(statement, params=None)
        certificates.update(finished=False)
    # Before migration 3 nothing was kept with a destruction.
    heads = apps.get_model("records", "CaseRow").objects.using(alias)
    bare = heads.filter(wrapped_key=None).exclude(pk__in=certificates.values("pk"))
    for case in list(bare.values_list("pk", flat=True)):
        certificates.create(case_id=case, certificate="", finished=False)


class Migration(migrations.Migration):
    """One function, and what earlier versions left."""

    dependencies: ClassVar = [("records", "0003_certificates")]
    operations: ClassVar = [migrations.RunPython(make)]
