"""An old version reads on, whichever type it does not know: each type in turn is made unknown."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from support.every_deed import Before
from support.newer import NEWER, add_newer, unknown
from support.timed import decide, evolve, fold
from touchstone.clearance import Audience, party_audience
from touchstone.errors import TouchstoneError
from touchstone.review import Refused, UnknownEvent, read_event
from touchstone.review import events as reading_events
from touchstone.review.errors import MissingPartError
from touchstone.review.events import TYPES, Event, EventReader, settling
from touchstone.service.access.case_texts import CaseTexts
from touchstone.service.access.directive_status import status
from touchstone.service.access.user_base import UserBase
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import (
    list_cases,
    open_found,
    open_to_add,
    rebuild_index,
    show_case,
)
from touchstone.service.cases.checking import check
from touchstone.service.errors import RefusedDeed
from touchstone.service.installation import Installation
from touchstone.service.measurement.forecasting.observed_costs import observed_costs
from touchstone.service.measurement.outcomes import used_before
from touchstone.service.measurement.sealing import reopen
from touchstone.service.reporting import edition_files
from touchstone.service.reporting.edition_files import audiences, bundle_lines, render_edition
from touchstone.verdicts.modes_compared import ANSWERED, Answers
from touchstone.verifier import verify_bundle

KINDS: Mapping[str, type[Event]] = {str(k.model_fields["type"].default): k for k in TYPES}
NOT_IN_A_STORE = {"party-admitted"}
"""Types of records of contract 1 alone."""
PAGES = ("terms-offered",)
"""For which every audience's page is gathered, one is drawn, and all signatures are checked."""
REFUSED = (
    f"this case holds events of a newer version ({NEWER} at entry {{}}): "
    "upgrade before you add to it"
)
WITHOUT_A_CASE = {
    "case-opened": "framework",
    "submission-received": "submission-received",
    "party-joined": "developer",
}
"""What there is no case to work on without, and the word that the line says."""


class Older(EventReader):
    """A version that does not know some types, and finds none of their facts as it would."""

    def read(self, facts: object) -> Event:
        """As the installed one does, but of what is unknown only what every event has is left."""
        event = super().read(facts)
        if not isinstance(event, UnknownEvent):
            return event
        common = ("type", "schema", "actor", "at", "marking")
        return super().read({name: each for name, each in event.facts().items() if name in common})


@contextmanager
def without(kind: str) -> Iterator[None]:
    """While it lasts, this version is one that does not know a type."""
    known = Older([each for name, each in KINDS.items() if name != kind])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_events, "_READER", known)
        yield


@pytest.fixture(scope="module")
def fullest(deeds: Mapping[str, Before]) -> dict[str, Before]:
    """For each type, the store that holds one of it and the most events of its module."""
    found: dict[str, tuple[int, Before]] = {}
    for before in deeds.values():
        with before.store() as here:
            if before.case not in here.records.names():
                continue
            kinds = [str(facts["type"]) for facts in here.records.case(before.case).events()]
        akin = Counter(KINDS[kind].__module__ for kind in kinds)
        for kind in set(kinds):
            number = akin[KINDS[kind].__module__]
            if kind not in found or number > found[kind][0]:
                found[kind] = number, before
    return {kind: before for kind, (_, before) in found.items()}


@pytest.mark.parametrize("kind", sorted(set(KINDS) - NOT_IN_A_STORE))
def test_a_version_that_does_not_know_a_type_reads_every_case_with_one(
    kind: str, fullest: Mapping[str, Before], deeds: Mapping[str, Before], tmp_path: Path
):
    before = (fullest.get(kind) or deeds[kind]).copied(tmp_path / "store")
    with before.store() as here:
        if kind not in fullest:
            before.record(here, before.deed)
    with without(kind), before.store() as here:
        shown = show_case(here, before.case)
        at = re.compile(rf"{kind}(, schema [23],)? at entry")
        assert any(map(at.match, shown.not_known))
        assert any("does not know: " + kind in str(each["text"]) for each in shown.timeline)
        assert [row.case for row in list_cases(here)]
        if kind in PAGES:
            checked = check(here, lambda _: None)
            assert checked.sound, checked.lines()
            assert any(map(at.search, checked.lines()))
        rebuild_index(here)
        observed_costs(here, "example-lab")
        if here.records.case(before.case).destroyed:
            return
        if kind in WITHOUT_A_CASE:
            with pytest.raises(MissingPartError, match=WITHOUT_A_CASE[kind]):
                open_found(here, before.case)
            return
        read_by_all(here, before, kind)
        with pytest.raises(Refused, match=at.pattern):
            open_to_add(here, before.case)


def read_by_all(here: Installation, before: Before, kind: str) -> None:
    """What commands read of a case; editions as far as their page, and some to the end."""
    case = open_found(here, before.case)
    centre = party_audience(case.participants.centre, "GREEN")
    assert kind in str(gathered(case, centre))
    if kind in PAGES:
        assert all(gathered(case, each) for each in audiences(case.participants))
        page = page_of(case, centre)
        assert b"A newer version wrote " in page
        assert f"does not know: {kind}".encode() in page
    used_before(case)
    Answers.of_record(case.entries_of(ANSWERED))
    status(case, UserBase(None, None))
    recorded = CaseTexts(case)
    recorded.in_bundle(case.now())
    recorded.counts("order-1")
    if case.state.batteries:
        reopen(case)


