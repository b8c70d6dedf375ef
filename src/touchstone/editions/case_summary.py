"""What lists show of a case, folded from its state."""

from collections.abc import Sequence

from touchstone.editions.sentences import sentence
from touchstone.records import RecordedFacts, Summary
from touchstone.review import State, fold, read_event


def summarise_events(case: str, events: Sequence[RecordedFacts]) -> Summary:
    """The same from part 0s: how the index is made again."""
    return summarise(case, fold((read_event(facts), at) for facts, at in events))


def summarise(case: str, state: State) -> Summary:
    """The row of one case."""
    submission = state.submission
    # Until the developer has joined by its own key, the list shows whom the centre is waiting for.
    invited = (name for name, act in state.invitations.items() if act.role == "developer")
    developers = state.having("developer") or tuple(invited)
    return Summary(
        title=f"{state.opened.kind} {case[:8]}" if state.opened else case[:8],
        model_name=submission.model if submission else "",
        developer=", ".join(developers),
        framework=state.opened.framework.id if state.opened else "",
        status=stage(state),
        updated=state.recorded_at,
        whole=not state.unknown,
    )


def stage(state: State) -> str:
    """Where a case stands, in a few words."""
    known = _stage(state)
    return sentence("stage.newer", stage=known) if state.unknown else known


def _stage(state: State) -> str:
    if state.status != "open":
        return sentence("stage.status", status=state.status)
    if state.halted:
        return sentence("stage.halted")
    return _worked_on(state)


def _worked_on(state: State) -> str:
    """Where an open case stands that nobody has halted."""
    designating = state.designating
    # What people decided comes before a stop, and a stop before what the rule makes of what ran.
    if designating.decisions:
        return sentence("stage.designated", designation=designating.decisions[-1].designation)
    if state.stopped:
        return sentence("stage.stopped", reason=state.stopped.reason)
    if designating.proposals:
        return sentence("stage.proposed", designation=designating.proposals[-1].designation)
    if state.batteries:
        return sentence("stage.measuring")
    if state.submission:
        return sentence("stage.submitted")
    return sentence("stage.status", status="open")
