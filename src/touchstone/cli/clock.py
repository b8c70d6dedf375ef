"""`touchstone clock`: the review window, and what its parties do with it. It stops nobody."""

from typing import TYPE_CHECKING

from cyclopts import App

from touchstone.cli.hands import ANYWHERE, HERE, AtServer, CaseId, Where, act
from touchstone.cli.output import show_json
from touchstone.cli.typed import line_of
from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.client.party_case import PartyCase
    from touchstone.deeds.deed import Deed

DONE = 0
clock = App(name="clock", help="Show, lay, pause, resume, extend or end the review window.")


@clock.command
def show(case: CaseId, *, where: AtServer = ANYWHERE) -> int:
    """Show every date of a case with hour and zone, and who is to act by then.

    For example: touchstone clock show 3f2a
    """
    from touchstone.cli import question_tables
    from touchstone.editions.questions.clock import clock_shown

    with where.hand as hand:
        known = hand.look(case)
        shown = clock_shown(known, known.now())
    if where.json:
        show_json({"case": known.id, **shown.as_dict()})
    else:
        question_tables.clock(shown)
    return DONE


@clock.command
def lay(case: CaseId, *, where: Where = HERE) -> int:
    """Lay the framework's window for what was handed in, by the centre's key.

    Nobody chooses its days: they follow from the framework and from when the submission came.

    For example: touchstone clock lay 3f2a
    """
    return act(where, case, _laid, role="centre")


def _laid(known: "PartyCase") -> "Deed":
    from touchstone.deeds.cases import clock_anchored

    state = known.state
    if state.submission is None:
        raise BadInputError("CASE: nothing was handed in so far, so there is no window to lay")
    window = known.open_framework.window
    return clock_anchored(known, known.by, window, state.submission, state.submitted_at)


@clock.command
def pause(case: CaseId, *, reason: str, where: Where = HERE) -> int:
    """Let the window stand still, for the developer or the centre.

    For example: touchstone clock pause 3f2a --as example-lab --reason "Our endpoint is down."

    Args:
        reason: Why, one line for the record.
    """
    from touchstone.deeds.cases import clock_paused

    why = line_of("--reason", reason)
    return act(where, case, lambda known: clock_paused(known, known.by, why))


@clock.command
def resume(case: CaseId, *, where: Where = HERE) -> int:
    """Let the window go on, for the developer or the centre.

    For example: touchstone clock resume 3f2a --as example-lab
    """
    from touchstone.deeds.cases import clock_resumed

    return act(where, case, lambda known: clock_resumed(known, known.by))


@clock.command
def extend(case: CaseId, *, days: int, reason: str, where: Where = HERE) -> int:
    """Let the window end later, by the developer's key; the developer alone gives days.

    For example: touchstone clock extend 3f2a --days 7 --reason "One mode came late."

    Args:
        days: How many days, counted as the framework counts.
        reason: Why, one line for the record.
    """
    from touchstone.deeds.cases import clock_extended

    why = line_of("--reason", reason)
    if days < 1:
        raise BadInputError("--days: write how many days it is to end later, 1 or more")
    return act(where, case, lambda known: clock_extended(known, known.by, days, why), "developer")


@clock.command
def end(case: CaseId, *, reason: str, where: Where = HERE) -> int:
    """End the window before its day, for the developer or the centre.

    It cannot be undone: name the case by its whole id.

    For example: touchstone clock end case-1 --as example-centre --reason "All is measured."

    Args:
        reason: Why, one line for the record.
    """
    from touchstone.deeds.cases import clock_ended

    why = line_of("--reason", reason)
    return act(where, case, lambda known: clock_ended(known, known.by, why))
