"""Files that people are given."""

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def write_file(path: Path, pieces: Iterable[bytes]) -> None:
    """Whole or not at all, durable, and readable by its owner alone.

    Raises:
        OSError: it cannot be written; the error names `path`.
    """
    try:
        _write(path, pieces)
    except OSError as error:
        # Of the draft beside it nobody knows.
        error.filename, error.filename2 = str(path), None
        raise


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(handle)
        Path(draft).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(draft).unlink()
        raise
