"""Guards on designation: whose word it is, and on what."""

from touchstone.framework import Framework
from touchstone.review.designation import propose_designation
from touchstone.review.events import judging
from touchstone.review.state import State


def developer_has_not_left(_f: Framework, state: State, _e: object) -> str | None:
    """Nothing new is decided about a model whose developer has left the review."""
    return "the developer has left: what was said stands as it is" if state.withdrawal else None


def may_propose(f: Framework, state: State, event: judging.DesignationProposed) -> str | None:
    """The party that the framework names proposes; where it names none, the centre."""
    named = f.designation.proposed_by if f.designation else None
    if named:
        return None if event.actor == named else f"under {f.id} {named} proposes"
    centre = state.parties[event.actor].role == "centre"
    return None if centre else f"{f.id} names nobody to propose, so the centre does"


def proposal_is_the_rules(
    f: Framework, state: State, event: judging.DesignationProposed
) -> str | None:
    """What is proposed is what the rule gives."""
    rule = propose_designation(f, state)
    if (event.designation, event.says, event.words) != rule.proposed:
        return f"the rule gives {rule.designation} ({rule.summary}): use propose_designation"
    return None


def may_concur(
    f: Framework,
    _s: State,
    event: judging.DesignationConcurred | judging.DesignationDissented,
) -> str | None:
    """Agencies to which the framework gives it say whether they concur."""
    named = f.party(event.actor)
    concurs = named is not None and "concurs" in named.may
    return None if concurs else f"{f.id} does not ask {event.actor} to concur"


def speaks_to_the_question(
    _f: Framework,
    state: State,
    event: judging.DesignationConcurred | judging.DesignationDissented,
) -> str | None:
    """An agency speaks to what is in question now, so that no answer is taken for another."""
    newest = len(state.designating.proposals)
    if not newest:
        return "nothing is proposed yet"
    question = state.designating.in_question
    if (event.proposal, event.designation) != (newest, question):
        return f"in question is {question}, on proposal {newest}"
    return None


def may_designate(
    f: Framework, _s: State, event: judging.DesignationMade | judging.DesignationRevised
) -> str | None:
    """The agency that the framework names designates; where it names none, any agency."""
    if f.designation is None:
        return f"{f.id} knows no designation"
    named = f.designation.made_by
    return None if named in (None, event.actor) else f"under {f.id} {named} designates"


def rests_on_newest(
    _f: Framework, state: State, event: judging.DesignationMade | judging.DesignationRevised
) -> str | None:
    """A designation rests on the newest proposal."""
    newest = len(state.designating.proposals)
    if not newest:
        return "nothing is proposed yet"
    return None if event.proposal == newest else f"the newest proposal is {newest}"


def nothing_is_made(_f: Framework, state: State, _e: object) -> str | None:
    """The first designation is made; later ones revise it."""
    return "a designation is made already: revise it" if state.designating.decisions else None


def something_is_made(_f: Framework, state: State, _e: object) -> str | None:
    """Only a designation that was made is revised."""
    return None if state.designating.decisions else "no designation is made yet"
