"""A destroyed case's key is looked for in the files themselves of a PostgreSQL cluster."""

import psycopg
import pytest

from support import deeds
from support.cluster_files import holding, reading, session, wrapped_key
from support.contract1 import append
from support.postgresql import ADMIN
from support.record_deeds import destroy_case
from support.record_place import Place
from touchstone.records import Records

CASE = "case-1"
pytestmark = pytest.mark.needs_postgresql


@pytest.fixture
def place(postgresql_place: Place) -> Place:
    return postgresql_place


def grown(records: Records) -> None:
    """Some deeds more, each of which leaves an older row."""
    for number in range(3):
        with records.transaction(CASE) as writer:
            append(writer, [deeds.fact(f"deed-{number}")])


def test_no_file_of_the_tables_holds_the_key(records: Records, place: Place):
    grown(records)
    place.owner("ANALYZE")
    key = wrapped_key(place, CASE)
    assert holding(place, key) == {"base"}
    destroy_case(records, CASE)
    assert holding(place, key) == set()
    assert records.destructions.unfinished() == []


def test_statistics_of_the_server_hold_no_key(records: Records, place: Place):
    for number in range(40):
        deeds.open_case(records, f"other-{number}")
    place.owner("ANALYZE")
    with session(place, ADMIN) as connection:
        looked_at = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE attname = 'wrapped_key') FROM pg_stats"
            " WHERE tablename = 'records_caserow'"
        ).fetchone()
    assert looked_at is not None
    assert looked_at[0] > 0
    assert looked_at[1] == 0


@pytest.mark.parametrize(
    "statement",
    ["SELECT count(*) FROM records_indexrow", "LOCK TABLE records_caserow IN ACCESS SHARE MODE"],
    ids=["an older snapshot", "the table held"],
)
def test_it_is_not_finished_while_an_older_transaction_may_read_the_key(
    records: Records, place: Place, statement: str, monkeypatch: pytest.MonkeyPatch
):
    key, finish = wrapped_key(place, CASE), records.destructions.finish
    monkeypatch.setattr(records.destructions, "finish", lambda case: finish(case, 0))
    with reading(place, statement):
        destroy_case(records, CASE)
        assert holding(place, key) == {"base"}
        assert records.destructions.unfinished() == [CASE]
        assert not finish(CASE, 0)
    assert place.open().destructions.unfinished() == []
    assert holding(place, key) == set()
    assert records.case(CASE).destroyed


def test_the_role_that_works_may_have_the_heads_rewritten_and_no_more(place: Place):
    with session(place, "record_app") as connection:
        connection.execute("SELECT touchstone_rewrite()")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CLUSTER records_caserow USING records_caserow_pkey")
    place.owner("CREATE ROLE stranger LOGIN")
    try:
        with (
            session(place, "stranger") as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute("SELECT touchstone_rewrite()")
    finally:
        place.owner("DROP ROLE stranger")
