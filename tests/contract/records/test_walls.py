"""The second wall: on PostgreSQL a party that reads sees its own cases, whatever is forgotten.

The first wall, which asks whose case it is, is taken away here: what is still hidden, the database
hides. One scene for all of these tests, which only read.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connections
from django.db.models import Max

from support import deeds
from support.party_server import CASE, FRAMEWORK, begin, begun, invites, opens, party
from support.postgresql import Postgresql
from support.small_case import Minutes
from touchstone.keys import Keyring
from touchstone.ledger.contract2 import CaseKeys
from touchstone.ledger.errors import UnpromisedError
from touchstone.records import (
    DATABASE,
    DATABASE_READER,
    CaseMissingError,
    CaseReader,
    PartyReading,
    Records,
    SentCase,
)
from touchstone.records.deedlog import LogKnown
from touchstone.records.evidence import EvidenceFiles
from touchstone.records.models import CaseRow, EntryRow, MemberRow, PartRow
from touchstone.records.remembered import Remembered
from touchstone.records.settings import connect
from touchstone.records.walls import READABLE
from touchstone.service.doctor import examine
from touchstone.service.installation import Installation
from touchstone.service.reporting import feed

pytestmark = pytest.mark.needs_postgresql

APP, READER, NAME = "record_app", "record_reader", "record"
LAB, AGENCY, CENTRE = "example-lab", "example-agency", "example-centre"
INVITED, STRANGER = "example-treasury", "example-bank"
OTHER = "case-2"
"""A case of the stranger alone."""
CASE_COLUMNS = {"records_caserow": '"case"', "records_answerrow": '"case"'}
NOBODY = ("", "example-nobody", "example-lab ", "x\x00", "\ud800")
Seen = dict[str, int]


@dataclass
class Scene:
    """The installation, and the connection by which it is read for parties."""

    here: Installation
    server: Postgresql
    alias: str

    @property
    def records(self) -> Records:
        return self.here.records

    def reading(self, party: str) -> AbstractContextManager[PartyReading]:
        return self.records.reading_as(party)

    def one(self, statement: str, *values: str) -> Any:
        """The first column of the one row that the reading role is shown."""
        with connections[self.alias].cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()[0]

    def counts(self, case: str) -> Seen:
        """How many rows of a case that role is shown in each table that it may read."""
        return {
            table: self.one(
                f"SELECT count(*) FROM {table} WHERE {CASE_COLUMNS.get(table, 'case_id')} = %s",  # noqa: S608
                case,
            )
            for table in READABLE
        }

    def seen(self, party: str, case: str = CASE) -> Seen:
        """The same, by what a party is shown, of the tables in which it is shown any."""
        with self.reading(party):
            return {table: count for table, count in self.counts(case).items() if count}

    def unchecked(self) -> CaseReader:
        """A reader by that role that nobody asked for whom it is."""
        whole = self.records.case(CASE)
        row = CaseRow(case=CASE, log=whole.log, size=whole.size, contract=whole.contract)
        files = EvidenceFiles(self.here.home / "evidence", self.here.home / "staging")
        return CaseReader(self.alias, row, whole.root, None, files)


@pytest.fixture(scope="module")
def scene(emptied: Postgresql, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    homes, clock = tmp_path_factory.mktemp("walls"), Minutes()
    home = homes / "server"
    app, reader = (emptied.address(role, NAME) for role in (APP, READER))
    keyring = Keyring.open_or_create(home / "keys", deeds.AT)
    here = Installation(home, Records.open(home, keyring, app, reader), keyring, clock)
    begin(here, homes)
    centre = begun(here, clock, homes).centre
    invites(centre, party(here, homes, INVITED, "agency"))
    opens(party(here, homes, STRANGER, "centre"), FRAMEWORK, OTHER)
    piece = "INSERT INTO records_evidencerow VALUES ('name', 'facts', 1, 'case-1')"
    emptied.admin(piece, database=NAME)
    yield Scene(here, emptied, connect(homes, reader))
    connections.close_all()


@pytest.fixture
def no_first_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every party is taken for one that has joined every case, and every list for everybody's."""
    monkeypatch.setattr(CaseKeys, "knows", lambda *_: True)
    monkeypatch.setattr(CaseKeys, "has_joined", lambda *_: True)
    monkeypatch.setattr(PartyReading, "is_member", lambda *_: True)
    listed = "FROM records_memberrow m JOIN records_indexrow i ON i.case_id = m.case_id"
    listed += " WHERE (m.party = %s OR true)"
    monkeypatch.setattr("touchstone.records.members._FROM", listed)


ASKED: dict[str, Callable[[Installation, str], object]] = {
    "entries": lambda here, party: list(feed.entries_since(here, CASE, party, 0, sight="contents")),
    "head": lambda here, party: feed.published_head(here, CASE, party, sight="contents"),
    "bundle": lambda here, party: list(feed.own_bundle(here, CASE, party, sight="contents")),
    "page": lambda here, party: feed.own_page(here, CASE, party, sight="contents"),
    "newest": lambda here, party: feed.newest_of(here, CASE, party, ["status"], sight="contents"),
}


