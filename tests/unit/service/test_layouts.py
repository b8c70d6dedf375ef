"""Through a real store: no deed is recorded whose parts are not what its layout says.

A deed of every type is taken just before its recording. It is changed in every way that there is,
and each change is refused with nothing written; without the check it would have been recorded.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NoReturn

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from support.every_deed import Before
from support.sending import taken_back as all_taken_back
from support.timed import fold
from support.unchecked import unchecked
from touchstone.clearance import Marking, may_read, party_audience, tlp
from touchstone.deeds.deed import Attachment, Content, Deed, Evidence, attached
from touchstone.errors import TouchstoneError
from touchstone.ledger import dumps
from touchstone.review import (
    LAYOUTS,
    BadEventError,
    Refused,
    State,
    check_deed,
    digests,
    layout_of,
)
from touchstone.review.addressing import addressees
from touchstone.review.parts import Part
from touchstone.service import taking
from touchstone.service.installation import Installation
from touchstone.verdicts.content_parsers import PARSERS

LEAST_BARE = 10
# One worker makes what all of these look at.

OTHER = "sha256:" + "00" * 32
EARLIER = {"party-admitted"}
"""Of records of contract 1 alone, which take nothing more."""
TYPES = {str(event.model_fields["type"].default): event for event in LAYOUTS}
WITH_PARTS = sorted(
    kind for kind, event in TYPES.items() if LAYOUTS[event].parts and kind not in EARLIER
)


@dataclass(frozen=True)
class Change:
    """A deed that should not be, and what was done to it."""

    what: str
    deed: Deed
    unseen: bool = True
    """Whether nothing but the check of the parts can see it."""


@pytest.fixture(scope="module")
def states() -> dict[str, State]:
    """The state before each deed, as far as it was asked for."""
    return {}


def with_part(deed: Deed, place: int, attachment: Attachment) -> Deed:
    attached = [*deed.attachments]
    attached[place] = attachment
    return replace(deed, attachments=tuple(attached))


def known(deed: Deed) -> list[Part]:
    """The parts that the layout knows of this event, in order."""
    layout = layout_of(deed.event)
    return [layout.part(n) for n in layout.names(deed.event, len(deed.attachments)) if n]


def changes(before: Before, state: State) -> Iterator[Change]:
    """Everything that can be wrong with what goes with a deed."""
    deed = before.deed
    more = Content({"text": "beside"}, deed.event.marking)
    yield Change("a part too many", replace(deed, attachments=(*deed.attachments, more)))
    for place, part in enumerate(known(deed)):
        yield from _without(deed, place, part)
        yield from _changed(deed, place, part)
        yield from _facts(deed, part)
        yield from _hidden(deed, place, state)


def _without(deed: Deed, place: int, part: Part) -> Iterator[Change]:
    attached = deed.attachments
    if part.needed(deed.event) or part.recorded is not None:
        left = attached[:place] + attached[place + 1 :]
        yield Change(f"{part.name} left out", replace(deed, attachments=left))
    twice = (*attached[:place], attached[place], *attached[place:])
    yield Change(f"{part.name} twice", replace(deed, attachments=twice))
    if len(attached) > 1:
        moved = (attached[place], *attached[:place], *attached[place + 1 :])
        moved = moved if place else (*attached[1:], attached[0])
        yield Change(f"{part.name} elsewhere", replace(deed, attachments=moved))


def _changed(deed: Deed, place: int, part: Part) -> Iterator[Change]:
    given = deed.attachments[place]
    if isinstance(given, Evidence):
        as_content: Attachment = Content({"text": given.name}, given.marking)
        altered: Attachment = replace(given, data=b"other" + given.data)
    else:
        assert isinstance(given, Content)
        as_content = Evidence(dumps(given.value), "application/json", "part.json", given.marking)
        altered = Content([given.value], given.marking)
    yield Change(f"{part.name} of another kind", with_part(deed, place, as_content))
    if part.digests or isinstance(given, Content):
        yield Change(f"{part.name} altered", with_part(deed, place, altered))
    if isinstance(given, Content):
        yield Change(f"{part.name} empty", with_part(deed, place, Content({}, given.marking)))


def _facts(deed: Deed, part: Part) -> Iterator[Change]:
    for fact in part.digests:
        facts: Any = deed.event.facts()
        *into, last = fact.split(".")
        group = facts
        for step in into:
            group = group[step]
        group[last] = OTHER if str(group[last]).startswith("sha256:") else OTHER[7:]
        event = type(deed.event).model_validate_json(dumps(facts))
        # Guards compare these with what they know themselves.
        seen = fact in {"framework.digest", "digest", "bundle", "agreement", "words"}
        yield Change(f"{fact} another", replace(deed, event=event), not seen)


def _hidden(deed: Deed, place: int, state: State) -> Iterator[Change]:
    given, event = deed.attachments[place], deed.event
    for marking in (tlp("RED", event.actor), Marking(scheme="OTHER:1", label="CLEAR")):
        reads = [
            any(may_read(party_audience(p, "GREEN"), marking, event.actor).allowed for p in group)
            for group in addressees(state, event)
        ]
        if not all(reads):
            hidden = with_part(deed, place, replace(given, marking=marking))
            yield Change(f"part {place} marked {marking.scheme} {marking.label}", hidden)


def written(here: Installation, case: str) -> tuple[Any, ...]:
    """Everything that a deed would leave."""
    if case not in {row.case for row in here.records.cases()}:
        return ()
    reader = here.records.case(case)
    parts = tuple((part.n, part.i) for part in reader.parts())
    return reader.size, reader.root, parts, tuple(e.digest for e in reader.evidence_index())


def state_of(here: Installation, before: Before) -> State:
    """As it stands just before the deed."""
    cases = {row.case for row in here.records.cases()}
    return here.state(before.case) if before.case in cases else State()


def test_every_type_that_anything_goes_with_is_here(deeds: Mapping[str, Before]):
    assert set(WITH_PARTS) <= set(deeds)


@pytest.mark.parametrize("kind", WITH_PARTS)
def test_what_does_not_agree_is_refused_with_nothing_written(
    kind: str, deeds: Mapping[str, Before]
):
    _refuses_all(deeds[kind])


def test_nothing_goes_with_a_deed_of_facts_alone(deeds: Mapping[str, Before]):
    bare = [before for kind, before in deeds.items() if kind not in WITH_PARTS]
    assert len(bare) >= LEAST_BARE
    for before in bare:
        _refuses_all(before)


def _refuses_all(before: Before) -> None:
    # A refusal's own words may hold the deed's: others look for them in this store.
    with before.store() as stored, all_taken_back(stored) as here:
        untouched = written(here, before.case)
        for change in changes(before, state_of(here, before)):
            with pytest.raises((BadEventError, Refused)) as refusal:
                before.record(here, change.deed)
            assert isinstance(refusal.value, BadEventError) or not change.unseen, change.what
            assert "\n" not in str(refusal.value)
            assert written(here, before.case) == untouched, change.what


class Undone(Exception):  # noqa: N818  it is how a test takes back what it saw done
    """A deed was appended, and its transaction is to be taken back."""


@pytest.fixture
def taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every deed is taken back once it is appended, so that a store serves many of them."""

    def undo(*_: object) -> NoReturn:
        raise Undone

    monkeypatch.setattr(taking, "summarise", undo)


