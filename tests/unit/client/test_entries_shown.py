"""What a party's machine reads of a case is what the server lets it read, entry by entry."""

import pytest

from support.party_server import CASE, FRAMEWORK, Begun, Party, halts, noted
from touchstone.clearance import party_audience, tlp
from touchstone.deeds.cases import review_halted
from touchstone.review.audience_view import Entry, read_entries

KINDS = ("case-opened", "party-invited", "party-joined", "agreement-signed", "review-halted")


def told(entry: Entry) -> tuple[object, ...]:
    return entry.n, entry.event, entry.recorded, entry.texts(), entry.lacking("agreement")


def lets(case: Begun, party: Party) -> list[tuple[object, ...]]:
    """What the server lets the party read."""
    reader = case.here.records.case(CASE)
    entries = read_entries(reader, party_audience(party.id, "GREEN"))
    return [told(entry) for entry in entries if entry.visible and entry.kind in KINDS]


@pytest.fixture
def halted(case: Begun) -> Begun:
    """Two halts, of which the agency is not shown one."""
    secret = tlp("AMBER+STRICT", "example-lab", "example-centre")
    case.centre.act(halts("example-centre", "A machine is down."))
    case.lab.act(lambda seen: review_halted(seen, "example-lab", "A leak.", secret))
    return case


@pytest.mark.parametrize("who", ["lab", "centre", "agency"])
def test_a_party_reads_what_the_server_shows_it(halted: Begun, who: str):
    party: Party = getattr(halted, who)
    seen = party.again().client.look(CASE)
    entries = [told(entry) for entry in seen.entries_of(*KINDS)]
    assert entries == lets(halted, party)
    assert seen.whole == (who != "agency")
    assert seen.framework == FRAMEWORK
    said = [entry.said("reason") for entry in seen.entries_of("review-halted")]
    assert said == ["A machine is down.", "A leak."][: 1 if who == "agency" else 2]


def test_it_reads_what_it_saw_and_not_what_came_since(halted: Begun):
    seen = halted.lab.client.look(CASE)
    noted(halted.lab)
    assert list(seen.entries_of("participation-noted")) == []
    later = halted.lab.client.look(CASE)
    assert [entry.said("source") for entry in later.entries_of("participation-noted")] == [
        "A letter."
    ]
