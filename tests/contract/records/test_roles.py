"""What each PostgreSQL role may do; every table is walled, or no reader's to read."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connections

from support import deeds
from support.postgresql import ADMIN, Postgresql, client
from support.record_place import Place
from support.stored_deeds import CASE, opened
from touchstone.records import DatabaseSettingError, UnreachableError, prepare
from touchstone.records.database import translated
from touchstone.records.roles import make_role, without_walls
from touchstone.records.settings import connect
from touchstone.records.walls import READABLE, wall_faults

pytestmark = pytest.mark.needs_postgresql

OWNER, APP, READER, NAME = "record_owner", "record_app", "record_reader", "record"
HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "postgresql.md"
NOT_READABLE = {
    "records_leafrow": "says which leaf of the installation's log is of which case",
    "records_installationrow": "holds a wrapped key, and is of no case",
    "records_checkpointrow": "is of no case: whoever records reads it for everybody",
    "records_certificaterow": "is asked for by whoever destroys",
    "records_stagedrow": "is what others send before their deeds",
    "records_stagedpiecerow": "likewise",
    "records_jobrow": "is the measuring centre's",
    "records_executionrow": "likewise",
    "records_outcomerow": "likewise",
    "records_refusalrow": "is the side log, of all parties",
    "records_refusedsignerrow": "likewise",
    "django_migrations": "is of no case",
}
"""The tables of which whoever reads for parties may read nothing, each with why."""
TABLES = (
    "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, array(SELECT a.attname::text"
    " FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " AND has_column_privilege(%(reader)s, c.oid, a.attname, 'SELECT')),"
    " has_table_privilege(%(reader)s, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES')"
    " FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
)
PAST_WALLS = (
    "SELECT 'view ' || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    " AND relkind IN ('v', 'm') UNION SELECT 'definer ' || proname FROM pg_proc"
    " WHERE pronamespace = 'public'::regnamespace AND prosecdef ORDER BY 1"
)
"""Views, which read with their owner's rights, and functions that do."""


@pytest.fixture
def admin(server: Postgresql) -> Iterator[psycopg.Connection]:
    """The server's administrator, in a transaction that is taken back."""
    with psycopg.connect(server.address(ADMIN, NAME)) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def owner(server: Postgresql, tmp_path: Path) -> Iterator[str]:
    yield connect(tmp_path, server.address(OWNER, NAME))
    connections.close_all()


def undeclared(admin: psycopg.Connection) -> list[str]:
    """What is wrong with the tables, by what is declared of them."""
    rows = admin.execute(TABLES, {"reader": READER}).fetchall()
    found = []
    for table, walled, columns, more in rows:
        wanted = set(READABLE.get(table, ()))
        # A server's accounts may lie beside the record, and are nothing of it.
        declared = table in NOT_READABLE or table.startswith("accounts_")
        if (table in READABLE) == declared:
            found.append(f"{table}: say in `walls.READABLE` what is read of it, or here why not")
        if set(columns) != wanted or more:
            found.append(f"{table}: the reader may read {sorted(columns)}, or write")
        if table in READABLE and not walled:
            found.append(f"{table}: no wall")
    return found


def test_each_table_is_walled_or_no_readers(admin: psycopg.Connection, owner: str):
    assert undeclared(admin) == []
    named = connections[owner].introspection.django_table_names()
    made = {table for table in named if table.startswith("records_")}
    assert made | {"django_migrations"} == READABLE.keys() | NOT_READABLE.keys()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("CREATE TABLE newest (case_id text)", "newest: say in"),
        (f"GRANT SELECT ON records_leafrow TO {READER}", "records_leafrow: the reader may read"),
        (f"GRANT SELECT ON records_caserow TO {READER}", "records_caserow: the reader may read"),
        (f"GRANT DELETE ON records_partrow TO {READER}", "records_partrow: the reader may read"),
        ("ALTER TABLE records_partrow NO FORCE ROW LEVEL SECURITY", "records_partrow: no wall"),
    ],
)
def test_twin_a_table_that_is_not_as_declared_is_seen(
    admin: psycopg.Connection, change: str, told: str
):
    admin.execute(change.encode())
    (line,) = undeclared(admin)
    assert line.startswith(told)


def past_walls(admin: psycopg.Connection) -> list[str]:
    return [name for (name,) in admin.execute(PAST_WALLS).fetchall()]


