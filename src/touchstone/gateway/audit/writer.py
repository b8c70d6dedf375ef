"""One worker's audit file: appended to, hash-chained, and durable before anything is forwarded.

Commits are made in groups: whoever comes while the disk is busy shares the next write.
"""

import asyncio
import errno
import fcntl
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from touchstone.gateway.audit.lines import START, AuditLine, digest, parse_line
from touchstone.gateway.audit.pseudonyms import Pseudonyms
from touchstone.gateway.errors import AuditError, GatewayError
from touchstone.keys.files import sync_folder
from touchstone.ledger import MalformedError

KEYED = ("caller", "token")
"""The keys of an event whose values are replaced by pseudonyms: either could lead to a person."""
_Piece = tuple[int, bytes]
"""The number of a file, and a line for it."""
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
_TAIL = 4 << 20
"""No line is longer, so the last whole one lies within."""


class AuditLog:
    """The audit of one worker. Use it in one event loop; `close` it there.

    `clock` gives seconds since 1970. An instance that could not write once never says yes again:
    after a failed sync nobody knows what the disk holds, so the worker must begin anew.
    """

    def __init__(
        self,
        folder: Path,
        pseudonyms: Pseudonyms,
        clock: Callable[[], float],
        rotate_bytes: int,
        about: Mapping[str, Any],
    ) -> None:
        """Open the newest file in `folder`, or begin one; `about` stands at the top of each.

        Raises AuditError where the newest line was altered, GatewayError where another process
        holds the folder or it cannot be written.
        """
        self._folder = folder
        self._pseudonyms = pseudonyms
        self._clock = clock
        self._rotate_bytes = rotate_bytes
        self._about = dict(about)
        self._waiting: list[_Piece] = []
        self._n, self._previous, self._planned = 0, START, 0
        self._number = self._open_number = self._file = 0
        self._waiters: list[asyncio.Future[None]] = []
        self._busy = False
        self._head: str | None = None
        self._failed: GatewayError | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Before anything is read: two that append would make two chains.
            self._lock = _lock(folder)
            try:
                self._open()
            except BaseException:
                os.close(self._lock)
                raise
        except OSError as error:
            raise GatewayError(f"{folder}: cannot be written: {error.strerror}") from error

    @property
    def head(self) -> str | None:
        """The digest of the newest line that is durable; None before the first."""
        return self._head

    @property
    def failed(self) -> GatewayError | None:
        """Why nothing can be committed any more; None: all is well."""
        return self._failed

    @property
    def full(self) -> bool:
        """Whether it failed for want of space alone: `reopen` then begins anew."""
        cause = self._failed.__cause__ if self._failed else None
        return isinstance(cause, OSError) and cause.errno in _NO_SPACE

    async def reopen(self) -> bool:
        """After a full disk: go on behind what is whole on it, in a new file; False: still full.

        Nothing that was acknowledged is lost, and nothing that was not is believed.
        """
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._begin_anew)
        except OSError as error:
            if error.errno not in _NO_SPACE:
                raise
            return False
        self._waiters.clear()
        self._failed = None
        return True

    def _begin_anew(self) -> None:
        self._waiting.clear()
        self._let_go()
        self._n, self._previous = 0, START
        self._open()

    def _let_go(self) -> None:
        """Close the file that is open, if any is.

        Forgotten first: a number that is closed twice may be a client's connection by then.
        """
        number, self._open_number = self._open_number, 0
        if number:
            os.close(self._file)

    async def commit(self, event: Mapping[str, Any]) -> None:
        """Write an event down; return once it would outlive a power loss.

        The event holds text, whole numbers, booleans, None, lists and objects. Of what stands under
        `caller` and `token` only a pseudonym is written. Raises GatewayError where it cannot be
        kept, MalformedError where it holds something else.
        """
        if self._failed:
            raise self._failed
        named = {key: event[key] for key in KEYED if isinstance(event.get(key), str)}
        self._append({**event, **{key: self._pseudonyms.name(named[key]) for key in named}})
        loop = asyncio.get_running_loop()
        # Each waits for a future of their own: who goes away cancels nobody else's.
        done = loop.create_future()
        self._waiters.append(done)
        if not self._busy:
            self._busy = True
            # Not at once: whoever comes in the same turn of the loop shares the write.
            loop.call_soon(self._flush, loop)
        await done

    async def close(self) -> None:
        """Wait for what is being written, and let go of the file."""
        if self._waiting and self._failed is None:
            last = asyncio.get_running_loop().create_future()
            self._waiters.append(last)
            await asyncio.wait([last])
        self._thread.shutdown()
        self._let_go()
        os.close(self._lock)

    def _append(self, event: Mapping[str, Any]) -> None:
        if self._planned >= self._rotate_bytes:
            self._begin(self._number + 1, {})
        line = AuditLine(self._n, self._previous, int(self._clock() * 1000), event).data
        self._n += 1
        # When it is planned, not when it is written: those who come meanwhile stand behind it.
        self._previous = digest(line)
        self._planned += len(line) + 1
        self._waiting.append((self._number, line + b"\n"))

    def _begin(self, number: int, more: Mapping[str, Any]) -> None:
        """A new file, at each start too: its first line then says which process wrote it."""
        self._number, self._planned = number, 0
        self._append({"kind": "opened", **self._about, **more})

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        """Write all that waits, in the thread; then whatever came meanwhile."""
        pieces, self._waiting = self._waiting, []
        waiters, self._waiters = self._waiters, []
        # Of what is being written now: those who come later are not durable with it.
        head = self._previous
        work = loop.run_in_executor(self._thread, self._write, pieces)
        work.add_done_callback(
            lambda finished: self._written(loop, waiters, head, finished.exception())
        )

    def _written(
        self,
        loop: asyncio.AbstractEventLoop,
        waiters: list[asyncio.Future[None]],
        head: str,
        error: BaseException | None,
    ) -> None:
        if error is None:
            self._head = head
        else:
            self._failed = GatewayError(f"{self._folder}: the audit cannot be written: {error}")
            self._failed.__cause__ = error
            waiters += self._waiters
        for each in waiters:
            if each.done():  # who waited has gone away
                continue
            if self._failed is None:
                each.set_result(None)
            else:
                each.set_exception(self._failed)
                each.exception()  # seen, also by whom nobody asks any more
        self._busy = bool(self._waiting) and self._failed is None
        if self._busy:
            self._flush(loop)

    def _write(self, pieces: Sequence[_Piece]) -> None:
        """Runs in the thread, which alone holds the file."""
        for number, group in groupby(pieces, key=itemgetter(0)):
            if number != self._open_number:
                self._switch(number)
            _write_all(self._file, b"".join(data for _, data in group))
            # Acknowledged only now: a decision must outlive a power loss before its request goes
            # on.
            os.fdatasync(self._file)

    def _switch(self, number: int) -> None:
        self._let_go()
        # Never one that is there: a file begins with the line that says which process wrote it.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(file_path(self._folder, number), flags, 0o600)
        self._open_number = number
        # A file whose name is not on the disk is gone after a power loss, lines and all.
        sync_folder(self._folder)

    def _open(self) -> None:
        numbers = file_numbers(self._folder)
        healed = 0
        while numbers:
            path = file_path(self._folder, numbers[-1])
            last, size, torn = _last_line(path)
            healed += torn
            if last is None:
                # A crash between making a file and its first line.
                path.unlink()
                numbers.pop()
                continue
            self._n, self._previous = parse_line(last).n + 1, digest(last)
            # What stands behind was acknowledged to nobody: see `_last_line`.
            os.truncate(path, size)
            break
        self._begin(numbers[-1] + 1 if numbers else 1, {"healed_bytes": healed} if healed else {})
        pieces, self._waiting = self._waiting, []
        self._write(pieces)
        self._head = self._previous


