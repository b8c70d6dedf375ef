"""Who read what is not open to all: noted, and a day of it as one digest."""

from dataclasses import replace
from hashlib import sha256

import pytest

from touchstone.server.accounts.models import SensitiveRead
from touchstone.server.accounts.reads import (
    SeenEntries,
    days_read,
    digest_of_day,
    every_read,
    line_of,
    note_read,
    reads_of_case,
    reads_of_day,
)
from touchstone.server.principal import Principal

ANN = Principal("ann", "example-centre", frozenset({"evaluator"}), frozenset({"read"}), "t")
FIRST = SeenEntries(
    "2026-12-01T09:00", "ann", "example-centre", "case-1", "v1/cases/{case}/entries", 3, 7
)
SECOND = replace(FIRST, minute="2026-12-01T23:59", case="case-2", first=0, last=0)
SALT = bytes(range(32))
NEXT_DAY = replace(FIRST, minute="2026-12-02T00:00")


@pytest.fixture(scope="module", autouse=True)
def _noted(_accounts: None) -> None:
    for read in (FIRST, SECOND, NEXT_DAY):
        note_read(ANN, read.case, read.route, read.first, read.last, now=f"{read.minute}:59Z")


def test_a_read_is_noted_with_who_what_and_when():
    assert list(reads_of_day("2026-12-01")) == [FIRST, SECOND]
    assert list(reads_of_day("2026-12-01", "case-2")) == [SECOND]
    told = [(each.n, each.minute) for each in reads_of_case("case-1")]
    assert [minute for _, minute in told] == [FIRST.minute, NEXT_DAY.minute]
    assert [each.minute for each in reads_of_case("case-1", most=1)] == [FIRST.minute]
    assert [each.n for each in reads_of_case("case-1", told[0][0])] == [told[1][0]]
    assert reads_of_case("no-case") == ()


def test_a_days_digest_is_of_the_salt_and_each_line_of_the_case_in_order():
    lines = b"touchstone/reads/1\0" + SALT + line_of(FIRST) + b"\n"
    assert digest_of_day("2026-12-01", "case-1", SALT) == (1, f"sha256:{sha256(lines).hexdigest()}")
    empty = sha256(b"touchstone/reads/1\0" + SALT).hexdigest()
    assert digest_of_day("2026-12-03", "case-1", SALT) == (0, f"sha256:{empty}")
    # Another salt is another digest: without it nobody finds out by guessing what was read.
    assert digest_of_day("2026-12-03", "case-1", bytes(32))[1] != f"sha256:{empty}"


def test_days_on_which_something_was_read_are_told_by_case():
    days = [("2026-12-01", "case-1"), ("2026-12-01", "case-2"), ("2026-12-02", "case-1")]
    assert list(days_read("1970-01-01", "2026-12-03")) == days
    assert list(days_read("2026-12-02", "2026-12-03")) == days[2:]
    assert list(days_read("1970-01-01", "2026-12-02")) == days[:2]
    assert [each["minute"] for each in every_read("case-1", "2026-12-02")] == [NEXT_DAY.minute]


def test_a_read_that_is_changed_or_gone_changes_the_day():
    before = digest_of_day("2026-12-02", "case-1", SALT)
    row = SensitiveRead.objects.get(minute=NEXT_DAY.minute)
    for field, value in (("person", "bob"), ("last", 8), ("route", "x"), ("case", "case-2")):
        kept = getattr(row, field)
        SensitiveRead.objects.filter(pk=row.pk).update(**{field: value})
        assert digest_of_day("2026-12-02", "case-1", SALT) != before
        SensitiveRead.objects.filter(pk=row.pk).update(**{field: kept})
    SensitiveRead.objects.filter(pk=row.pk).delete()
    assert digest_of_day("2026-12-02", "case-1", SALT) != before
    row.save()
    assert digest_of_day("2026-12-02", "case-1", SALT) == before


@pytest.mark.parametrize("day", ["", "2026-13-01", "2026-12-1", "2026-12-01T", "%", "\x00"])
def test_a_day_is_a_day(day: str):
    with pytest.raises(ValueError, match=r"day|month"):
        digest_of_day(day, "case-1", SALT)