@pytest.mark.parametrize("what", ASKED)
@pytest.mark.usefixtures("no_first_wall")
def test_a_stranger_is_told_nothing_of_a_case_though_nobody_asks_whose_it_is(
    scene: Scene, what: str
):
    assert ASKED[what](scene.here, LAB)
    with pytest.raises(UnpromisedError) as denied:
        ASKED[what](scene.here, STRANGER)
    with pytest.raises(UnpromisedError) as absent:
        ASKED[what](scene.here, "example-nobody")
    assert str(denied.value) == str(absent.value)


@pytest.mark.usefixtures("no_first_wall")
def test_lists_and_counts_that_forget_whose_they_are_show_a_party_its_own(scene: Scene):
    told = {
        party: [case.case for case in feed.cases_of(scene.here, party).cases]
        for party in (LAB, STRANGER, INVITED, "example-nobody")
    }
    assert told == {LAB: [CASE], STRANGER: [OTHER], INVITED: [], "example-nobody": []}
    for name, count in ((LAB, 1), (STRANGER, 1), (INVITED, 0)):
        with scene.reading(name) as reading:
            assert reading.count() == count
    # Whoever records is no party: for it nothing is filtered.
    assert {case.case for case in scene.records.members.visible_to(LAB).cases} == {CASE, OTHER}


def test_each_party_is_shown_the_rows_of_its_own_case_in_every_table(scene: Scene):
    assert scene.seen(LAB).keys() == READABLE.keys()
    assert scene.seen(LAB)["records_entryrow"] == scene.records.case(CASE).size
    assert scene.seen(LAB)["records_memberrow"] == 1
    assert scene.seen(LAB, OTHER) == {}
    assert scene.seen(STRANGER) == {}
    own = scene.seen(STRANGER, OTHER)
    assert own["records_entryrow"] == 1
    with scene.reading(STRANGER):
        assert scene.one("SELECT count(*) FROM records_partrow") == own["records_partrow"]
    # Who is invited follows the keys, and learns neither what is reviewed nor by what evidence.
    hidden = {"records_indexrow", "records_evidencerow", "records_answerrow"}
    assert scene.seen(INVITED).keys() == READABLE.keys() - hidden


def test_answers_are_shown_to_the_party_whose_deeds_they_answer(scene: Scene):
    def answered(name: str) -> int:
        with scene.reading(name) as reading:
            assert reading.case(CASE).answers(AGENCY if name == LAB else LAB) == []
            return len(reading.case(CASE).answers(name))

    assert (answered(LAB), answered(AGENCY)) == (2, 1)


def test_a_reader_that_nobody_checked_finds_nothing(scene: Scene):
    reader, size = scene.unchecked(), scene.records.case(CASE).size
    with scene.reading(LAB):
        assert len(list(reader.lines())) == size
        assert reader.touching("status")
    with scene.reading(STRANGER) as reading:
        found = reader.lines(), reader.parts(), reader.touching("status"), reader.entry_parts(0)
        assert [list(each) for each in found] == [[], [], [], []]
        assert reader.events_of(["case-opened"]) == []
        for ask in (reading.case, reading.log, reading.keys):
            with pytest.raises(CaseMissingError):
                ask(CASE)


def test_what_is_sent_of_a_case_is_what_whoever_records_reads(scene: Scene):
    whole = scene.records.case(CASE)
    sent, denied = (scene.records.sent_to(each, CASE, whole.size) for each in (LAB, STRANGER))
    asks: tuple[Callable[[SentCase | CaseReader], object], ...] = (
        lambda case: list(case.lines(1)),
        lambda case: list(case.parts(1)),
        lambda case: list(case.parts_of(["party-joined"])),
        lambda case: case.entry_parts(0),
        lambda case: case.events_of(["case-opened"]),
    )
    for ask in asks:
        assert ask(sent) == ask(whole)
        assert ask(whole)
        with pytest.raises(CaseMissingError):
            ask(denied)
    assert sent.answers(LAB) == whole.answers(LAB) != []
    assert (sent.log, sent.root, sent.answers(AGENCY)) == (whole.log, whole.root, [])
    assert list(scene.records.sent_to(LAB, CASE, 2).lines()) == list(whole.lines())[:2]


def test_what_the_orm_asks_is_filtered_too(scene: Scene):
    def asked(name: str) -> tuple[object, ...]:
        with scene.reading(name):
            entries = EntryRow.objects.using(scene.alias).filter(case=CASE)
            return (
                entries.count(),
                entries.exists(),
                entries.aggregate(Max("n"))["n__max"],
                PartRow.objects.using(scene.alias).filter(case_id=CASE).values("i").count(),
                set(MemberRow.objects.using(scene.alias).values_list("party", flat=True)),
            )

    size = scene.records.case(CASE).size
    assert asked(LAB)[:3] == (size, True, size - 1)
    assert asked(LAB)[4] == {LAB}
    assert asked(STRANGER) == (0, False, None, 0, {STRANGER})


