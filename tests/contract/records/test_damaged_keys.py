"""Damage to any file beside the keys: the record is read, what is amiss is told, no key is made."""

import random

import pytest
from django.db import connections

from support import deeds
from support.record_place import Place
from touchstone.keys import Keyring, KeyUnsafeError
from touchstone.records import DamagedError, ReadOnlyError, Records

CASE = "case-1"
NAMES = ("master.key", "history.jsonl", "installation-0.pem", "checkpoint.txt", "record.txt")
DAMAGES = {
    "empty": b"",
    "other text": b"nothing\n",
    "no UTF-8": b"\x62\x80\x94\xff",
    "NUL": bytes(200),
    "deep": b"[" * 100_000,
    "too large": b"x" * ((1 << 20) + 1),
}
FLIPS = 24


@pytest.fixture
def place(sqlite_place: Place) -> Place:
    """A record with one case, whose checkpoint was signed."""
    records = sqlite_place.open()
    deeds.open_case(records)
    records.installation.checkpoint()
    connections.close_all()
    return sqlite_place


def opened(place: Place) -> Records:
    return Records.open(place.home, Keyring(place.home / "keys"))


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_told_and_keeps_nobody_from_reading(place: Place, name: str):
    path = place.home / "keys" / name
    before = {each.name for each in path.parent.iterdir()}
    # A mark is a digest: another one is another record's.
    told = {name, "not the record that these keys"} if name == "record.txt" else {name}
    for damage, data in DAMAGES.items():
        path.write_bytes(data)
        records = opened(place)
        assert any(each in line for line in records.amiss for each in told), damage
        assert [each.case for each in records.cases()] == [CASE]
        if name != "master.key":
            records.case(CASE).check()
        with pytest.raises(ReadOnlyError):
            deeds.append_batch(records, CASE, b"evidence")
        assert {each.name for each in path.parent.iterdir()} == before


def test_a_damaged_checkpoint_before_any_mark_of_the_record(place: Place):
    (place.home / "keys" / "record.txt").unlink()
    for data in DAMAGES.values():
        (place.home / "keys" / "checkpoint.txt").write_bytes(data)
        assert "checkpoint.txt" in opened(place).amiss[0]


def test_any_flipped_bit_of_the_checkpoint_is_told_on_opening_or_by_the_check(place: Place):
    path = place.home / "keys" / "checkpoint.txt"
    whole, chance = path.read_bytes(), random.Random(8)
    for at in chance.sample(range(len(whole)), FLIPS):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        records = opened(place)
        records.case(CASE).check()
        assert records.amiss or list(records.check()), (at, bytes(flipped))
    path.write_bytes(whole)
    records = opened(place)
    assert (records.amiss, list(records.check())) == ((), [])


@pytest.mark.parametrize("name", ["checkpoint.txt", "record.txt"])
def test_where_one_is_damaged_a_lost_record_is_not_made_anew(place: Place, name: str):
    for each in {"checkpoint.txt", "record.txt"} - {name}:
        (place.home / "keys" / each).unlink()
    for path in place.home.glob("record.sqlite3*"):
        path.unlink()
    for data in DAMAGES.values():
        (place.home / "keys" / name).write_bytes(data)
        with pytest.raises(DamagedError, match="is gone, and these keys were used with it"):
            opened(place)
        assert not list(place.home.glob("record.sqlite3*"))


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_in_the_place_of_a_file_is_refused_in_a_line(place: Place, name: str):
    path = place.home / "keys" / name
    path.unlink()
    path.mkdir(mode=0o700)
    with pytest.raises(KeyUnsafeError, match="is not a regular file; fix: "):
        opened(place)


def test_a_damaged_head_of_the_log_is_told_and_read_past(place: Place):
    place.owner("UPDATE records_installationrow SET frontier = x'00'")
    records = opened(place)
    assert "head of the installation log was altered" in records.amiss[0]
    records.case(CASE).check()