@pytest.mark.usefixtures("taken_back")
@pytest.mark.parametrize("kind", WITH_PARTS)
def test_what_is_as_it_should_be_is_recorded(kind: str, deeds: Mapping[str, Before]):
    with deeds[kind].store() as here, pytest.raises(Undone):
        deeds[kind].record(here, deeds[kind].deed)


@pytest.mark.usefixtures("taken_back")
@pytest.mark.parametrize("kind", WITH_PARTS)
def test_twin_without_the_check_it_is_recorded(kind: str, deeds: Mapping[str, Before]):
    before = deeds[kind]
    with before.store() as here, unchecked():
        for change in changes(before, state_of(here, before)):
            if change.unseen:
                with pytest.raises(Undone):
                    before.record(here, change.deed)


WHOLE = [
    (kind, part.name)
    for kind in WITH_PARTS
    for part in LAYOUTS[TYPES[kind]].parts
    if digests.of_content in part.digests.values()
]
"""Parts of which every byte is under a digest."""
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=9))


def leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where every value in a JSON value stands."""
    yield at
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*at, step))


def put(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """A JSON value with another one in a place of it."""
    if not at:
        return new
    changed = json.loads(dumps(value))
    group = changed
    for step in at[:-1]:
        group = group[step]
    group[at[-1]] = new
    return changed


@given(st.sampled_from(WHOLE), st.data())
def test_nothing_under_a_digest_can_be_altered(
    deeds: Mapping[str, Before], which: tuple[str, str], data: st.DataObject
):
    before, name = deeds[which[0]], which[1]
    deed = before.deed
    names = [part.name for part in known(deed)]
    assume(name in names)
    place = names.index(name)
    part = deed.attachments[place]
    assert isinstance(part, Content)
    at = data.draw(st.sampled_from(list(leaves(json.loads(dumps(part.value))))))
    value = put(part.value, at, data.draw(SCALARS))
    assume(_differ(value, part.value))
    with before.store() as here:
        untouched = written(here, before.case)
        with pytest.raises(BadEventError):
            before.record(here, with_part(deed, place, Content(value, part.marking)))
        assert written(here, before.case) == untouched


def _differ(one: Any, other: Any) -> bool:
    try:
        return dumps(one) != dumps(other)
    except TouchstoneError:
        return True


JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


CANARY = "canary-7d0c of the lab"
"""Words as they stand in parts."""


def state_before(before: Before, states: dict[str, State]) -> State:
    """Of a deed of this type, folded once."""
    if before.kind not in states:
        with before.store() as here:
            told = [each.event for each in before.before]
            states[before.kind] = fold(told, state_of(here, before))
    return states[before.kind]


def with_canaries(value: Any) -> Iterator[Any]:
    """A part with words in each place of its content, as a value and as a name."""
    for at in leaves(value["content"]):
        yield put(value, ("content", *at), CANARY)
        yield put(value, ("content", *at), {CANARY: CANARY})


def refusals_of_canaries(before: Before, state: State) -> Iterator[BadEventError]:
    """What is said of its parts with words of ours in each place, one after the other."""
    event, layout = before.deed.event, layout_of(before.deed.event)
    parts = [attached(each) for each in before.deed.attachments]
    # Past the digests, which would hide what a reader says of the words themselves.
    bare = tuple(replace(each, digests={}) for each in layout.parts)
    for place, part in enumerate(parts):
        value: Any = json.loads(dumps(dict(part.value)))
        for changed in islice(with_canaries(value) if "content" in value else (), 60):
            others = [*parts]
            others[place] = replace(part, value=changed)
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(LAYOUTS, type(event), replace(layout, parts=bare))
                try:
                    check_deed(state, event, others, PARSERS)
                except BadEventError as error:
                    yield error


@pytest.mark.parametrize("kind", WITH_PARTS)
def test_what_is_kept_of_a_refusal_repeats_no_word_of_a_part(
    deeds: Mapping[str, Before], states: dict[str, State], kind: str
):
    for error in refusals_of_canaries(deeds[kind], state_before(deeds[kind], states)):
        assert CANARY not in f"{error.kept} {error.data}", error.code
        assert str(error).startswith(error.kept)


def test_twin_whoever_has_the_part_reads_its_words_in_the_refusal(
    deeds: Mapping[str, Before], states: dict[str, State]
):
    before = deeds["submission-received"]
    told = [str(each) for each in refusals_of_canaries(before, state_before(before, states))]
    assert sum(CANARY in each for each in told) > 3


@given(st.sampled_from(WITH_PARTS), st.data())
def test_whatever_stands_in_a_part_is_taken_or_refused(
    deeds: Mapping[str, Before], states: dict[str, State], kind: str, data: st.DataObject
):
    before = deeds[kind]
    state_before(before, states)
    parts = [attached(each) for each in before.deed.attachments]
    assume(parts)
    place = data.draw(st.integers(0, len(parts) - 1))
    value: Any = json.loads(dumps(dict(parts[place].value)))
    at = data.draw(st.sampled_from(list(leaves(value))[1:]))
    parts[place] = replace(parts[place], value=put(value, at, data.draw(JSON)))
    with suppress(BadEventError):
        check_deed(states[kind], before.deed.event, parts, PARSERS)


@pytest.mark.parametrize("plan", [{}, {"sets": 1}, {"sets": [{}]}, {"sets": [{"counts": 1}]}])
def test_what_a_room_above_cannot_read_is_refused_too(deeds: Mapping[str, Before], plan: Any):
    before = deeds["battery-sealed"]
    parts = [attached(each) for each in before.deed.attachments]
    secret = {**parts[1].value["content"], "plan": plan}
    parts[1] = replace(parts[1], value={**parts[1].value, "content": secret})
    with before.store() as here:
        state = state_of(here, before)
    with pytest.raises(BadEventError, match="the part secret: "):
        check_deed(state, before.deed.event, parts, PARSERS)
    check_deed(state, before.deed.event, parts)
