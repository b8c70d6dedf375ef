"""`touchstone review halt|resume|withdraw|close`: what a party does about a review as a whole."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from touchstone.cli.hands import HERE, CaseId, Where, act, hand_of, require_centre
from touchstone.cli.output import tell
from touchstone.cli.typed import line_of, name_of

if TYPE_CHECKING:
    from touchstone.client.party_case import PartyCase
    from touchstone.deeds.deed import Deed

DONE = 0
review = App(
    name="review",
    help="Run, measure, look at, halt, resume, leave, close, issue or destroy a review.",
    suppress_keyboard_interrupt=False,
)


@review.command
def halt(case: CaseId, *, reason: str, where: Where = HERE) -> int:
    """Stop measuring in a case at once. What has run stays in the record. Nothing is asked before.

    For example: touchstone review halt 3f2a --as example-lab --reason "We look into a leak."

    Args:
        reason: One line for the record.
    """
    from touchstone.deeds.cases import review_halted

    # Before anything is opened: a bad line is bad input, whatever else is amiss.
    why = line_of("--reason", reason)
    # A stop is not to wait for an answer on a terminal, and it can be taken back.
    at_once = replace(where, yes=True)
    return act(at_once, case, lambda known: review_halted(known, known.by, why), role="centre")


@review.command
def resume(case: CaseId, *, reason: str, where: Where = HERE) -> int:
    """Take a party's own halt back; what was stopped may run again once no halt stands.

    For example: touchstone review resume 3f2a --as example-lab --reason "It was no leak."

    Args:
        reason: One line for the record.
    """
    from touchstone.deeds.cases import review_resumed

    why = line_of("--reason", reason)
    return act(where, case, lambda known: review_resumed(known, known.by, why), role="centre")


@review.command
def issue(case: CaseId, *, audience: str, where: Where = HERE) -> int:
    """Record that an edition is given to an audience, by the centre's key: its page as it is now.

    A server drafts the page, which the centre may not read for others, and the deed has its digest.

    For example: touchstone review issue 3f2a --audience example-agency

    Args:
        audience: A party of the case, or `public` where the agreement publishes anything.
    """
    from touchstone.deeds.reporting import report_issued

    name = name_of("--audience", audience)
    with hand_of(where) as hand:

        def draft(known: "PartyCase") -> "Deed":
            require_centre(known)
            made = hand.draft_report(known.id, name)
            number, page, at = int(made["edition"]), str(made["report"]), str(made["at"])
            return report_issued(known, known.by, name, number, page, at)

        done = hand.act(case, draft, "centre")
    tell(done, json=where.json)
    return DONE


@review.command
def withdraw(
    case: CaseId,
    *,
    publish: Annotated[bool, Parameter(negative="")] = False,
    where: Where = HERE,
) -> int:
    """Leave a review, by the developer's key: without penalty, and in every case.

    It cannot be undone: name the case by its whole id.

    For example: touchstone review withdraw case-1

    Args:
        publish: The developer consents to the register saying so.
    """
    from touchstone.deeds.cases import review_withdrawn

    return act(
        where,
        case,
        lambda known: review_withdrawn(known, known.by, publish=publish),
        role="developer",
    )


@review.command
def close(case: CaseId, *, reason: str, where: Where = HERE) -> int:
    """Say that a review is over, for the developer or the centre; how long it is kept runs from it.

    It cannot be undone: name the case by its whole id.

    For example: touchstone review close case-1 --as example-centre --reason "All was said."

    Args:
        reason: One line for the record.
    """
    from touchstone.deeds.cases import case_closed

    why = line_of("--reason", reason)
    return act(where, case, lambda known: case_closed(known, known.by, why), role="centre")
