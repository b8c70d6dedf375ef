"""Parts of a state with something in them replaced, for what several events change alike."""

from dataclasses import replace
from typing import Any

from touchstone.review.state import State, with_item


def with_finding(state: State, finding: str, **changes: Any) -> State:
    """A case in which something is otherwise of one finding."""
    known = replace(state.findings[finding], **changes)
    return replace(state, findings=with_item(state.findings, finding, known))


def with_directive(state: State, directive: str, **changes: Any) -> State:
    """A case in which something is otherwise of one directive."""
    known = replace(state.directives[directive], **changes)
    return replace(state, directives=with_item(state.directives, directive, known))


def keeping_agreed(before: State, after: State) -> State:
    """Keep in mind what is agreed: a later offer takes nothing of it back, a refusal does.

    Newer terms replaced the older ones when they were agreed. Taking them back leaves no terms:
    what they replaced does not come back by itself.
    """
    was, now = before.agreed_terms, after.agreed_terms
    if was == now:
        return after
    if now is None:
        return replace(after, agreed_before=())
    others = tuple(each for each in after.agreed_before if each != now)
    return replace(after, agreed_before=(*others, now))
