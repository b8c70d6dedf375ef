"""The deed that lays a window, for what has no case to draft it in."""

from touchstone.clearance import Marking
from touchstone.framework import Window
from touchstone.review.clock import window_laid
from touchstone.review.events.measuring import ClockAnchored
from touchstone.review.events.opening import SubmissionReceived


def anchor_clock(
    window: Window, handed_in: SubmissionReceived, actor: str, at: str, marking: Marking
) -> ClockAnchored:
    """The window as the framework lays it for what was recorded at the moment that it tells."""
    laid = window_laid(window, handed_in, handed_in.at)
    laid["holidays"] = tuple(laid["holidays"])
    return ClockAnchored(actor=actor, at=at, marking=marking, **laid)
