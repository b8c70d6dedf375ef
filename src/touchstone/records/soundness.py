"""Whether a record, its keys and its place fit together: read always, written only where they do.

Nothing here is fixed in silence: what is amiss was lost or put back by somebody, who knows better.
"""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from django.db import connections

from touchstone.keys import KeyFileError, Keyring, KeyUnsafeError, SealError
from touchstone.ledger import (
    Checkpoint,
    Frontier,
    MalformedError,
    leaf_hash,
    parse_checkpoint,
    parse_note,
)
from touchstone.records.database import raw, translated
from touchstone.records.errors import DamagedError, NotPreparedError
from touchstone.records.models import INSTALLATION, CheckpointRow, InstallationRow, LeafRow
from touchstone.records.settings import FILE, connect, from_environment

OTHER = (
    "the record belongs to another installation: keys/master.key does not open it; fix: restore"
    " that key from the backup of this record"
)

GONE = (
    "this is not the record that these keys are used with: it is gone, or another database is"
    " named; fix: restore it from a backup, or name it in TOUCHSTONE_DATABASE as before"
)
PUT_BACK = (
    "the record was put back to an older state: it has {size} heads, and a checkpoint over {signed}"
    " was signed; fix: restore the newest backup of the database"
)
ANOTHER = (
    "the record is not the one over whose {signed} heads a checkpoint was signed; fix: restore the"
    " newest backup of the database"
)
HEAD = "the database's head of the installation log was altered"
OLDER_KEYS = (
    "keys/history.jsonl is older than the record, or another installation's: the record names a"
    " newer key; fix: restore keys/ from the newest backup"
)


def is_begun(home: Path, database: str | None = None) -> bool:
    """Whether there is a record that keys were used with, looked at without making anything.

    A record that cannot be read is one too. `database` as for `Records.open`. Raises
    DatabaseSettingError, UnreachableError.
    """
    if any((home / "evidence").glob("*")):
        return True
    named = from_environment() if database is None else database or None
    if named is None:
        path = home / FILE
        if not path.exists() or not path.stat().st_size:
            return False
        alias = connect(home, None, reading=path)
    else:
        alias = connect(home, named)
    try:
        with translated(alias):
            row = InstallationRow.objects.using(alias).filter(pk=INSTALLATION).first()
        return row is not None and (row.lock is not None or row.size > 0)
    except NotPreparedError:
        return False
    except DamagedError:
        return True
    finally:
        if named is None:
            connections[alias].close()


def may_write(home: Path) -> bool:
    """Whether the record's file can be written, or made, by this process."""
    there = [path for path in (home / FILE, home) if path.exists()]
    return all(os.access(path, os.W_OK) for path in there)


def readable_copy(home: Path) -> tuple[Path, tempfile.TemporaryDirectory[str] | None]:
    """A SQLite file to read where nothing can be written, and the folder it is copied to, if so.

    A journal without its index can only be read where the index can be made.
    """
    file = home / FILE
    journal, index = (file.with_name(f"{FILE}{end}") for end in ("-wal", "-shm"))
    if not journal.exists() or not journal.stat().st_size or index.exists():
        return file, None
    # Kept by its owner: the caller closes it with the record.
    folder = tempfile.TemporaryDirectory(prefix="touchstone-")
    for path in (file, journal):
        shutil.copyfile(path, Path(folder.name) / path.name)
    return Path(folder.name) / FILE, folder


def amiss(alias: str, keyring: Keyring) -> tuple[str, ...]:
    """What does not fit, each with its fix: missing keys, other keys, a record put back.

    Raises KeyUnsafeError where others may read or write the keys.
    """
    with translated(alias):
        row = InstallationRow.objects.using(alias).get(pk=INSTALLATION)
    return (
        *keyring.faults(),
        *_master(row, keyring),
        *_other_record(row, keyring),
        *_put_back(alias, row, keyring),
        *_older_keys(alias, keyring),
    )


