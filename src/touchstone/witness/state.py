"""What a witness must never forget: the newest head that it cosigned of each log, and its evidence.

One SQLite file beside its key. What was not made durable was not cosigned.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Self

from touchstone.keys import FileSigner
from touchstone.keys.files import locked
from touchstone.witness.errors import WitnessStateError

KEY, FILE = "witness.pem", "witness.sqlite"
MOST_KEPT = {"fork": 100, "unproven": 100, "keys": 20}
"""Rows of one log, by kind of evidence: no kind takes another one's room.

A `fork` takes the key in use, and each row of `keys` another stolen key. `unproven` anybody can
fill who has checkpoints newer than the cosigned one.
"""
_BUSY_SECONDS = 10.0
_TABLES = """
CREATE TABLE IF NOT EXISTS owner (id INTEGER PRIMARY KEY CHECK (id = 1), public_key BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS head (
  origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL,
  time INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS history (origin TEXT PRIMARY KEY, lines BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS evidence (
  id INTEGER PRIMARY KEY, time INTEGER NOT NULL, origin TEXT NOT NULL, kind TEXT NOT NULL,
  held TEXT NOT NULL, offered TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (origin, kind, offered));
"""


@dataclass(frozen=True, slots=True)
class CosignedHead:
    """The newest that was cosigned of a log.

    Size, root (32 bytes), the note with the cosignature, and the cosignature's time (Unix seconds).
    """

    size: int
    root: bytes
    note: str
    time: int


@dataclass(frozen=True, slots=True)
class ForkEvidence:
    """What was offered and not cosigned, beside what was held then; both signed by the log.

    `kind`: `fork` (another root for one size), `unproven` (the proof that came does not lead from
    the one held: a lead alone, for anybody can spoil a proof), `keys` (two histories of keys from
    one beginning). Of `keys`, `held` is the line before the first that differs and that line, and
    `offered` is the other one in its place: the key of the line before signed both.
    """

    time: int
    origin: str
    kind: str
    held: str
    offered: str


class WitnessState:
    """The file, open. Safe among threads, and among processes by SQLite's own locks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        # SQLite's lock is one for all of a connection's threads: among those this one is needed.
        self._turn = Lock()
        self._connection.execute("PRAGMA journal_mode=WAL")
        # A cosignature that outlives what is remembered of it could be contradicted by the next.
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(_TABLES)

    @classmethod
    def prepare(cls, folder: Path) -> tuple[Self, FileSigner]:
        """State and key of a witness, made on its first day; what a crash left half is completed.

        Raises WitnessStateError where one is there without the other: a witness that forgot what it
        cosigned would cosign another history. KeyFileError.
        """
        with locked(folder):
            key, path = folder / KEY, folder / FILE
            if key.exists() and not path.exists():
                raise WitnessStateError(
                    f"{path}: is gone, and this key has cosigned; fix: never use it again: name "
                    "another state folder, whose new key you give to those who rely on this one"
                )
            # SQLite gives its journal the mode of the file, so making it first covers all three.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
            try:
                state = cls(path)
                return state, state.own(key)
            except sqlite3.Error as error:
                raise WitnessStateError(f"{path}: cannot be used: {error}") from error

    @classmethod
    def look(cls, folder: Path) -> Self:
        """The state of a witness that was prepared. Raises WitnessStateError."""
        path = folder / FILE
        # SQLite would make an empty one, and the next start would find a state without its key.
        if not path.exists():
            raise WitnessStateError(f"{path}: there is none; it is made by touchstone witness key")
        try:
            return cls(path)
        except sqlite3.Error as error:
            raise WitnessStateError(f"{path}: cannot be used: {error}") from error

    def own(self, key: Path) -> FileSigner:
        """The key in a file, which this state is of from now on; it is made where neither is.

        Raises WitnessStateError where it is gone or another one, KeyFileError.
        """
        # In one change, so that of two that start together one makes the key.
        with self.changing():
            row = self._connection.execute("SELECT public_key FROM owner").fetchone()
            if row and not key.exists():
                raise WitnessStateError(f"{key}: is gone; fix: restore it from a backup")
            signer = FileSigner.load(key) if key.exists() else FileSigner.create(key)
            if row and row[0] != signer.public_key:
                raise WitnessStateError(f"{key}: is not the key that this state is of")
            if not row:
                self._connection.execute("INSERT INTO owner VALUES (1, ?)", [signer.public_key])
        return signer

    @contextmanager
    def changing(self) -> Iterator[None]:
        """One change, alone among all: durable when it is left, undone when it raises."""
        with self._turn:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # Of some failures SQLite itself has undone it.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def head(self, origin: str) -> CosignedHead | None:
        """The newest that was cosigned of a log; within `changing` where it is relied on."""
        return _read_head(self._connection, origin)

    def durable_head(self, origin: str) -> CosignedHead | None:
        """The newest whose cosigning is durable, whatever is being changed meanwhile.

        By a connection of its own: the one that writes sees what a failure may still undo.
        """
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        reader = sqlite3.connect(uri, timeout=_BUSY_SECONDS, uri=True)
        try:
            return _read_head(reader, origin)
        finally:
            reader.close()

    def put_head(self, origin: str, head: CosignedHead) -> None:
        """Remember it; within `changing`."""
        self._connection.execute(
            "INSERT INTO head VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET "
            "size = excluded.size, root = excluded.root, note = excluded.note, "
            "time = excluded.time",
            [origin, head.size, head.root, head.note, head.time],
        )

    def history(self, origin: str) -> bytes | None:
        """The key lines that were followed, each with its line feed."""
        row = self._connection.execute(
            "SELECT lines FROM history WHERE origin = ?", [origin]
        ).fetchone()
        return row[0] if row else None

    def put_history(self, origin: str, lines: bytes) -> None:
        """Remember them; within `changing`."""
        self._connection.execute("INSERT OR REPLACE INTO history VALUES (?, ?)", [origin, lines])

    def keep(self, evidence: ForkEvidence, body: bytes) -> bool:
        """Keep evidence, once each and so much of a kind that no disk fills; `body` as it came.

        Of `keys` one other line in each place. Says whether it is kept, now or before.
        """
        with self.changing():
            own = [evidence.origin, evidence.kind]
            kept = self._connection.execute(
                "SELECT held, offered FROM evidence WHERE origin = ? AND kind = ?", own
            ).fetchall()
            # Sent again it is the same evidence, and must not use up the room.
            if any(offered == evidence.offered for _, offered in kept):
                return True
            placed = evidence.kind == "keys" and any(held == evidence.held for held, _ in kept)
            if placed or len(kept) >= MOST_KEPT[evidence.kind]:
                return False
            self._connection.execute(
                "INSERT INTO evidence (time, origin, kind, held, offered, body) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                [evidence.time, *own, evidence.held, evidence.offered, body],
            )
            return True

    def evidence(self) -> list[ForkEvidence]:
        """All that was kept, oldest first."""
        rows = self._connection.execute(
            "SELECT time, origin, kind, held, offered FROM evidence ORDER BY id"
        )
        return [ForkEvidence(*row) for row in rows]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _read_head(connection: sqlite3.Connection, origin: str) -> CosignedHead | None:
    row = connection.execute(
        "SELECT size, root, note, time FROM head WHERE origin = ?", [origin]
    ).fetchone()
    return CosignedHead(*row) if row else None
