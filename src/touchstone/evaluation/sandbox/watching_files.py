"""What happens to the files of some folders of a sandbox, seen from outside of it.

Two records, neither within the subject's reach. The kernel tells of each change as it happens
(inotify), so that what is put back within one command is seen too; and after each command the files
are read, so that a change by a way of which the kernel does not tell (a mapped file) shows as well.
"""

import base64
import ctypes
import errno
import hashlib
import os
import stat
import struct
import threading
from collections.abc import Sequence
from typing import Any

from touchstone.evaluation.sandbox.copyout import PLANTED, open_beneath, read_copied
from touchstone.evaluation.sandbox.errors import SandboxError

MOST_FILE = 64 * 1024
"""Bytes of one file; a larger one is named by its size alone."""
MOST_FILES = 200
"""Files and folders of one look."""
MOST_LOOKS = 500
MOST_EVENTS = 2_000
MOST_KEPT = 2 * 1024 * 1024
"""Bytes of all different contents together."""
_DEPTH = 3
_MODIFY, _ATTRIB, _MOVED_FROM, _MOVED_TO = 0x2, 0x4, 0x40, 0x80
_CREATE, _DELETE, _DELETE_SELF, _MOVE_SELF = 0x100, 0x200, 0x400, 0x800
_OVERFLOW = 0x4000
_KINDS = {
    _MODIFY: "changed",
    _ATTRIB: "mode",
    _MOVED_FROM: "moved-away",
    _MOVED_TO: "moved-here",
    _CREATE: "made",
    _DELETE: "removed",
    _DELETE_SELF: "folder-removed",
    _MOVE_SELF: "folder-moved",
}
_HEAD = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


