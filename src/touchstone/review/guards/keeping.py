"""Guards on destroying: what a case still carries, whose texts and evidence somebody relies on.

How long content may be kept, which developer and centre agreed on, is the most that they allow and
keeps nothing: destroying earlier breaks it for nobody.
"""

from touchstone.framework import Framework
from touchstone.review.events import settling
from touchstone.review.state import State


def no_directive_is_in_force(_f: Framework, state: State, _e: settling.CaseDestroyed) -> str | None:
    """No order stands, answered or not, and no gateway is still to carry one out."""
    carried = state.bundled_directives
    for name, each in state.directives.items():
        if state.recorded_at >= each.issued.expires:
            continue
        if each.lifted_at is None:
            return (
                f"directive {name} of {each.issued.actor} is in force until {each.issued.expires}: "
                "it is lifted, or ends, first"
            )
        if name in carried:
            return (
                f"directive {name} is lifted, and the newest bundle of {carried[name]} still "
                "carries it out: the developer publishes one without it first"
            )
    return None


def no_dispute_is_open(_f: Framework, state: State, _e: object) -> str | None:
    """What a finding rests on stays while the developer disputes it."""
    for name, each in state.findings.items():
        if each.stands == "disputed":
            return (
                f"finding {name} is disputed, and {each.signed.actor} has not answered: it looks "
                "at it again first"
            )
    return None


def no_halt_is_in_force(_f: Framework, state: State, _e: object) -> str | None:
    """Whoever halts a review has a reason to look at what is there, until it lifts the halt."""
    by = ", ".join(sorted(state.halted_by))
    return f"the review is halted by {by}, who can lift the halt first" if by else None
