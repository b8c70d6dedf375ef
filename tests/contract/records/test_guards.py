"""Guards of what must stand. Each has a twin: without the guard the same deed goes through.

Triggers stop accidents, not the owner of the tables, who is who takes them away in the twins.
"""

import stat
from pathlib import Path

import pytest
from django.db import connections, transaction

from support import deeds, stored_deeds
from support.postgresql import ADMIN
from support.record_deeds import destroy_case
from support.record_place import Place
from touchstone.keys import Keyring
from touchstone.ledger import dumps, loads
from touchstone.records import (
    AppendOnlyError,
    DamagedError,
    DatabaseSettingError,
    OtherInstallationError,
    ReadOnlyError,
    Records,
    UnreachableError,
    eventrows,
    migrations,
    roles,
    store,
)
from touchstone.records.database import raw, translated
from touchstone.records.models import PartRow
from touchstone.records.settings import connect
from touchstone.records.values import SALT_SIZE

CASE = "case-1"
CHANGES = {
    "records_entryrow": [
        "UPDATE records_entryrow SET n = 9",
        "UPDATE records_entryrow SET type = 'x'",
        "DELETE FROM records_entryrow",
    ],
    "records_leafrow": ["UPDATE records_leafrow SET size = 9", "DELETE FROM records_leafrow"],
    "records_checkpointrow": [
        "UPDATE records_checkpointrow SET note = ''",
        "DELETE FROM records_checkpointrow",
    ],
    "records_partrow": [
        "UPDATE records_partrow SET body = NULL, label = 'x' WHERE i = 0",
        "UPDATE records_partrow SET label = 'x' WHERE i = 1",
        "UPDATE records_partrow SET body = NULL WHERE i = 1",
        "UPDATE records_partrow SET body = NULL, label = 'x', n = 9 WHERE i = 1",
        "DELETE FROM records_partrow",
    ],
    "records_caserow": [
        "UPDATE records_caserow SET size = 0",
        "UPDATE records_caserow SET log = 'x'",
        "DELETE FROM records_caserow",
    ],
    "records_installationrow": [
        "UPDATE records_installationrow SET size = 0",
        "DELETE FROM records_installationrow",
    ],
}
# The same of what only a log of contract 2 has.
DEED_CHANGES = {
    "records_deedrow": ["UPDATE records_deedrow SET seen = 9", "DELETE FROM records_deedrow"],
    "records_topicrow": ["UPDATE records_topicrow SET topic = 'x'", "DELETE FROM records_topicrow"],
    "records_answerrow": [
        "UPDATE records_answerrow SET party = 'x'",
        "DELETE FROM records_answerrow",
    ],
    "records_partrow": [
        "UPDATE records_partrow SET body = NULL, label = 'x' WHERE clear AND i > 0",
        "UPDATE records_partrow SET clear = false WHERE clear",
    ],
    "records_caserow": ["UPDATE records_caserow SET contract = 1"],
}


@pytest.fixture
def kept(records: Records) -> Records:
    records.installation.checkpoint()
    return records


def as_owner(place: Place, statement: str) -> None:
    """Run a statement as the tables' owner, with faults translated as the application's are."""
    address = place.server.address(ADMIN, place.name) if place.server else None
    run(connect(place.home, address), statement)


def as_application(place: Place, statement: str) -> None:
    """The same, over the connection that the application has."""
    run(connect(place.home, place.database), statement)


def run(alias: str, statement: str) -> None:
    with translated(alias), transaction.atomic(using=alias):
        connections[alias].cursor().execute(statement)


def without_triggers(place: Place, table: str) -> None:
    if place.server:
        as_owner(place, f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        return
    with connections[connect(place.home, None)].cursor() as cursor:
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table]
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {name}")
        cursor.execute("PRAGMA foreign_keys=OFF")


@pytest.mark.parametrize("table", CHANGES)
@pytest.mark.usefixtures("kept")
def test_what_stands_is_not_changed_and_its_twin(place: Place, table: str):
    for change in CHANGES[table]:
        with pytest.raises(AppendOnlyError, match="only"):
            as_owner(place, change)
    without_triggers(place, table)
    for change in CHANGES[table]:
        as_owner(place, change)


