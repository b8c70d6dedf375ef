"""`touchstone inquiry` and `touchstone participation`: what is asked and said before a review."""

from typing import Literal

from cyclopts import App

from touchstone.cli.hands import HERE, CaseId, Where, act
from touchstone.cli.typed import name_of, statement_of

inquiry = App(name="inquiry", help="Ask whether a model would qualify, or answer that.")
participation = App(name="participation", help="Say how a party stands to the framework.")


@inquiry.command
def ask(
    case: CaseId,
    inquiry: str,
    *,
    question: str,
    release_state: Literal["in-development", "internal", "restricted", "released"],
    where: Where = HERE,
) -> int:
    """Ask whether a model in development would qualify, by the developer's key.

    For example: touchstone inquiry ask case-1 first --release-state in-development
    --question "Would a model of this size qualify?"

    Args:
        inquiry: A new id, by which it is answered.
        question: What is asked.
        release_state: How far the model is out.
    """
    from touchstone.deeds.cases import inquiry_asked

    new, said = name_of("INQUIRY", inquiry), statement_of("--question", question)
    return act(
        where,
        case,
        lambda known: inquiry_asked(known, known.by, new, release_state, said),
        role="developer",
    )


@inquiry.command
def answer(
    case: CaseId,
    inquiry: str,
    *,
    answer: Literal["would-qualify", "would-not-qualify", "cannot-say"],
    reasons: str,
    where: Where = HERE,
) -> int:
    """Answer an inquiry, for the centre or an agency. It designates nothing.

    For example: touchstone inquiry answer case-1 first --answer would-qualify --reasons "It is
    larger than any before it."

    Args:
        inquiry: Its id.
        answer: What the party thinks.
        reasons: Why.
    """
    from touchstone.deeds.cases import inquiry_answered

    asked, why = name_of("INQUIRY", inquiry), statement_of("--reasons", reasons)
    return act(
        where,
        case,
        lambda known: inquiry_answered(known, known.by, asked, answer, why),
        role="centre",
    )


@participation.command(name="set")
def set_(
    case: CaseId,
    status: Literal["participating", "negotiating", "declined", "withdrawn"],
    *,
    source: str,
    where: Where = HERE,
) -> int:
    """Say how a party stands to the framework. It is neutral: no status is a fault.

    For example: touchstone participation set case-1 participating --as example-lab --source "Letter
    of 3 June."

    Args:
        status: The status that the party states for itself.
        source: Where the party said so.
    """
    from touchstone.deeds.cases import participation_noted

    said = statement_of("--source", source)
    return act(where, case, lambda known: participation_noted(known, known.by, status, said))
