"""Where tests keep their files: in memory, where there is room, since none outlives its test.

The product syncs what it writes, some hundred times in a review: on a disk tests mostly wait.
Nothing is left out for it; no test here takes away a machine's power.
"""

import os
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - each run has a folder of its own in it
ROOM = 6 * 1024**3
"""Bytes that must be free: a whole run leaves about one and a half thousand million."""


def keep_files_in_memory() -> None:
    """From now on, in this process and those begun by it; a TMPDIR that is set stays."""
    if "TMPDIR" in os.environ or not MEMORY.is_mount() or not os.access(MEMORY, os.W_OK):
        return
    room = os.statvfs(MEMORY)
    if room.f_flag & os.ST_NOEXEC or room.f_bavail * room.f_frsize < ROOM:
        return
    os.environ["TMPDIR"] = str(MEMORY)
    # It was asked for before, and is remembered.
    tempfile.tempdir = None