def test_nothing_in_the_database_reads_with_the_rights_of_others(admin: psycopg.Connection):
    # This one gives nothing, and no reader may call it.
    assert past_walls(admin) == ["definer touchstone_rewrite"]
    allowed = "SELECT has_function_privilege(%s, 'touchstone_rewrite()', 'EXECUTE')"
    assert admin.execute(allowed, [READER]).fetchone() == (False,)
    admin.execute("CREATE VIEW all_parts AS SELECT * FROM records_partrow")
    admin.execute("CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1")
    assert past_walls(admin) == ["definer f", "definer touchstone_rewrite", "view all_parts"]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT frontier FROM records_caserow",
        "SELECT wrapped_key FROM records_caserow",
        "SELECT case_id FROM records_leafrow",
        "SELECT title FROM records_indexrow",
        "SELECT count(*) FROM records_stagedrow",
        "SELECT last_value FROM records_jobrow_id_seq",
        "SELECT touchstone_rewrite()",
        "INSERT INTO records_topicrow VALUES ('status', 1, 'case-1')",
        "ALTER TABLE records_partrow DISABLE ROW LEVEL SECURITY",
    ],
)
def test_a_reader_may_do_nothing_else(server: Postgresql, tmp_path: Path, statement: str):
    alias = connect(tmp_path, server.address(READER, NAME))
    with (
        pytest.raises(UnreachableError, match="role may not do that"),
        translated(alias),
        connections[alias].cursor() as cursor,
    ):
        cursor.execute(statement)


