"""Several processes of a server on PostgreSQL, of which each records the days that are over."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier

import pytest
from django.db import connections

from support.party_server import CASE, begin
from support.postgresql import Postgresql
from support.record_place import Place
from support.small_case import Minutes
from touchstone.handin import moment_of
from touchstone.records import DATABASE, DATABASE_READER
from touchstone.server import daily_reads
from touchstone.server.accounts.preparing import open_accounts, prepare_accounts
from touchstone.server.accounts.reads import note_read
from touchstone.server.daily_reads import DailyReads
from touchstone.server.principal import Principal
from touchstone.server.settings import set_up_server
from touchstone.service.cases.read_digests import Digesting, days_digested, record_day_of_reads
from touchstone.service.installation import Installation, open_installation

from .conftest import APP, NAME, OWNER

pytestmark = pytest.mark.needs_postgresql
DAY, NEXT = "2026-11-21", "2026-11-22T00:10:00Z"
BOB = Principal("bob", "example-centre", frozenset({"evaluator"}), frozenset({"read"}), "t")
PROCESSES = 2


@pytest.fixture
def installations(
    postgresql_place: Place, server: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[Installation]]:
    """One record with a case of three parties, opened as often as there are processes."""
    home, address = postgresql_place.home, postgresql_place.database or ""
    set_up_server()
    prepare_accounts(home, server.address(APP, NAME), server.address(OWNER, NAME))
    server.admin("TRUNCATE accounts_sensitiveread RESTART IDENTITY", database=NAME)
    open_accounts(home, address)
    monkeypatch.setenv(DATABASE, address)
    monkeypatch.setenv(DATABASE_READER, postgresql_place.reader or "")
    with ExitStack() as stack:
        clocks = [Minutes() for _ in range(PROCESSES)]
        made = [stack.enter_context(open_installation(home, clock)) for clock in clocks]
        begin(made[0], home.parent)
        for clock in clocks:
            clock.moment = moment_of(NEXT)
        yield made


def test_of_two_that_come_to_a_day_at_once_one_records_it(
    installations: list[Installation], monkeypatch: pytest.MonkeyPatch
):
    for n in range(3):
        note_read(BOB, CASE, "v1/cases/<case>/entries", 0, n, now=f"{DAY}T00:0{n}:00Z")
    size, met = installations[0].records.case(CASE).size, Barrier(PROCESSES)
    recorded = list[bool]()

    def together(here: Installation, case: str, day: str, digesting: Digesting) -> bool:
        def digests(salt: bytes) -> tuple[int, str]:
            # Both have looked, and neither has found the day: what follows is under the lock.
            met.wait(30)
            return digesting(salt)

        done = record_day_of_reads(here, case, day, digests)
        recorded.append(done)
        return done

    monkeypatch.setattr(daily_reads, "record_day_of_reads", together)

    def keeps(here: Installation) -> None:
        try:
            DailyReads(here).keep()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(PROCESSES) as pool:
        list(pool.map(keeps, installations))
    assert sorted(recorded) == [False, True]
    assert installations[1].records.case(CASE).size == size + 1
    assert [(each.day, each.reads) for each in days_digested(installations[0], CASE)] == [(DAY, 3)]
