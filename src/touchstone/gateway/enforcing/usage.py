"""How many tokens each caller used, where the terms give budgets: one file for all workers.

Before a request is forwarded, all that it could use is held, and the hold is durable. When the
upstream has said what was used, that takes the hold's place; where it never says, or the gateway
dies, the hold stays. So a count may be too high, and never too low. Days and months are UTC's.
"""

import asyncio
import hmac
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from touchstone.gateway.deciding import Used
from touchstone.gateway.errors import RefusedError

_DAY = 86_400
_KEPT_DAYS = 62
_BUSY_SECONDS = 5
_TABLES = """
CREATE TABLE IF NOT EXISTS salt (one INTEGER PRIMARY KEY CHECK (one = 1), salt BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS used (
    who BLOB NOT NULL, day INTEGER NOT NULL, tokens INTEGER NOT NULL, PRIMARY KEY (who, day));
CREATE TABLE IF NOT EXISTS held (
    id INTEGER PRIMARY KEY, who BLOB NOT NULL, day INTEGER NOT NULL, tokens INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS held_by ON held (who, day);
"""
_SUM = """
SELECT COALESCE(SUM(tokens), 0) FROM (
    SELECT tokens, day FROM used WHERE who = :who AND day >= :first
    UNION ALL SELECT tokens, day FROM held WHERE who = :who AND day >= :first)
"""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Hold:
    """What a request could use, set aside; and what was used before it."""

    id: int
    before: Used


class Usage:
    """The count, in a file that every worker of a gateway opens.

    People are kept as keyed hashes; the key lies in the same file, and goes with it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="usage")
        self._db: sqlite3.Connection | None = None
        self._salt = b""

    async def used(self, person: str, now: float) -> Used:
        """What a person used, with all that is held."""
        return await self._run(lambda db: self._used(db, self._who(person), now))

    async def hold(self, person: str, tokens: int, now: float) -> Hold:
        """Set so many tokens aside; durable when it returns."""

        def work(db: sqlite3.Connection) -> Hold:
            who = self._who(person)
            db.execute("BEGIN IMMEDIATE")
            before = self._used(db, who, now)
            row = (who, int(now // _DAY), tokens)
            cursor = db.execute("INSERT INTO held (who, day, tokens) VALUES (?, ?, ?)", row)
            return Hold(cursor.lastrowid or 0, before)

        return await self._run(work)

    async def settle(self, hold: Hold, tokens: int) -> None:
        """Put what was used in the place of what was held."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("BEGIN IMMEDIATE")
            row = db.execute(
                "DELETE FROM held WHERE id = ? RETURNING who, day", (hold.id,)
            ).fetchone()
            if row is not None:
                db.execute(
                    "INSERT INTO used (who, day, tokens) VALUES (?, ?, ?) "
                    "ON CONFLICT (who, day) DO UPDATE SET tokens = tokens + excluded.tokens",
                    (*row, tokens),
                )

        await self._run(work)

    def close(self) -> None:
        """Let go of the file."""
        self._thread.submit(self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def whole() -> T:
            db = self._db or self._open()
            try:
                found = work(db)
                if db.in_transaction:
                    db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            return found

        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, whole)
        except (sqlite3.Error, OSError) as error:
            raise RefusedError(503, "not_counted", "your budget cannot be counted now") from error

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        db = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS
        )
        db.execute("PRAGMA journal_mode = WAL")
        # NORMAL may lose acknowledged rows when the power goes: a hold must not be forgotten.
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(_TABLES)
        db.execute("INSERT OR IGNORE INTO salt VALUES (1, ?)", (secrets.token_bytes(32),))
        (self._salt,) = db.execute("SELECT salt FROM salt").fetchone()
        (last,) = db.execute("SELECT MAX(day) FROM used").fetchone()
        if last is not None:
            db.execute("DELETE FROM used WHERE day < ?", (last - _KEPT_DAYS,))
            db.execute("DELETE FROM held WHERE day < ?", (last - _KEPT_DAYS,))
        self._db = db
        return db

    def _who(self, person: str) -> bytes:
        return hmac.digest(self._salt, person.encode(), "sha256")

    @staticmethod
    def _used(db: sqlite3.Connection, who: bytes, now: float) -> Used:
        day = int(now // _DAY)
        first = day + 1 - datetime.fromtimestamp(now, UTC).day
        sums = [
            db.execute(_SUM, {"who": who, "first": since}).fetchone()[0] for since in (day, first)
        ]
        return Used(*sums)
