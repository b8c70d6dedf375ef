"""Bytes that were sent before their deed, in files: sealed under the case's key, piece by piece.

Whatever a row knows of lies in a file of its own that was written whole; no file is written twice.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from touchstone.keys import DataKey, SealError
from touchstone.keys.files import write_file
from touchstone.records.errors import DamagedError, UnreachableError
from touchstone.records.sealedfiles import (
    delete_file,
    file_fault,
    make_folder,
    place_of_evidence,
)

_PIECE = 1 << 20


class StagedFiles:
    """A folder of sealed files, `<case>/<name>`, whose names say nothing."""

    def __init__(self, folder: Path) -> None:
        self._root = folder

    def folder(self, case: str) -> Path:
        """Where what was sent for a case lies."""
        return self._root / case

    def path(self, case: str, file: str) -> Path:
        """One file of them."""
        return self.folder(case) / file

    def put(self, case: str, file: str, data: bytes, key: DataKey) -> None:
        """Keep one piece, durably. Raises FullError, UnreachableError; then nothing is left."""
        self._write(case, file, [key.seal(data, _about(case, file))])

    def get(self, case: str, file: str, key: DataKey) -> bytes:
        """One piece. Raises DamagedError."""
        path = self.path(case, file)
        try:
            return key.open(path.read_bytes(), _about(case, file))
        except (FileNotFoundError, SealError) as error:
            raise _lost(path) from error
        except OSError as error:
            raise file_fault(path, error) from error

    def join(self, case: str, pieces: Sequence[str], file: str, name: str, key: DataKey) -> str:
        """Make one file of all pieces, sealed as the evidence of that name; gives its digest.

        Raises DamagedError, FullError, UnreachableError.
        """
        digest = hashlib.sha256()

        def opened() -> Iterator[bytes]:
            # Opened and sealed anew, each as it comes: whole it may be larger than the memory.
            for piece in pieces:
                data = self.get(case, piece, key)
                digest.update(data)
                yield data

        self._write(case, file, key.seal_stream(opened(), place_of_evidence(case, name)))
        return f"sha256:{digest.hexdigest()}"

    def whole(self, case: str, file: str, name: str, key: DataKey) -> Iterator[bytes]:
        """What `join` made, opened piece by piece. Raises DamagedError."""
        path = self.path(case, file)
        try:
            with path.open("rb") as source:
                sealed = iter(lambda: source.read(_PIECE), b"")
                yield from key.open_stream(sealed, place_of_evidence(case, name))
        except (FileNotFoundError, SealError) as error:
            raise _lost(path) from error
        except OSError as error:
            raise file_fault(path, error) from error

    def remove(self, case: str, files: Iterable[str]) -> None:
        """Delete files that no row knows any more; what cannot be deleted is left to a sweep.

        What let go of them stands by then, and must not seem to have failed.
        """
        for file in files:
            with suppress(UnreachableError):
                delete_file(self.path(case, file))

    def sweep(self, case: str, known: Collection[str]) -> int:
        """Delete the files that no row knows; gives how many. Raises UnreachableError."""
        left = self.left_over(case, known)
        for file in left:
            delete_file(self.path(case, file))
        return len(left)

    def left_over(self, case: str, known: Collection[str]) -> list[str]:
        """The files that no row knows: a crash left them."""
        folder = self.folder(case)
        there = (path.name for path in folder.iterdir()) if folder.is_dir() else ()
        return [name for name in there if name not in known]

    def _write(self, case: str, file: str, pieces: Iterable[bytes]) -> None:
        path = self.path(case, file)
        try:
            make_folder(path.parent)
            write_file(path, pieces)
        except OSError as error:
            raise file_fault(path, error) from error


def _lost(path: Path) -> DamagedError:
    return DamagedError(f"{path}: what was sent is gone or was altered: send it anew")


def _about(case: str, file: str) -> bytes:
    return f"touchstone/staged/1\x00{case}\x00{file}".encode()
