"""What every function of a deed needs: an event of a party now, and texts with their digests.

Each feature's module has one function a deed, named as the deed's type: it takes values and ids
and gives the event with what goes with it. `Case.record` has it signed by its party's key, judged
and recorded; nothing else does.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from touchstone.clearance import Marking
from touchstone.deeds.deed import Attachment, Content, Deed
from touchstone.deeds.known_case import KnownCase
from touchstone.deeds.signing import SALT
from touchstone.evaluation.digests import digest_bytes, digest_value
from touchstone.ledger import dumps
from touchstone.review import Event, layout_of, parse_event
from touchstone.review.checking import check_shape

NONE: Mapping[str, Any] = MappingProxyType({})


def event_of(
    case: KnownCase, kind: type[Event], by: str, marking: Marking | None = None, /, **facts: Any
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


def text_part(case: KnownCase, text: str, marking: Marking | None = None) -> tuple[Content, str]:
    """A text as a part, and its digest; for all parties of the case unless a marking is given."""
    content = {"text": text}
    return Content(content, marking or case.marks.case), digest_value(content)


def worded(
    case: KnownCase,
    kind: type[Event],
    by: str,
    marking: Marking | None = None,
    /,
    *,
    texts: Mapping[str, Any],
    parts: Any = NONE,  # else other facts, given as a mapping, could not be told from it
    **facts: Any,
) -> Deed:
    """A deed with people's words: they are parts, and the facts are no more than their digests.

    Args:
        case: The case.
        kind: The type of the event.
        by: Whose deed it is.
        marking: Who may read it, words included; None: every party of the case.
        texts: By fact a text, or a list of lines; None where nothing is said.
        parts: What else goes with it: a mapping of attachments by name; None where there is none.
        facts: The other facts.

    Raises:
        BadEventError: a fact or a text is ill-formed; the line names it and the fix.
    """
    words = {
        name: _salted(case, name, said, marking or case.marks.case)
        for name, said in texts.items()
        if said is not None
    }
    written = {name: dumps(part.value) for name, part in words.items()}
    digests = {name: digest_bytes(written[name]) if name in written else None for name in texts}
    event = event_of(case, kind, by, marking, **facts, **digests)
    layout = layout_of(event)
    for name, data in written.items():
        check_shape(event, layout.part(name), data)
    given: dict[str, Attachment] = {name: each for name, each in parts.items() if each} | words
    order = [part.name for part in layout.parts]
    return Deed(event, tuple(given[name] for name in sorted(given, key=order.index)))


def _salted(case: KnownCase, name: str, said: str | list[str], marking: Marking) -> Content:
    salt = case.random.draw(SALT).hex()
    return Content({"text" if isinstance(said, str) else name: said, "salt": salt}, marking)
