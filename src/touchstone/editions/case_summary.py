"""What lists show of a case, folded from its state."""

from collections.abc import Sequence

from touchstone.editions.stage_text import stage
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
