"""What lists show of a case, folded from its state."""

from collections.abc import Sequence
from typing import Any

from touchstone.records import Summary
from touchstone.review import State, fold, read_event


def summarise_events(case: str, events: Sequence[dict[str, Any]]) -> Summary:
    """The same from part 0s: how the index is made again."""
    state = fold(read_event(facts) for facts in events)
    return summarise(case, state, str(events[-1]["at"]))


def summarise(case: str, state: State, at: str) -> Summary:
    """The row of one case; `at` is when its newest entry was made (UTC)."""
    submission = state.submission
    invited = (name for name, act in state.invitations.items() if act.role == "developer")
    developers = state.having("developer") or tuple(invited)
    return Summary(
        title=f"{state.opened.kind} {case[:8]}" if state.opened else case[:8],
        model_name=submission.model if submission else "",
        developer=", ".join(developers),
        framework=state.opened.framework.id if state.opened else "",
        status=stage(state),
        updated=at,
        whole=not state.unknown,
    )


def stage(state: State) -> str:
    """Where a case stands, in a few words."""
    known = _stage(state)
    return f"{known}; holds newer events" if state.unknown else known


def _stage(state: State) -> str:
    if state.status != "open":
        return state.status
    if state.halted:
        return "halted"
    return _worked_on(state)


def _worked_on(state: State) -> str:
    """Where an open case stands that nobody has halted."""
    designating = state.designating
    if designating.decisions:
        return f"designated: {designating.decisions[-1].designation}"
    if state.stopped:
        return f"stopped: {state.stopped.reason}"
    if designating.proposals:
        return f"proposed: {designating.proposals[-1].designation}"
    if state.batteries:
        return "measuring"
    return "submitted" if state.submission else "open"
