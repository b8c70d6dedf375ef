"""A case that a page tells from memory is the case as the party would read it anew."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.every_deed import Before
from support.sending import recorded, send, taken_back
from support.small_case import copied_case
from touchstone.clearance import Audience, Sight, party_audience
from touchstone.deeds.cases import participation_noted, party_left
from touchstone.ledger.errors import UnpromisedError
from touchstone.review import audience_view
from touchstone.review.audience_view import Entry
from touchstone.service.case_context import Case
from touchstone.service.cases.destroying import destroy_case
from touchstone.service.installation import Installation
from touchstone.service.reporting import feed, told_cases
from touchstone.service.reporting.feed import own_case
from touchstone.service.reporting.told_cases import ToldCase, tell

LAB, AGENCY, TREASURY = "example-lab", "example-agency", "example-treasury"
SIGHTS: tuple[Sight, ...] = ("contents", "facts")
MOVES = (
    "agreement-signed",
    "submission-received",
    "outcomes-recorded",
    "finding-responded",
    "party-removed",
    "party-left",
    "review-withdrawn",
)
"""Deeds that change what is told of what came before, or who is told anything."""


def everybody(here: Installation, case: str) -> dict[tuple[str, Sight], ToldCase | None]:
    found: dict[tuple[str, Sight], ToldCase | None] = {}
    for party in here.records.members.of(case):
        for sight in SIGHTS:
            try:
                found[party, sight] = own_case(here, case, party, sight=sight)
            except UnpromisedError:
                found[party, sight] = None
    return found


def anew(here: Installation, case: str, party: str, sight: Sight) -> ToldCase:
    audience = party_audience(party, "GREEN", sight)
    with here.records.reading_as(party) as reading:
        return tell(None, reading.case(case), audience)


def check(here: Installation, case: str) -> None:
    for (party, sight), told in everybody(here, case).items():
        if told is not None:
            fresh = anew(here, case, party, sight)
            assert told.case == fresh.case
            assert told.case.state == fresh.case.state
            assert told.timeline == fresh.timeline
            assert told.followed == fresh.followed


@pytest.mark.parametrize("kind", MOVES)
def test_what_is_told_on_is_what_would_be_read_anew(deeds: Mapping[str, Before], kind: str):
    before = deeds[kind]
    with before.store() as kept, taken_back(kept) as here:
        everybody(here, before.case)
        for deed in (*before.before, before.deed):
            recorded(send(here, before.case, deed))
        check(here, before.case)


@pytest.fixture(name="case")
def _case(settled_home: Path, tmp_path: Path) -> Iterator[Case]:
    with copied_case(settled_home, tmp_path) as copied:
        yield copied


def test_only_what_came_since_is_read(case: Case, monkeypatch: pytest.MonkeyPatch):
    here, started = case.installation, list[int]()
    read = audience_view.read_entries

    def counting(reader: Any, audience: Audience, start: int = 0, **how: Any) -> Iterator[Entry]:
        started.append(start)
        return read(reader, audience, start, **how)

    monkeypatch.setattr(told_cases, "read_entries", counting)
    first = own_case(here, case.id, LAB, sight="contents")
    assert own_case(here, case.id, LAB, sight="contents") is first
    size = len(first.case.entries)
    case.record([participation_noted(case, LAB, "participating", "Still there.")])
    assert len(own_case(here, case.id, LAB, sight="contents").case.entries) == size + 1
    assert started == [0, size]


def test_of_what_was_destroyed_nothing_is_remembered_of_anybody(case: Case):
    here = case.installation
    everybody(here, case.id)
    assert len(here.told_cases) > 0
    destroy_case(here, case.id)
    told = own_case(here, case.id, LAB, sight="contents")
    assert told.case == anew(here, case.id, LAB, "contents").case
    assert told.case.submitted is None
    assert len(here.told_cases) == 0


def test_twin_what_did_not_look_for_a_destruction_would_tell_what_is_gone(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    here = case.installation
    own_case(here, case.id, LAB, sight="contents")
    monkeypatch.setattr(ToldCase, "destroyed", False)
    destroy_case(here, case.id)
    assert own_case(here, case.id, LAB, sight="contents").case.submitted is not None


def test_who_left_is_told_what_it_may_still_read(case: Case):
    here = case.installation
    everybody(here, case.id)
    case.record([party_left(case, TREASURY, "We are done.")])
    case.record([participation_noted(case, LAB, "participating", "Of those who are there.")])
    check(here, case.id)
    text = str(own_case(here, case.id, TREASURY, sight="contents").timeline)
    assert "Of those who are there." not in text


def test_whether_a_party_may_read_is_asked_each_time(case: Case, monkeypatch: pytest.MonkeyPatch):
    here = case.installation
    own_case(here, case.id, LAB, sight="contents")

    def nobody(*_: object) -> None:
        raise UnpromisedError("no-such-case", "there is no such case")

    monkeypatch.setattr(feed, "_reader_for", nobody)
    with pytest.raises(UnpromisedError):
        own_case(here, case.id, LAB, sight="contents")


def test_what_is_heavy_makes_room(case: Case):
    here = case.installation
    told = own_case(here, case.id, LAB, sight="contents")
    parts = [part.part.data or b"" for entry in told.case.entries for part in entry.parts]
    assert told.bytes >= 2 * sum(map(len, parts))
