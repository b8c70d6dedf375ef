"""Whether what goes with a deed is what its facts say: part by part, before anything is signed."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from touchstone.clearance import Marking, parse_marking
from touchstone.errors import TouchstoneError
from touchstone.ledger import MAX_PART, digest_bytes, dumps
from touchstone.review.addressing import not_for_its_addressee
from touchstone.review.errors import BadEventError
from touchstone.review.events.base import Event
from touchstone.review.grounds import Ground
from touchstone.review.layouts import layout_of
from touchstone.review.parts import Attached, DeedLayout, Kind, Part
from touchstone.review.state import State

Parse = Callable[[dict[str, Any]], object]
"""Reads content in full. Raises one of UNREADABLE where it cannot be used."""
UNREADABLE = (TouchstoneError, ValueError, LookupError, TypeError, AttributeError)
"""What a reader raises who meets another JSON value than it looks for."""
_FIELDS: Mapping[Kind, frozenset[str]] = {
    "content": frozenset({"kind", "marking", "content"}),
    "evidence": frozenset({"kind", "marking", "digest", "size", "media_type", "name"}),
}


def check_deed(
    state: State,
    event: Event,
    parts: Sequence[Attached],
    parsers: Mapping[type[BaseModel], Parse] = MappingProxyType({}),
) -> None:
    """Hold the parts of a deed (all but part 0 and the deed part) against its type's layout.

    Once the case is destroyed, deeds of every type come without parts.

    Args:
        state: The case as it stands before the deed.
        event: Part 0.
        parts: What goes with it, in order. Whether evidence is kept is for the store to say.
        parsers: By shape, what reads content of it in full, for rooms above that know more of it.

    Raises:
        BadEventError: a part is missing, or one too many; it is of another kind, shape or size, or
            cannot be read; a fact is not the digest of what it names; what is told twice differs;
            or a marking keeps a part from whom the deed addresses. One line names the part.
    """
    # A part of a destroyed case would be sealed with a key that is gone.
    if state.status == "destroyed":
        _check_bare(event, parts)
        return
    layout = layout_of(event)
    named = _named(state, event, layout, parts)
    for name, part in named.items():
        _check_part(state, event, layout.part(name), part)
    for name, part in named.items():
        _check_content(event, layout.part(name), part, parsers)
    if layout.agrees is not None and (reason := _told(event, layout.agrees, event, named)):
        raise reason.of(deed=event.type).fault


def _check_bare(event: Event, parts: Sequence[Attached]) -> None:
    """Of a destroyed case the facts go on; whoever has what they are digests of, keeps it."""
    if parts:
        raise Ground("case-takes-no-parts", deed=event.type).fault


def _named(
    state: State, event: Event, layout: DeedLayout, parts: Sequence[Attached]
) -> dict[str, Attached]:
    known = [part for part in layout.parts if part.needed(event) is not False]
    if len(parts) > len(known):
        names = tuple(part.name for part in known) or ("nothing",)
        raise Ground("part-unknown", deed=event.type, count=len(parts), known=names).fault
    for part in known[len(parts) :]:
        excused = part.recorded is None or part.recorded(state, event)
        if part.needed(event) or not excused:
            raise _bad(event, part, Ground("part-missing"))
    return dict(zip((part.name for part in known), parts, strict=False))


def _check_part(state: State, event: Event, part: Part, given: Attached) -> None:
    """Kind, fields, marking, size and shape."""
    value = given.value
    if value.get("kind") != part.kind:
        raise _bad(event, part, Ground("part-of-another-kind", kind=part.kind))
    # Exactly these: a field that no check knows would be signed and shown, and mean whatever a
    # reader makes of it.
    if value.keys() != _FIELDS[part.kind]:
        raise _bad(event, part, Ground("part-fields", fields=tuple(sorted(_FIELDS[part.kind]))))
    marking: Marking = _told(event, parse_marking, value["marking"], part=part)
    if ground := not_for_its_addressee(state, event, marking):
        raise ground.of(deed=f"{event.type}: the part {part.name}").fault
    length = given.length
    if length is None:
        length = len(_told(event, dumps, dict(value), part=part))
    if length > MAX_PART:
        raise _bad(event, part, Ground("part-too-long", most=MAX_PART))
    told = given.content if part.kind == "content" else dumps(_evidence_facts(value))
    check_shape(event, part, told)
    if part.kind == "evidence":
        _check_evidence(event, part, given)


def check_shape(event: Event, part: Part, data: bytes) -> None:
    """Hold content, as JSON, against its part's shape and size; BadEventError: it is of another."""
    if part.kind == "content" and len(data) > part.most:
        raise _bad(event, part, Ground("part-too-long", most=part.most))
    try:
        part.shape.model_validate_json(data)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(ascii(step).strip("'")[:80] for step in fault["loc"])
        what = fault["msg"].removeprefix("Value error, ")[:300]
        why = f"{where}: {what}" if where else what
        raise _bad(event, part, Ground("part-ill-formed"), aside=why) from None


def _check_evidence(event: Event, part: Part, given: Attached) -> None:
    digest, size = given.value["digest"], given.value["size"]
    if size > part.most:
        raise _bad(event, part, Ground("part-too-long", most=part.most))
    if given.data is None:
        if part.needs_bytes:
            raise _bad(event, part, Ground("evidence-bytes-needed"))
        told = size if given.kept is None else given.kept
        if told != size:
            raise _bad(event, part, Ground("evidence-misstated"))
    elif (digest, size) != (digest_bytes(given.data), len(given.data)):
        raise _bad(event, part, Ground("evidence-misstated"))


def _check_content(
    event: Event, part: Part, given: Attached, parsers: Mapping[type[BaseModel], Parse]
) -> None:
    """Which facts are its digests, and that it can be read in full."""
    facts = event.facts()
    for fact, digest in part.digests.items():
        stated: Any = facts
        for step in fact.split("."):
            stated = stated[step]
        if _told(event, digest, given, part=part) != stated:
            raise _bad(event, part, Ground("digest-misstated", fact=fact))
    parse = parsers.get(part.shape)
    if parse is not None:
        _told(event, parse, given.value["content"], part=part)


def _evidence_facts(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value[name] for name in ("digest", "size", "media_type", "name")}


def _told(event: Event, reads: Callable[..., Any], *values: Any, part: Part | None = None) -> Any:
    """What a reader makes of a part; BadEventError where it can make nothing of it."""
    try:
        return reads(*values)
    except UNREADABLE as error:
        # One line, and cut, and beside what is kept: an error may repeat what was sent.
        line = " ".join(str(error).split())[:300]
        if isinstance(error, LookupError | TypeError | AttributeError):
            line = f"cannot be read: {type(error).__name__}: {line}"
        if part is None:
            raise Ground("parts-ill-formed", deed=event.type).fault_beside(line) from None
        raise _bad(event, part, Ground("part-ill-formed"), aside=line) from None


def _bad(event: Event, part: Part, ground: Ground, aside: str = "") -> BadEventError:
    return ground.of(deed=event.type, part=part.name).fault_beside(aside)
