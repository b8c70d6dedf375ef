"""A PostgreSQL database as versions before migration 0004 left it, brought up to date."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connections

from support import deeds
from support.cluster_files import holding, reading, session, wrapped_key
from support.postgresql import ADMIN
from support.record_deeds import destroy_case
from support.record_place import Place
from touchstone.records import BusyError, DatabaseSettingError, NotPreparedError, Records, prepare
from touchstone.records.walls import READABLE

OWNER = "record_owner"
CASE, OTHER = "case-1", "other-1"
SNAPSHOT = "SELECT count(*) FROM records_indexrow"
pytestmark = pytest.mark.needs_postgresql


@pytest.fixture
def place(postgresql_place: Place) -> Iterator[Place]:
    """The database of all tests, which is brought up to date again whatever a test leaves."""
    yield postgresql_place
    bring_up(postgresql_place)


def bring_up(place: Place) -> None:
    """What `touchstone doctor --prepare` does after an upgrade."""
    assert place.server is not None
    assert place.database is not None
    connections.close_all()
    owner = place.server.address(OWNER, place.name)
    prepare(place.home, place.database, owner, place.reader)


def go_back(place: Place) -> None:
    """Take back what migrations 4 and 5 did."""
    place.owner(
        *(f"DROP POLICY touchstone_member ON {table}" for table in READABLE),
        *(f"DROP POLICY touchstone_recorder ON {table}" for table in READABLE),
        *(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY" for table in READABLE),
        *(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY" for table in READABLE),
        "DROP FUNCTION touchstone_rewrite()",
        "ALTER TABLE records_caserow ALTER COLUMN wrapped_key SET STATISTICS -1",
        # What came after them: later migrations are made again with these.
        "DROP TABLE records_stagedpiecerow, records_stagedrow, records_memberrow",
        "DROP TABLE records_refusedsignerrow, records_outcomerow",
        "DROP TABLE records_executionrow, records_answerrow, records_topicrow, records_deedrow",
        "DROP TRIGGER records_caserow_contract ON records_caserow",
        "DROP TRIGGER records_partrow_clear ON records_partrow",
        "ALTER TABLE records_entryrow DROP COLUMN type",
        "ALTER TABLE records_caserow DROP COLUMN contract",
        "ALTER TABLE records_partrow DROP COLUMN clear",
        "DELETE FROM django_migrations WHERE app = 'records' AND name > '0004'",
    )


def statistics(place: Place) -> set[str]:
    """The columns of the table of heads of which the server keeps values."""
    with session(place, ADMIN) as connection:
        rows = connection.execute(
            "SELECT attname FROM pg_stats WHERE tablename = 'records_caserow'"
        ).fetchall()
    return {row[0] for row in rows}


@pytest.fixture
def analyzed(records: Records, place: Place) -> Records:
    """Statistics of the keys were kept; few rows, so that all keys are in them."""
    for number in range(8):
        deeds.open_case(records, f"other-{number}")
    go_back(place)
    place.owner("ANALYZE")
    assert "wrapped_key" in statistics(place)
    return records


def test_statistics_of_keys_from_before_are_gone_with_their_bytes(analyzed: Records, place: Place):
    key = wrapped_key(place, CASE)
    bring_up(place)
    kept = statistics(place)
    assert "wrapped_key" not in kept
    assert "log" in kept
    destroy_case(analyzed, CASE)
    assert analyzed.destructions.unfinished() == []
    assert holding(place, key) == set()


def test_it_is_not_up_to_date_while_the_old_statistics_may_be_read(analyzed: Records, place: Place):
    with reading(place, SNAPSHOT):
        with pytest.raises(BusyError, match="run it again"):
            bring_up(place)
        with pytest.raises(NotPreparedError):
            place.open()
    bring_up(place)
    assert place.open().names() == analyzed.names()


def test_who_does_not_own_the_database_is_told_and_it_stays_as_it_was(
    analyzed: Records, place: Place
):
    place.owner(
        f"ALTER DATABASE {place.name} OWNER TO admin",
        f"GRANT ALL ON SCHEMA public TO {OWNER}",
    )
    try:
        with pytest.raises(DatabaseSettingError, match="fix: ALTER DATABASE"):
            bring_up(place)
        with pytest.raises(NotPreparedError):
            place.open()
    finally:
        place.owner(
            f"REVOKE ALL ON SCHEMA public FROM {OWNER}",
            f"ALTER DATABASE {place.name} OWNER TO {OWNER}",
        )
    bring_up(place)
    assert place.open().names() == analyzed.names()


@pytest.mark.usefixtures("analyzed")
def test_an_upgrade_keeps_the_guards_of_the_heads(place: Place):
    bring_up(place)
    with pytest.raises(psycopg.errors.RaiseException, match="a case head only grows"):
        place.owner("UPDATE records_caserow SET size = size - 1")
    with pytest.raises(psycopg.errors.RaiseException, match="entries are only appended"):
        place.owner("UPDATE records_entryrow SET type = 'x'")
    case = place.open().case(CASE)
    assert [n for n, _ in case.events_of(["case-opened"])] == [0]
    case.check()
    assert list(place.open().check()) == []


@pytest.fixture
def destroyed(records: Records, place: Place) -> bytes:
    """Two cases destroyed by earlier versions, of which the older kept no certificate."""
    deeds.open_case(records, OTHER)
    key = wrapped_key(place, CASE)
    go_back(place)
    place.owner(
        "UPDATE records_caserow SET wrapped_key = NULL",
        "INSERT INTO records_certificaterow VALUES ('other-1', 'signed', true)",
    )
    assert holding(place, key) == {"base"}
    return key


def test_what_was_destroyed_before_is_out_of_the_tables_once_opened(destroyed: bytes, place: Place):
    bring_up(place)
    records = place.open()
    assert records.destructions.unfinished() == []
    assert holding(place, destroyed) == set()
    kept = [records.destructions.certificate(case) for case in (CASE, OTHER)]
    assert kept == ["", "signed"]
    assert list(records.check()) == []


def test_what_was_destroyed_before_is_unfinished_while_it_may_be_read(
    destroyed: bytes, place: Place
):
    bring_up(place)
    with reading(place, "LOCK TABLE records_caserow IN ACCESS SHARE MODE"):
        records = place.open()
        assert sorted(records.destructions.unfinished()) == [CASE, OTHER]
        assert not records.destructions.finish(CASE, 0)
    assert records.destructions.finish(CASE)
    assert records.destructions.unfinished() == [OTHER]
    assert holding(place, destroyed) == set()
    assert place.open().destructions.unfinished() == []
