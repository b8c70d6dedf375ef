"""Entries as a newer version would write them: signed, in their place, of a type not known here."""

from typing import Any

from touchstone.review import Attached, State, UnknownEvent
from touchstone.service import recording
from touchstone.service.installation import Installation

NEWER = "weights-escrowed"


def unknown(state: State, at: str, kind: str = NEWER, **facts: Any) -> UnknownEvent:
    """An event of the centre's that this version does not know."""
    assert state.opened
    given = {"marking": state.opened.marking, "schema": 1, **facts}
    return UnknownEvent(type=kind, actor=state.having("centre")[0], at=at, **given)


def add_newer(here: Installation, case: str, kind: str = NEWER, **facts: Any) -> int:
    """Add such an event as an entry, with a part beside its facts; gives its n."""
    state = here.state(case)
    event = unknown(state, here.now(), kind, **facts)
    value = {"kind": "content", "marking": event.marking.as_dict(), "content": {"new": [1]}}
    with here.records.transaction(case) as writer:
        recording._append(here, writer, state, event, [Attached(value)])
    return state.size
