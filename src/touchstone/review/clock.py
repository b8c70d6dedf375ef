"""The review window in days: when to share, when the window ends, how much of it is missing.

Days begin and end in the framework's time zone. Of a span from day a to day b the days after a up
to and including b are counted, so a window of 30 days that is shared on 1 May ends on 31 May. The
clock tells; it stops nobody.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from touchstone.framework import Anchor, Window
from touchstone.handin import day_written, moment_of, utc_text
from touchstone.review.events.measuring import ClockAnchored
from touchstone.review.grounds import Ground
from touchstone.review.state import Clock

_DAY = timedelta(days=1)
_WEEK = 7
_WORKING = 5

Standing = Literal["running", "paused", "ended"]


class HandedIn(Protocol):
    """What a window depends on beside the day of sharing: which release is planned."""

    @property
    def planned_partner_release(self) -> str | None:
        """The day of a release to partners, `YYYY-MM-DD`."""

    @property
    def planned_public_release(self) -> str | None:
        """The day of a public release."""


@dataclass(frozen=True)
class Calendar:
    """Which days count: every day, or Monday to Friday without the holidays."""

    business_days: bool = False
    holidays: frozenset[date] = frozenset()

    def counts(self, day: date) -> bool:
        """Whether this day is counted."""
        working = day.weekday() < _WORKING and day not in self.holidays
        return working or not self.business_days

    def between(self, after: date, until: date) -> int:
        """How many counted days lie after one day up to and including another; 0 if none."""
        if until <= after:
            return 0
        if not self.business_days:
            return (until - after).days
        # Holidays at a weekend were never counted, so they are not taken off.
        holidays = sum(after < day <= until and day.weekday() < _WORKING for day in self.holidays)
        return _weekdays(until) - _weekdays(after) - holidays


def _weekdays(day: date) -> int:
    """How many Mondays to Fridays there are from 1 January of year 1, a Monday, to this day."""
    weeks, rest = divmod(day.toordinal(), _WEEK)
    return weeks * _WORKING + min(rest, _WORKING)


@dataclass(frozen=True)
class Reading:
    """What the clock shows on one day."""

    review_by: date
    """When the window ends; while paused, if it were resumed today."""
    days_used: int
    """Counted days since the model was shared, without paused ones."""
    days_left: int
    """Counted days until `review_by`; 0 when it has passed."""
    paused_days: int
    """Counted days on which the window stood still."""
    shortfall_days: int
    """Days of the window that had gone when the model was shared: never more than it has."""
    late_days: int
    """Counted days from the day to share by to the day of sharing; 0: it came in time."""
    standing: Standing
    """Whether the window runs. None of these keeps anyone from doing anything."""


def day_of(at: str, timezone: str) -> date:
    """The calendar day of a UTC instant (`YYYY-MM-DDTHH:MM:SSZ`) in an IANA zone."""
    instant = moment_of(at)
    try:
        return instant.astimezone(ZoneInfo(timezone)).date()
    # All three: the zone comes from a framework file, and zoneinfo raises another error for each
    # way a name can be wrong.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Ground("time-zone-unknown", zone=ascii(timezone)[:80]).fault from None


def deadline(day: str, timezone: str) -> str:
    """The last minute of a day (`YYYY-MM-DD`) for people: `2026-10-16 23:59 America/New_York`."""
    return f"{day} 23:59 {timezone}"


def deadline_instant(day: str, timezone: str) -> str:
    """The same for programs, with its offset from UTC: `2026-10-16T23:59:59-04:00`."""
    return _last_second(day, timezone).isoformat()


def deadline_recorded(day: str, timezone: str) -> str:
    """The same as the record writes times, in UTC: `2026-10-17T03:59:59Z`."""
    return utc_text(_last_second(day, timezone))


def _last_second(day: str, timezone: str) -> datetime:
    return datetime.combine(day_written(day), time(23, 59, 59), ZoneInfo(timezone))


def calendar_of(window: Window) -> Calendar:
    """Which days a framework's window counts."""
    return Calendar(window.unit == "business-days", frozenset(window.holidays))


def share_by(window: Window, planned_release: date) -> date:
    """The latest day to share so that the whole window fits before the planned release."""
    calendar, day, found = calendar_of(window), planned_release, 0
    # Backwards from the release, whose own day counts: the model is to be shared before the first
    # day of the window begins.
    while found < window.days:
        found += calendar.counts(day)
        day -= _DAY
    return day


