"""Guards on designation: whose word it is, and on what."""

from touchstone.framework import Framework
from touchstone.review.designation import propose_designation
from touchstone.review.events import judging
from touchstone.review.grounds import Ground
from touchstone.review.state import State


def developer_has_not_left(_f: Framework, state: State, _e: object) -> Ground | None:
    """Nothing new is decided about a model whose developer has left the review."""
    return Ground("developer-has-left") if state.withdrawal else None


def may_propose(f: Framework, state: State, event: judging.DesignationProposed) -> Ground | None:
    """The party that the framework names proposes; where it names none, the centre."""
    named = f.designation.proposed_by if f.designation else None
    if named:
        mine = event.actor == named
        return None if mine else Ground("not-the-proposer", framework=f.id, proposer=named)
    centre = state.parties[event.actor].role == "centre"
    return None if centre else Ground("centre-proposes", framework=f.id)


def proposal_is_the_rules(
    f: Framework, state: State, event: judging.DesignationProposed
) -> Ground | None:
    """What is proposed is what the rule gives."""
    rule = propose_designation(f, state)
    if (event.designation, event.says, event.words) != rule.proposed:
        # Not the rule's words: they go with the case, and a refusal stays.
        return Ground("proposal-not-by-rule", designation=str(rule.designation))
    return None


def may_concur(
    f: Framework,
    _s: State,
    event: judging.DesignationConcurred | judging.DesignationDissented,
) -> Ground | None:
    """Agencies to which the framework gives it say whether they concur."""
    named = f.party(event.actor)
    concurs = named is not None and "concurs" in named.may
    return None if concurs else Ground("not-asked-to-concur", framework=f.id)


def speaks_to_the_question(
    _f: Framework,
    state: State,
    event: judging.DesignationConcurred | judging.DesignationDissented,
) -> Ground | None:
    """An agency speaks to what is in question now, so that no answer is taken for another."""
    newest = len(state.designating.proposals)
    if not newest:
        return Ground("nothing-proposed")
    question = state.designating.in_question
    if (event.proposal, event.designation) != (newest, question):
        return Ground("not-in-question", designation=str(question), proposal=newest)
    return None


def may_designate(
    f: Framework, _s: State, event: judging.DesignationMade | judging.DesignationRevised
) -> Ground | None:
    """The agency that the framework names designates; where it names none, any agency."""
    if f.designation is None:
        return Ground("no-designation", framework=f.id)
    named = f.designation.made_by
    if named in (None, event.actor):
        return None
    return Ground("not-the-designator", framework=f.id, designator=named)


def rests_on_newest(
    _f: Framework, state: State, event: judging.DesignationMade | judging.DesignationRevised
) -> Ground | None:
    """A designation rests on the newest proposal."""
    newest = len(state.designating.proposals)
    if not newest:
        return Ground("nothing-proposed")
    return None if event.proposal == newest else Ground("proposal-superseded", newest=newest)


def nothing_is_made(_f: Framework, state: State, _e: object) -> Ground | None:
    """The first designation is made; later ones revise it."""
    return Ground("designation-made") if state.designating.decisions else None


def something_is_made(_f: Framework, state: State, _e: object) -> Ground | None:
    """Only a designation that was made is revised."""
    return None if state.designating.decisions else Ground("designation-not-made")
