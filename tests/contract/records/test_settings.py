"""One setting chooses the database; Django is set up in one place, and only when needed."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from django.core.signals import request_finished, request_started
from django.db import DatabaseError, connections

from support import deeds
from support.contract1 import append
from support.postgresql import ADMIN, Postgresql
from support.record_place import Place
from touchstone.keys import Keyring
from touchstone.records import (
    DATABASE,
    DATABASE_OWNER,
    BusyError,
    DamagedError,
    DatabaseSettingError,
    FullError,
    NotPreparedError,
    Records,
    RecordsError,
    UnreachableError,
    prepare,
    settings,
)
from touchstone.records.database import translated
from touchstone.records.settings import connect

CASE = "case-1"
SECRET = "correct-horse"


def python(program: str) -> str:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_importing_the_room_does_not_set_django_up():
    told = python(
        "import touchstone.records as r\n"
        "from django.conf import settings\n"
        "print(settings.configured)\n"
        "r.Records\n"
        "print(settings.configured)\n"
    )
    assert told.split() == ["False", "True"]


def test_a_web_application_may_have_set_django_up():
    told = python(
        "import django\n"
        "from django.conf import settings\n"
        "settings.configure(INSTALLED_APPS=['django.contrib.contenttypes', 'touchstone.records'],"
        " DATABASES={}, USE_TZ=True)\n"
        "django.setup()\n"
        "from touchstone.records import Records\n"
        "print(Records.__name__)\n"
    )
    assert told == "Records"


def test_django_set_up_without_this_room_is_a_clear_error():
    told = python(
        "import django\n"
        "from django.conf import settings\n"
        "settings.configure(INSTALLED_APPS=[], DATABASES={})\n"
        "from touchstone.records import DatabaseSettingError\n"
        "try:\n"
        "    from touchstone.records import Records\n"
        "except DatabaseSettingError as error:\n"
        "    print(error)\n"
    )
    assert told.endswith("fix: add it to INSTALLED_APPS")


def test_the_migrations_are_those_of_the_models():
    told = python(
        "from touchstone.records import configure\n"
        "configure()\n"
        "from django.core.management import call_command\n"
        "call_command('makemigrations', '--check', '--dry-run')\n"
    )
    assert told == "No changes detected"


def test_one_process_may_hold_several_records(tmp_path: Path):
    opened = []
    for name in ("one", "two"):
        home = tmp_path / name
        place = Place(home, None, "", None)
        home.mkdir()
        opened.append(place.open())
        deeds.open_case(opened[-1])
    deeds.append_batch(opened[0], CASE, b"evidence")
    assert [records.case(CASE).size for records in opened] == [4, 1]
    assert settings.connect(tmp_path / "one", None) == settings.connect(tmp_path / "one", None)


def test_the_setting_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert settings.from_environment({}) is None
    assert settings.from_environment({DATABASE: ""}) is None
    monkeypatch.setenv(DATABASE, "nonsense")
    ring = Keyring.open_or_create(tmp_path / "keys", deeds.AT)
    with pytest.raises(DatabaseSettingError, match=DATABASE):
        Records.open(tmp_path, ring)


@pytest.mark.parametrize(
    "address",
    [
        f"mysql://u:{SECRET}@h/d",
        f"postgresql://u:{SECRET}@h/",
        f"postgresql://:{SECRET}@h/d",
        f"postgresql://u:{SECRET}@h:port/d",
        f"postgresql://u:{SECRET}@h/d?options=-c",
        f"postgresql://u:{SECRET}@[h/d",
        f"postgresql://u:{SECRET}@h/{'d' * 100}",
        "x",
        "sqlite:///x",
    ],
)
def test_a_wrong_address_is_refused_in_one_line_without_its_password(tmp_path: Path, address: str):
    with pytest.raises(DatabaseSettingError) as caught:
        settings.connect(tmp_path, address)
    assert DATABASE in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_does_not_answer_is_named(tmp_path: Path):
    ring = Keyring.open_or_create(tmp_path / "keys", deeds.AT)
    with pytest.raises(UnreachableError) as caught:
        Records.open(tmp_path, ring, f"postgresql://u:{SECRET}@/d?host={tmp_path}")
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_named(sqlite_place: Place):
    path = sqlite_place.home / settings.FILE
    path.write_bytes(b"no database at all" * 100)
    path.chmod(0o600)
    with pytest.raises(DamagedError, match="restore"):
        sqlite_place.open()


def test_sqlite_writes_through(sqlite_place: Place):
    sqlite_place.open()
    with connections[settings.connect(sqlite_place.home, None)].cursor() as cursor:
        told = {}
        for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete"):
            cursor.execute(f"PRAGMA {name}")
            told[name] = cursor.fetchone()[0]
    assert told == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


@pytest.mark.needs_postgresql
def test_postgresql_writes_through_whatever_the_role_says(postgresql_place: Place):
    assert postgresql_place.server
    postgresql_place.server.admin(
        f"ALTER ROLE record_app IN DATABASE {postgresql_place.name} SET synchronous_commit = off"
    )
    postgresql_place.open()
    alias = settings.connect(postgresql_place.home, postgresql_place.database)
    with connections[alias].cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)


def test_a_record_held_by_another_is_busy_and_nothing_is_written(
    sqlite_place: Place, monkeypatch: pytest.MonkeyPatch
):
    options = settings._sqlite(sqlite_place.home)
    options["OPTIONS"]["timeout"] = 0.2
    monkeypatch.setattr(settings, "_sqlite", lambda _: options)
    records = sqlite_place.open()
    deeds.open_case(records)
    other = sqlite3.connect(sqlite_place.home / settings.FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BusyError, match="try again"), records.transaction(CASE):
        raise AssertionError
    assert records.case(CASE).size == 1
    other.execute("ROLLBACK")
    other.close()
    deeds.append_batch(records, CASE, b"evidence")


def test_writers_wait_for_each_other(records: Records, place: Place):
    """A thread that comes while a case is locked goes on once the lock is free."""
    came, sizes = threading.Event(), []

    def late() -> None:
        came.set()
        sizes.append(deeds.append_batch(place.open(), CASE, b"late")[0])
        connections.close_all()

    thread = threading.Thread(target=late)
    with records.transaction(CASE) as writer:
        thread.start()
        came.wait(10)
        time.sleep(0.2)
        append(writer, [deeds.fact()])
    thread.join(30)
    assert sizes == [2 + deeds.BATCH]
    records.case(CASE).check()


@pytest.mark.needs_postgresql
def test_a_connection_that_the_server_cut_is_made_anew(postgresql_place: Place):
    records = postgresql_place.open()
    deeds.open_case(records)
    assert postgresql_place.server
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'record_app'"
    postgresql_place.server.admin(cut)
    with pytest.raises(RecordsError):
        records.case(CASE)
    assert records.case(CASE).size == 1


@pytest.mark.needs_postgresql
def test_a_database_without_tables_says_what_to_do(tmp_path: Path, server: Postgresql):
    server.admin("DROP DATABASE IF EXISTS unprepared", "CREATE DATABASE unprepared")
    ring = Keyring.open_or_create(tmp_path / "keys", deeds.AT)
    with pytest.raises(NotPreparedError, match="no tables of this version"):
        Records.open(tmp_path, ring, server.address("record_app", "unprepared"))


@pytest.mark.needs_postgresql
def test_preparing_says_whether_the_application_owns_nothing(
    tmp_path: Path, server: Postgresql, monkeypatch: pytest.MonkeyPatch
):
    server.admin(
        "DROP DATABASE IF EXISTS fresh WITH (FORCE)", "CREATE DATABASE fresh OWNER record_owner"
    )
    app, owner = (server.address(f"record_{role}", "fresh") for role in ("app", "owner"))
    with pytest.raises(UnreachableError, match="role may not do that"):
        prepare(tmp_path, app)
    monkeypatch.setenv(DATABASE_OWNER, owner)
    assert prepare(tmp_path, app)
    assert prepare(tmp_path, app)
    assert not prepare(tmp_path, owner)
    assert not prepare(tmp_path)
    with pytest.raises(DatabaseSettingError, match="is another database"):
        prepare(tmp_path, app, server.address(ADMIN, "postgres"))
    ring = Keyring.open_or_create(tmp_path / "keys", deeds.AT)
    deeds.open_case(Records.open(tmp_path, ring, app))


@pytest.mark.needs_postgresql
def test_the_database_is_prepared_from_the_command_line(server: Postgresql):
    server.admin(
        "DROP DATABASE IF EXISTS fresh WITH (FORCE)", "CREATE DATABASE fresh OWNER record_owner"
    )
    app, owner = (server.address(f"record_{role}", "fresh") for role in ("app", "owner"))
    for settings_given, code, said in (
        ({}, 2, f"{DATABASE} is not set"),
        ({DATABASE: app}, 2, "the database role may not do that"),
        ({DATABASE: app, DATABASE_OWNER: owner}, 0, "the application's role owns nothing"),
        ({DATABASE: owner}, 0, f"fix: set {DATABASE_OWNER}"),
    ):
        run = subprocess.run(
            [sys.executable, "-W", "error", "-m", "touchstone.records"],
            env={**os.environ, **settings_given},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (run.returncode, (run.stdout + run.stderr).count("\n")) == (code, 1)
        assert said in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        (psycopg.errors.DiskFull("x"), FullError),
        (psycopg.errors.DeadlockDetected("x"), BusyError),
        (psycopg.errors.LockNotAvailable("x"), BusyError),
        (psycopg.errors.UndefinedTable("x"), NotPreparedError),
        (psycopg.errors.AdminShutdown("x\ny"), UnreachableError),
        (sqlite3.OperationalError("database or disk is full"), FullError),
        (sqlite3.OperationalError("disk I/O error"), FullError),
        (sqlite3.OperationalError("database is locked"), BusyError),
        (sqlite3.DatabaseError("database disk image is malformed"), DamagedError),
        (sqlite3.OperationalError("no such table: x"), NotPreparedError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_fault_of_a_driver_has_one_clear_line(
    sqlite_place: Place, fault: Exception, wanted: type[Exception]
):
    known = DatabaseError(str(fault))
    known.__cause__ = fault
    alias = settings.connect(sqlite_place.home, None)
    with pytest.raises(wanted) as caught, translated(alias):
        raise known
    assert "\n" not in str(caught.value)


def requested(place: Place) -> object:
    """What a request of a server reads, between its beginning and its end; the connection."""
    request_started.send(sender=None, environ={})
    try:
        assert place.open().names() == ["case-1"]
        return connections[connect(place.home, place.database)].connection
    finally:
        request_finished.send(sender=None)


def test_a_server_keeps_its_connection_over_requests(records: Records, place: Place):
    """Opened for each, a deed took 1.6 times as much of a core, and twice as long."""
    assert records.names() == ["case-1"]
    # The one that is here by now may have been made as this was no server.
    requested(place)
    first = requested(place)
    assert first is not None
    assert requested(place) is first


def test_a_connection_that_is_too_old_is_not_kept(records: Records, place: Place):
    assert records.names() == ["case-1"]
    first = requested(place)
    connections[connect(place.home, place.database)].close_at = 0
    assert requested(place) is not first


@pytest.mark.needs_postgresql
def test_a_kept_connection_that_was_ended_is_made_anew(postgresql_place: Place, server: Postgresql):
    deeds.open_case(postgresql_place.open())
    first = requested(postgresql_place)
    server.admin(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'record_app'"
    )
    assert requested(postgresql_place) is not first
