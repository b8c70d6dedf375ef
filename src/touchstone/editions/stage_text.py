"""Where a case stands, in a few words: for lists, and for whoever is about to change it."""

from touchstone.editions.sentences import sentence
from touchstone.review import State


def stage(state: State) -> str:
    """Where a case stands, in a few words."""
    known = _stage(state)
    return sentence("stage.newer", stage=known) if state.unknown else known


def stage_now(stage: str, *, at_work: bool) -> str:
    """The same, where it is known whether somebody works on it: a run may have been interrupted."""
    idle = stage == sentence("stage.measuring") and not at_work
    return sentence("stage.idle") if idle else stage


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
