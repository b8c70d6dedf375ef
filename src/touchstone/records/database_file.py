"""A SQLite file that nobody else may open: made before the database makes its own."""

import os
import stat
from pathlib import Path

from touchstone.records.errors import DatabaseSettingError, UnreachableError


def make_database_file(path: Path) -> None:
    """Make a database's file (0600) where there is none; its folder is there.

    Raises:
        DatabaseSettingError: others may open the one that is there; the line has the fix.
        UnreachableError: it cannot be made, or is a link.
    """
    try:
        # SQLite gives its journal the mode of the file, so making it first covers all three.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise UnreachableError(f"{path}: {error.strerror}") from error
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise DatabaseSettingError(
            f"{path}: open to group or others (mode {mode:04o}); fix: chmod 600 {path}"
        )
