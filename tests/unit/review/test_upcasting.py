"""What older versions wrote reads as this version writes it: stored facts of every old schema."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from support.event_vectors import (
    KINDS,
    EventVector,
    added,
    examples,
    fields_of,
    known_schemas,
    stored,
    unlike,
)
from support.review_case import LAB, make
from touchstone.review import BadEventError, parse_event, read_event
from touchstone.review.events import TYPES, Event, EventReader, settling
from touchstone.review.events.base import Count, Name
from touchstone.review.events.upcasting import upcasters, written_schema

VECTORS = stored()
BY_KEY = {(each.type, each.schema): each for each in VECTORS}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v.type}-{v.schema}")
def test_what_was_written_reads_as_it_is_written_today(vector: EventVector):
    event = read_event(vector.facts)
    assert event.facts() == vector.read
    assert vector.facts["schema"] == vector.schema
    assert event.schema_version == max(vector.schema, written_schema(type(event)))
    assert parse_event(event.facts()) == event


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_every_schema_has_its_vector_and_every_old_one_its_step(kind: type[Event]):
    name = str(kind.model_fields["type"].default)
    assert [n for type_, n in sorted(BY_KEY) if type_ == name] == [*known_schemas(kind)]
    assert len(upcasters(kind)) == written_schema(kind) - 1


def test_no_type_that_was_written_is_gone():
    assert {each.type for each in VECTORS} == set(KINDS)


def test_fields_change_with_the_schema_alone():
    assert not unlike(TYPES, VECTORS)


def test_an_example_needs_no_new_vector():
    assert added(VECTORS, examples()) == VECTORS


class Moved(Event):
    """A type at its third schema."""

    type: Literal["moved"] = "moved"
    schema_version: Annotated[int, Field(ge=1, le=3)] = Field(default=3, alias="schema")
    """1: `place`; 2: `to`; 3: with `times`."""
    to: Name
    """Where to."""
    times: Count
    """How often."""

    @staticmethod
    def upcast_v1_v2(facts: dict[str, Any]) -> dict[str, Any]:
        """It was called place."""
        return {**{n: each for n, each in facts.items() if n != "place"}, "to": facts["place"]}

    @staticmethod
    def upcast_v2_v3(facts: dict[str, Any]) -> dict[str, Any]:
        """It was never said how often."""
        return {**facts, "times": 1}


BASE: dict[str, Any] = {
    "type": "moved",
    "actor": LAB,
    "at": "2026-10-01T12:00:00Z",
    "marking": {"scheme": "TLP:2.0", "label": "CLEAR", "parties": []},
}


@pytest.mark.parametrize(
    "old",
    [
        {"schema": 1, "place": "north"},
        {"schema": 2, "to": "north"},
        {"schema": 3, "to": "north", "times": 1},
    ],
    ids=lambda old: str(old["schema"]),
)
def test_steps_are_chained(old: dict[str, Any]):
    given = {**BASE, **old, "unknown": {"kept": True}}
    before = {**given}
    event = EventReader([Moved, settling.DirectiveLifted]).read(given)
    assert event == Moved(
        actor=LAB,
        at=BASE["at"],
        marking=event.marking,
        to="north",
        times=1,
        unknown={"kept": True},
    )
    assert given == before


@pytest.mark.parametrize(
    "wrong", [{"schema": 1}, {"schema": 1, "to": "north"}, {"schema": 1, "place": "not a name"}]
)
def test_what_a_step_cannot_bring_over_is_one_line(wrong: dict[str, Any]):
    with pytest.raises(BadEventError, match="event moved: ") as refusal:
        EventReader([Moved, settling.DirectiveLifted]).read({**BASE, **wrong})
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "vector",
    [v for v in VECTORS if v.schema < written_schema(KINDS[v.type])],
    ids=lambda v: f"{v.type}-{v.schema}",
)
def test_what_an_older_version_wrote_is_read_and_not_proposed_again(vector: EventVector):
    newest = written_schema(KINDS[vector.type])
    with pytest.raises(BadEventError, match=f"older version's: propose it in schema {newest}$"):
        parse_event(vector.facts)


class Longer(settling.DirectiveLifted):
    """With a field more, and the schema of before."""

    reason_given: bool = False
    """More."""


class Wider(settling.ReleaseCompared):
    """With one more word of a fact."""

    compared: Literal["same", "changed", "undetermined", "other"]  # type: ignore[assignment]
    """More."""


class Told(settling.DirectiveLifted):
    """The same in other words."""

    directive: Name
    """Which directive it is."""


@pytest.mark.parametrize("kind", [Longer, Wider])
def test_twin_a_changed_field_is_noticed_and_the_line_says_what_to_do(kind: type[Event]):
    (line,) = unlike([kind], VECTORS)
    assert "give them schema 2, write upcast_v1_v2" in line


def test_twin_other_words_are_no_other_fields():
    assert fields_of(Told) == fields_of(settling.DirectiveLifted)
    assert (
        make(Told, LAB, directive="one").facts()
        == make(settling.DirectiveLifted, LAB, directive="one").facts()
    )
