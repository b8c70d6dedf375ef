"""Facts of older schemas, brought to the newest one that this version knows.

Each class says how, by a static or class method for each step, named `upcast_v1_v2` and so on.
Records are never written anew: what an older version signed is read so, each time.

    newest = upcast(judging.FindingRerun, facts)
"""

from collections.abc import Callable, Mapping
from typing import Any

from touchstone.review.events.base import Event, EventWithTexts

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes facts of one schema into those of the next; `schema` itself is none of its business."""


def newest_schema(kind: type[Event]) -> int:
    """The newest schema of a type that this version knows."""
    bounds = (getattr(each, "le", None) for each in kind.model_fields["schema_version"].metadata)
    return max(bound for bound in bounds if isinstance(bound, int))


def written_schema(kind: type[Event]) -> int:
    """The schema that this version writes of a type, and brings older facts to.

    Newer ones that it knows as well stay as they are.
    """
    return int(kind.model_fields["schema_version"].default)


def upcasters(kind: type[Event]) -> tuple[Upcast, ...]:
    """The steps from schema 1 to the one that is written, in order.

    Raises:
        AttributeError: a step is missing.
    """
    return tuple(getattr(kind, f"upcast_v{n}_v{n + 1}") for n in range(1, written_schema(kind)))


def contents_inside(kind: type[Event], facts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By the name of the part, words that facts of schema 1 hold and newer deeds bring as parts."""
    if facts.get("schema") != 1 or not issubclass(kind, EventWithTexts):
        return {}
    return kind.contents_v1(facts)


def upcast(kind: type[Event], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts of a known schema as the written one has them; they are not checked here."""
    brought, old = dict(facts), int(facts["schema"])
    for number, step in enumerate(upcasters(kind)[old - 1 :], start=old):
        brought = {**step(brought), "schema": number + 1}
    return brought