def page_of(case: Case, audience: Audience) -> bytes:
    return render_edition(case, audience, case.installation.records.case(case.id).size, case.now())


def gathered(case: Case, audience: Audience) -> object:
    """All that a page would show, without the page: drawing charts takes a second each."""
    told: list[object] = []

    def kept(data: object) -> str:
        told.append(data)
        return ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edition_files, "render_html", kept)
        page_of(case, audience)
    return told[0]


def test_no_deed_but_leaving_is_added(deeds: Mapping[str, Before]):
    for deed in deeds.values():
        if deed.kind == "case-opened" or deed.before:
            continue
        with deed.store() as here:
            state = here.state(deed.case)
        decide(deed.framework, state, deed.deed.event)
        newer = evolve(state, unknown(state, deed.deed.event.at))
        if isinstance(deed.deed.event, settling.ReleaseAnnounced | settling.ReviewWithdrawn):
            decide(deed.framework, newer, deed.deed.event)
            continue
        with pytest.raises(Refused) as refusal:
            decide(deed.framework, newer, deed.deed.event)
        assert str(refusal.value) == REFUSED.format(state.size)


@pytest.mark.parametrize("kind", ["case-destroyed", "directive-issued", "outcomes-recorded"])
def test_nothing_is_written_where_a_deed_is_refused(
    deeds: Mapping[str, Before], tmp_path: Path, kind: str
):
    before = deeds[kind].copied(tmp_path / "store")
    with before.store() as here:
        n = add_newer(here, before.case)
        size = here.records.case(before.case).size
        with pytest.raises(RefusedDeed) as refusal:
            before.record(here, before.deed)
        assert str(refusal.value) == REFUSED.format(n)
        assert here.records.case(before.case).size == size
        assert not here.records.case(before.case).destroyed


@pytest.mark.parametrize("kind", ["release-announced", "review-withdrawn"])
def test_leaving_is_written(deeds: Mapping[str, Before], tmp_path: Path, kind: str):
    before = deeds[kind].copied(tmp_path / "store")
    with before.store() as here:
        n = add_newer(here, before.case)
        replace(before, before=()).record(here, before.deed)
        assert here.records.case(before.case).size == n + 2


def test_what_a_newer_event_calls_admits_has_no_meaning_in_contract_2(
    deeds: Mapping[str, Before], tmp_path: Path
):
    before = deeds["terms-offered"].copied(tmp_path / "store")
    with before.store() as here:
        parties = here.state(before.case).parties
        add_newer(
            here,
            before.case,
            admits=[
                {"party": "example-lab", "role": "developer", "key": "ab" * 32},
                {"party": "example-trust"},
            ],
        )
        assert here.state(before.case).parties == parties


def test_a_bundle_with_an_unknown_event_verifies(deeds: Mapping[str, Before], tmp_path: Path):
    before = deeds["terms-offered"].copied(tmp_path / "store")
    path = tmp_path / "bundle.jsonl"
    with before.store() as here:
        n = add_newer(here, before.case, more={"a": [1, None]})
        case = open_found(here, before.case)
        audience = party_audience(case.participants.centre, "GREEN")
        proof = here.records.installation.prove(case.id)
        assert proof.head.size == n + 1
        path.write_bytes(b"".join(bundle_lines(case, audience, proof, case.now())))
        now = here.clock.now()
        trust = here.keyring.history.lines[0].fingerprint
    assert verify_bundle(path, trust=(trust,), now=now).holds


def test_what_no_version_could_have_written_is_still_refused():
    facts = {
        "type": NEWER,
        "schema": 1,
        "actor": "example-lab",
        "at": "2026-10-01T12:00:00Z",
        "marking": {"scheme": "TLP:2.0", "label": "CLEAR", "parties": []},
    }
    event = read_event(facts)
    assert isinstance(event, UnknownEvent)
    assert event.facts() == facts
    for bad in (
        {"type": "Not Kebab"},
        {"type": 7},
        {"schema": 0},
        {"schema": True},
        {"schema": "1"},
        {"actor": ""},
        {"at": "yesterday"},
        {"marking": None},
        {"new": 0.5},
        {"type": "review-withdrawn", "schema": 0},
    ):
        with pytest.raises(TouchstoneError) as refusal:
            read_event({**facts, **bad})
        assert "\n" not in str(refusal.value)
    higher = read_event({**facts, "type": "review-withdrawn", "schema": 2})
    assert isinstance(higher, UnknownEvent)
    assert fold([higher]).unknown[0].schema == 2
    with pytest.raises(Refused, match="review-withdrawn, schema 2, at entry 0"):
        decide(None, fold([higher]), event)  # type: ignore[arg-type]  # it is refused before
