"""Evidence bytes in files: sealed under the case's key, written whole or not at all."""

import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from touchstone.keys import DataKey, SealError
from touchstone.keys.files import sync_folder, write_file
from touchstone.records.errors import DamagedError
from touchstone.records.sealedfiles import (
    delete_file,
    file_fault,
    make_folder,
    place_of_evidence,
)
from touchstone.records.stagedfiles import StagedFiles

_PIECE = 1 << 20
_NO_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP})


class EvidenceFiles:
    """A folder of sealed files, `<case>/<first two digits of the name>/<name>`.

    `staged` are those that were sent before their deed.
    """

    def __init__(self, folder: Path, staged: Path) -> None:
        self._folder = folder
        self.staged = StagedFiles(staged)

    def put(self, case: str, name: str, data: bytes, key: DataKey) -> None:
        """Seal and keep bytes; a file of that name is whole and the same, so it is left alone.

        Raises FullError, UnreachableError; a failed write leaves nothing.
        """
        path = self._path(case, name)
        try:
            make_folder(path.parent)
            if path.exists():
                # Whoever put it there may not yet have made that durable.
                sync_folder(path.parent)
            else:
                # Sealed to its place: a file that is moved to another name or case does not open
                # there.
                write_file(path, key.seal_stream(_pieces(data), place_of_evidence(case, name)))
        except OSError as error:
            raise file_fault(path, error) from error

    def adopt(self, case: str, name: str, source: Path) -> None:
        """Keep a file that is sealed as the evidence of that name already, under a second name.

        Raises DamagedError where it is gone, FullError, UnreachableError.
        """
        path = self._path(case, name)
        try:
            make_folder(path.parent)
            # The same bytes may have come by another deed: sealed by one key they are one file.
            if not path.exists():
                _give_second_name(source, path)
            sync_folder(path.parent)
        except FileNotFoundError as error:
            raise DamagedError(f"{source}: what was sent is gone: send it anew") from error
        except OSError as error:
            raise file_fault(path, error) from error

    def get(self, case: str, name: str, key: DataKey) -> bytes:
        """The bytes. Raises DamagedError where the file is gone or was altered."""
        # Piece by piece, so that an altered file is seen before all of it is in memory.
        return b"".join(self.pieces(case, name, key))

    def pieces(self, case: str, name: str, key: DataKey) -> Iterator[bytes]:
        """The bytes piece by piece, each opened as it is asked for. Raises as `get`."""
        path = self._path(case, name)
        try:
            with path.open("rb") as file:
                sealed = iter(lambda: file.read(_PIECE), b"")
                yield from key.open_stream(sealed, place_of_evidence(case, name))
        except FileNotFoundError as error:
            raise DamagedError(f"{path}: evidence is gone; fix: restore a backup") from error
        except SealError as error:
            raise DamagedError(f"{path}: evidence was altered; fix: restore a backup") from error
        except OSError as error:
            raise file_fault(path, error) from error

    def folder(self, case: str) -> Path:
        """Where a case's evidence lies."""
        return self._folder / case

    def remove_left_over(self, case: str, known: Iterable[str]) -> int:
        """Delete files that no row knows: a crash left them. The caller holds the case's lock.

        Raises UnreachableError where one cannot be deleted.
        """
        names = set(known)
        # Drafts too: under the case's lock nobody is writing one.
        left = [path for path in self._files(case) if path.name not in names]
        for path in left:
            delete_file(path)
        return len(left)

    def names(self, case: str) -> set[str]:
        """The names of the files that lie there for a case."""
        return {path.name for path in self._files(case) if path.name[0] != "."}

    def _files(self, case: str) -> list[Path]:
        return [path for path in (self._folder / case).glob("*/*") if path.is_file()]

    def _path(self, case: str, name: str) -> Path:
        return self._folder / case / name[:2] / name


def _pieces(data: bytes) -> Iterator[bytes]:
    view = memoryview(data)
    for start in range(0, len(data), _PIECE):
        yield bytes(view[start : start + _PIECE])


def _give_second_name(source: Path, path: Path) -> None:
    try:
        os.link(source, path)
    except OSError as error:
        # Some file systems know no second name, and staging may lie on another one.
        if error.errno not in _NO_LINKS:
            raise
        with source.open("rb") as file:
            write_file(path, iter(lambda: file.read(_PIECE), b""))
