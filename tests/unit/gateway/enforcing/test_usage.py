"""The count of tokens where its file fails for a while, or the clock was wrong for a while."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from touchstone.gateway.decision_cache import TokensUsed
from touchstone.gateway.enforcing import usage as usages
from touchstone.gateway.enforcing.usage import Hold, UsageStore, outcome_of
from touchstone.gateway.errors import RefusedError

pytestmark = pytest.mark.enable_socket
NOW = 1_800_000_000.0
DAY = 86_400
LOCKED = "CREATE TRIGGER locked BEFORE DELETE ON held BEGIN SELECT RAISE(ABORT, 'locked'); END"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "usage.sqlite3"


@contextlib.contextmanager
def altered(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db


@contextlib.contextmanager
def unreadable(path: Path) -> Iterator[None]:
    whole = path.read_bytes()
    path.write_bytes(b"no database" * 1000)
    yield
    path.write_bytes(whole)


async def refused(usage: UsageStore, hold: Hold, tokens: int) -> None:
    with pytest.raises(RefusedError, match="counted"):
        await outcome_of(usage.settle(hold, tokens))


@pytest.mark.parametrize("used", [(1,), (1, 1), (3, 0, 5, 7)])
def test_all_that_could_not_be_settled_is_settled_later(path: Path, used: tuple[int, ...]):
    async def work() -> None:
        usage = UsageStore(path)
        holds = [await usage.hold("ann", 1000, NOW) for _ in used]
        with altered(path) as db:
            db.execute(LOCKED)
            for hold, tokens in zip(holds, used, strict=True):
                await refused(usage, hold, tokens)
            db.execute("DROP TRIGGER locked")
        usage.retry()
        assert await usage.used("ann", NOW) == TokensUsed(sum(used), sum(used))
        usage.close()

    asyncio.run(work())


def test_what_is_settled_while_the_file_cannot_be_opened_is_settled_later(path: Path):
    async def work() -> None:
        first = UsageStore(path)
        holds = [await first.hold("ann", 1000, NOW) for _ in range(2)]
        first.close()
        with unreadable(path):
            usage = UsageStore(path)
            for hold in holds:
                await refused(usage, hold, 1)
        usage.retry()
        assert await usage.used("ann", NOW) == TokensUsed(2, 2)
        usage.close()

    asyncio.run(work())


def test_what_is_still_owed_at_the_end_is_settled_then(path: Path):
    async def work() -> None:
        usage = UsageStore(path)
        hold = await usage.hold("ann", 1000, NOW)
        with altered(path) as db:
            db.execute(LOCKED)
            await refused(usage, hold, 1)
            db.execute("DROP TRIGGER locked")
        usage.close()
        again = UsageStore(path)
        assert await again.used("ann", NOW) == TokensUsed(1, 1)
        again.close()

    asyncio.run(work())


def test_a_count_beyond_all_sense_stands_in_nobodys_way(path: Path):
    async def work() -> None:
        usage = UsageStore(path)
        for _ in range(3):
            await outcome_of(usage.settle(await usage.hold("ann", 5, NOW), 10**30))
        await outcome_of(usage.settle(await usage.hold("bo", 5, NOW), 7))
        assert (await usage.used("ann", NOW)).today == 3 * usages._MOST_TOKENS
        assert (await usage.used("bo", NOW)).today == 7
        usage.close()

    asyncio.run(work())


def test_a_settling_that_is_tried_again_meets_no_other_hold(path: Path):
    """As after a COMMIT of which nobody knows whether it stands."""

    async def work() -> None:
        usage = UsageStore(path)
        first = await usage.hold("ann", 1000, NOW)
        await outcome_of(usage.settle(first, 5))
        second = await usage.hold("ann", 1000, NOW)
        await outcome_of(usage.settle(first, 5))
        assert (await usage.used("ann", NOW)).today == 5 + 1000
        await outcome_of(usage.settle(second, 7))
        assert (await usage.used("ann", NOW)).today == 5 + 7
        usage.close()

    asyncio.run(work())


def test_an_end_that_cannot_settle_ends_all_the_same(path: Path):
    async def work() -> None:
        usage = UsageStore(path)
        hold = await usage.hold("ann", 1000, NOW)
        with altered(path) as db:
            db.execute(LOCKED)
            await refused(usage, hold, 1)
            usage.close()
            db.execute("DROP TRIGGER locked")
        again = UsageStore(path)
        assert await again.used("ann", NOW) == TokensUsed(1000, 1000)
        again.close()

    asyncio.run(work())


async def _spend(path: Path, tokens: int, at: float) -> None:
    usage = UsageStore(path)
    await outcome_of(usage.settle(await usage.hold("ann", tokens, at), tokens))
    await usage.hold("bo", tokens, at)
    usage.close()


@pytest.mark.parametrize("ahead", [1, 61, 90, 40_000])
def test_a_clock_that_was_ahead_for_a_while_takes_no_use_away(path: Path, ahead: int):
    async def work() -> None:
        await _spend(path, 900, NOW)
        for at in (NOW + ahead * DAY, NOW + ahead * DAY):  # and the gateway was started again
            await _spend(path, 1, at)
        usage = UsageStore(path)
        for person in ("ann", "bo"):
            used = await usage.used(person, NOW)
            assert (used.today or 0) >= 900
            assert (used.this_month or 0) >= 900
        usage.close()

    asyncio.run(work())


def test_days_that_no_budget_looks_at_are_forgotten(path: Path):
    async def work() -> None:
        for day in range(usages._KEPT_DAYS + 3):
            await _spend(path, 1, NOW + day * DAY)
        UsageStore(path).close()
        usage = UsageStore(path)
        await usage.used("ann", NOW)
        usage.close()

    asyncio.run(work())
    with altered(path) as db:
        for days in (
            "SELECT COUNT(DISTINCT day) FROM used",
            "SELECT COUNT(DISTINCT day) FROM held",
        ):
            assert db.execute(days).fetchone() == (usages._KEPT_DAYS,)


def test_what_no_file_can_add_up_is_held_as_the_most_there_is(path: Path):
    async def work() -> None:
        usage = UsageStore(path)
        holds = [await usage.hold("ann", 1 << 80, NOW) for _ in range(40)]
        assert {hold.tokens for hold in holds} == {1 << 40}
        assert await usage.used("ann", NOW) == TokensUsed(40 << 40, 40 << 40)
        usage.close()

    asyncio.run(work())
