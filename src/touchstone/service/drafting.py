"""What every function of a deed needs: an event of a party now, and texts with their digests.

Each feature's `deeds.py` has one function a deed, named as the deed's type: it takes values and ids
and gives the event with what goes with it. `Case.record` has it signed by its party's key, judged
and recorded; nothing else does.
"""

from typing import Any

from touchstone.clearance import Marking
from touchstone.evaluation.digests import digest_value
from touchstone.review import Event, parse_event
from touchstone.service.case import Case
from touchstone.service.recording import Content


def event_of(
    case: Case, kind: type[Event], by: str, marking: Marking | None = None, /, **facts: Any
) -> Event:
    """An event of a party now, for all parties of the case unless a marking is given.

    Raises:
        BadEventError: a fact is ill-formed; the line names it and the fix.
    """
    plain = {
        name: list(value) if isinstance(value, tuple) else value for name, value in facts.items()
    }
    common = {
        "type": kind.model_fields["type"].default,
        "actor": by,
        "at": case.now(),
        "marking": (marking or case.marks.case).as_dict(),
    }
    return parse_event({**common, **plain})


def text_part(case: Case, text: str, marking: Marking | None = None) -> tuple[Content, str]:
    """A text as a part, and its digest; for all parties of the case unless a marking is given."""
    content = {"text": text}
    return Content(content, marking or case.marks.case), digest_value(content)
