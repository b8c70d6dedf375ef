"""What can be made anew, kept beside the record so that it need not be.

The state that a case's facts fold to is of one size and root of its log, sealed under the case's
key, and read only where the log still has that root at that size. The draft of a certificate is of
one head likewise: whoever uses it looks. Whatever becomes of a file, at most all is made again.
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
    """A folder for each case under `folder`, with its state and the draft of a certificate."""

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
        # Held against the log before it is opened: of a record that was put back it is another's.
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
        # A cache: a full disk must not fail whoever only wanted to read.
        with contextlib.suppress(OSError):
            self.folder(case).mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(self.folder(case) / "state", [head, key.seal(data, _place(case, head))])

    def draft(self, case: str) -> str | None:
        """The newest draft of a certificate for a case; None where there is none to be read."""
        try:
            return (self.folder(case) / "certificate").read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def keep_draft(self, case: str, certificate: str) -> None:
        """Keep it in place of the one before; OSError where it cannot be written."""
        self.folder(case).mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(self.folder(case) / "certificate", [certificate.encode()])


def _place(case: str, head: bytes) -> bytes:
    return f"touchstone/kept-state/1 {case} ".encode() + head