@pytest.mark.parametrize("table", DEED_CHANGES)
def test_no_deed_and_no_answer_is_changed_and_its_twin(place: Place, table: str):
    stored_deeds.opened(place)
    for change in DEED_CHANGES[table]:
        with pytest.raises(AppendOnlyError, match="only"):
            as_owner(place, change)
    without_triggers(place, table)
    for change in reversed(DEED_CHANGES[table]):
        as_owner(place, change)


def test_an_index_or_answer_that_was_changed_is_noticed(place: Place):
    scene = stored_deeds.opened(place)
    said = {
        "records_deedrow": ("UPDATE records_deedrow SET seen = 0 WHERE n = 2", "index of deeds"),
        "records_topicrow": (
            "DELETE FROM records_topicrow WHERE n = 3",
            "index of topics",
        ),
        "records_answerrow": (
            "DELETE FROM records_answerrow WHERE party = 'example-lab'",
            "receipt of entry 2 is missing",
        ),
    }
    undo = {
        "records_deedrow": "UPDATE records_deedrow SET seen = 2 WHERE n = 2",
        "records_topicrow": "INSERT INTO records_topicrow (case_id, topic, n)"
        " VALUES ('deeds-1', 'keys:example-lab', 3)",
    }
    for table, (change, what) in said.items():
        without_triggers(place, table)
        as_owner(place, change)
        faults = scene.records.check_case(stored_deeds.CASE, lambda *_: deeds.summary())
        assert any(what in fault.what for fault in faults)
        if table in undo:
            as_owner(place, undo[table])


def test_nothing_is_replaced_on_sqlite_and_the_twin(sqlite_place: Place):
    records = sqlite_place.open()
    deeds.open_case(records)
    replace = (
        "INSERT OR REPLACE INTO records_entryrow (case_id, n, line) VALUES ('case-1', 0, X'00')"
    )
    with pytest.raises(AppendOnlyError):
        as_owner(sqlite_place, replace)
    records.case(CASE).check()
    without_triggers(sqlite_place, "records_entryrow")
    as_owner(sqlite_place, replace)
    with pytest.raises(DamagedError):
        records.case(CASE).check()


@pytest.mark.needs_postgresql
def test_tables_are_not_truncated_on_postgresql_and_the_twin(postgresql_place: Place):
    postgresql_place.open()
    tables = sorted({*CHANGES, *DEED_CHANGES})
    for table in tables:
        with pytest.raises(AppendOnlyError):
            as_owner(postgresql_place, f"TRUNCATE {table} CASCADE")
    for table in tables:
        without_triggers(postgresql_place, table)
    for table in tables:
        as_owner(postgresql_place, f"TRUNCATE {table} CASCADE")


def test_a_destroyed_key_stays_destroyed(records: Records, place: Place):
    destroy_case(records, CASE)
    back = "UPDATE records_caserow SET wrapped_key = frontier"
    with pytest.raises(AppendOnlyError, match="a case head only grows"):
        as_owner(place, back)
    without_triggers(place, "records_caserow")
    as_owner(place, back)


@pytest.mark.needs_postgresql
def test_the_applications_role_may_not_even_try_and_the_twin(postgresql_place: Place):
    """On PostgreSQL the rights of the role stand before the triggers."""
    postgresql_place.open()
    for table in roles.APPEND_ONLY:
        without_triggers(postgresql_place, table)
        changes = {**DEED_CHANGES, **CHANGES}[table]
        for statement in changes:
            with pytest.raises(UnreachableError, match="role may not do that"):
                as_application(postgresql_place, statement)
        as_owner(postgresql_place, f"GRANT UPDATE, DELETE ON {table} TO record_app")
        for statement in changes:
            as_application(postgresql_place, statement)