def shortfall_days(window: Window, shared: date, planned_release: date | None) -> int:
    """How many days of the window do not fit between sharing and release; 0 without a release."""
    if planned_release is None:
        return 0
    available = calendar_of(window).between(shared, planned_release)
    return max(0, window.days - available)


def late_days(laid: ClockAnchored) -> int:
    """How many counted days after the day to share by the model came; 0: in time.

    Where it came after the planned release this is more than the shortfall, which is of the window.
    """
    calendar = Calendar(laid.business_days, frozenset(map(day_written, laid.holidays)))
    return calendar.between(day_written(laid.share_by), day_written(laid.shared_day))


def anchor_of(window: Window, submission: HandedIn, received: str) -> tuple[Anchor, date]:
    """What the window is tied to, and its day; `received` is as in `window_laid`.

    A window that is counted back from a release that is not planned (an internal model's, say) is
    tied to the next best: partner release, public release, then the submission itself.
    """
    planned = {
        "partner-release": submission.planned_partner_release or submission.planned_public_release,
        "public-release": submission.planned_public_release,
    }
    day = planned.get(window.anchor)
    if day is None:
        return "submission", day_of(received, window.timezone)
    if window.anchor == "partner-release" and submission.planned_partner_release is None:
        return "public-release", day_written(day)
    return window.anchor, day_written(day)


def planned_release(window: Window, submission: HandedIn) -> date | None:
    """The release that the window must fit before: to partners if so anchored, else public."""
    partner, public = submission.planned_partner_release, submission.planned_public_release
    day = (partner or public) if window.anchor == "partner-release" else (public or partner)
    return day_written(day) if day else None


def window_laid(window: Window, handed_in: HandedIn, received: str) -> dict[str, Any]:
    """The window of a submission, as the facts of `clock-anchored` that are not those of any deed.

    `received` is when the submission was recorded (UTC): nobody chooses the day of sharing. This is
    the one way to lay the window: `decide` takes no other.
    """
    anchor, anchor_day = anchor_of(window, handed_in, received)
    shared, planned = day_of(received, window.timezone), planned_release(window, handed_in)
    latest = share_by(window, planned) if planned else shared
    ends = _forward(calendar_of(window), shared, window.days)
    return {
        "anchor": anchor,
        "anchor_day": anchor_day.isoformat(),
        "shared_day": shared.isoformat(),
        "window_days": window.days,
        "business_days": window.unit == "business-days",
        "holidays": [day.isoformat() for day in window.holidays],
        "timezone": window.timezone,
        "share_by": latest.isoformat(),
        "review_by": (ends if anchor == "submission" else anchor_day).isoformat(),
        "shortfall_days": shortfall_days(window, shared, planned),
    }


def _forward(
    calendar: Calendar, start: date, days: int, pauses: tuple[tuple[date, date], ...] = ()
) -> date:
    """The day on which so many counted, unpaused days after the start have passed."""
    day, found = start, 0
    while found < days:
        day += _DAY
        # The first day of a pause counts and its last does not, as with every span here: so two
        # pauses that meet lose no day twice.
        found += calendar.counts(day) and not any(a < day <= b for a, b in pauses)
    return day


def read_clock(clock: Clock, at: str) -> Reading:
    """What the clock shows at a UTC instant. After the end it stays as it was at the end.

    A pause moves the end of a window that runs from the submission. It never moves a release, so
    in a window counted back from one it only costs days. The developer's extension moves both.
    """
    laid = clock.anchored
    zone, shared = laid.timezone, day_written(laid.shared_day)
    # As text: both are UTC in one spelling, whose order is that of time.
    today = day_of(min(at, clock.ended_at or at), zone)
    calendar = Calendar(laid.business_days, frozenset(map(day_written, laid.holidays)))
    pauses = tuple(
        (day_of(begun, zone), min(today, day_of(over, zone)) if over else today)
        for begun, over in clock.pauses
    )
    if laid.anchor == "submission":
        days = laid.window_days + clock.extension_days
        review_by = _forward(calendar, shared, days, pauses)
    else:
        planned = day_written(laid.anchor_day)
        # No pause here: a planned release does not wait for a clock that stands still.
        review_by = _forward(calendar, planned, clock.extension_days)
    paused = sum(calendar.between(max(a, shared), b) for a, b in pauses)
    standing: Standing = "paused" if clock.paused else "running"
    return Reading(
        review_by=review_by,
        days_used=calendar.between(shared, today) - paused,
        days_left=calendar.between(today, review_by),
        paused_days=paused,
        shortfall_days=laid.shortfall_days,
        late_days=late_days(laid),
        standing="ended" if clock.ended_at else standing,
    )
