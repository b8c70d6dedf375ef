"""The deed that lays a window, for what has no case to draft it in."""

from touchstone.clearance import Marking
from touchstone.framework import Window
from touchstone.review.clock import HandedIn, window_laid
from touchstone.review.events.measuring import ClockAnchored


def anchor_clock(
    window: Window, handed_in: HandedIn, actor: str, at: str, marking: Marking
) -> ClockAnchored:
    """The window as the framework lays it."""
    laid = window_laid(window, handed_in)
    laid["holidays"] = tuple(laid["holidays"])
    return ClockAnchored(actor=actor, at=at, marking=marking, **laid)
