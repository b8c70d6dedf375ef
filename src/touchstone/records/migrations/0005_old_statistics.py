"""Let no bytes of the statistics that migration 4 dropped lie in PostgreSQL's catalogue.

The rows are gone, and their bytes stay in the file until it is written anew. That is for the
database's owner, and outside of a transaction: what fails here is done by preparing again.
"""

from typing import Any, ClassVar

from django.db import migrations

from touchstone.records.database import rows_left
from touchstone.records.errors import BusyError, DatabaseSettingError

ANEW = "VACUUM (FULL, VERBOSE) pg_catalog.pg_statistic"


def clear(apps: Any, schema_editor: Any) -> None:
    """Write the catalogue of statistics anew, where there ever was a key.

    Raises DatabaseSettingError where the role may not, BusyError where older rows had to be kept.
    """
    connection = schema_editor.connection
    heads = apps.get_model("records", "CaseRow").objects.using(connection.alias)
    if connection.vendor != "postgresql" or not heads.exists():
        return
    left = rows_left(connection.alias, ANEW)
    if not left:
        raise DatabaseSettingError(
            "the role that prepares does not own the database, and only its owner can clear the"
            " server's statistics of keys; fix: ALTER DATABASE ... OWNER TO that role, and run it"
            " again"
        )
    if any(left):
        raise BusyError(
            "another session has an older transaction open, which may read the server's statistics"
            " of keys; fix: end it and run it again"
        )


class Migration(migrations.Migration):
    """One statement."""

    atomic = False
    dependencies: ClassVar = [("records", "0004_rewriting")]
    operations: ClassVar = [migrations.RunPython(clear)]
