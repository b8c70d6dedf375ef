"""Which party is of which case: listed and counted by an index, the same as the entries say."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from support import deeds, stored_deeds
from support.contract1 import append, opening
from support.deed_server import Hand, begun, key_act
from support.ledger_signer import Signer
from support.record_place import Place
from support.stored_deeds import CASE, KINDS, StoredScene, StoredServer, opened
from touchstone.ledger import fingerprint
from touchstone.records import (
    DATABASE_OWNER,
    DeedTaking,
    Members,
    Membership,
    PageError,
    PartError,
    preparation,
    prepare,
)
from touchstone.records.models import IndexRow, MemberRow
from touchstone.records.settings import connect

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"


@pytest.fixture
def scene(place: Place) -> StoredScene:
    return opened(place)


def invite(scene: StoredScene, role: str = "agency") -> None:
    said = key_act(scene.server, AGENCY, act="invited", party=AGENCY, role=role, expects=None)
    scene.centre.act(scene.server, "party-invited", **said)


def join(scene: StoredScene) -> None:
    hand = Hand(AGENCY, Signer("agency"))
    said = key_act(
        scene.server,
        AGENCY,
        act="joined",
        party=AGENCY,
        role="agency",
        key=hand.signer.public_key.hex(),
        next=fingerprint(Signer("agency next").public_key),
    )
    hand.act(scene.server, "party-joined", **said)


def cases(scene: StoredScene, party: str) -> list[str]:
    """All cases of a party, page by page."""

    def pages() -> Iterator[str]:
        after = None
        while True:
            page = scene.records.members.visible_to(party, after=after, most=2)
            yield from (each.case for each in page.cases)
            if (after := page.after) is None:
                return

    return list(pages())


def invitations(scene: StoredScene, most: int = 50) -> dict[str, Membership]:
    """All invitations of the agency, page by page."""
    found: dict[str, Membership] = {}
    after = None
    while True:
        page = scene.records.members.invitations(AGENCY, after=after, most=most)
        assert 0 < len(page.invitations) <= most or not found
        found |= page.invitations
        if (after := page.after) is None:
            return found


def amiss(scene: StoredScene) -> list[str]:
    records = scene.place.open()
    (listed,) = (one.summary for one in records.cases() if one.case == CASE)
    return [fault.what for fault in records.check_case(CASE, lambda *_: listed)]


def test_members_are_who_joined_and_who_is_invited_from_their_entry_on(scene: StoredScene):
    members = scene.records.members
    both = {
        CENTRE: Membership("centre", 0, joined=True),
        LAB: Membership("developer", 2, joined=True),
    }
    assert members.of(CASE) == both
    assert (cases(scene, AGENCY), members.count(AGENCY)) == ([], 0)
    invite(scene)
    # Who is invited learns of the case that it is there, and no more.
    assert invitations(scene) == {CASE: Membership("agency", 4, joined=False)}
    assert (cases(scene, AGENCY), members.count(AGENCY)) == ([], 0)
    invite(scene)
    assert invitations(scene) == {CASE: Membership("agency", 5, joined=False)}
    assert amiss(scene) == []
    join(scene)
    assert members.of(CASE) == both | {AGENCY: Membership("agency", 6, joined=True)}
    assert invitations(scene) == {}
    (listed,) = members.visible_to(AGENCY).cases
    assert (listed.case, listed.role, listed.n) == (CASE, "agency", 6)
    summary = scene.records.cases()[0].summary
    assert (listed.framework, listed.updated) == (summary.framework, summary.updated)
    assert amiss(scene) == []


def test_what_moved_is_told_to_who_joined_and_since_when_it_is_asked(scene: StoredScene):
    members = scene.records.members
    updated = scene.records.cases()[0].summary.updated
    size = scene.records.case(CASE).size
    assert members.moved(LAB, updated) == {CASE: size}
    # After that second there is nothing; who is invited, or nobody there, has no case that moves.
    assert members.moved(LAB, "2099-01-01T00:00:00Z") == {}
    invite(scene)
    updated = scene.records.cases()[0].summary.updated
    assert members.moved(LAB, updated) == {CASE: size + 1}
    for other in (AGENCY, "example-other", "\x00", ""):
        assert members.moved(other, updated) == {}
    # Who tells people looks again where something moved for them, and an invitation does.
    asked = (LAB, AGENCY, "example-other", "\x00", "")
    assert [members.has_moved(party, updated) for party in asked] == [True, True, *[False] * 3]
    assert not members.has_moved(LAB, "2099-01-01T00:00:00Z")
    join(scene)
    assert members.moved(AGENCY, updated) == {CASE: size + 2}


def test_what_is_taken_back_makes_nobody_a_member(scene: StoredScene):
    def breaking(taking: DeedTaking) -> None:
        stored_deeds.judge(taking)
        taking.writer.flush()
        raise PartError("no")

    whole, before = scene.server, scene.records.members.of(CASE)
    broken = replace(scene, server=replace(whole, judge=breaking))
    with pytest.raises(PartError):
        invite(broken)
    assert scene.records.members.of(CASE) == before
    invite(scene)
    assert set(scene.records.members.of(CASE)) == {CENTRE, LAB, AGENCY}
    assert amiss(scene) == []


def several(scene: StoredScene) -> list[str]:
    """Five cases more of centre and lab, and one that the lab is not in; newest first."""
    names = [f"more-{number}" for number in range(5)]
    for name in names:
        server = StoredServer(scene.records, scene.place.keyring, name)
        begun(server, KINDS, name)
    with opening(scene.records, "other") as writer:
        admits = [{"party": CENTRE, "role": "centre", "key": "ab" * 32}]
        append(writer, [deeds.fact("case-opened", admits=admits)])
        writer.summarise(deeds.summary("closed"))
    for minute, name in enumerate([*names, CASE, "other"]):
        moment = f"2026-11-21T10:0{minute // 2}:00Z"
        alias = connect(scene.place.home, scene.place.database)
        IndexRow.objects.using(alias).filter(case=name).update(updated=moment)
    # Two of one minute stand by name.
    return ["other", "deeds-1", "more-4", "more-2", "more-3", "more-0", "more-1"]


def test_a_party_sees_its_cases_newest_first_each_once_and_nobody_elses(scene: StoredScene):
    every = several(scene)
    assert cases(scene, CENTRE) == every
    assert cases(scene, LAB) == every[1:]
    assert cases(scene, AGENCY) == []
    members = scene.records.members
    assert [members.count(each) for each in (CENTRE, LAB, AGENCY)] == [7, 6, 0]
    alias = connect(scene.place.home, scene.place.database)
    IndexRow.objects.using(alias).filter(case="other").update(framework="another")
    under = members.visible_to(CENTRE, framework="another")
    assert ([each.case for each in under.cases], under.after) == (["other"], None)
    assert members.visible_to(LAB, framework="another").cases == ()
    assert [members.count(each, framework="another") for each in (CENTRE, LAB)] == [1, 0]


def test_a_page_takes_one_statement_whatever_the_cases_hold(scene: StoredScene):
    several(scene)
    alias = connect(scene.place.home, scene.place.database)
    for asked in (
        lambda: scene.records.members.visible_to(CENTRE),
        lambda: scene.records.members.count(CENTRE),
        lambda: scene.records.members.invitations(CENTRE),
    ):
        with CaptureQueriesContext(connections[alias]) as queries:
            asked()
        assert len(queries) == 1


@pytest.mark.parametrize("after", ["", "x", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z/A B"])
def test_a_place_that_no_list_gave_is_refused(scene: StoredScene, after: str):
    with pytest.raises(PageError):
        scene.records.members.visible_to(LAB, after=after)


def test_invitations_come_in_pages_each_once(scene: StoredScene):
    invite(scene)
    alias = connect(scene.place.home, scene.place.database)
    for name in several(scene)[2:]:
        row = MemberRow(party=AGENCY, case_id=name, role="agency", n=9, joined=False)
        row.save(using=alias, force_insert=True)
    whole = invitations(scene)
    assert list(whole) == [CASE, *(f"more-{number}" for number in range(5))]
    assert [list(invitations(scene, most)) for most in (1, 2, 3, 6)] == [list(whole)] * 4
    members = scene.records.members
    assert members.invitations(AGENCY, most=6).after is None
    assert members.invitations(AGENCY, most=5).after == "more-3"
    for after in ("", "x/y", "\ud800"):
        with pytest.raises(PageError):
            members.invitations(AGENCY, after=after)
    for most in (0, 501):
        with pytest.raises(PageError):
            members.invitations(AGENCY, most=most)


@pytest.mark.parametrize("text", ["\ud800", "a\x00b"])
def test_what_no_database_keeps_is_in_no_list(scene: StoredScene, text: str):
    members = scene.records.members
    assert members.visible_to(text) == members.visible_to(LAB, framework=text)
    assert members.visible_to(text).cases == ()
    assert members.count(text) == members.count(LAB, framework=text) == 0
    assert members.invitations(text).invitations == {}


@pytest.mark.parametrize("most", [0, 501])
def test_so_many_at_once_and_no_more(scene: StoredScene, most: int):
    with pytest.raises(PageError, match="ask for 1 to 500"):
        scene.records.members.visible_to(LAB, most=most)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM records_memberrow WHERE party = 'example-lab'",
        "UPDATE records_memberrow SET role = 'centre' WHERE party = 'example-lab'",
        "UPDATE records_memberrow SET joined = (1 = 0) WHERE party = 'example-lab'",
        "UPDATE records_memberrow SET n = 1 WHERE party = 'example-lab'",
        "UPDATE records_memberrow SET party = 'example-agency' WHERE party = 'example-lab'",
    ],
)
def test_a_list_that_is_not_what_the_entries_say_is_told_of_and_mended(
    scene: StoredScene, change: str
):
    before = scene.records.members.of(CASE)
    scene.place.owner(change)
    assert amiss(scene) == ["its list of members is wrong; fix: touchstone rebuild"]
    (listed,) = (one.summary for one in scene.records.cases())
    assert scene.records.rebuild(lambda *_: listed) == [CASE]
    assert scene.records.members.of(CASE) == before
    assert scene.records.rebuild(lambda *_: listed) == []
    assert amiss(scene) == []


def test_of_an_earlier_contract_who_was_admitted_keeps_its_first_role(scene: StoredScene):
    several(scene)
    with scene.records.transaction("other") as writer:
        admits = [
            {"party": CENTRE, "role": "agency", "key": "cd" * 32},
            {"party": LAB, "role": "developer", "key": "ef" * 32},
        ]
        append(writer, [deeds.fact("party-admitted", admits=admits)])
    assert scene.records.members.of("other") == {
        CENTRE: Membership("centre", 0, joined=True),
        LAB: Membership("developer", 1, joined=True),
    }


@pytest.fixture(name="prepared_afterwards")
def _prepared_afterwards(request: pytest.FixtureRequest) -> Iterator[None]:
    """The database of all tests has its rights and walls again, whatever the test leaves."""
    named = "postgresql_place" if "postgresql_place" in request.fixturenames else "place"
    place: Place = request.getfixturevalue(named)
    yield
    if place.server is not None and place.database is not None:
        connections.close_all()
        owner = place.server.address("record_owner", place.name)
        prepare(place.home, place.database, owner, place.reader)


def upgraded(place: Place, monkeypatch: pytest.MonkeyPatch) -> Members:
    """The members of a record that was of a version before they were a table."""
    connections.close_all()
    place.owner(
        # Policies of other tables look into it; the tables stay walled while it is filled.
        f"DROP TABLE records_memberrow{' CASCADE' * (place.server is not None)}",
        "DELETE FROM django_migrations WHERE app = 'records' AND name >= '0012'",
    )
    if place.server is not None:
        monkeypatch.setenv(DATABASE_OWNER, place.server.address("record_owner", place.name))
        prepare(place.home, place.database)
    return place.open().members


@pytest.mark.usefixtures("prepared_afterwards")
def test_an_upgrade_lists_the_members_of_the_cases_that_stand(
    scene: StoredScene, monkeypatch: pytest.MonkeyPatch
):
    several(scene)
    invite(scene)
    before = {case: scene.records.members.of(case) for case in scene.records.names()}
    opened_anew = upgraded(scene.place, monkeypatch)
    assert {case: opened_anew.of(case) for case in before} == before
    assert len(before[CASE]) == 3
    assert list(scene.place.open().check()) == []


@pytest.mark.needs_postgresql
@pytest.mark.usefixtures("prepared_afterwards")
def test_twin_behind_its_own_wall_the_owner_would_upgrade_nothing(
    postgresql_place: Place, monkeypatch: pytest.MonkeyPatch
):
    opened(postgresql_place)
    monkeypatch.setattr(preparation, "without_walls", lambda *_, **__: nullcontext())
    assert upgraded(postgresql_place, monkeypatch).of(CASE) == {}