@pytest.mark.parametrize("nobody", NOBODY, ids=repr)
def test_an_unknown_party_is_shown_nothing(scene: Scene, nobody: str):
    with scene.reading(nobody):
        totals = {table: scene.one(f"SELECT count(*) FROM {table}") for table in READABLE}  # noqa: S608
    assert totals == dict.fromkeys(READABLE, 0)


def test_a_party_does_not_outlive_its_request_on_a_connection_that_is_kept(scene: Scene):
    def now() -> tuple[int, str, int]:
        return (
            scene.one("SELECT pg_backend_pid()"),
            scene.one("SELECT coalesce(current_setting('touchstone.party', true), '')"),
            scene.one("SELECT count(*) FROM records_entryrow"),
        )

    with scene.reading(LAB):
        backend, name, count = now()
    assert (name, count) == (LAB, scene.records.case(CASE).size)
    assert now() == (backend, "", 0)
    with pytest.raises(ZeroDivisionError), scene.reading(LAB):
        raise ZeroDivisionError
    assert now() == (backend, "", 0)
    # Twin: a setting of the session, not of the transaction, is the next request's too.
    scene.one("SELECT set_config('touchstone.party', %s, false)", LAB)
    assert now() == (backend, LAB, count)
    scene.one("SELECT set_config('touchstone.party', '', false)")


def test_no_party_is_read_for_within_the_reading_of_another(scene: Scene):
    with scene.reading(LAB), pytest.raises(RuntimeError, match="durable"):
        scene.reading(STRANGER).__enter__()


def test_no_transaction_is_open_while_a_page_is_sent(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    whole = list(feed.entries_since(scene.here, CASE, LAB, 1, sight="contents"))
    monkeypatch.setattr("touchstone.records.reading.PAGE", 2)
    sending = feed.entries_since(scene.here, CASE, LAB, 1, sight="contents")
    first = next(sending)
    assert not connections[scene.alias].in_atomic_block
    assert [first, *sending] == whole
    assert (
        list(
            feed.entries_since(
                scene.here, CASE, LAB, scene.records.case(CASE).size, sight="contents"
            )
        )
        == []
    )


def test_what_is_read_for_parties_knows_nothing_of_what_whoever_records_folded(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    case = scene.records.case(CASE)
    wrong = LogKnown(case.size, bytes.fromhex(case.root), CaseKeys())
    known: Remembered[LogKnown] = Remembered(1)
    known.keep(CASE, wrong)
    monkeypatch.setattr(scene.records.deeds, "_known", known)
    assert not scene.records.deeds.is_party(CASE, LAB)
    with scene.reading(LAB) as reading:
        assert reading.keys(CASE).has_joined(LAB)
        assert reading.log(CASE).last_deed(reading.keys(CASE).current[LAB]) is not None
    assert not scene.records.deeds.is_party(CASE, LAB)


def test_the_doctor_says_whether_the_wall_holds(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    for look in ("_sandbox", "_families"):
        monkeypatch.setattr(f"touchstone.service.doctor.{look}", list)
    monkeypatch.setenv("TOUCHSTONE_HOME", str(scene.here.home))
    monkeypatch.setenv(DATABASE, scene.server.address(APP, NAME))

    def told(role: str) -> tuple[bool, str]:
        monkeypatch.setenv(DATABASE_READER, role and scene.server.address(role, NAME))
        (row,) = (row for row in examine() if row.name == "Second wall")
        return row.ok, row.fix or row.found

    assert told(READER) == (True, "a party is shown its own rows alone")
    assert told("") == (True, "none: no server can read for parties")
    held, why = told(APP)
    assert (held, "sees all rows, by another policy" in why) == (False, True)


def switched(scene: Scene, how: str) -> None:
    tables = (f"ALTER TABLE {table} {how} ROW LEVEL SECURITY" for table in READABLE)
    scene.server.admin(*tables, database=NAME)


@pytest.mark.usefixtures("no_first_wall")
def test_twin_without_the_wall_a_stranger_is_shown_all_of_it(scene: Scene):
    switched(scene, "DISABLE")
    try:
        assert scene.seen(STRANGER).keys() == READABLE.keys()
        assert scene.seen("")["records_memberrow"] == 4
        for ask in ASKED.values():
            assert ask(scene.here, STRANGER)
        assert {case.case for case in feed.cases_of(scene.here, STRANGER).cases} == {CASE, OTHER}
        told = [fault.what for fault in scene.records.check()]
        assert len([line for line in told if "has no row-level security" in line]) == len(READABLE)
    finally:
        switched(scene, "ENABLE")
    assert [*scene.records.check()] == []
