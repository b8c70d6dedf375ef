"""How often one may ask, over all the processes of a server."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from touchstone.server.accounts.errors import TooOftenError
from touchstone.server.accounts.limits import (
    BY_ADDRESS,
    BY_PERSON,
    ENTERING,
    Limiter,
    Rate,
    address_group,
)
from touchstone.server.accounts.models import RateRow

START = 1_796_000_000_000
"""Milliseconds since 1970."""
STRICT = Rate("strict", 10, 5)
EASY = Rate("easy", 60, 40, 10)


def taken(limiter: Limiter, rate: Rate, who: str, now: int, most: int = 10_000) -> int:
    """How many are let through at one moment."""
    for count in range(most):
        try:
            limiter.take(rate, who, now)
        except TooOftenError:
            return count
    return most


def test_so_many_at_once_and_then_as_time_goes():
    limiter = Limiter()
    assert taken(limiter, STRICT, "a", START) == 5
    assert taken(limiter, STRICT, "a", START + 5_999) == 0
    assert taken(limiter, STRICT, "a", START + 6_000) == 1
    assert taken(limiter, STRICT, "a", START + 18_000) == 2
    assert taken(limiter, STRICT, "a", START + 10 * 60_000) == 5


def test_whoever_is_refused_is_told_how_long_to_wait_and_then_is_not_refused():
    limiter = Limiter()
    taken(limiter, STRICT, "b", START)
    with pytest.raises(TooOftenError) as caught:
        limiter.take(STRICT, "b", START + 100)
    assert caught.value.seconds == 6
    limiter.take(STRICT, "b", START + 100 + caught.value.seconds * 1_000)


def test_each_has_its_own():
    limiter = Limiter()
    assert taken(limiter, STRICT, "c", START) == 5
    assert taken(limiter, STRICT, "d", START) == 5
    assert taken(limiter, Rate("other", 10, 5), "c", START) == 5


def test_processes_share_what_there_is():
    processes = [Limiter() for _ in range(4)]
    assert sum(taken(each, STRICT, "e", START) for each in processes) == 5
    # Each draws some at a time; together they have no more than one would.
    assert sum(taken(each, EASY, "f", START) for each in processes) == 40


def test_most_requests_write_nothing():
    limiter = Limiter()
    with CaptureQueriesContext(connection) as asked:
        assert taken(limiter, EASY, "g", START, 40) == 40
    writes = [each for each in asked if each["sql"].startswith(("INSERT", "UPDATE"))]
    assert len(writes) == 1 + 40 // EASY.drawn
    taken(limiter, EASY, "g", START)
    with CaptureQueriesContext(connection) as asked:
        assert taken(limiter, EASY, "g", START + 10) == 0
    assert len(asked) == 0


def test_what_a_process_holds_does_not_add_up():
    """Permits that were drawn and not used are not given beside those that came back meanwhile."""
    limiter = Limiter()
    limiter.take(EASY, "h", START)
    assert taken(limiter, EASY, "h", START + 60 * 60_000) == 40


def test_no_address_is_kept_and_no_row_for_long():
    limiter = Limiter()
    for number in range(20):
        limiter.take(STRICT, f"192.0.2.{number}", START)
    assert "192.0.2" not in str([vars(row) for row in RateRow.objects.all()])
    limiter.take(STRICT, "later", START + 24 * 60 * 60_000)
    assert RateRow.objects.count() == 1


def test_a_process_keeps_few(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("touchstone.server.accounts.limits._MOST_HELD", 3)
    limiter = Limiter()
    for number in range(6):
        limiter.take(EASY, f"i{number}", START)
    with CaptureQueriesContext(connection) as asked:
        limiter.take(EASY, "i5", START)
    assert len(asked) == 0
    with CaptureQueriesContext(connection) as asked:
        limiter.take(EASY, "i0", START)
    assert len(asked) > 0


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002"),
        ("2001:db8:1:2::1", "2001:0db8:0001:0002"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", "unknown"),
        ("\udc9b", "unknown"),
        ("x" * 10_000, "unknown"),
    ],
)
def test_a_household_counts_as_one(address: str, group: str):
    assert address_group(address) == group


def test_entering_is_stricter():
    assert ENTERING.a_minute * 100 <= BY_ADDRESS.a_minute
    assert ENTERING.at_once * 30 <= BY_PERSON.at_once
    # Guessing is counted one by one.
    assert ENTERING.drawn == 1