def test_the_page_takes_the_servers_statistics_from_readers(admin: psycopg.Connection):
    totals = "SELECT n_live_tup FROM pg_stat_user_tables WHERE relname = 'records_partrow'"
    (written,) = re.findall(r"```sql\n(REVOKE .*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)
    admin.execute(f"SET ROLE {READER}".encode())
    assert admin.execute("SELECT count(*) FROM pg_stats WHERE schemaname = 'public'").fetchone()
    assert admin.execute(totals.encode()).fetchone() is not None
    admin.execute("RESET ROLE")
    admin.execute(written.encode())
    admin.execute(f"SET ROLE {READER}".encode())
    for statement in (totals, "SELECT pg_stat_get_live_tuples('records_partrow'::regclass)"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), admin.transaction():
            admin.execute(statement.encode())


def test_the_owner_itself_is_walled_but_while_it_changes_tables(
    postgresql_place: Place, owner: str
):
    deeds.open_case(postgresql_place.open())
    count = "SELECT count(*) FROM records_caserow"

    def rows() -> int:
        with connections[owner].cursor() as cursor:
            cursor.execute(count)
            return int(cursor.fetchone()[0])

    assert rows() == 0
    with without_walls(owner, atomic=True), connections[owner].cursor() as cursor:
        assert rows() == 1
        # A check that is put off must not keep the wall from being raised again.
        cursor.execute("INSERT INTO records_memberrow VALUES ('a', 'b', 0, true, 'case-1')")
    assert (rows(), wall_faults(owner)) == (0, [])
    for atomic in (True, False):
        with pytest.raises(ZeroDivisionError), without_walls(owner, atomic=atomic):
            1 / (rows() - 1)
        assert (rows(), wall_faults(owner)) == (0, [])


WRONG = {
    OWNER: "owns the tables",
    APP: "sees all rows, by another policy",
    ADMIN: "may go past row-level security",
    "record_past": "may go past row-level security",
    "record_member": "sees all rows, by another policy",
}


@pytest.fixture(scope="module")
def wrong_roles(server: Postgresql) -> Postgresql:
    server.admin(
        "CREATE ROLE record_past LOGIN BYPASSRLS",
        f"CREATE ROLE record_member LOGIN NOINHERIT IN ROLE {APP}",
    )
    return server


@pytest.mark.parametrize("role", WRONG)
def test_a_role_for_which_the_wall_would_not_hold_reads_for_nobody(
    wrong_roles: Postgresql, home: Path, role: str
):
    app, owner, wrong = (wrong_roles.address(each, NAME) for each in (APP, OWNER, role))
    with pytest.raises(DatabaseSettingError, match=f"{role}.*{WRONG[role]}.*fix: "):
        prepare(home, app, owner, wrong)
    place = Place(home, app, NAME, wrong_roles, wrong)
    with pytest.raises(DatabaseSettingError, match=WRONG[role]), place.open().reading_as("a"):
        raise AssertionError
    connections.close_all()


def test_without_a_reading_role_nothing_is_read_for_parties(postgresql_place: Place, home: Path):
    assert postgresql_place.server
    for reader, told in (
        (None, "TOUCHSTONE_DATABASE_READER is not set; fix: "),
        (postgresql_place.server.address(READER, "postgres"), "is another database than"),
    ):
        place = Place(home, postgresql_place.database, NAME, postgresql_place.server, reader)
        with pytest.raises(DatabaseSettingError, match=told), place.open().reading_as("a"):
            raise AssertionError


def test_a_wall_that_is_down_is_noticed_before_anything_is_read(postgresql_place: Place):
    for down, up in (("DISABLE", "ENABLE"), ("NO FORCE", "FORCE")):
        postgresql_place.owner(f"ALTER TABLE records_topicrow {down} ROW LEVEL SECURITY")
        try:
            told = "records_topicrow has no row-level security; fix: touchstone doctor --prepare"
            records = postgresql_place.open()
            assert [fault.what for fault in records.check()] == [told]
            with pytest.raises(DatabaseSettingError, match=told), records.reading_as("a"):
                raise AssertionError
        finally:
            postgresql_place.owner(f"ALTER TABLE records_topicrow {up} ROW LEVEL SECURITY")
    assert list(postgresql_place.open().check()) == []


def test_a_missing_role_is_made_by_the_owner_who_may(server: Postgresql, tmp_path: Path):
    server.admin("CREATE ROLE maker LOGIN CREATEROLE")
    maker, owner = (connect(tmp_path, server.address(role, NAME)) for role in ("maker", OWNER))
    named = server.address("record_made:a-password", NAME)
    made = connect(tmp_path, named)
    with pytest.raises(DatabaseSettingError, match='fix: CREATE ROLE "record_made" LOGIN'):
        make_role(owner, made)
    make_role(maker, made)
    make_role(maker, made)
    with psycopg.connect(server.address(ADMIN, NAME)) as connection:
        (row,) = connection.execute(
            "SELECT rolcanlogin, rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole,"
            " rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'record_made'"
        ).fetchall()
    assert row == (True, False, True)
    connections.close_all()


def test_preparing_again_lets_another_role_record_too(postgresql_place: Place):
    place, server = postgresql_place, postgresql_place.server
    assert server
    assert place.database
    assert place.reader
    server.admin("CREATE ROLE record_second LOGIN")
    second = server.address("record_second", NAME)
    prepare(place.home, second, server.address(OWNER, NAME), place.reader)
    for case, address in (("first", place.database), ("second", second)):
        deeds.open_case(Place(place.home, address, NAME, server, place.reader).open(), case)
    assert place.open().names() == ["first", "second"]
    server.admin("DROP OWNED BY record_second", "DROP ROLE record_second", database=NAME)
    assert place.open().names() == ["first", "second"]


def test_a_backup_by_the_recorder_is_whole_and_restored_with_its_walls(
    postgresql_place: Place, tmp_path: Path
):
    place, server = postgresql_place, postgresql_place.server
    assert server
    opened(place)
    dump, empty = tmp_path / "record.dump", tmp_path / "empty.sql"
    kept = "--enable-row-security"
    client("pg_dump", kept, "--format=custom", f"--file={dump}", server.address(APP, NAME))
    server.admin("DROP DATABASE IF EXISTS restored WITH (FORCE)")
    server.admin(f"CREATE DATABASE restored OWNER {OWNER}")
    client("pg_restore", "--exit-on-error", f"--dbname={server.address(OWNER, 'restored')}", dump)
    app, reader = (server.address(role, "restored") for role in (APP, READER))
    records = Place(place.home, app, "restored", server, reader).open()
    assert records.names() == [CASE]
    records.case(CASE).check()
    assert (records.amiss, list(records.check())) == ((), [])
    for party, count in (("example-lab", 1), ("example-bank", 0)):
        with records.reading_as(party) as reading:
            assert reading.count() == count
    # What the page warns of: the owner is shown nothing, and is told nothing.
    client("pg_dump", kept, f"--file={empty}", server.address(OWNER, NAME))
    copied = empty.read_text().split("COPY public.records_caserow ")[1]
    assert copied.splitlines()[1] == "\\."
    with pytest.raises(RuntimeError, match="would be affected by row-level security"):
        client("pg_dump", f"--file={empty}", server.address(APP, NAME))
