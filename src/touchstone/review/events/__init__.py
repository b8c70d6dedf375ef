"""Everything that can happen to a case: the classes of these modules, told apart by `type`."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from touchstone.errors import TouchstoneError
from touchstone.ledger import dumps
from touchstone.review.events import (
    detecting,
    joining,
    judging,
    measuring,
    opening,
    parting,
    seeding,
    settling,
    telling,
)
from touchstone.review.events.base import Event, EventWithTexts, UnknownEvent
from touchstone.review.events.upcasting import (
    contents_inside,
    newest_schema,
    upcast,
    written_schema,
)
from touchstone.review.grounds import Ground

BASES = (Event, EventWithTexts)
TYPES: tuple[type[Event], ...] = tuple(
    each
    for module in (
        opening,
        joining,
        parting,
        seeding,
        measuring,
        detecting,
        judging,
        telling,
        settling,
    )
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, Event) and each not in BASES
)
"""Every type of event, as the modules of this folder define them."""

__all__ = [
    "TYPES",
    "Event",
    "EventReader",
    "UnknownEvent",
    "newest_facts",
    "parse_event",
    "read_event",
    "words_inside",
]


class EventReader:
    """Reads part 0s of certain types, each of any schema up to the newest one of its class.

    The functions of this module read those of this version; a test reads as another one would.
    """

    def __init__(self, types: Sequence[type[Event]] = TYPES) -> None:
        self._types = {str(kind.model_fields["type"].default): kind for kind in types}

    def parse(self, facts: object) -> Event:
        """Part 0 that somebody proposes; see `parse_event`."""
        if isinstance(facts, Mapping) and self.newest(facts) not in (None, facts):
            written = written_schema(self._types[facts["type"]])
            raise Ground(
                "of-older-schema", deed=_named(facts), schema=facts["schema"], written=written
            ).fault
        return self._known(facts)

    def read(self, facts: object) -> Event:
        """Part 0 of an entry of a record; see `read_event`."""
        if not isinstance(facts, Mapping) or not self._is_newer(facts):
            return self._known(facts)
        return _checked(UnknownEvent, facts)

    def inside(self, facts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Words that recorded facts hold themselves; see `contents_inside`."""
        kind = self._kind(facts)
        return {} if kind is None else contents_inside(kind, facts)

    def _known(self, facts: object) -> Event:
        if not isinstance(facts, Mapping):
            raise Ground("no-object").fault
        kind = self._kind(facts)
        if kind is None:
            raise self._of_no_type(facts)
        return _checked(kind, self.newest(facts) or facts)

    def _of_no_type(self, facts: Mapping[str, Any]) -> TouchstoneError:
        """What is said of facts whose type is none of these."""
        why = f"its type is none of the {len(self._types)} that this version knows"
        return Ground("ill-formed", deed=_named(facts), why=why).fault

    def newest(self, facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Facts as the newest schema of their type has them; see `newest_facts`."""
        kind, schema = self._kind(facts), facts.get("schema")
        if kind is None or type(schema) is not int or not 1 <= schema <= newest_schema(kind):
            return None
        # Most facts are of the schema that is written: they stay as they are.
        if schema >= written_schema(kind):
            return facts
        try:
            return upcast(kind, facts)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            line = f"{type(error).__name__}: {error}"[:300]
            deed = _named(facts)
            raise Ground("not-upcast", deed=deed, schema=schema, why=line).fault from None

    def _kind(self, facts: Mapping[str, Any]) -> type[Event] | None:
        name = facts.get("type")
        return self._types.get(name) if isinstance(name, str) else None

    def _is_newer(self, facts: Mapping[str, Any]) -> bool:
        kind, schema = self._kind(facts), facts.get("schema")
        if kind is None:
            return isinstance(facts.get("type"), str)
        return type(schema) is int and schema > newest_schema(kind)


_READER = EventReader()


def parse_event(facts: object) -> Event:
    """Read part 0 that is proposed: a JSON object as `Event.facts` gives it.

    Raises BadEventError if it is no object, the type is unknown, the schema is an older version's
    or a newer one's, a fact is missing or ill-formed,
    or a value (an unknown field's too) is not canonical JSON (docs/reference/record-format.md).
    """
    return _READER.parse(facts)


def read_event(facts: object) -> Event:
    """The same of what stands in a record, of any older schema too, brought to the newest one.

    What a newer version wrote is an `UnknownEvent`.

    Raises BadEventError as `parse_event`, for what no version could have written.
    """
    return _READER.read(facts)


def words_inside(facts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By the name of the part that newer deeds have, words that recorded facts hold themselves."""
    return _READER.inside(facts)


def newest_facts(facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Recorded facts as the newest schema of their type has them; None: a newer version's.

    They are not checked again: for those who look through many and want few.
    """
    return _READER.newest(facts)


def _checked(kind: type[Event], facts: Mapping[str, Any]) -> Event:
    try:
        # By way of canonical JSON: what could not stand in a record is refused here, unknown fields
        # included.
        return kind.model_validate_json(dumps(dict(facts)), strict=True)
    except ValidationError as error:
        why = _first_fault(error)
    except TouchstoneError as error:
        why = str(error)
    raise Ground("ill-formed", deed=_named(facts), why=why).fault


def _named(facts: Mapping[str, Any]) -> str:
    name = facts.get("type")
    return ascii(name)[1:-1][:80] if isinstance(name, str) else "without a type"


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    steps = [ascii(step).strip("'")[:80] for step in fault["loc"]]
    told = fault["msg"].removeprefix("Value error, ")[:300]
    return ": ".join([*([".".join(steps)] if steps else []), told])