@pytest.mark.needs_postgresql
def test_the_applications_role_may_not_lift_the_guards(postgresql_place: Place):
    postgresql_place.open()
    for statement in (
        "ALTER TABLE records_entryrow DISABLE TRIGGER ALL",
        "DROP TRIGGER records_entryrow_no_change ON records_entryrow",
        "TRUNCATE records_entryrow",
        "DELETE FROM records_partrow",
        "DELETE FROM records_caserow",
        "DELETE FROM django_migrations",
        "SET session_replication_role = replica",
        "CREATE TABLE mine (id int)",
    ):
        with pytest.raises(UnreachableError, match="role may not do that"):
            as_application(postgresql_place, statement)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("records_entryrow", "UPDATE records_entryrow SET line = {}"),
        ("records_partrow", "UPDATE records_partrow SET body = {} WHERE i = 0"),
        ("records_partrow", "UPDATE records_partrow SET body = {} WHERE i = 1"),
    ],
    ids=["line", "fact", "content"],
)
def test_what_the_owner_altered_past_the_triggers_is_noticed(
    records: Records, place: Place, table: str, change: str
):
    records.case(CASE).check()
    without_triggers(place, table)
    zeros = "decode(repeat('00', 120), 'hex')" if place.server else "zeroblob(120)"
    as_owner(place, change.format(zeros))
    with pytest.raises(DamagedError, match="was altered"):
        records.case(CASE).check()


def forge_fact(place: Place) -> None:
    """Another actor in entry 0, well-formed and under its own salt."""
    body = raw(PartRow.objects.using(connect(place.home, place.database)).get(n=0, i=0).body or b"")
    forged = body[:SALT_SIZE] + dumps({**loads(body[SALT_SIZE:]), "actor": "somebody-else"})
    value = f"decode('{forged.hex()}', 'hex')" if place.server else f"X'{forged.hex()}'"
    without_triggers(place, "records_partrow")
    change = "UPDATE records_partrow SET body = {} WHERE n = 0 AND i = 0"
    as_owner(place, change.format(value))


def test_no_state_is_read_from_a_forged_fact(records: Records, place: Place):
    forge_fact(place)
    with pytest.raises(DamagedError, match="a fact of entry 0 was altered"):
        records.case(CASE).events()
    with (
        pytest.raises(DamagedError, match="a fact of entry 0 was altered"),
        records.transaction(CASE) as writing,
    ):
        writing.events()


def test_twin_facts_taken_as_they_stand_would_be_believed(
    records: Records, place: Place, monkeypatch: pytest.MonkeyPatch
):
    forge_fact(place)
    monkeypatch.setattr(eventrows, "_fact", lambda _case, _line, body: loads(body[SALT_SIZE:]))
    assert records.case(CASE).events()[0]["actor"] == "somebody-else"


def test_an_entry_under_another_type_is_no_fact_of_it_and_is_noticed(
    records: Records, place: Place
):
    deeds.append_batch(records, CASE, b"evidence")
    without_triggers(place, "records_entryrow")
    as_owner(place, "UPDATE records_entryrow SET type = 'case-opened' WHERE n = 2")
    case = records.case(CASE)
    with pytest.raises(DamagedError, match="entry 2 is listed under a type that is not its own"):
        case.events_of(["case-opened"])
    # What is not found under its type is left out: a check says so.
    assert [n for n, _ in case.events_of(["noted"])] == [1, 3]
    with pytest.raises(DamagedError, match="the index of types is wrong at entry 2"):
        case.check()


def test_a_dropped_last_entry_is_noticed(records: Records, place: Place):
    deeds.append_batch(records, CASE, b"evidence")
    without_triggers(place, "records_entryrow")
    as_owner(place, "DELETE FROM records_entryrow WHERE n = 3")
    with pytest.raises(DamagedError, match="differs from the head's"):
        records.case(CASE).check()


