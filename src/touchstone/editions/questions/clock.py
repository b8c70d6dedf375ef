"""What the clock of a case shows: every date with its hour, its zone, and who holds the ball."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

from touchstone.editions.questions.asked_case import AskedCase
from touchstone.framework import Anchor, Framework
from touchstone.handin import moment_of
from touchstone.review import State, read_clock
from touchstone.review.clock import deadline_recorded
from touchstone.review.next_deeds import IN_THE_WINDOW, NextDeed, NextReason, deeds_of_all
from touchstone.review.state import Clock

Dated = Literal[
    "share-by",
    "shared",
    "paused",
    "resumed",
    "ended",
    "window-ends",
    "postponement",
    "postponement-granted",
    "partner-release",
    "public-release",
]


@dataclass(frozen=True)
class ClockDate:
    """One moment that the clock of a case is about, told in the zone of the framework's days."""

    what: Dated
    at: str
    """UTC, as the record writes it."""
    local: str
    """The same with its offset, as `2026-10-16T23:59:59-04:00`."""
    timezone: str
    """An IANA zone."""
    past: bool
    by: tuple[str, ...] = ()
    """Party ids: who is to act by then; none: nobody is, or it is done."""
    about: str = ""
    """Of a postponement: the id of the request."""

    @property
    def text(self) -> str:
        """For people: `2026-10-16 23:59 America/New_York`."""
        return f"{self.local[:16].replace('T', ' ')} {self.timezone}"


@dataclass(frozen=True)
class WindowShown:
    """The review window as it was laid, and what has become of it."""

    anchor: Anchor
    """What it is tied to."""
    business_days: bool
    window_days: int
    days_used: int
    days_left: int
    paused_days: int
    extension_days: int
    shortfall_days: int
    late_days: int


@dataclass(frozen=True)
class ClockShown:
    """The clock of a case as its reader may know it."""

    standing: Literal["not-laid", "running", "paused", "ended"]
    timezone: str
    """In which the days begin and end."""
    window: WindowShown | None
    """None: none is laid so far."""
    dates: tuple[ClockDate, ...]
    """In the order of time."""
    acting_told: bool
    """Whether who is to act can be told: not without the framework, nor past a newer version."""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


@dataclass(frozen=True)
class _Reckoning:
    """How moments are told: in which zone, at which moment it is asked, and who is to act."""

    timezone: str
    now: str
    every: tuple[NextDeed, ...]
    """What all parties must or may do: who is to act is told from it alone (ADR 302)."""

    def acting(self, *reasons: NextReason, must: bool = False, **about: str) -> tuple[str, ...]:
        """Who must or may do a deed that is next for one of these reasons; party ids.

        `must`: of deeds that the case waits for. `about` is what it is about, as `NextDeed` has it.
        """
        found = (
            each.by
            for each in self.every
            if each.reason in reasons
            and (each.stance == "must" or not must)
            and about.items() <= each.about.items()
        )
        return tuple(dict.fromkeys(found))

    def moment(self, what: Dated, at: str, by: tuple[str, ...] = (), about: str = "") -> ClockDate:
        """A moment (UTC)."""
        local = moment_of(at).astimezone(ZoneInfo(self.timezone)).isoformat()
        return ClockDate(what, at, local, self.timezone, at < self.now, by, about)

    def end_of(self, what: Dated, day: str, by: tuple[str, ...] = (), about: str = "") -> ClockDate:
        """The last second of a day (`YYYY-MM-DD`)."""
        return self.moment(what, deadline_recorded(day, self.timezone), by, about)


def clock_shown(case: AskedCase, now: str) -> ClockShown:
    """What the clock shows at a moment (UTC), and what is planned and asked beside it."""
    state, clock = case.state, case.state.clock
    known = case.framework is not None and not state.unknown
    every = deeds_of_all(case.framework, state, now) if case.framework else ()
    told = _Reckoning(_timezone(case.framework, clock), now, every)
    dates = [*_of_releases(state, told), *_of_postponement(state, told)]
    if clock is None:
        if state.submission is not None:
            dates.append(told.moment("shared", state.submitted_at))
        return ClockShown("not-laid", told.timezone, None, _in_order(dates), known)
    laid, reading = clock.anchored, read_clock(clock, now)
    # Who is to act before the window ends: the case waits for them, and nobody is made to.
    acting = () if clock.ended_at else told.acting(*IN_THE_WINDOW, must=True)
    ends = told.end_of("window-ends", reading.review_by.isoformat(), acting)
    dates += [*_of_window(state, clock, told), ends]
    window = WindowShown(
        anchor=laid.anchor,
        business_days=laid.business_days,
        window_days=laid.window_days,
        days_used=reading.days_used,
        days_left=reading.days_left,
        paused_days=reading.paused_days,
        extension_days=clock.extension_days,
        shortfall_days=reading.shortfall_days,
        late_days=reading.late_days,
    )
    return ClockShown(reading.standing, told.timezone, window, _in_order(dates), known)


def _timezone(framework: Framework | None, clock: Clock | None) -> str:
    # Of a destroyed case the framework is gone; the window's facts stay.
    if clock is not None:
        return clock.anchored.timezone
    return framework.window.timezone if framework else "UTC"


def _in_order(dates: list[ClockDate]) -> tuple[ClockDate, ...]:
    return tuple(sorted(dates, key=lambda date: date.at))


def _of_window(state: State, clock: Clock, told: _Reckoning) -> Iterator[ClockDate]:
    laid = clock.anchored
    if laid.anchor != "submission":
        yield told.end_of("share-by", laid.share_by)
    yield told.moment("shared", state.submitted_at)
    for begun, over in clock.pauses:
        yield told.moment("paused", begun, told.acting("clock-paused") if over is None else ())
        if over is not None:
            yield told.moment("resumed", over)
    if clock.ended_at:
        yield told.moment("ended", clock.ended_at)


def _of_releases(state: State, told: _Reckoning) -> Iterator[ClockDate]:
    """The releases that are planned: each is the developer's to do, and nobody else's."""
    if state.submission is None:
        return
    if day := state.submission.planned_partner_release:
        by = told.acting("release-planned", scope="partners")
        yield told.end_of("partner-release", day, by)
    if day := state.submission.planned_public_release:
        yield told.end_of("public-release", day, told.acting("release-planned", scope="public"))


def _of_postponement(state: State, told: _Reckoning) -> Iterator[ClockDate]:
    """The days to which a postponement is asked for, or was granted."""
    for request, each in state.postponements.items():
        answer, asked = each.answer, each.requested.until
        if answer is None:
            by = told.acting("postponement-unanswered", request=request)
            yield told.end_of("postponement", asked, by, request)
        elif answer.answer != "declined":
            yield told.end_of("postponement-granted", answer.until or asked, (), request)
