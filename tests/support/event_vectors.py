"""Stored part 0s of every type and schema: what older versions wrote, and how it reads today."""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from support.review_case import (
    LAB,
    Case,
    digest,
    example_framework,
    outcome,
    recorded,
    submission,
)
from support.review_deeds import one_of_each
from support.review_probes import sealed_from
from touchstone.review.events import TYPES, Event, opening, read_event
from touchstone.review.events.upcasting import newest_schema, written_schema

PATH = Path(__file__).parents[1] / "vectors" / "events" / "events.jsonl"
KINDS: Mapping[str, type[Event]] = {str(k.model_fields["type"].default): k for k in TYPES}


class EventVector(NamedTuple):
    """One stored part 0."""

    type: str
    schema: int
    fields: str
    """The fingerprint of the type's fields when it was stored; of a schema that is written."""
    facts: dict[str, Any]
    """As they stood in a record."""
    read: dict[str, Any]
    """As this version reads them: of the written schema, or the newer one that it knows."""


def fields_of(kind: type[Event]) -> str:
    """The fingerprint of a type's fields: names, forms, defaults; words and order do not count.

    It is of the JSON schema, so that a validator in code alone is not in it.
    """
    told = json.dumps(_form(kind.model_json_schema(by_alias=True)), sort_keys=True)
    return sha256(told.encode()).hexdigest()


def _form(value: Any) -> Any:
    if isinstance(value, list):
        return [_form(each) for each in value]
    if not isinstance(value, dict):
        return value
    # A field may be called `title`: then what stands there is no text.
    words = {"description", "title"}
    return {
        name: _form(each)
        for name, each in value.items()
        if name not in words or not isinstance(each, str)
    }


def stored() -> list[EventVector]:
    """What is kept."""
    lines = PATH.read_text("utf-8").splitlines() if PATH.exists() else []
    return [EventVector(**json.loads(line)) for line in lines]


def known_schemas(kind: type[Event]) -> range:
    """From the first that any version wrote to the newest that this version knows."""
    bounds = (getattr(each, "ge", None) for each in kind.model_fields["schema_version"].metadata)
    return range(max(each for each in bounds if isinstance(each, int)), newest_schema(kind) + 1)


def unlike(kinds: Iterable[type[Event]], vectors: Iterable[EventVector]) -> list[str]:
    """Types whose fields are not those of the vector of the schema that they write, in words."""
    kept = {(each.type, each.schema): each.fields for each in vectors}
    told = []
    for kind in kinds:
        name, schema = str(kind.model_fields["type"].default), written_schema(kind)
        if kept.get((name, schema)) != fields_of(kind):
            told.append(
                f"{name}: its fields are not those of schema {schema}: give them schema "
                f"{schema + 1}, write upcast_v{schema}_v{schema + 1}, and run "
                "scripts/make_event_vectors.py"
            )
    return told


def examples() -> list[Event]:
    """One event of every type, as this version writes it.

    And every way in which a case opens, a submission that names weights, a committed seed, and a
    score that is only reported.
    """
    framework = example_framework()
    opened = [*Case(framework).open().events[:1], *Case(framework).open_by_key(LAB).events[:1]]
    weighed = opening.Variant(id="final", modes=("instant",), purpose="final", weights=digest("w"))
    handed_in = submission(schema=2, variants=(weighed,))
    scored = recorded((outcome(0, "reported"), outcome(1, "cut")))
    return [*opened, handed_in, sealed_from("centre"), scored, *one_of_each(framework).values()]


def added(vectors: Iterable[EventVector], events: Iterable[Event]) -> list[EventVector]:
    """With one more for each type and schema that has none; those that are there stay."""
    rows = {(each.type, each.schema): each for each in vectors}
    for event in events:
        facts, kind = event.facts(), KINDS[event.type]
        key = event.type, int(facts["schema"])
        if key not in rows:
            rows[key] = EventVector(*key, fields_of(kind), facts, read_event(facts).facts())
    return [rows[key] for key in sorted(rows)]


def lines(vectors: Iterable[EventVector]) -> str:
    """One vector a line."""
    return "".join(json.dumps(each._asdict(), sort_keys=True) + "\n" for each in vectors)
