"""What lies in the files of a PostgreSQL cluster, and sessions that hold it there."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psycopg

from support.postgresql import ADMIN
from support.record_place import Place


def session(place: Place, user: str) -> psycopg.Connection:
    """A connection of its own."""
    assert place.server is not None
    return psycopg.connect(place.server.address(user, place.name), autocommit=True)


def wrapped_key(place: Place, case: str) -> bytes:
    """A case's key as the table holds it."""
    with session(place, ADMIN) as connection:
        found = connection.execute(
            'SELECT wrapped_key FROM records_caserow WHERE "case" = %s', [case]
        ).fetchone()
    assert found is not None
    return bytes(found[0])


def holding(place: Place, key: bytes) -> set[str]:
    """Which folders of the cluster have a file with the key in it, once all is on disk.

    The write-ahead log is left out: it keeps what was written until the server lets a segment
    go, at a moment of its own, and what the server's owner has to let expire is told them.
    """
    assert place.server is not None
    place.server.admin("CHECKPOINT")
    data = place.server.folder / "data"
    folders = {path.relative_to(data).parts[0] for path in data.rglob("*") if _has(path, key)}
    return folders - {"pg_wal"}


def _has(path: Path, key: bytes) -> bool:
    try:
        return path.is_file() and key in path.read_bytes()
    except FileNotFoundError:
        # The server deletes files too.
        return False


@contextlib.contextmanager
def reading(place: Place, statement: str) -> Iterator[None]:
    """Another program's transaction that has begun to read."""
    with session(place, ADMIN) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        connection.execute(statement.encode())
        yield
