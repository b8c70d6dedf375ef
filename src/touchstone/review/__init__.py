"""What may happen to a case: its events, what each party may do when, and what follows.

It signs, stores and measures nothing, and nothing in it can keep a developer from releasing.

Begin at `touchstone.review.decide`: `decide(framework, state, proposed, recorded)`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from touchstone.review.asking import topics_of
from touchstone.review.clock import (
    Calendar,
    Reading,
    day_of,
    deadline,
    deadline_instant,
    late_days,
    planned_release,
    read_clock,
    share_by,
    shortfall_days,
)
from touchstone.review.decide import decide, require_known
from touchstone.review.designation import (
    Concurrence,
    Proposal,
    concurrences,
    propose_designation,
)
from touchstone.review.errors import BadEventError, Refused
from touchstone.review.events import (
    Event,
    UnknownEvent,
    newest_facts,
    parse_event,
    read_event,
)
from touchstone.review.evolve import RecordedEvent, evolve, evolve_seen, fold
from touchstone.review.parts import Attached, DeedLayout
from touchstone.review.state import Finding, RunKey, State, Status, Unknown
from touchstone.review.tallies import Attempt, Likeness, Pair, Tally

if TYPE_CHECKING:
    from touchstone.review.checking import check_deed
    from touchstone.review.layouts import LAYOUTS, layout_of

__all__ = [
    "LAYOUTS",
    "Attached",
    "Attempt",
    "BadEventError",
    "Calendar",
    "Concurrence",
    "DeedLayout",
    "Event",
    "Finding",
    "Likeness",
    "Pair",
    "Proposal",
    "Reading",
    "RecordedEvent",
    "Refused",
    "RunKey",
    "State",
    "Status",
    "Tally",
    "Unknown",
    "UnknownEvent",
    "check_deed",
    "concurrences",
    "day_of",
    "deadline",
    "deadline_instant",
    "decide",
    "evolve",
    "evolve_seen",
    "fold",
    "late_days",
    "layout_of",
    "newest_facts",
    "parse_event",
    "planned_release",
    "propose_designation",
    "read_clock",
    "read_event",
    "require_known",
    "share_by",
    "shortfall_days",
    "topics_of",
]

_LATER = {"check_deed": "checking", "LAYOUTS": "layouts", "layout_of": "layouts"}
"""What is asked of a deed's parts alone: it loads the terms and their policies, which most commands
that only read a case never name."""


def __getattr__(name: str) -> object:
    """A name that is asked for the first time."""
    if name not in _LATER:
        raise AttributeError(f"{__name__} has no {name}")
    found: object = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = found
    return found
