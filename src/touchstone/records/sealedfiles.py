"""What files beside the tables need: folders that are durable, faults in this room's words."""

import errno
from pathlib import Path

from touchstone.keys.files import sync_folder
from touchstone.records.errors import FullError, UnreachableError

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def place_of_evidence(case: str, name: str) -> bytes:
    """What a sealed file of evidence is bound to."""
    return f"touchstone/evidence/1\x00{case}\x00{name}".encode()


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, durably."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    # From the outermost in: each name is durable before anything lies below it.
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        sync_folder(each.parent)


def delete_file(path: Path) -> None:
    """Delete a file; one that is gone already is no fault. Raises UnreachableError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UnreachableError(f"{path}: cannot be deleted: {error.strerror}") from error


def file_fault(path: Path, error: OSError) -> FullError | UnreachableError:
    """What an error of the file system is called here."""
    if error.errno in _NO_ROOM:
        return FullError(f"{path}: the disk is full; nothing was written; fix: make room")
    return UnreachableError(f"{path}: {error.strerror}")