class FileWatcher:
    """Watches the plain files of some folders of an open working folder. Thread-safe.

    Args:
        work: The working folder, open; it must stay open as long as the watcher.
        folders: Plain relative paths.

    Raises:
        SandboxError: the machine gives no watch: too many of its user, or no such folder.
    """

    def __init__(self, work: int, folders: Sequence[str]) -> None:
        self._work, self._folders = work, tuple(folders)
        self._lock = threading.Lock()
        self._looks: list[dict[str, Any]] = []
        self._contents: dict[str, str] = {}
        self._kept = 0
        self._events: list[dict[str, Any]] = []
        self._commands = 0
        self._missed: set[str] = set()
        self._named: dict[int, str] = {}
        self._queue = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._queue < 0:
            raise _failed("changes of files cannot be watched")
        try:
            for folder in self._folders:
                self._named[self._watch(folder)] = folder
            self.look()
        except BaseException:
            self.close()
            raise

    def _watch(self, folder: str) -> int:
        # By its number in our own table: the path is not looked up in the sandbox's view.
        place = f"/proc/self/fd/{self._work}/{folder}".encode()
        found: int = _libc.inotify_add_watch(self._queue, place, sum(_KINDS))
        if found < 0:
            raise _failed(f"{folder}: its changes cannot be watched")
        return found

    def ran(self) -> None:
        """A command has ended: see what became of the files."""
        with self._lock:
            self._commands += 1
        self.look()

    def look(self) -> None:
        """Take the kernel's word of changes, and read the files, where any is not as it was."""
        with self._lock:
            # Once given back, the number of the working folder may be another's.
            if self._queue < 0:
                return
            self._take_events()
            files: dict[str, Any] = {}
            for folder in self._folders:
                self._list(folder, _DEPTH, files)
            if self._looks and self._looks[-1]["files"] == files:
                return
            if len(self._looks) >= MOST_LOOKS:
                self._missed.add("looks")
                self._looks.pop()
            self._looks.append({"after": self._commands, "files": files})

    def record(self) -> dict[str, Any]:
        """All that was seen, as JSON.

        `whole` is False where a bound was reached: what is not in it may have happened all the
        same. Contents are base64 by their SHA-256; `after` counts ended commands.
        """
        with self._lock:
            return {
                "whole": not self._missed,
                "missed": sorted(self._missed),
                "commands": self._commands,
                "looks": list(self._looks),
                "events": list(self._events),
                "contents": dict(self._contents),
            }

    def close(self) -> None:
        """Give the watch back. Safe to call twice."""
        with self._lock:
            if self._queue >= 0:
                os.close(self._queue)
            self._queue = -1

    def _take_events(self) -> None:
        while True:
            try:
                data = os.read(self._queue, 1 << 16)
            except BlockingIOError:
                return
            at = 0
            while at < len(data):
                watch, mask, _, length = _HEAD.unpack_from(data, at)
                name = data[at + _HEAD.size : at + _HEAD.size + length].rstrip(b"\0")
                at += _HEAD.size + length
                self._note(watch, mask, name.decode("utf-8", "replace"))

    def _note(self, watch: int, mask: int, name: str) -> None:
        if mask & _OVERFLOW:
            self._missed.add("events")
        for bit, kind in _KINDS.items():
            if mask & bit:
                path = "/".join(filter(None, (self._named.get(watch, ""), name)))
                event = {"after": self._commands, "path": path, "kind": kind}
                # A loop that writes line by line says the same a thousand times.
                if event in self._events[-8:]:
                    continue
                if len(self._events) >= MOST_EVENTS:
                    self._missed.add("events")
                    return
                self._events.append(event)

    def _list(self, folder: str, deeper: int, files: dict[str, Any]) -> None:
        try:
            fd = open_beneath(self._work, folder)
        except UnicodeEncodeError:
            self._missed.add("unreadable")
            return
        except OSError as error:
            _require_planted(folder, error)
            files[folder] = {"gone": True}
            return
        try:
            if not stat.S_ISDIR(os.fstat(fd).st_mode):
                files[folder] = {"gone": True}
                return
            for name in sorted(os.listdir(fd)):  # noqa: PTH208 - of a descriptor, as the path may change
                if len(files) >= MOST_FILES:
                    self._missed.add("files")
                    return
                self._see(fd, folder, name, deeper, files)
        finally:
            os.close(fd)

    def _see(self, fd: int, folder: str, name: str, deeper: int, files: dict[str, Any]) -> None:
        path = f"{folder}/{name}"
        shown = path.encode("utf-8", "replace").decode()
        try:
            facts = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except OSError:
            # Gone since it was listed: the next look, or an event, says so.
            return
        if stat.S_ISDIR(facts.st_mode):
            files[shown] = {"folder": True}
            if deeper:
                self._list(path, deeper - 1, files)
            else:
                self._missed.add("depth")
        elif stat.S_ISLNK(facts.st_mode):
            files[shown] = {"link": ascii(os.readlink(name, dir_fd=fd))[:200]}
        elif stat.S_ISREG(facts.st_mode):
            files[shown] = self._content(path, facts)
        else:
            files[shown] = {"special": True}

    def _content(self, path: str, facts: os.stat_result) -> dict[str, Any]:
        told = {"size": facts.st_size, "inode": facts.st_ino, "mode": stat.S_IMODE(facts.st_mode)}
        try:
            fd = open_beneath(self._work, path)
        except (OSError, UnicodeEncodeError):
            self._missed.add("unreadable")
            return told
        try:
            data = read_copied(fd, MOST_FILE)
        except OSError:
            data = None
        finally:
            os.close(fd)
        if data is None:
            self._missed.add("large")
            return told
        digest = hashlib.sha256(data).hexdigest()
        if digest not in self._contents:
            if self._kept + len(data) > MOST_KEPT:
                self._missed.add("contents")
                return {**told, "sha256": digest}
            self._kept += len(data)
            self._contents[digest] = base64.b64encode(data).decode("ascii")
        return {**told, "sha256": digest}


def _require_planted(path: str, error: OSError) -> None:
    # What the subject took away or put in its place is its doing; anything else is the machine's.
    if error.errno not in {*PLANTED, errno.ENOENT}:
        raise SandboxError(f"{path}: cannot be looked at: {error.strerror}") from error


def _failed(what: str) -> SandboxError:
    return SandboxError(f"{what}: {os.strerror(ctypes.get_errno())}")
