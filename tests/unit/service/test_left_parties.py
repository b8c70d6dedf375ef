"""What a server tells, and takes of, a party that has left or is invited no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.sending import deliver, signed
from support.small_case import copied_case, small_case
from touchstone.clearance import EVERY_PARTY, party_audience, tlp
from touchstone.client.held_edition import take_edition
from touchstone.deeds.cases import (
    clock_extended,
    participation_noted,
    party_invited,
    party_joined,
    party_left,
    party_removed,
    party_uninvited,
    review_halted,
)
from touchstone.deeds.seen_case import see_case
from touchstone.editions.case_summary import summarise_events
from touchstone.keys import SystemRandom
from touchstone.ledger import loads
from touchstone.ledger.contract2 import RefusedAnswer
from touchstone.ledger.errors import UnpromisedError
from touchstone.review.audience_view import CaseMembers, entry_for
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import open_found
from touchstone.service.reporting.feed import (
    cases_of,
    entries_since,
    invitations_of,
    newest_of,
    own_bundle,
    own_page,
)
from touchstone.service.reporting.next_here import next_in_case
from touchstone.verifier import verify_bundle

LAB, CENTRE, AGENCY, GUEST = "example-lab", "example-centre", "example-agency", "example-guest"


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case in which a guest takes part whom the centre invited."""
    folder = tmp_path_factory.mktemp("begun")
    with small_case(folder) as case:
        keyring = case.installation.keyring
        key, after = keyring.new_party_key(GUEST), keyring.next_party_key(GUEST).fingerprint
        case.record([party_invited(case, CENTRE, GUEST, "auditor")])
        case.record([party_joined(case, GUEST, "auditor", key.public_key.hex(), after)])
    return folder


@pytest.fixture(name="case")
def _case(begun: Path, tmp_path: Path) -> Iterator[Case]:
    with copied_case(begun, tmp_path) as case:
        yield case


def invited(case: Case, party: str = "example-reader") -> Case:
    case.record([party_invited(case, CENTRE, party, "auditor")])
    return case


def goes_on(case: Case) -> None:
    """Something for every party, something for the usual ones, and something for the guest."""
    case.record([party_invited(case, CENTRE, "example-later", "auditor")])
    later = open_found(case.installation, case.id)
    later.record([clock_extended(later, LAB, 2, "One mode came late.")])
    named = tlp("AMBER", LAB, CENTRE, GUEST)
    later.record([review_halted(later, LAB, "We look into a leak.", named)])


def shown(case: Case, party: str) -> list[bool]:
    reader, audience = case.installation.records.case(case.id), party_audience(party, "GREEN")
    return [entry_for(reader, n, audience).visible for n in range(reader.size)]


def test_who_has_left_reads_nothing_new_and_keeps_what_it_had(case: Case):
    before = shown(case, GUEST)
    case.record([party_left(case, GUEST, "Its own wish.")])
    goes_on(case)
    after = shown(case, GUEST)
    # Its leaving is the last thing that it reads, however the rest is marked.
    assert after == [*before, True, False, False, False]
    assert shown(case, LAB)[-4:] == [True, True, True, True]


