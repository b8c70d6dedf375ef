"""Every field of every event that a command can make has an edge that sets it.

All deeds are done twice, in two worlds that are given other inputs (`support.worlds`). A field that
holds one and the same value wherever it was recorded was set by nobody: the test fails until an
input is named that changes it, or the field stands below with the reason why it cannot change.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from support.world_orders import Orders
from support.worlds import ONE, OTHER, Facts, world
from touchstone.ledger import dumps
from touchstone.review.events.base import Event
from touchstone.review.events.opening import CaseOpened
from touchstone.review.rules import RULES

# One worker makes what all of these look at.

KINDS: tuple[type[Event], ...] = (CaseOpened, *RULES)
EVENTS: Mapping[str, type[Event]] = {str(kind.model_fields["type"].default): kind for kind in KINDS}

COMES_WITH_HANDS = frozenset(
    {
        "clock-ended",
        "clock-extended",
        "clock-paused",
        "clock-resumed",
        "designation-concurred",
        "designation-dissented",
        "designation-made",
        "reads-digested",
        "document-handed-in",
        "designation-revised",
        "evidence-declared",
        "questions-answered",
        "outside-evidence-imported",
        "finding-disputed",
        "finding-rerun",
        "finding-responded",
        "inquiry-answered",
        "inquiry-asked",
        "outside-finding-signed",
        "participation-noted",
        "party-admitted",
        "party-key-rotated",
        "party-reinvited",
        "party-rejoined",
        "recovery-objected",
        "party-uninvited",
        "party-left",
        "party-removed",
        "signer-admitted",
        "signer-removed",
        "postponement-answered",
        "postponement-requested",
        "release-announced",
        "release-compared",
        "review-withdrawn",
        "seed-committed",
        "seed-contributed",
        "seed-revealed",
    }
)
"""Events that no command makes yet. This list only shrinks: what a command makes is walked."""

BY_DESIGN: Mapping[str, str] = {
    "type": "it is what tells events apart",
    "schema": "there is one version of each event so far",
    "key_act.act": "it is what tells acts on keys apart",
    "marking.scheme": "one scheme is in use; officials' schemes come with an agreement on them",
    "marking.label": "need-to-know follows from the kind of deed, in deeds/markings.py, and "
    "is no choice of whoever does it; to whom it is limited does change",
}
"""What any event holds alike wherever it is recorded, and why."""

TO_ALL = "every act on keys is for every party of the case, whenever it joins: the law asks it"
CONSTANT: Mapping[str, str] = {
    "case-opened.marking": TO_ALL,
    "case-opened.marking.parties": TO_ALL,
    "party-invited.marking": TO_ALL,
    "party-invited.marking.parties": TO_ALL,
    "party-joined.marking": TO_ALL,
    "party-joined.marking.parties": TO_ALL,
    "case-opened.key_act.role": "commands are the centre's, and it opens the case",
    "battery-sealed.battery": "a case has one battery; a second is sealed with the re-run of a "
    "finding, which comes with hands",
    "battery-sealed.item_sets.attempts": "one attempt at each item is planned; attempts that "
    "repeat an item come with the instrument",
    "battery-sealed.origin": "seeds are committed to by hand: service/test_seeds.py does",
    "battery-sealed.origin.centre": "as battery-sealed.origin",
    "battery-sealed.origin.developer": "as battery-sealed.origin",
    "battery-sealed.elicitation": "the demo draws its models out as usual; test_chosen.py seals "
    "another",
    "submission-received.variants.weights": "the law asks for a manifest that was handed in, which "
    "comes with hands; contract/server/test_weights_over_http.py sets it",
    "measuring-stopped.battery": "as battery-sealed.battery",
    "measuring-stopped.uncounted": "a journal that nobody can read is a fault of a disk or an "
    "alteration, which no command makes; test_stopping.py does",
    "outcomes-recorded.battery": "as battery-sealed.battery",
    "outcomes-recorded.outcomes.attempt": "as battery-sealed.item_sets.attempts",
    "outcomes-recorded.outcomes.score": "of packs whose scores are only reported, and families of "
    "tasks are measured here; test_only_reported.py sets it",
    "verdict-reached.battery": "as battery-sealed.battery",
    "transcripts-graded.battery": "as battery-sealed.battery",
    "transcripts-scanned.battery": "as battery-sealed.battery",
    "snapshot-seen.method": "what answers over an endpoint is known by its answers alone",
    "snapshot-changed.method": "as snapshot-seen.method",
}
"""Fields that hold one value in all that commands do, and why. This list only shrinks."""

FURTHER = {"independent-evaluator", "co-evaluator", "auditor", "trusted-partner"}
UNSAID: Mapping[str, set[str]] = {
    "case-opened.kind": {"inquiry"},
    "case-opened.key_act.role": FURTHER | {"developer", "agency"},
    "party-invited.key_act.role": FURTHER | {"centre"},
    "party-joined.key_act.role": FURTHER | {"centre"},
    "snapshot-seen.method": {"weights-digest", "build-attestation"},
    "snapshot-changed.method": {"weights-digest", "build-attestation"},
}
"""Words that nobody can say yet: inquiries and further parties come with hands; a digest of weights
or a build's attestation needs more than an endpoint. This list only shrinks."""

