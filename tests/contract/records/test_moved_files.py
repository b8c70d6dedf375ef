"""SQLite's file is the one that was opened: what is moved away takes no promise with it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connections

from support import deeds
from support.record_place import Place
from touchstone.records import Records, UnreachableError, database

CASE = "case-1"


@pytest.fixture
def records(sqlite_place: Place) -> Records:
    found = sqlite_place.open()
    deeds.open_case(found)
    return found


def moved(home: Path) -> Path:
    """The record's file and its journal, in another folder of the same disk."""
    (home / "away").mkdir()
    for path in home.glob("record.sqlite3*"):
        path.rename(home / "away" / path.name)
    return home / "away" / "record.sqlite3"


def put_back(home: Path) -> None:
    for path in (home / "away").iterdir():
        path.replace(home / path.name)


USES: dict[str, Callable[[Records], object]] = {
    "read": lambda records: records.case(CASE).size,
    "written": lambda records: deeds.open_case(records, "case-9"),
    "listed": lambda records: records.cases(),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("instead", ["nothing", "a copy"])
@pytest.mark.parametrize("kept", [True, False])
def test_nothing_is_done_with_another_file_than_was_opened(
    records: Records, sqlite_place: Place, use: str, instead: str, kept: bool
):
    home, size = sqlite_place.home, records.case(CASE).size
    if not kept:
        connections.close_all()
    away = moved(home)
    if instead == "a copy":
        shutil.copy(away, home)
    with pytest.raises(UnreachableError, match=r"was moved or replaced .*; fix: put it back"):
        USES[use](records)
    # Nor is an empty one made in its place.
    assert (home / "record.sqlite3").exists() == (instead == "a copy")
    put_back(home)
    USES[use](records)
    assert records.case(CASE).size == size


def test_who_opens_the_record_anew_begins_with_the_file_that_is_there(
    records: Records, sqlite_place: Place
):
    home, size = sqlite_place.home, records.case(CASE).size
    connections.close_all()
    shutil.copy(moved(home), home)
    with pytest.raises(UnreachableError):
        records.cases()
    assert sqlite_place.open().case(CASE).size == size


def test_twin_without_the_guard_what_is_written_is_in_a_file_that_nobody_opens(
    records: Records, sqlite_place: Place, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database, "_require_same_file", lambda _: None)
    home = sqlite_place.home
    records.cases()
    shutil.copy(moved(home), home)
    deeds.open_case(records, "case-2")
    assert "case-2" in records.names()
    connections.close_all()
    assert "case-2" not in sqlite_place.open().names()