def test_twin_where_leaving_ends_no_reading_the_guest_reads_on(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    case.record([party_left(case, GUEST)])
    goes_on(case)
    monkeypatch.setattr(CaseMembers, "reading", lambda _self, audience, _n: audience)
    # What names it, its marking alone would show.
    assert shown(case, GUEST)[-3:] == [False, False, True]
    monkeypatch.setattr(CaseMembers, "at", lambda self, _n: self.joined)
    assert shown(case, GUEST)[-3:] == [True, False, True]


def test_its_own_edition_can_still_be_taken_and_verified(case: Case, tmp_path: Path):
    case.record([party_removed(case, CENTRE, GUEST, "Its work is done.")])
    goes_on(case)
    here, pinned = case.installation, case.installation.keyring.history.lines[0].fingerprint

    class Server:
        def bundle(self, name: str) -> Iterator[bytes]:
            return (
                line.removesuffix(b"\n") for line in own_bundle(here, name, GUEST, sight="contents")
            )

        def page(self, name: str) -> bytes:
            return own_page(here, name, GUEST, sight="contents")

    held = take_edition(Server(), case.id, GUEST, pinned, tmp_path / "own")
    verdict = verify_bundle(Path(held.bundle), trust=[pinned])
    assert verdict.word == "authentic", verdict.lines()
    page = Path(held.report).read_text("utf-8")
    assert "One mode came late." not in page
    assert "We look into a leak." not in page
    assert "Was removed from the case by" in page
    data = Path(held.bundle).read_bytes()
    seen = see_case([data], GUEST, pinned=pinned, clock=here.clock, random=SystemRandom())
    assert seen.state.left[GUEST].by == CENTRE
    assert seen.hidden[-3:] == (seen.log.size - 3, seen.log.size - 2, seen.log.size - 1)


def test_what_it_signed_before_is_refused_for_good_once_it_has_left(case: Case):
    here, mark = case.installation, tlp("AMBER", EVERY_PARTY)
    held = signed(
        here, case.id, participation_noted(case, GUEST, "participating", "Our letter.", mark)
    )
    case.record([party_removed(case, CENTRE, GUEST, "Its work is done.")])
    answer = deliver(here, case.id, held, GUEST).answer
    assert isinstance(answer, RefusedAnswer)
    assert answer.code == "law-has-left"
    assert "takes part no more" in answer.why


def test_it_is_told_no_topic_and_nothing_that_is_next_and_its_case_stays_in_its_list(case: Case):
    topics = ["clock", f"keys:{GUEST}"]
    here = case.installation
    clock, own = newest_of(here, case.id, GUEST, topics, sight="contents")
    assert clock is not None
    case.record([party_left(case, GUEST)])
    goes_on(case)
    assert newest_of(here, case.id, GUEST, topics, sight="contents") == (None, own)
    assert list(next_in_case(here, case.id, [GUEST])) == []
    assert [each.case for each in cases_of(here, GUEST).cases] == [case.id]
    # The log goes on for it as for everybody: how many entries there are is no secret of a party.
    read = map(loads, entries_since(here, case.id, GUEST, 0, sight="contents"))
    assert sum("i" not in each for each in read) == case.state.size


def test_later_deeds_are_not_marked_for_an_agency_that_left(case: Case):
    assert AGENCY in case.marks.case.parties
    case.record([party_left(case, AGENCY)])
    later = open_found(case.installation, case.id)
    assert AGENCY not in later.marks.case.parties
    assert "example-treasury" in later.marks.case.parties


def test_an_invitation_that_was_taken_back_leaves_no_trace_to_who_was_invited(case: Case):
    here, reader = case.installation, "example-reader"
    invited(case)
    assert list(invitations_of(here, reader).invitations) == [case.id]
    case.record([party_uninvited(case, CENTRE, reader)])
    assert not invitations_of(here, reader).invitations
    strangers = []
    for name, party in ((case.id, reader), ("no-case", reader), (case.id, "a-stranger")):
        with pytest.raises(UnpromisedError) as refused:
            list(entries_since(here, name, party, 0, sight="contents"))
        strangers.append(refused.value.args)
    assert len({*strangers}) == 1
    # Invited anew, it is told so again.
    invited(case)
    assert list(invitations_of(here, reader).invitations) == [case.id]


def test_a_table_of_members_made_anew_is_the_same(case: Case):
    here = case.installation
    invited(case)
    case.record([party_uninvited(case, CENTRE, "example-reader")])
    case.record([party_left(case, AGENCY)])
    members = here.records.members.of(case.id)
    assert "example-reader" not in members
    assert members[AGENCY].joined
    assert list(here.records.check_case(case.id, summarise_events)) == []
    assert here.records.rebuild(summarise_events) == []
    assert here.records.members.of(case.id) == members
