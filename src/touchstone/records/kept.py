"""What was reckoned from a case's facts, kept beside the record so that it need not be again.

A cache and nothing more. It is of one size and root of the case's log, sealed under the case's key,
and read only where the log still has that root at that size: whatever becomes of the file, at most
all is reckoned anew.
"""

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

from touchstone.keys import DataKey, SealError
from touchstone.keys.files import write_file

_HEAD = re.compile(rb"([1-9][0-9]{0,15}) ([0-9a-f]{64})\n")
_LONGEST_HEAD = 90


class KeptFiles:
    """A file a case, in a folder of its own under `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def folder(self, case: str) -> Path:
        """Where something of a case may lie."""
        return self._folder / case

    def read(self, case: str, key: DataKey, root_at: Callable[[int], str | None]) -> bytes | None:
        """What was kept of a case; None where there is nothing, or it is of another log.

        `root_at` says the root (hex) that the log had at a size, None where it has no such size.
        """
        try:
            data = (self.folder(case) / "state").read_bytes()
        except OSError:
            return None
        head = _HEAD.match(data[:_LONGEST_HEAD])
        if head is None or root_at(int(head[1])) != head[2].decode():
            return None
        try:
            return key.open(data[head.end() :], _place(case, head[0]))
        except SealError:
            return None

    def write(self, case: str, key: DataKey, size: int, root: str, data: bytes) -> None:
        """Keep it in place of what was kept before; where it cannot be written, nothing is."""
        head = f"{size} {root}\n".encode()
        with contextlib.suppress(OSError):
            self.folder(case).mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(self.folder(case) / "state", [head, key.seal(data, _place(case, head))])


def _place(case: str, head: bytes) -> bytes:
    return f"touchstone/kept-state/1 {case} ".encode() + head