COMPUTED = frozenset(
    {
        "outcomes-recorded.outcomes.result",
        "verdict-reached.reasoning",
        "verdict-reached.references.reasoning",
        "verdict-reached.verdict",
        "verdict-reached.stop.reason",
        "designation-proposed.designation",
        "designation-proposed.says.says",
    }
)
"""Words that come out of what was measured: which of them, is shown where they are computed."""


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The groups of facts that an annotation speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models(part)


def words(annotation: Any) -> Iterator[str]:
    """The words that an annotation allows."""
    if get_origin(annotation) is Literal:
        yield from (str(word) for word in get_args(annotation))
    else:
        for part in get_args(annotation):
            yield from words(part)


def fields(model: type[BaseModel], at: str = "") -> Iterator[tuple[str, Any]]:
    """(path, annotation) of every field, those of groups of facts within it included."""
    for name, field in model.model_fields.items():
        path = f"{at}{field.alias or name}"
        yield path, field.annotation
        for inner in models(field.annotation):
            yield from fields(inner, f"{path}.")


def values(facts: Any, path: list[str]) -> Iterator[Any]:
    """What stands at a path; every item of a list."""
    if isinstance(facts, list):
        for each in facts:
            yield from values(each, path)
        if not facts and not path:
            yield facts
    elif not path:
        yield facts
    elif isinstance(facts, dict) and path[0] in facts:
        yield from values(facts[path[0]], path[1:])


@cache
def recorded(folder: Path) -> tuple[Facts, ...]:
    """Part 0 of everything that was done in both worlds."""
    found: list[Facts] = []
    for given in (ONE, OTHER):
        with world(folder / given.prefix, given) as made:
            made.measured()
            made.breached()
            made.said()
            Orders(made).all()
            made.reported()
            found += made.events()
    return tuple(found)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[Facts]]:
    found: dict[str, list[Facts]] = {}
    for facts in recorded(tmp_path_factory.mktemp("worlds")):
        found.setdefault(facts["type"], []).append(facts)
    return found


def seen(facts: list[Facts], path: str) -> set[bytes]:
    """The different values of a field, as canonical JSON; lists also as wholes."""
    whole = {dumps(value) for each in facts for value in values(each, path.split("."))}
    return whole | {dumps(_at(each, path.split("."))) for each in facts if "." not in path}


def written(name: str) -> list[tuple[str, Any]]:
    """The fields of a type that the store can write: lists of parties are of contract 1."""
    return [each for each in fields(EVENTS[name]) if not each[0].startswith("admits")]


def _at(facts: Any, path: list[str]) -> Any:
    return facts.get(path[0]) if isinstance(facts, dict) else None


def test_what_no_command_makes_is_listed_and_the_list_only_shrinks(
    events: Mapping[str, list[Facts]],
):
    assert set(EVENTS) - set(events) == COMES_WITH_HANDS


def test_every_field_has_an_edge_that_sets_it(events: Mapping[str, list[Facts]]):
    alike = {
        f"{name}.{path}"
        for name, facts in events.items()
        for path, _ in written(name)
        if len(seen(facts, path)) < 2 and path not in BY_DESIGN
    }
    assert alike == set(CONSTANT)


def test_every_word_can_be_said(events: Mapping[str, list[Facts]]):
    unsaid = {
        f"{name}.{path}": missing
        for name, facts in events.items()
        for path, annotation in written(name)
        if path not in BY_DESIGN
        and f"{name}.{path}" not in COMPUTED
        and (missing := {w for w in words(annotation) if dumps(w) not in seen(facts, path)})
    }
    assert unsaid == UNSAID


def test_the_walk_sees_a_field_that_nobody_sets(events: Mapping[str, list[Facts]]):
    """The twin: a variant whose purpose were a constant again would be found."""
    received = [
        {**facts, "variants": [{**each, "purpose": "final"} for each in facts["variants"]]}
        for facts in events["submission-received"]
    ]
    assert len(seen(events["submission-received"], "variants.purpose")) > 1
    assert len(seen(received, "variants.purpose")) == 1
    assert len(seen(received, "planned_release_of_nobody")) < 2