@pytest.mark.usefixtures("records")
def test_under_another_installations_master_key_nothing_is_written(place: Place, tmp_path: Path):
    other = Keyring.open_or_create(tmp_path / "other", deeds.AT)
    opened = Records.open(place.home, other, place.database)
    assert any("restore that key from the backup" in line for line in opened.amiss)
    assert opened.case(CASE).events()[0]["type"] == "case-opened"
    with pytest.raises(ReadOnlyError, match="belongs to another installation") as caught:
        deeds.append_batch(opened, CASE, b"evidence")
    assert "\n" not in str(caught.value)


def test_twin_without_that_check_the_case_itself_refuses(
    records: Records, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(store, "amiss", lambda *_: ())
    other = Keyring.open_or_create(tmp_path / "other", deeds.AT)
    opened = Records.open(place.home, other, place.database)
    with pytest.raises(OtherInstallationError, match="does not open under"):
        opened.case(CASE).entry_parts(0)
    with pytest.raises(OtherInstallationError):
        deeds.append_batch(opened, CASE, b"evidence")
    assert records.case(CASE).entry_parts(0)[1].data


def test_a_file_open_to_others_is_refused_and_the_twin(
    sqlite_place: Place, monkeypatch: pytest.MonkeyPatch
):
    sqlite_place.open()
    path = sqlite_place.home / "record.sqlite3"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(DatabaseSettingError, match=r"mode 0640\); fix: chmod 600 "):
        sqlite_place.open()
    monkeypatch.setattr(stat, "S_IMODE", lambda _: 0o600)
    sqlite_place.open()


def test_what_was_destroyed_is_overwritten_in_sqlites_files(sqlite_place: Place):
    """The wrapped key and the sealed content are gone from the file and from its journal."""
    records = sqlite_place.open()
    deeds.open_case(records)
    sealed, wrapped = _secrets(sqlite_place)
    assert sealed in _bytes_of(sqlite_place)
    assert wrapped in _bytes_of(sqlite_place)
    destroy_case(records, CASE)
    assert sealed not in _bytes_of(sqlite_place)
    assert wrapped not in _bytes_of(sqlite_place)


def test_what_was_erased_is_overwritten_in_sqlites_files(sqlite_place: Place):
    records = sqlite_place.open()
    deeds.open_case(records)
    sealed, _ = _secrets(sqlite_place)
    assert sealed in _bytes_of(sqlite_place)
    with records.transaction(CASE) as writer:
        writer.erase(0, 1, "by agreement")
    assert sealed not in _bytes_of(sqlite_place)


def _secrets(place: Place) -> tuple[bytes, bytes]:
    with connections[connect(place.home, None)].cursor() as cursor:
        cursor.execute("SELECT body FROM records_partrow WHERE i = 1")
        (sealed,) = cursor.fetchone()
        cursor.execute("SELECT wrapped_key FROM records_caserow")
        (wrapped,) = cursor.fetchone()
    return sealed, wrapped


def _bytes_of(place: Place) -> bytes:
    return b"".join(path.read_bytes() for path in place.home.glob("record.sqlite3*"))


def triggers(place: Place) -> dict[str, str]:
    """Every trigger that the tables have, with its table, as the database says."""
    alias = connect(place.home, place.server.address(ADMIN, place.name) if place.server else None)
    statement = (
        "SELECT tgname, tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal"
        if place.server
        else "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)
        return dict(cursor.fetchall())


def test_each_trigger_that_is_gone_is_told_of(records: Records, place: Place):
    there = triggers(place)
    assert [str(fault) for fault in records.check()] == []
    for table in sorted(set(there.values())):
        without_triggers(place, table)
    told = {fault.what.split()[2] for fault in records.check()}
    assert told == there.keys()


def test_the_triggers_of_a_new_migration_are_looked_for(
    records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made = 'def {}_guards():\n    return ["CREATE TRIGGER newest BEFORE UPDATE ON records_x"]\n'
    both = made.format("sqlite") + made.format("postgresql")
    (tmp_path / "0099_newest.py").write_text(both)
    monkeypatch.setattr(migrations, "__path__", [*migrations.__path__, str(tmp_path)])
    assert ["the trigger newest is missing" in fault.what for fault in records.check()] == [True]
