"""The log of a fleet on a real PostgreSQL: order, leases, and who has taken what up."""

from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from support.gateway import PIN, STREAM, Chain
from support.postgresql import ADMIN, Postgresql
from touchstone.gateway.errors import FeedLostError
from touchstone.gateway.fleet import FleetLog
from touchstone.terms import PolicyBundle, accept_bundle

pytestmark = [pytest.mark.needs_postgresql]
LEASE = 60.0
"""Longer than any test: one that is to be over is set back."""
CHAIN = Chain()
BUNDLES = [CHAIN.next() for _ in range(3)]
READ: list[PolicyBundle] = [accept_bundle(data, PIN, None) for data in BUNDLES]


@pytest_asyncio.fixture
async def log(postgresql: Postgresql) -> AsyncIterator[FleetLog]:
    postgresql.admin("DROP DATABASE IF EXISTS fleet WITH (FORCE)", "CREATE DATABASE fleet")
    found = await FleetLog.open(postgresql.address(ADMIN, "fleet"), STREAM)
    yield found
    await found.close()


async def publish(log: FleetLog, *numbers: int) -> None:
    for number in numbers:
        await log.publish(READ[number - 1], BUNDLES[number - 1], "one")


async def applied(log: FleetLog, number: int) -> dict[str, bool]:
    return {each.gateway: each.applied(number) for each in await log.standing(number)}


def run_out(postgresql: Postgresql) -> None:
    """Let as much time have gone as a lease has."""
    postgresql.admin(
        "UPDATE touchstone_fleet_members"
        " SET renewed_at = renewed_at - make_interval(secs => lease_seconds)",
        database="fleet",
    )


async def joined(log: FleetLog, *gateways: str) -> None:
    for gateway in gateways:
        assert await log.join(gateway, f"process of {gateway}", "key", LEASE)


async def renewed(log: FleetLog, gateway: str, obeys: int) -> bool:
    return (await log.renew(gateway, f"process of {gateway}", obeys)).granted


@pytest.mark.asyncio
async def test_bundles_lie_in_order_and_come_back(log: FleetLog):
    assert await log.newest() is None
    await publish(log, 1, 2, 2, 1)
    assert await log.newest() == 2
    assert await log.fetch(2) == BUNDLES[1]
    assert await log.fetch(3) is None


@pytest.mark.asyncio
async def test_what_does_not_follow_is_refused(log: FleetLog):
    await publish(log, 1)
    with pytest.raises(FeedLostError, match="bundle 3 does not follow bundle 1"):
        await publish(log, 3)
    other = Chain(at=None)
    other.next(grace_hours=1)
    data = other.next()
    with pytest.raises(FeedLostError, match="bundle 2 does not follow bundle 1"):
        await log.publish(accept_bundle(data, PIN, None), data, "two")


@pytest.mark.asyncio
async def test_what_lies_there_is_never_changed(log: FleetLog, postgresql: Postgresql):
    await publish(log, 1)
    await log.keep_receipt("one", 1, b"{}")
    for table in ("bundles", "receipts"):
        for statement in ("UPDATE {} SET number = 9", "DELETE FROM {}", "TRUNCATE {}"):
            with pytest.raises(psycopg.Error, match="append-only"):
                postgresql.admin(statement.format(f"touchstone_fleet_{table}"), database="fleet")


@pytest.mark.asyncio
async def test_twin_without_the_trigger_a_bundle_is_taken_out(
    log: FleetLog, postgresql: Postgresql
):
    await publish(log, 1)
    postgresql.admin(
        "DROP TRIGGER touchstone_fleet_kept ON touchstone_fleet_bundles",
        "DELETE FROM touchstone_fleet_bundles",
        database="fleet",
    )
    assert await log.newest() is None


@pytest.mark.asyncio
async def test_a_lease_needs_the_newest_bundle_or_a_moments_patience(
    log: FleetLog, postgresql: Postgresql
):
    await publish(log, 1)
    await joined(log, "one")
    assert not await renewed(log, "one", 0)
    assert await renewed(log, "one", 1)
    await publish(log, 2)
    assert await renewed(log, "one", 1)
    assert await applied(log, 2) == {"one": False}
    run_out(postgresql)
    assert await applied(log, 2) == {"one": True}
    assert not await renewed(log, "one", 1)
    assert await applied(log, 2) == {"one": True}
    assert await renewed(log, "one", 2)


@pytest.mark.asyncio
async def test_whose_lease_ran_out_gets_none_under_an_older_bundle(
    log: FleetLog, postgresql: Postgresql
):
    """Else somebody told that a bundle is in force everywhere could be wrong a moment later."""
    await publish(log, 1)
    await joined(log, "one")
    assert await renewed(log, "one", 1)
    run_out(postgresql)
    await publish(log, 2)
    assert await applied(log, 2) == {"one": True}
    assert not await renewed(log, "one", 1)


@pytest.mark.asyncio
async def test_twin_without_that_it_would_go_back(log: FleetLog, postgresql: Postgresql):
    guard = "AND clock_timestamp() <= member.renewed_at + lease"
    with psycopg.connect(postgresql.address(ADMIN, "fleet"), autocommit=True) as connection:
        row = connection.execute(
            "SELECT pg_get_functiondef('touchstone_fleet_renew'::regproc)"
        ).fetchone()
        assert row is not None
        assert guard in row[0]
        connection.execute(row[0].replace(guard, "").encode())
    await publish(log, 1)
    await joined(log, "one")
    assert await renewed(log, "one", 1)
    run_out(postgresql)
    await publish(log, 2)
    assert await applied(log, 2) == {"one": True}
    assert await renewed(log, "one", 1)
    assert await applied(log, 2) == {"one": False}


@pytest.mark.asyncio
async def test_a_name_is_one_process_at_a_time(log: FleetLog):
    await publish(log, 1)
    await joined(log, "one")
    assert await renewed(log, "one", 1)
    assert not await log.join("one", "another process", "key", LEASE)
    await log.leave("one", "process of one")
    assert await log.join("one", "another process", "key", LEASE)
    assert not await renewed(log, "one", 1)


@pytest.mark.asyncio
async def test_who_only_connects_anew_still_counts_as_serving(log: FleetLog):
    await publish(log, 1)
    await joined(log, "one")
    assert await renewed(log, "one", 1)
    await publish(log, 2)
    await joined(log, "one")
    assert await applied(log, 2) == {"one": False}


@pytest.mark.asyncio
async def test_word_of_a_new_bundle_wakes_those_of_its_stream(
    log: FleetLog, postgresql: Postgresql
):
    address = postgresql.address(ADMIN, "fleet")
    mine, other = [await FleetLog.open(address, name) for name in (STREAM, "another")]
    await publish(log, 1)
    assert await mine.woken(2.0)
    assert not await other.woken(0.2)
    for each in (mine, other):
        await each.close()


@pytest.mark.asyncio
async def test_receipts_are_kept_once(log: FleetLog):
    assert await log.last_receipt("one") == 0
    await log.keep_receipt("one", 4, b"{}")
    await log.keep_receipt("one", 4, b"{}")
    assert await log.last_receipt("one") == 4
