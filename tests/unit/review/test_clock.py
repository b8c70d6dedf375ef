"""The clock against a counter that walks through the hours, and days worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from support.laid import anchor_clock
from support.review_case import CENTRE, example_framework, submission
from touchstone.clearance import tlp
from touchstone.framework import Window
from touchstone.review import (
    BadEventError,
    Calendar,
    Reading,
    day_of,
    read_clock,
    share_by,
    shortfall_days,
)
from touchstone.review.state import Clock

ZONES = ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
STEP = timedelta(minutes=15)


def window(**changes: Any) -> Window:
    return example_framework().window.model_copy(update=changes)


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def laid(window: Window, at: str, *pauses: tuple[str, str | None], **changes: Any) -> Clock:
    planned = changes.pop("planned", None)
    handed_in = submission(at, planned_public_release=planned)
    event = anchor_clock(window, handed_in, CENTRE, at, tlp("AMBER"))
    return Clock(event, handed_in.submission, pauses, **changes)


class Walker:
    """Counts days by walking from the submission on in quarters of an hour.

    A day counts if it is a working day (where only those count) and the clock ran when it began.
    """

    def __init__(
        self, window: Window, start: datetime, pauses: list[tuple[datetime, datetime]]
    ) -> None:
        self.window, self.start, self.pauses = window, start, pauses
        self.zone = ZoneInfo(window.timezone)

    def counted_days(self, until: datetime) -> list[date]:
        days, now = [], self.start.replace(minute=0)
        before = now.astimezone(self.zone).date()
        while now <= until:
            today = now.astimezone(self.zone).date()
            if today != before and self.counts(today, now):
                days.append(today)
            before, now = today, now + STEP
        return days

    def counts(self, today: date, now: datetime) -> bool:
        running = not any(begun <= now < over for begun, over in self.pauses)
        working = today.weekday() < 5 and today not in self.window.holidays
        return running and (working or self.window.unit == "days")


@st.composite
def spans(draw: st.DrawFn) -> tuple[Window, datetime, list[tuple[datetime, datetime]]]:
    """A window from the submission on, near leap days and changes of the clocks, with pauses."""
    begin = draw(st.sampled_from(["2024-02-20", "2028-02-20", "2026-03-01", "2026-10-20"]))
    start = datetime.fromisoformat(begin).replace(tzinfo=UTC)
    start += timedelta(hours=draw(st.integers(0, 400)), minutes=7)
    unit = draw(st.sampled_from(["days", "business-days"]))
    holidays = tuple(start.date() + timedelta(days=n) for n in draw(st.sets(st.integers(1, 9))))
    shape = window(
        anchor="submission",
        days=draw(st.integers(1, 25)),
        timezone=draw(st.sampled_from(ZONES)),
        unit=unit,
        holidays=holidays if unit == "business-days" else (),
    )
    hours = sorted(draw(st.lists(st.integers(0, 300), max_size=6, unique=True)))
    marks = [start + timedelta(hours=n) for n in hours]
    return shape, start, list(zip(marks[::2], marks[1::2], strict=False))


@given(spans(), st.integers(0, 600))
def test_the_clock_agrees_with_a_walk_through_the_hours(
    span: tuple[Window, datetime, list[tuple[datetime, datetime]]], hours: int
):
    shape, start, pauses = span
    now = start + timedelta(hours=hours)
    assume(all(over <= now for _, over in pauses))
    clock = laid(shape, text(start), *((text(a), text(b)) for a, b in pauses))
    reading = read_clock(clock, text(now))
    walker = Walker(shape, start, pauses)
    assert reading.days_used == len(walker.counted_days(now))
    enough = walker.counted_days(start + timedelta(days=80))
    assert reading.review_by == enough[shape.days - 1]


@given(spans(), st.integers(0, 60))
def test_share_by_is_the_last_day_that_fits(span: tuple[Window, datetime, Any], days: int):
    shape, start, _ = span
    shared = start.date()
    planned = shared + timedelta(days=days)
    latest = share_by(shape, planned)
    assert shortfall_days(shape, latest, planned) == 0
    assert shortfall_days(shape, latest + timedelta(days=1), planned) >= (shape.unit == "days")
    assert (shortfall_days(shape, shared, planned) == 0) == (shared <= latest)


@given(
    st.dates(date(2020, 1, 1), date(2032, 1, 1)), st.integers(-5, 500), st.sets(st.integers(0, 99))
)
def test_counted_days_are_those_one_can_count(first: date, days: int, off: set[int]):
    calendar = Calendar(
        business_days=True, holidays=frozenset(first + timedelta(days=n) for n in off)
    )
    last = first + timedelta(days=days)
    each = [first + timedelta(days=n) for n in range(1, days + 1)]
    assert calendar.between(first, last) == sum(calendar.counts(day) for day in each)


@pytest.mark.parametrize(
    ("at", "zone", "day"),
    [
        ("2026-03-08T04:59:59Z", "America/New_York", "2026-03-07"),
        ("2026-03-08T05:00:00Z", "America/New_York", "2026-03-08"),
        ("2026-03-09T03:59:59Z", "America/New_York", "2026-03-08"),
        ("2026-03-09T04:00:00Z", "America/New_York", "2026-03-09"),
        ("2026-11-01T04:00:00Z", "America/New_York", "2026-11-01"),
        ("2026-11-02T04:59:59Z", "America/New_York", "2026-11-01"),
        ("2028-02-29T23:30:00Z", "Europe/London", "2028-02-29"),
        ("2028-02-28T18:30:00Z", "Asia/Kolkata", "2028-02-29"),
    ],
)
def test_a_day_begins_where_the_framework_is(at: str, zone: str, day: str):
    assert day_of(at, zone) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("days", "planned", "latest"),
    [
        (30, "2028-03-15", "2028-02-14"),
        (30, "2027-03-15", "2027-02-13"),
        (90, "2026-11-15", "2026-08-17"),
        (365, "2029-01-01", "2028-01-02"),
    ],
)
def test_windows_cross_leap_days(days: int, planned: str, latest: str):
    assert share_by(window(days=days), date.fromisoformat(planned)) == date.fromisoformat(latest)


def test_business_days_leave_out_weekends_and_holidays():
    twenty = window(days=20, unit="business-days", holidays=(date(2026, 12, 25),))
    assert share_by(twenty, date(2026, 12, 31)) == date(2026, 12, 2)
    assert shortfall_days(twenty, date(2026, 12, 24), date(2026, 12, 31)) == 16


def test_a_pause_moves_the_end_of_a_window_from_the_submission():
    shape = window(anchor="submission", days=10)
    pause = ("2026-10-03T09:00:00Z", "2026-10-06T09:00:00Z")
    reading = read_clock(laid(shape, "2026-10-01T09:00:00Z", pause), "2026-10-07T09:00:00Z")
    assert reading == Reading(date(2026, 10, 14), 3, 7, 3, 0, 0, "running")


def test_a_pause_never_moves_a_release():
    shape = window(days=30)
    pause = ("2026-10-03T09:00:00Z", "2026-10-06T09:00:00Z")
    clock = laid(shape, "2026-10-01T09:00:00Z", pause, planned="2026-11-15")
    assert read_clock(clock, "2026-10-07T09:00:00Z").review_by == date(2026, 11, 15)


def test_an_open_pause_lasts_until_now():
    shape = window(anchor="submission", days=10)
    clock = laid(shape, "2026-10-01T09:00:00Z", ("2026-10-03T09:00:00Z", None))
    first, later = (read_clock(clock, f"2026-10-{day:02}T09:00:00Z") for day in (4, 9))
    assert (first.days_used, later.days_used) == (2, 2)
    assert (first.days_left, later.days_left) == (8, 8)
    assert later.standing == "paused"


def test_a_pause_within_one_day_costs_nothing():
    shape = window(anchor="submission", days=10)
    pause = ("2026-10-03T09:00:00Z", "2026-10-03T15:00:00Z")
    clock = laid(shape, "2026-10-01T09:00:00Z", pause)
    assert read_clock(clock, "2026-10-04T09:00:00Z").review_by == date(2026, 10, 11)


@pytest.mark.parametrize("anchor", ["submission", "public-release"])
def test_a_pause_dated_before_sharing_counts_from_sharing_on(anchor: str):
    shape = window(anchor=anchor, days=10)
    pause = ("2026-09-25T09:00:00Z", "2026-10-03T09:00:00Z")
    clock = laid(shape, "2026-10-01T09:00:00Z", pause, planned="2026-11-15")
    reading = read_clock(clock, "2026-10-05T09:00:00Z")
    assert (reading.paused_days, reading.days_used) == (2, 2)
    over = laid(
        shape, "2026-10-01T09:00:00Z", (pause[0], "2026-09-28T09:00:00Z"), planned="2026-11-15"
    )
    reading = read_clock(over, "2026-10-05T09:00:00Z")
    assert (reading.paused_days, reading.days_used) == (0, 4)


@pytest.mark.parametrize(
    ("anchor", "planned", "ends"),
    [
        ("submission", None, date(2026, 10, 18)),
        ("public-release", "2026-11-15", date(2026, 11, 22)),
    ],
)
def test_the_developer_gives_more_days(anchor: str, planned: str | None, ends: date):
    shape = window(anchor=anchor, days=10)
    clock = laid(shape, "2026-10-01T09:00:00Z", planned=planned, extension_days=7)
    assert read_clock(clock, "2026-10-02T09:00:00Z").review_by == ends


def test_an_ended_clock_stays_as_it_was():
    shape = window(anchor="submission", days=10)
    clock = laid(shape, "2026-10-01T09:00:00Z", ended_at="2026-10-03T09:00:00Z")
    reading = read_clock(clock, "2027-10-09T09:00:00Z")
    assert (reading.days_used, reading.standing) == (2, "ended")


def test_a_window_that_passed_has_no_days_left():
    clock = laid(window(anchor="submission", days=10), "2026-10-01T09:00:00Z")
    reading = read_clock(clock, "2026-12-01T09:00:00Z")
    assert (reading.days_left, reading.review_by) == (0, date(2026, 10, 11))


@pytest.mark.parametrize(
    ("anchor", "public", "partner", "tied_to", "day"),
    [
        ("submission", "2026-11-15", None, "submission", "2026-10-01"),
        ("public-release", "2026-11-15", "2026-11-01", "public-release", "2026-11-15"),
        ("public-release", None, "2026-11-01", "submission", "2026-10-01"),
        ("public-release", None, None, "submission", "2026-10-01"),
        ("partner-release", "2026-11-15", "2026-11-01", "partner-release", "2026-11-01"),
        ("partner-release", "2026-11-15", None, "public-release", "2026-11-15"),
        ("partner-release", None, None, "submission", "2026-10-01"),
    ],
)
def test_what_the_window_is_tied_to(
    anchor: str, public: str | None, partner: str | None, tied_to: str, day: str
):
    handed_in = submission(planned_public_release=public, planned_partner_release=partner)
    clock = anchor_clock(window(anchor=anchor), handed_in, CENTRE, handed_in.at, tlp("AMBER"))
    assert (clock.anchor, clock.anchor_day) == (tied_to, day)


def test_the_widest_numbers_stay_in_the_calendar():
    handed_in = submission("8999-12-31T23:59:59Z", planned_public_release="1970-01-01")
    widest = window(days=3650, unit="business-days")
    clock = anchor_clock(widest, handed_in, CENTRE, handed_in.at, tlp("AMBER"))
    assert clock.shortfall_days == 3650
    reading = read_clock(Clock(clock, "", extension_days=3650), "9000-12-31T23:59:59Z")
    assert reading.days_left == 0


def test_an_unknown_zone_is_told():
    for zone in ("Mars/Olympus", "../../etc/passwd", "", "a" * 500):
        with pytest.raises(BadEventError, match="no time zone"):
            day_of("2026-10-01T00:00:00Z", zone)
