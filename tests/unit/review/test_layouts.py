"""Every event has its layout, and no fact that is a digest stands there unexplained."""

from collections.abc import Iterator
from random import Random
from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from support.review_case import LAB, Case, example_framework, make
from support.review_deeds import FACTS, one_of_each
from touchstone.ledger import digest_bytes
from touchstone.review import LAYOUTS, Attached, BadEventError, Event, check_deed, layout_of
from touchstone.review.digests import of_content
from touchstone.review.events import judging, settling
from touchstone.review.events.base import Digest, EventWithTexts, Line, Statement
from touchstone.review.events.opening import CaseOpened
from touchstone.review.parts import MOST_EVIDENCE, MOST_TEXT
from touchstone.review.rules import RULES
from touchstone.review.shapes import WordsShape

DEEDS = one_of_each(example_framework())
LEAST_FREE = 20
BOUND = 25
"""Facts that are digests of a part; the number only grows."""


def digest_facts(model: type[BaseModel]) -> Iterator[str]:
    """The fields that hold a digest, groups of facts included: with a dot."""
    return facts_of(model, (Digest,))


def facts_of(model: type[BaseModel], kinds: tuple[Any, ...]) -> Iterator[str]:
    """The fields of some kinds of value, groups of facts included: with a dot."""
    for name, annotation in _annotations(model).items():
        yield from _within(name, annotation, kinds)


def _annotations(model: type[BaseModel]) -> dict[str, Any]:
    return {
        name: Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        for name, field in model.model_fields.items()
    }


def _within(name: str, annotation: Any, kinds: tuple[Any, ...]) -> Iterator[str]:
    if annotation in kinds:
        yield name
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from (f"{name}.{inner}" for inner in facts_of(annotation, kinds))
    elif get_origin(annotation) is not None:
        for inner in get_args(annotation):
            yield from _within(name, inner, kinds)


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


@pytest.mark.parametrize("event", FACTS, ids=lambda event: event.__name__)
def test_what_is_left_out_or_too_many_is_refused(event: type[Event]):
    deed = DEEDS[str(event.model_fields["type"].default)]
    value = {"kind": "content", "marking": deed.marking.as_dict(), "content": {"text": "beside"}}
    parts = layout_of(deed).parts
    needed = [part.name for part in parts if part.needed(deed)]
    state = Case(example_framework()).open().state
    if needed:
        with pytest.raises(BadEventError, match=f"the part {needed[0]} is missing"):
            check_deed(state, deed, ())
    with pytest.raises(BadEventError, match="and its type knows"):
        check_deed(state, deed, [Attached(value)] * (len(parts) + 1))


def test_evidence_is_held_against_its_bytes_where_they_are_at_hand():
    data = b"what shows it"
    deed = make(
        judging.EvidenceDeclared, LAB, criterion="one", shows="met", evidence=digest_bytes(data)
    )
    value = {
        "kind": "evidence",
        "marking": deed.marking.as_dict(),
        "digest": digest_bytes(data),
        "size": len(data),
        "media_type": "text/plain",
        "name": "evidence.txt",
    }
    state = Case(example_framework()).open().state
    check_deed(state, deed, [Attached(value)])
    check_deed(state, deed, [Attached(value, data)])
    for other in (b"other", data + b"!"):
        with pytest.raises(BadEventError, match="its bytes are not of the digest"):
            check_deed(state, deed, [Attached(value, other)])
    with pytest.raises(BadEventError, match="evidence is not its digest"):
        check_deed(state, deed, [Attached({**value, "digest": digest_bytes(b"")})])
    with pytest.raises(BadEventError, match="has exactly"):
        check_deed(state, deed, [Attached({**value, "note": "beside"})])
    with pytest.raises(BadEventError, match="is longer than"):
        check_deed(state, deed, [Attached({**value, "size": MOST_EVIDENCE + 1})])


def test_a_text_that_is_too_long_is_refused():
    text = "# " + "x" * MOST_TEXT
    deed = make(settling.TermsOffered, LAB, terms=digest_bytes(b""))
    value = {"kind": "content", "marking": deed.marking.as_dict(), "content": {"text": text}}
    with pytest.raises(BadEventError, match=f"the part terms: is longer than {MOST_TEXT} bytes"):
        check_deed(Case(example_framework()).open().state, deed, [Attached(value)])


def test_a_bundle_is_not_taken_without_its_bytes():
    deed = DEEDS["bundle-published"]
    value = {
        "kind": "evidence",
        "marking": deed.marking.as_dict(),
        "digest": digest_bytes(b""),
        "size": 0,
        "media_type": "text/plain",
        "name": "000001.bundle",
    }
    with pytest.raises(BadEventError, match="send them first"):
        check_deed(Case(example_framework()).open().state, deed, [Attached(value)])


STAY = {
    "submission-received.model": "what a case is listed by, after its destruction too",
    "clock-anchored.timezone": "an IANA zone, by which days are reckoned",
    "receipt-noted.gateway": "what a gateway calls itself in the receipt that it signs",
}
"""Lines that are facts: names, no free text."""


def test_no_free_text_is_a_fact():
    found = {
        f"{event.model_fields['type'].default}.{fact}"
        for event in LAYOUTS
        for fact in facts_of(event, (Line, Statement))
    }
    assert found == set(STAY)


def test_every_text_is_a_part_whose_digest_is_the_fact_and_tells_nothing():
    with_texts = [event for event in LAYOUTS if issubclass(event, EventWithTexts)]
    assert len(with_texts) > LEAST_FREE
    for event in with_texts:
        assert event.TEXTS
        for fact in event.TEXTS:
            part = LAYOUTS[event].part(fact)
            assert dict(part.digests) == {fact: of_content}
            salted = part.shape.model_fields.get("salt")
            # The rule's words can be made again from the facts that stay.
            assert (salted is not None and salted.is_required()) or part.shape is WordsShape
