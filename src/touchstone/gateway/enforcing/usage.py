"""How many tokens each caller used, where the terms give budgets: one file for all workers.

Before a request is forwarded, all that it could use is held, and the hold is durable. When it is
known what was used, that takes the hold's place; where nobody can know, or the gateway dies, the
hold stays. So a count may be too high, and never too low. Days and months are UTC's.
"""

import asyncio
import hmac
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from touchstone.gateway.decision_cache import TokensUsed
from touchstone.gateway.errors import RefusedError

_DAY = 86_400
_KEPT_DAYS = 62
"""Days on which anything was counted; a month has half as many."""
_MOST_TOKENS = 1 << 40
"""Of one request: what an upstream says of itself is not to be more than the file can add up."""
_BUSY_SECONDS = 5
_TABLES = """
CREATE TABLE IF NOT EXISTS salt (one INTEGER PRIMARY KEY CHECK (one = 1), salt BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS used (
    who BLOB NOT NULL, day INTEGER NOT NULL, tokens INTEGER NOT NULL, PRIMARY KEY (who, day));
CREATE TABLE IF NOT EXISTS held (
    id INTEGER PRIMARY KEY, who BLOB NOT NULL, day INTEGER NOT NULL, tokens INTEGER NOT NULL,
    at INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS held_by ON held (who, day);
"""
_SUM = """
SELECT COALESCE(SUM(tokens), 0) FROM (
    SELECT tokens FROM used WHERE who = :who AND day >= :first
    UNION ALL SELECT tokens FROM held WHERE who = :who AND day >= :first AND at < :at)
"""
_OLDER = """
SELECT DISTINCT day FROM (SELECT day FROM used UNION SELECT day FROM held)
ORDER BY day DESC LIMIT 1 OFFSET :kept
"""
_IN_FLIGHT_SECONDS = 3600
"""A hold that is older belongs to nobody who could still settle it."""
_EVER = 1 << 60
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Hold:
    """What a request could use, set aside; and what was used before it."""

    id: int
    tokens: int
    before: TokensUsed
    """What was used and held."""
    settled: TokensUsed
    """What of it no request in flight can give back."""


