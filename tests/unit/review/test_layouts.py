"""Every event has its layout, and no fact that is a digest stands there unexplained."""

from collections.abc import Iterator
from random import Random
from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from support.review_case import LAB, Case, example_framework, make
from support.review_deeds import FACTS
from touchstone.review import LAYOUTS, Event, layout_of
from touchstone.review.events.base import Digest
from touchstone.review.events.opening import CaseOpened
from touchstone.review.rules import RULES

BOUND = 25
"""Facts that are digests of a part; the number only grows."""


def digest_facts(model: type[BaseModel]) -> Iterator[str]:
    """The fields that hold a digest, groups of facts included: with a dot."""
    for name, annotation in _annotations(model).items():
        yield from _within(name, annotation)


def _annotations(model: type[BaseModel]) -> dict[str, Any]:
    return {
        name: Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        for name, field in model.model_fields.items()
    }


def _within(name: str, annotation: Any) -> Iterator[str]:
    if annotation == Digest:
        yield name
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from (f"{name}.{inner}" for inner in digest_facts(annotation))
    elif get_origin(annotation) is not None:
        for inner in get_args(annotation):
            yield from _within(name, inner)


def explained(event: type[Event]) -> set[str]:
    layout = LAYOUTS[event]
    return {fact for part in layout.parts for fact in part.digests} | set(layout.elsewhere)


def test_every_event_has_its_layout():
    assert set(LAYOUTS) == {CaseOpened, *RULES}


@pytest.mark.parametrize("event", LAYOUTS, ids=lambda event: event.__name__)
def test_every_digest_is_that_of_a_part_or_says_of_what(event: type[Event]):
    assert set(digest_facts(event)) <= explained(event)


def test_the_search_finds_digests_wherever_they_stand():
    found = {f"{e.model_fields['type'].default}.{f}" for e in LAYOUTS for f in digest_facts(e)}
    assert {
        "case-opened.framework.digest",
        "terms-offered.terms",
        "directive-answered.reading",
        "bundle-published.directives.order",
    } <= found
    assert len(found) > BOUND


@pytest.mark.parametrize("event", LAYOUTS, ids=lambda event: event.__name__)
def test_every_fact_of_a_layout_is_one_of_the_event(event: type[Event]):
    named = {fact.partition(".")[0] for fact in explained(event)}
    assert named <= set(event.model_fields)


@pytest.mark.parametrize("event", LAYOUTS, ids=lambda event: event.__name__)
def test_names_are_told_apart(event: type[Event]):
    names = [part.name for part in LAYOUTS[event].parts]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("event", FACTS, ids=lambda event: event.__name__)
def test_a_place_always_tells_the_name(event: type[Event]):
    """What the facts leave open comes last, so that leaving it out moves nothing else."""
    rng, case = Random(7), Case(example_framework()).open()
    for _ in range(20):
        deed = make(event, LAB, **FACTS[event](case, rng.choice))
        needed = [part.needed(deed) for part in layout_of(deed).parts]
        assert None not in [each for each in needed if each is not False][:-1]
