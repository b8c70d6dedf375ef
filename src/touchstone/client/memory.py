"""What a client must not forget, in one SQLite file: whom it trusts, what it saw, what it signed.

All of it is durable before anything that rests on it leaves the machine. Keys are not in it.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from touchstone.client.errors import MemoryFaultError, NotKeptError
from touchstone.deeds.signing import Outgoing
from touchstone.ledger import AlteredError, dumps, loads
from touchstone.ledger.contract2 import (
    DeedStatement,
    SentPart,
    SubmittedDeed,
    parse_statement_envelope,
)

FILE = "client.sqlite3"
_BUSY_SECONDS = 20.0
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
}
"""What is wrong with the disk or the moment, and not with the file."""
_TABLES = (
    """CREATE TABLE IF NOT EXISTS pinned (
        one INTEGER PRIMARY KEY CHECK (one = 1), keys BLOB NOT NULL, checkpoint TEXT NOT NULL,
        size INTEGER NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS entry (
        "case" TEXT NOT NULL, n INTEGER NOT NULL, lines BLOB NOT NULL, PRIMARY KEY ("case", n))""",
    """CREATE TABLE IF NOT EXISTS deed (
        digest TEXT PRIMARY KEY, "case" TEXT NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL,
        number INTEGER NOT NULL, sent BLOB NOT NULL, answer BLOB,
        refused INTEGER NOT NULL DEFAULT 0)""",
    # A second one at a `seq` forks the key, unless the first can never be recorded.
    """CREATE UNIQUE INDEX IF NOT EXISTS one_deed_at_a_seq
        ON deed ("case", key, seq) WHERE NOT refused""",
    """CREATE TABLE IF NOT EXISTS evidence (
        deed TEXT NOT NULL REFERENCES deed (digest), i INTEGER NOT NULL, data BLOB NOT NULL,
        PRIMARY KEY (deed, i))""",
)


@dataclass(frozen=True, slots=True)
class Trusted:
    """The installation as it was last found to be true."""

    keys: tuple[bytes, ...]
    """Its key lines."""
    checkpoint: str
    """Its newest checkpoint that was seen, a note."""
    size: int
    """The size of its log under that checkpoint."""


@dataclass(frozen=True, slots=True)
class KeptDeed:
    """A deed that was signed here."""

    case: str
    digest: str
    sent: Outgoing
    answer: bytes | None
    """The answer line; None while it waits."""

    @property
    def statement(self) -> DeedStatement:
        """What was signed."""
        return parse_statement_envelope(self.sent.submitted.envelope).statement


class SeqTakenError(Exception):
    """Another deed stands at this `seq` of this key, and was not refused: its digest (hex)."""


class Memory:
    """The file in a party's folder, which exists and is the party's alone."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        # In one change: of two processes on a first day neither finds half of the tables.
        with self._changing() as db:
            for each in _TABLES:
                db.execute(each)
        self._path.chmod(0o600)

    @property
    def trusted(self) -> Trusted | None:
        """The installation that is pinned; None before the first contact."""
        row = self._one("SELECT keys, checkpoint, size FROM pinned")
        return Trusted(tuple(row[0].splitlines()), row[1], row[2]) if row else None

    def trust(self, trusted: Trusted) -> None:
        """Remember the installation as it is now; what another process saw later stands."""
        keys = b"\n".join(trusted.keys)
        row = (keys, trusted.checkpoint, trusted.size)
        # Never back: with an older checkpoint remembered, a rollback since would go unseen.
        with self._changing() as db:
            db.execute(
                "INSERT INTO pinned VALUES (1, ?, ?, ?) ON CONFLICT (one) DO UPDATE"
                " SET keys = excluded.keys, checkpoint = excluded.checkpoint, size = excluded.size"
                " WHERE excluded.size >= size AND length(excluded.keys) >= length(keys)",
                row,
            )

    def entries(self, case: str) -> Iterator[list[bytes]]:
        """The lines of each entry that was taken in, in order: its own, then those of its parts."""
        with self._opened() as db:
            asked = 'SELECT lines FROM entry WHERE "case" = ? ORDER BY n'
            for (lines,) in db.execute(asked, (case,)):
                yield lines.splitlines()

    def cases(self) -> tuple[str, ...]:
        """The ids of the cases of which anything was taken in, in order."""
        with self._opened() as db:
            found = db.execute('SELECT DISTINCT "case" FROM entry ORDER BY "case"').fetchall()
        return tuple(case for (case,) in found)

    def keep_entries(self, case: str, start: int, entries: Sequence[Sequence[bytes]]) -> None:
        """Remember entries that were checked; those that another process kept meanwhile stay.

        Raises AlteredError: another process was shown another entry.
        """
        rows = [(case, n, b"\n".join(lines)) for n, lines in enumerate(entries, start=start)]
        kept = 'SELECT n, lines FROM entry WHERE "case" = ? AND n >= ?'
        with self._changing() as db:
            for n, lines in db.execute(kept, (case, start)).fetchall():
                # The entry's own line: of its parts more may be shown to who asks later.
                if n - start < len(entries) and lines.splitlines()[0] != entries[n - start][0]:
                    raise AlteredError(f"entry {n} is another than was shown before")
            db.executemany("INSERT OR IGNORE INTO entry VALUES (?, ?, ?)", rows)

    def replace_entries(self, case: str, entries: Sequence[Sequence[bytes]]) -> None:
        """Remember the entries of a case as they are shown now, from 0 on, in place of the old."""
        rows = [(case, n, b"\n".join(lines)) for n, lines in enumerate(entries)]
        with self._changing() as db:
            db.execute('DELETE FROM entry WHERE "case" = ?', (case,))
            db.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows)

    def keep_deed(self, case: str, sent: Outgoing) -> KeptDeed:
        """Remember a deed before it is sent.

        Raises SeqTakenError: another one stands at its `seq`, so that its key would be forked.
        """
        statement = parse_statement_envelope(sent.submitted.envelope).statement
        row = (statement.digest, case, statement.key, statement.seq, _written(sent))
        try:
            # Deed and evidence together: a deed that is sent again must bring the same bytes.
            with self._changing() as db:
                db.execute(
                    'INSERT INTO deed (digest, "case", key, seq, sent, number)'
                    " VALUES (?, ?, ?, ?, ?, (SELECT COUNT(*) FROM deed))",
                    row,
                )
                db.executemany(
                    "INSERT INTO evidence VALUES (?, ?, ?)",
                    [(statement.digest, i, data) for i, data in enumerate(sent.evidence)],
                )
        except sqlite3.IntegrityError as error:
            stands = self._one(
                'SELECT digest FROM deed WHERE "case" = ? AND key = ? AND seq = ? AND NOT refused',
                case,
                statement.key,
                statement.seq,
            )
            raise SeqTakenError(stands[0] if stands else statement.digest) from error
        return KeptDeed(case, statement.digest, sent, None)

    def keep_answer(self, digest: str, line: bytes, *, refused: bool) -> None:
        """Remember the answer to a deed, once it was verified."""
        with self._changing() as db:
            db.execute(
                "UPDATE deed SET answer = ?, refused = ? WHERE digest = ?", (line, refused, digest)
            )

    def drop(self, digest: str) -> None:
        """Count a deed as refused without an answer: it can never be recorded, and waits no more.

        Should it come after all, it is a deed that was refused for good.
        """
        with self._changing() as db:
            db.execute("UPDATE deed SET refused = 1 WHERE digest = ?", (digest,))

    def waiting(self, case: str, key: str) -> list[KeptDeed]:
        """The deeds of a key (fingerprint) in a case that have no answer, in their order."""
        # In the order of signing: a key's deeds name each other, and the next is refused before it.
        asked = (
            'SELECT digest FROM deed WHERE "case" = ? AND key = ? AND answer IS NULL'
            " AND NOT refused ORDER BY number"
        )
        with self._opened() as db:
            digests = [row[0] for row in db.execute(asked, (case, key))]
        return [self.deed(digest) for digest in digests]

    def unanswered(self) -> list[KeptDeed]:
        """Every deed without an answer, of any key and case, in the order of signing."""
        with self._opened() as db:
            found = db.execute(
                "SELECT digest FROM deed WHERE answer IS NULL AND NOT refused ORDER BY number"
            ).fetchall()
        return [self.deed(digest) for (digest,) in found]

    def answers(self, case: str) -> list[bytes]:
        """All answer lines to deeds in a case, in the order of the deeds."""
        asked = 'SELECT answer FROM deed WHERE "case" = ? AND answer IS NOT NULL ORDER BY number'
        with self._opened() as db:
            return [row[0] for row in db.execute(asked, (case,))]

    def refused(self, case: str) -> list[str]:
        """The digests (hex) of the deeds in a case that were refused for good."""
        asked = 'SELECT digest FROM deed WHERE "case" = ? AND refused'
        with self._opened() as db:
            return [row[0] for row in db.execute(asked, (case,))]

    def knows(self, digest: str) -> bool:
        """Whether a deed (hex) is one of those that are remembered."""
        return self._one("SELECT 1 FROM deed WHERE digest = ?", digest) is not None

    def deed(self, digest: str) -> KeptDeed:
        """A deed by its digest (hex). Raises KeyError."""
        row = self._one('SELECT "case", sent, answer FROM deed WHERE digest = ?', digest)
        if row is None:
            raise KeyError(digest)
        with self._opened() as db:
            found = db.execute("SELECT data FROM evidence WHERE deed = ? ORDER BY i", (digest,))
            evidence = tuple(data for (data,) in found)
        return KeptDeed(row[0], digest, _read(row[1], evidence), row[2])

    def _one(self, asked: str, *values: str | int) -> tuple[Any, ...] | None:
        with self._opened() as db:
            row: tuple[Any, ...] | None = db.execute(asked, values).fetchone()
            return row

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(self._open()) as db:
                yield db
        except sqlite3.IntegrityError:
            # It says that a deed stands there already, which `keep_deed` has words for.
            raise
        except sqlite3.Error as error:
            # The low byte: what is above says more of the same. Without one it is no word of the
            # database.
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING:
                raise NotKeptError(self._path, str(error)) from error
            raise MemoryFaultError(f"{self._path}: {error}") from error

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        # In WAL mode NORMAL may lose what was committed last: a deed that was sent, and forgotten.
        db.execute("PRAGMA synchronous = FULL")
        return db

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._opened() as db:
            # At once, and not with the first write: what is read before it is to hold still.
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                # On a full disk SQLite has done so itself.
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")


def _written(sent: Outgoing) -> bytes:
    deed = sent.submitted
    parts = [{"salt": part.salt.hex(), "text": part.data.decode()} for part in deed.parts]
    return dumps({"envelope": deed.envelope, "parts": parts})


def _read(data: bytes, evidence: tuple[bytes, ...]) -> Outgoing:
    found = cast("dict[str, Any]", loads(data))
    parts = tuple(
        SentPart(bytes.fromhex(part["salt"]), part["text"].encode()) for part in found["parts"]
    )
    return Outgoing(SubmittedDeed(found["envelope"], parts), evidence)