class UsageStore:
    """The count, in a file that every worker of a gateway opens.

    People are kept as keyed hashes; the key lies in the same file, and goes with it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="usage")
        self._db: sqlite3.Connection | None = None
        self._salt = b""
        self._owed: list[tuple[int, int]] = []
        """Holds and what was used in their place, not yet written down."""
        self._busy = False
        """Whether the thread is at the file."""
        self._retrying: Future[None] | None = None

    async def used(self, person: str, now: float) -> TokensUsed:
        """What a person used, with all that is held."""
        return await self._run(lambda db: self._used(db, self._who(person), now))

    async def hold(self, person: str, tokens: int, now: float) -> Hold:
        """Set so many tokens aside; durable when it returns.

        Whoever goes away while it is written holds nothing: there is no moment in between.
        """
        # Whoever asks for 2^40 answers to each of a million prompts exceeds what SQLite can hold.
        most = min(tokens, _MOST_TOKENS)

        def work(db: sqlite3.Connection) -> Hold:
            who = self._who(person)
            # The lock comes before the reading: two workers must not count on from one sum.
            db.execute("BEGIN IMMEDIATE")
            before = self._used(db, who, now)
            # To tell "try again in a moment" from "wait until tomorrow".
            settled = self._used(db, who, now, now - _IN_FLIGHT_SECONDS)
            # Never a number that was used: a settling of which nobody knows whether it stands is
            # tried again, and must not meet another request's hold under the same number.
            number = secrets.randbits(62)
            row = (number, who, int(now // _DAY), most, int(now))
            db.execute("INSERT INTO held (id, who, day, tokens, at) VALUES (?, ?, ?, ?, ?)", row)
            return Hold(number, most, before, settled)

        future = self._submit(work)
        try:
            return await outcome_of(future)
        except asyncio.CancelledError:
            # Cancelled or not, the thread writes it: the hold is given back when it stands.
            future.add_done_callback(self._let_go)
            raise

    def settle(self, hold: Hold, tokens: int) -> "Future[None]":
        """Begin to put what was used in the place of what was held; what fails is tried again.

        Whoever cancels its caller changes nothing.
        """
        return self._submit(self._pay, owed=(hold.id, min(tokens, _MOST_TOKENS)))

    def _pay(self, db: sqlite3.Connection) -> None:
        """Settle all that is owed. Runs in the thread, which alone touches the list."""
        if not self._owed:
            return
        db.execute("BEGIN IMMEDIATE")
        for number, tokens in self._owed:
            row = db.execute(
                "DELETE FROM held WHERE id = ? RETURNING who, day", (number,)
            ).fetchone()
            # None: it was old, and its day has been taken out of the file.
            if row is not None and tokens:
                db.execute(
                    "INSERT INTO used (who, day, tokens) VALUES (?, ?, ?) "
                    "ON CONFLICT (who, day) DO UPDATE SET tokens = tokens + excluded.tokens",
                    (*row, tokens),
                )
        db.execute("COMMIT")
        self._owed.clear()

    def retry(self) -> None:
        """Settle what could not be settled before."""
        if self._owed and (self._retrying is None or self._retrying.done()):
            self._retrying = self._submit(self._pay)

    def _let_go(self, future: "Future[Hold]") -> None:
        if not future.cancelled() and future.exception() is None:
            with suppress(RuntimeError):  # closed: the process ends
                self.settle(future.result(), 0)

    def close(self) -> None:
        """Let go of the file."""
        self._thread.submit(self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        with suppress(sqlite3.Error, OSError):  # what cannot be settled now stays held
            if self._owed:
                self._pay(self._db or self._open())
        if self._db is not None:
            self._db.close()

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await outcome_of(self._submit(work))

    def _submit(
        self, work: Callable[[sqlite3.Connection], T], owed: tuple[int, int] | None = None
    ) -> "Future[T]":
        def whole() -> T:
            if owed is not None:  # before whatever may fail: what is owed is never forgotten
                self._owed.append(owed)
            db = self._db or self._open()
            self._busy = True
            try:
                # With each transaction: what could not be written before is not left to a clock
                # alone.
                if work != self._pay:
                    self._pay(db)
                found = work(db)
                if db.in_transaction:
                    db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            finally:
                self._busy = False
            return found

        return self._thread.submit(whole)

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Before SQLite makes it: its journals take their mode from the file.
        self._path.touch(mode=0o600)
        db = sqlite3.connect(
            # Python's own transactions would begin at the first write, after the sum was read.
            self._path,
            isolation_level=None,
            check_same_thread=False,
            timeout=_BUSY_SECONDS,
        )
        db.execute("PRAGMA journal_mode = WAL")
        # NORMAL may lose acknowledged rows when the power goes: a hold must not be forgotten.
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(_TABLES)
        db.execute("INSERT OR IGNORE INTO salt VALUES (1, ?)", (secrets.token_bytes(32),))
        columns = {row[1] for row in db.execute("PRAGMA table_info(held)")}
        if "at" not in columns:  # of a file that an earlier version made
            db.execute("ALTER TABLE held ADD COLUMN at INTEGER NOT NULL DEFAULT 0")
        (self._salt,) = db.execute("SELECT salt FROM salt").fetchone()
        # By the days that are there, and by no clock: one that once was ahead would empty the file.
        older = db.execute(_OLDER, {"kept": _KEPT_DAYS}).fetchone()
        if older is not None:
            db.execute("DELETE FROM used WHERE day <= ?", older)
            db.execute("DELETE FROM held WHERE day <= ?", older)
        self._db = db
        return db

    def _who(self, person: str) -> bytes:
        return hmac.digest(self._salt, person.encode(), "sha256")

    @staticmethod
    def _used(db: sqlite3.Connection, who: bytes, now: float, at: float = _EVER) -> TokensUsed:
        """With the holds that were made before `at`."""
        day = int(now // _DAY)
        # Days since 1970 as numbers: sums need no calendar, and no time zone of the machine.
        first = day + 1 - datetime.fromtimestamp(now, UTC).day
        sums = [
            db.execute(_SUM, {"who": who, "first": since, "at": int(at)}).fetchone()[0]
            for since in (day, first)
        ]
        return TokensUsed(*sums)


async def outcome_of(future: "Future[T]") -> T:
    """What the thread of a count found. Who stops waiting stops nothing.

    RefusedError (503) where it could not count.
    """
    waiting = asyncio.wrap_future(future)
    waiting.add_done_callback(_seen)
    try:
        # Without the shield a cut would take the future from the thread, and the hold from its
        # guard.
        return await asyncio.shield(waiting)
    except (sqlite3.Error, OSError) as error:
        raise RefusedError(503, "not_counted", "your budget cannot be counted now") from error


def _seen(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()
