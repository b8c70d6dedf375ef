"""The second wall ends where a party left: later rows are hidden by PostgreSQL itself.

The first wall is taken away here. One scene for all of these tests: a guest that left by itself, an
auditor that was removed, and a case that went on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connections

from support import deeds
from support.party_server import CASE, begin, halts, noted
from support.postgresql import Postgresql
from support.small_case import Minutes
from touchstone.deeds.cases import party_left, party_removed
from touchstone.keys import Keyring
from touchstone.ledger import loads
from touchstone.records import CaseReader, Membership, Records, prepare
from touchstone.records.evidence import EvidenceFiles
from touchstone.records.models import CaseRow
from touchstone.records.settings import connect
from touchstone.review.audience_view import CaseMembers
from touchstone.service.installation import Installation
from touchstone.service.reporting import feed

pytestmark = pytest.mark.needs_postgresql

APP, OWNER, READER, NAME = "record_app", "record_owner", "record_reader", "record"
LAB, GUEST, REMOVED = "example-lab", "example-guest", "example-auditor"
LEFT = (GUEST, REMOVED)
LATER = b"We look into a leak that came later."
NUMBERED = ("records_partrow", "records_deedrow", "records_topicrow")
OF_BEFORE = tuple(
    f"ALTER POLICY touchstone_member ON {table} USING (EXISTS (SELECT 1 FROM records_memberrow m"  # noqa: S608
    " WHERE m.party = nullif(current_setting('touchstone.party', true), '')"
    f" AND m.case_id = {table}.case_id))"
    for table in (*NUMBERED, "records_evidencerow")
)
"""The policies as migration 0013 made them."""


@dataclass
class Scene:
    here: Installation
    server: Postgresql
    alias: str
    last: dict[str, int]
    """By party that left, the entry by which it did."""

    @property
    def size(self) -> int:
        return self.here.records.case(CASE).size

    def later(self, name: str, table: str) -> tuple[int, int]:
        """How many rows up to its leaving a party is shown of a table, and how many after it."""
        told = "count(*) FILTER (WHERE n <= %s), count(*) FILTER (WHERE n > %s)"
        statement = f"SELECT {told} FROM {table} WHERE case_id = %s"  # noqa: S608 our own names
        last = self.last.get(name, min(self.last.values()))
        with self.here.records.reading_as(name), connections[self.alias].cursor() as cursor:
            cursor.execute(statement, [last, last, CASE])
            found: tuple[int, int] = cursor.fetchone()
        return found

    def members(self) -> dict[str, Membership]:
        return self.here.records.members.of(CASE)

    def as_before(self) -> None:
        """Leave the database as the version before did."""
        connections.close_all()
        self.server.admin(
            *OF_BEFORE,
            "ALTER TABLE records_memberrow DROP COLUMN last",
            "DELETE FROM django_migrations WHERE app = 'records' AND name = '0014_leaving'",
            database=NAME,
        )

    def upgrade(self, homes: Path) -> None:
        """Prepare it by this version."""
        connections.close_all()
        roles = (self.server.address(each, NAME) for each in (APP, OWNER, READER))
        prepare(homes / "server", *roles)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("left")


@pytest.fixture(scope="module")
def scene(emptied: Postgresql, homes: Path) -> Iterator[Scene]:
    home, clock = homes / "server", Minutes()
    app, reader = (emptied.address(role, NAME) for role in (APP, READER))
    keyring = Keyring.open_or_create(home / "keys", deeds.AT)
    here = Installation(home, Records.open(home, keyring, app, reader), keyring, clock)
    everybody = begin(here, homes, ((GUEST, "auditor"), (REMOVED, "auditor")))
    centre, agency, guest = everybody[1:4]
    last = {
        GUEST: guest.act(lambda seen: party_left(seen, GUEST, "Its own wish.")),
        REMOVED: centre.act(lambda seen: party_removed(seen, centre.id, REMOVED, "It is done.")),
    }
    noted(agency)
    everybody[0].act(halts(LAB, LATER.decode()))
    emptied.admin(
        "INSERT INTO records_evidencerow VALUES ('name', 'facts', 1, 'case-1')", database=NAME
    )
    yield Scene(here, emptied, connect(homes, reader), last)
    connections.close_all()


@pytest.fixture
def no_first_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks who has left: neither who decides what is shown nor who reads the rows."""
    monkeypatch.setattr(CaseMembers, "reading", lambda _self, audience, _n: audience)
    monkeypatch.setattr(CaseMembers, "at", lambda self, _n: self.joined)
    monkeypatch.setattr("touchstone.records.reading.last_read", lambda *_: None)


@pytest.mark.parametrize("table", NUMBERED)
@pytest.mark.parametrize("name", LEFT)
def test_who_left_is_shown_its_own_part_and_no_later_row(scene: Scene, name: str, table: str):
    whole, later = scene.later(LAB, table)
    before, after = scene.later(name, table)
    assert later > 0
    assert after == 0
    assert before >= whole > 0


def test_who_left_is_shown_no_evidence_and_still_its_case(scene: Scene):
    for name, pieces in ((LAB, 1), (GUEST, 0), (REMOVED, 0)):
        with scene.here.records.reading_as(name), connections[scene.alias].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM records_evidencerow")
            assert cursor.fetchone() == (pieces,)
        assert [each.case for each in feed.cases_of(scene.here, name).cases] == [CASE]


@pytest.mark.usefixtures("no_first_wall")
@pytest.mark.parametrize("name", LEFT)
def test_a_reader_that_forgot_who_left_finds_nothing_later(scene: Scene, name: str):
    row = CaseRow(case=CASE, log="", size=scene.size, contract=2)
    files = EvidenceFiles(scene.here.home / "evidence", scene.here.home / "staging")
    reader, last = CaseReader(scene.alias, row, "", None, files), scene.last[name]
    with scene.here.records.reading_as(name):
        assert list(reader.parts(last + 1)) == []
        assert reader.entry_parts(last + 1) == ()
        assert max(reader.touching("participation"), default=-1) <= last


@pytest.mark.parametrize("name", LEFT)
def test_the_log_goes_on_for_who_left_with_every_later_entry_closed(scene: Scene, name: str):
    sent = [loads(each) for each in feed.entries_since(scene.here, CASE, name, 0, sight="contents")]
    assert sum("parts" in each for each in sent) == scene.size
    # What is open of an entry has a salt.
    opened = {each["n"] for each in sent if "salt" in each}
    assert max(opened) == scene.last[name]
    own = scene.here.records.sent_to(name, CASE, scene.size)
    assert own.root == scene.here.records.case(CASE).root
    bundle = b"".join(feed.own_bundle(scene.here, CASE, name, sight="contents"))
    page = feed.own_page(scene.here, CASE, name, sight="contents")
    whole = feed.own_page(scene.here, CASE, LAB, sight="contents")
    assert LATER in whole
    assert LATER not in bundle + page


def test_an_upgrade_notes_who_has_left_and_closes_the_wall(scene: Scene, homes: Path):
    before = scene.members()
    assert {name: before[name].last for name in (*LEFT, LAB)} == {**scene.last, LAB: None}
    scene.as_before()
    # Twin: by the policies of before who left is shown all of it.
    assert scene.later(GUEST, "records_partrow")[1] > 0
    scene.upgrade(homes)
    assert scene.members() == before
    for name in LEFT:
        assert [scene.later(name, table)[1] for table in NUMBERED] == [0, 0, 0]
    assert list(scene.here.records.check()) == []
