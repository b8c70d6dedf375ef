"""`touchstone postponement`: officials or the centre ask for time. It binds nobody."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from touchstone.cli.hands import HERE, CaseId, Where, act
from touchstone.cli.typed import day_of, name_of, statement_of

postponement = App(name="postponement", help="Ask the developer to postpone a release, or answer.")
RequestId = Annotated[str, Parameter(help="The request's id.")]


@postponement.command
def request(
    case: CaseId, request: RequestId, *, until: str, reason: str, where: Where = HERE
) -> int:
    """Ask the developer to postpone a release to a day, for an agency or the centre.

    It binds nobody: the developer may release all the same, and silence is no consent.

    For example: touchstone postponement request 3f2a more-time --as example-agency --until
    2027-02-01 --reason "Two criteria are not measured yet."

    Args:
        until: The day that is asked for, YYYY-MM-DD.
        reason: Why, for the record.
    """
    from touchstone.deeds.access import postponement_requested

    new, day = name_of("REQUEST", request), day_of("--until", until)
    why = statement_of("--reason", reason)
    return act(where, case, lambda known: postponement_requested(known, known.by, new, day, why))


@postponement.command
def answer(
    case: CaseId,
    request: RequestId,
    answer: Literal["granted", "granted-in-part", "declined"],
    *,
    until: str | None = None,
    where: Where = HERE,
) -> int:
    """Answer a request to postpone, by the developer's key.

    For example: touchstone postponement answer 3f2a more-time granted-in-part --until 2027-01-20

    Args:
        answer: What the developer says.
        until: The day that the developer plans now, YYYY-MM-DD.
    """
    from touchstone.deeds.access import postponement_answered

    name = name_of("REQUEST", request)
    day = None if until is None else day_of("--until", until)
    return act(
        where,
        case,
        lambda known: postponement_answered(known, known.by, name, answer, day),
        role="developer",
    )