def mark_of(lock: bytes) -> str:
    """What is kept beside the keys of a record: a digest that nothing else has."""
    return f"touchstone-record/1 {hashlib.sha256(lock).hexdigest()}"


def signed(keyring: Keyring) -> Checkpoint | None:
    """The newest checkpoint beside the keys, where a swapped database does not reach.

    Raises DamagedError where it is none, KeyUnsafeError where others may read or write it.
    """
    try:
        note = keyring.checkpoint
        return None if note is None else parse_checkpoint(parse_note(note).text)
    except KeyUnsafeError:
        raise
    except KeyFileError as error:
        raise DamagedError(f"{error}; fix: restore it from a backup") from error
    except MalformedError as error:
        raise DamagedError(
            f"keys/checkpoint.txt was altered: {error}; fix: restore it from a backup"
        ) from error


def is_used(keyring: Keyring) -> bool:
    """Whether anything beside the keys says that there was a record; what is damaged says so too.

    Raises KeyUnsafeError.
    """
    try:
        return keyring.record_mark is not None or keyring.checkpoint is not None
    except KeyUnsafeError:
        raise
    except KeyFileError:
        return True


def _root_of(alias: str, size: int) -> bytes | None:
    """The root of the installation log's first `size` leaves; None where there are fewer."""
    leaves = LeafRow.objects.using(alias).order_by("index").values_list("commitment", flat=True)
    with translated(alias):
        frontier = Frontier(leaf_hash(raw(each)) for each in leaves[:size])
    return frontier.root if len(frontier) == size else None


def _master(row: InstallationRow, keyring: Keyring) -> list[str]:
    if row.lock is None:
        return []
    try:
        keyring.master.case_key("", raw(row.lock))
    except SealError:
        return [OTHER]
    except KeyUnsafeError:
        raise
    except KeyFileError:
        # Told with the keys.
        return []
    return []


def _other_record(row: InstallationRow, keyring: Keyring) -> list[str]:
    try:
        mark = keyring.record_mark
    except KeyUnsafeError:
        raise
    except KeyFileError as error:
        return [f"{error}; fix: restore it from a backup"]
    if mark is None or (row.lock is not None and mark_of(raw(row.lock)) == mark):
        return []
    return [GONE]


def _put_back(alias: str, row: InstallationRow, keyring: Keyring) -> list[str]:
    try:
        newest = signed(keyring)
        if newest is None:
            return []
        if row.size < newest.size:
            return [PUT_BACK.format(size=row.size, signed=newest.size)]
        same = _extends(alias, row, keyring.checkpoint, newest)
        return [] if same else [ANOTHER.format(signed=newest.size)]
    except DamagedError as error:
        return [str(error)]


def _extends(alias: str, row: InstallationRow, note: str | None, newest: Checkpoint) -> bool:
    """Whether the record's first leaves are those over which the checkpoint was signed."""
    try:
        if row.size == newest.size:
            return Frontier.from_bytes(raw(row.frontier)).root == newest.root
    except MalformedError as error:
        raise DamagedError(f"{HEAD}: {error}; fix: restore the newest backup of it") from error
    notes = CheckpointRow.objects.using(alias).filter(size=newest.size, note=note)
    with translated(alias):
        # A record that kept the note itself has grown from there: its leaves are not read again.
        return notes.exists() or _root_of(alias, newest.size) == newest.root


def _older_keys(alias: str, keyring: Keyring) -> list[str]:
    """Keys from before a rotation would sign a second history beside the one that is out."""
    try:
        history = keyring.history
    except KeyUnsafeError:
        raise
    except KeyFileError:
        return []
    with translated(alias):
        leaf = LeafRow.objects.using(alias).order_by("-index").first()
        note = CheckpointRow.objects.using(alias).order_by("-id").first()
    known = {line.fingerprint for line in history.lines}
    if (leaf is None or leaf.keyset in history.keysets) and (note is None or note.key in known):
        return []
    return [OLDER_KEYS]
