"""Entries as a newer version would write them: signed, in their place, of a type not known here."""

from typing import Any

from touchstone.clearance import Marking
from touchstone.review import Attached, UnknownEvent
from touchstone.service import recording
from touchstone.service.installation import Installation

NEWER = "weights-escrowed"


def add_newer(
    here: Installation,
    case: str,
    kind: str = NEWER,
    schema: int = 1,
    marking: Marking | None = None,
    **facts: Any,
) -> int:
    """Add an entry of the centre's with a part beside its facts; gives its n."""
    state = here.state(case)
    assert state.opened
    event = UnknownEvent(
        type=kind,
        schema=schema,
        actor=state.having("centre")[0],
        at=here.now(),
        marking=marking or state.opened.marking,
        **facts,
    )
    value = {"kind": "content", "marking": event.marking.as_dict(), "content": {"new": [1]}}
    with here.records.transaction(case) as writer:
        recording._append(here, writer, state, event, [Attached(value)])
    return state.size
