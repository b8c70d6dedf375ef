"""Everything that can happen to a case: the classes of these modules, told apart by `type`."""

from collections.abc import Mapping
from typing import Annotated, Any, Union

from pydantic import Field, TypeAdapter, ValidationError

from touchstone.errors import TouchstoneError
from touchstone.ledger import dumps
from touchstone.review.errors import BadEventError
from touchstone.review.events import joining, judging, measuring, opening, settling
from touchstone.review.events.base import Event

TYPES: tuple[type[Event], ...] = tuple(
    each
    for module in (opening, joining, measuring, judging, settling)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, Event) and each is not Event
)
"""Every type of event, as the modules of this folder define them."""

__all__ = ["TYPES", "Event", "parse_event"]

_READER: TypeAdapter[Event] = TypeAdapter(
    Annotated[Union.__getitem__(TYPES), Field(discriminator="type")]  # type: ignore[arg-type]  # made of what is there
)


def parse_event(facts: object) -> Event:
    """Read part 0 of an entry: a JSON object as `Event.facts` gives it.

    Raises BadEventError if it is no object, the type is unknown, a fact is missing or ill-formed,
    or a value (an unknown field's too) is not canonical JSON (docs/reference/record-format.md).
    """
    if not isinstance(facts, Mapping):
        raise BadEventError("an event is a JSON object, and this is none")
    try:
        return _READER.validate_json(dumps(dict(facts)), strict=True)
    except ValidationError as error:
        raise BadEventError(_first_fault(facts, error)) from None
    except TouchstoneError as error:
        raise BadEventError(f"event {_named(facts)}: {error}") from None


def _named(facts: Mapping[str, Any]) -> str:
    name = facts.get("type")
    return ascii(name)[1:-1][:80] if isinstance(name, str) else "without a type"


def _first_fault(facts: Mapping[str, Any], error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    # The first step is the union's tag, which the name already says.
    steps = [ascii(step).strip("'")[:80] for step in fault["loc"][1:]]
    told = fault["msg"].removeprefix("Value error, ")[:300]
    return ": ".join([f"event {_named(facts)}", *([".".join(steps)] if steps else []), told])
