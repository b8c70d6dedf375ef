"""What an earlier version left and nobody may write now is read all the same, from a copy."""

import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest
from django.db import connections

from support import deeds
from support.older_homes import MIGRATIONS, NEWEST, make_older
from support.record_place import Place
from touchstone.records import AppendOnlyError, NotPreparedError, ReadOnlyError
from touchstone.records.database import translated
from touchstone.records.settings import connect

CASE = "case-1"


@pytest.fixture
def aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where private copies go in this test."""
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def place(sqlite_place: Place) -> Place:
    """A home with one case of several entries."""
    records = sqlite_place.open()
    deeds.open_case(records)
    deeds.append_batch(records, CASE, b"evidence")
    records.installation.checkpoint()
    connections.close_all()
    return sqlite_place


def stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `access` says of a file system that is read-only, for root too."""
    monkeypatch.setattr(os, "access", lambda *_: False)


def bytes_of(home: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def left_in_journal(home: Path, folder: Path) -> Path:
    """A copy of the home whose newest change stands in the journal alone, without its index."""
    holder = sqlite3.connect(home / "record.sqlite3", isolation_level=None)
    holder.execute("SELECT 1 FROM records_caserow").fetchall()
    writer = sqlite3.connect(home / "record.sqlite3", isolation_level=None)
    writer.execute("UPDATE records_indexrow SET title = 'newest'")
    shutil.copytree(home, folder)
    writer.close()
    holder.close()
    (folder / "record.sqlite3-shm").unlink()
    return folder


@pytest.mark.parametrize("undone", range(MIGRATIONS))
@pytest.mark.parametrize("journal", [False, True], ids=["no journal", "journal"])
def test_a_read_only_home_of_every_version_is_read(
    place: Place, aside: Path, monkeypatch: pytest.MonkeyPatch, undone: int, journal: bool
):
    make_older(place.home, undone)
    home = left_in_journal(place.home, place.home.parent / "left") if journal else place.home
    before = bytes_of(home)
    stay_as_they_are(monkeypatch)
    records = Place(home, None, "", None).open()
    assert (records.amiss, records.read_only) == ((), True)
    records.case(CASE).check()
    (row,) = records.cases()
    assert (row.summary.title == "newest") is journal
    assert records.destructions.certificate(CASE) == ""
    assert records.destructions.unfinished() == []
    assert list(records.check()) == []
    with pytest.raises(ReadOnlyError):
        deeds.append_batch(records, CASE, b"more")
    records.close()
    assert list(aside.iterdir()) == []
    assert bytes_of(home) == before


def change_an_entry(place: Place) -> None:
    """What a trigger refuses, whatever a migration did meanwhile."""
    alias = connect(place.home, None)
    with translated(alias), connections[alias].cursor() as cursor:
        cursor.execute("UPDATE records_entryrow SET line = X'00'")


@pytest.mark.parametrize("undone", range(1, MIGRATIONS))
def test_where_it_may_be_written_an_older_home_is_brought_up_to_date(place: Place, undone: int):
    make_older(place.home, undone)
    deeds.append_batch(place.open(), CASE, b"more")
    case = place.open().case(CASE)
    assert [n for n, _ in case.events_of(["noted"])] == list(range(1, case.size))
    case.check()
    with pytest.raises(AppendOnlyError):
        change_an_entry(place)
    with sqlite3.connect(place.home / "record.sqlite3") as file:
        (named,) = file.execute("SELECT max(name) FROM django_migrations").fetchone()
    assert named == NEWEST


def test_a_file_that_never_had_tables_is_not_read_as_an_empty_record(
    home: Path, aside: Path, monkeypatch: pytest.MonkeyPatch
):
    (home / "record.sqlite3").touch(0o600)
    keyring = Place(home, None, "", None).keyring
    assert keyring.history is not None
    stay_as_they_are(monkeypatch)
    with pytest.raises(NotPreparedError, match="holds no record"):
        Place(home, None, "", None).open()
    assert list(aside.iterdir()) == []
