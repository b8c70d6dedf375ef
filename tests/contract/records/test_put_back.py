"""A database put back to an older state, with the keys that signed more since."""

import sqlite3
from pathlib import Path

import pytest
from django.db import connections

from support import deeds
from support.record_place import Place
from touchstone.ledger import Checkpoint, parse_checkpoint, parse_note, sign_checkpoint
from touchstone.records import DamagedError, ReadOnlyError, Records, soundness, store

CASE = "case-1"


def copy(source: Path, target: Path) -> None:
    before, after = sqlite3.connect(source), sqlite3.connect(target)
    before.backup(after)
    before.close()
    after.close()


@pytest.fixture
def put_back(sqlite_place: Place, tmp_path: Path) -> Place:
    """One head is kept aside, a second one signed; then the database of the first comes back."""
    database, aside = sqlite_place.home / "record.sqlite3", tmp_path / "aside"
    records = sqlite_place.open()
    deeds.open_case(records)
    records.installation.checkpoint()
    connections.close_all()
    copy(database, aside)
    records = sqlite_place.open()
    deeds.append_batch(records, CASE, b"evidence")
    records.installation.checkpoint()
    connections.close_all()
    for path in sqlite_place.home.glob("record.sqlite3*"):
        path.unlink()
    copy(aside, database)
    database.chmod(0o600)
    return sqlite_place


def test_an_older_database_is_read_and_not_written(put_back: Place):
    records = put_back.open()
    assert "it has 1 heads, and a checkpoint over 2 was signed" in records.amiss[0]
    records.case(CASE).check()
    assert [each.case for each in records.cases()] == [CASE]
    with pytest.raises(ReadOnlyError, match="nothing is written, only read: the record was put"):
        signed_after(records)
    with pytest.raises(ReadOnlyError):
        records.installation.checkpoint()
    with pytest.raises(ReadOnlyError):
        _ = records.jobs


def test_twin_without_the_checkpoint_beside_the_keys_two_histories_are_signed(put_back: Place):
    marked = put_back.home / "keys" / "checkpoint.txt"
    signed = parse_checkpoint(parse_note(marked.read_text()).text)
    marked.unlink()
    other = signed_after(put_back.open())
    assert (other.size, other.origin) == (signed.size, signed.origin)
    assert other.root != signed.root


def signed_after(records: Records) -> Checkpoint:
    deeds.append_batch(records, CASE, b"something else")
    return parse_checkpoint(parse_note(records.installation.checkpoint()).text)


def test_another_history_of_the_same_length_is_not_signed(
    put_back: Place, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patched:
        patched.setattr(store, "amiss", lambda *_: ())
        records = put_back.open()
    for _ in range(2):
        with pytest.raises(DamagedError, match="not the one over whose 2 heads"):
            signed_after(records)


@pytest.fixture
def grown_apart(sqlite_place: Place, tmp_path: Path) -> Place:
    """In place of the record whose two heads were signed lies another, which grew to three."""
    home, aside = sqlite_place.home, tmp_path / "aside"
    deeds.open_case(sqlite_place.open())
    connections.close_all()
    copy(home / "record.sqlite3", aside)
    records = sqlite_place.open()
    deeds.append_batch(records, CASE, b"evidence")
    records.installation.checkpoint()
    mark = home / "keys" / "checkpoint.txt"
    signed = mark.read_text()
    connections.close_all()
    for path in home.glob("record.sqlite3*"):
        path.unlink()
    copy(aside, home / "record.sqlite3")
    (home / "record.sqlite3").chmod(0o600)
    mark.unlink()
    records = sqlite_place.open()
    for said in (b"something else", b"and more"):
        deeds.append_batch(records, CASE, said)
    connections.close_all()
    sqlite_place.keyring.keep_checkpoint(signed)
    return sqlite_place


def test_a_longer_record_that_is_not_the_signed_one_is_read_and_not_written(grown_apart: Place):
    records = grown_apart.open()
    assert "not the one over whose 2 heads a checkpoint was signed" in records.amiss[0]
    records.case(CASE).check()
    with pytest.raises(ReadOnlyError):
        deeds.append_batch(records, CASE, b"and another")


def test_twin_without_the_recount_a_deed_is_recorded_in_the_wrong_record(
    grown_apart: Place, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(soundness, "_extends", lambda *_: True)
    records = grown_apart.open()
    assert records.amiss == ()
    deeds.append_batch(records, CASE, b"and another")


def test_the_check_of_the_log_recomputes_the_checkpoint_beside_the_keys(grown_apart: Place):
    found = {fault.what for fault in grown_apart.open().check()}
    assert found == {"the checkpoint beside the keys, over 2, is not of this log"}


def test_a_checkpoint_kept_beside_the_keys_alone_is_recomputed(sqlite_place: Place):
    """The note is kept there first: a crash may come before its row stands."""
    records, ring = sqlite_place.open(), sqlite_place.keyring
    deeds.open_case(records)
    root = records.installation.prove(CASE).checkpoint
    one = parse_checkpoint(parse_note(root).text)
    deeds.append_batch(records, CASE, b"evidence")
    # Another note over the same leaf, as a crash leaves it: without a row of its own.
    ring.rotate("2026-11-22T10:00:00Z", "yearly")
    ring.keep_checkpoint(sign_checkpoint(one, ring.installation))
    connections.close_all()
    records = sqlite_place.open()
    assert records.amiss == ()
    deeds.append_batch(records, CASE, b"and more")
    assert list(records.check()) == []


def test_an_altered_mark_is_told(put_back: Place):
    (put_back.home / "keys" / "checkpoint.txt").write_text("nothing")
    assert "checkpoint.txt was altered" in put_back.open().amiss[0]