def file_path(folder: Path, number: int) -> Path:
    """Where a worker's file of that number lies."""
    return folder / f"{number:06d}.jsonl"


def file_numbers(folder: Path) -> list[int]:
    """The numbers of the files in a worker's folder, ascending."""
    return sorted(int(path.stem) for path in folder.glob("*.jsonl") if path.stem.isdigit())


def _lock(folder: Path) -> int:
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise GatewayError(f"{folder}: another process writes this audit: stop it first") from error
    return descriptor


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    # A signal or a full disk can end a write in its midst.
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _last_line(path: Path) -> tuple[bytes | None, int, int]:
    """The last whole line, the file's size with it, and how many torn bytes stand behind.

    What a crash leaves is a line without its end, or zeros where data never reached the disk;
    neither was acknowledged to anybody. Raises AuditError for anything else that is no line.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        start = file.seek(max(0, size - _TAIL))
        data = file.read()
    # Zeros can also stand in the middle of what was being written: all from the first one is torn.
    whole = data[: data.find(b"\x00")] if b"\x00" in data else data
    whole = whole[: whole.rfind(b"\n") + 1]
    if any(map(_is_line, data[len(whole) :].split(b"\n"))) or (start and not whole):
        raise AuditError(f"{path}: holds zeros before lines that were kept: altered")
    if not whole:
        return None, 0, len(data)
    last = whole[whole.rfind(b"\n", 0, -1) + 1 : -1]
    if not _is_line(last):
        raise AuditError(f"{path}: its last line is no audit line: altered")
    return last, start + len(whole), len(data) - len(whole)


def _is_line(data: bytes) -> bool:
    try:
        parse_line(data)
    except MalformedError:
        return False
    return True
