"""Guards on the clock. None of them keeps anyone from anything but the clock."""

from touchstone.framework import Framework
from touchstone.review.clock import window_laid
from touchstone.review.events import measuring
from touchstone.review.grounds import Ground
from touchstone.review.state import State

MOST_EXTENSION_DAYS = 3650
"""Extensions add up to at most ten years, so that dates stay within the calendar."""


def window_is_laid_once(
    f: Framework, state: State, event: measuring.ClockAnchored
) -> Ground | None:
    """The window is laid by the rule, and once for a submission."""
    if state.submission is None:
        return Ground("window-too-early")
    if state.clock and state.clock.submission == state.submission.submission:
        return Ground("window-laid")
    laid = window_laid(f.window, state.submission, state.submitted_at)
    if laid != {name: event.facts().get(name) for name in laid}:
        return Ground("window-not-by-rule", share_by=laid["share_by"])
    return None


def clock_has_not_ended(_f: Framework, state: State, _e: object) -> Ground | None:
    """There is a clock, and it has not ended."""
    if state.clock is None:
        return Ground("window-not-laid")
    return Ground("clock-ended") if state.clock.ended_at else None


def clock_runs(f: Framework, state: State, event: measuring.ClockPaused) -> Ground | None:
    """A running clock can be paused."""
    if state.clock is None or state.clock.ended_at:
        return clock_has_not_ended(f, state, event)
    return Ground("clock-paused") if state.clock.paused else None


def clock_stands(f: Framework, state: State, event: measuring.ClockResumed) -> Ground | None:
    """A paused clock can be resumed."""
    if state.clock is None or state.clock.ended_at:
        return clock_has_not_ended(f, state, event)
    return None if state.clock.paused else Ground("clock-not-paused")


def clock_can_be_extended(
    f: Framework, state: State, event: measuring.ClockExtended
) -> Ground | None:
    """A clock that has not ended can be extended within reason."""
    if state.clock is None or state.clock.ended_at:
        return clock_has_not_ended(f, state, event)
    if state.clock.extension_days + event.days > MOST_EXTENSION_DAYS:
        return Ground("extension-too-long", most=MOST_EXTENSION_DAYS)
    return None
