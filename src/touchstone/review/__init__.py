"""What may happen to a case: its events, what each party may do when, and what follows.

It signs, stores and measures nothing, and nothing in it can keep a developer from releasing.

Begin at `touchstone.review.decide`: `decide(framework, state, proposed, recorded)`.
"""

from touchstone.review.asking import topics_of
from touchstone.review.checking import check_deed
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
from touchstone.review.layouts import LAYOUTS, layout_of
from touchstone.review.parts import Attached, DeedLayout
from touchstone.review.state import Finding, RunKey, State, Status, Unknown
from touchstone.review.tallies import Attempt, Likeness, Pair, Tally

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
