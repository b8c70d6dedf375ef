"""Requests to one endpoint, shared by all reviews and workers on one machine.

A slot is a locked file: the operating system frees it when its holder dies, however it dies.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from touchstone.evaluation.errors import QuotaError

_POLL = 0.02


class Quota:
    """At most `slots` requests in flight and `per_second` begun a second, over all processes.

    Args:
        home: TOUCHSTONE_HOME.
        base_url: The endpoint's base URL: modes of one endpoint share its quota.
        slots: Requests in flight.
        per_second: Requests begun in a second; 0 for no bound.
    """

    def __init__(self, home: Path, base_url: str, slots: int, per_second: int = 0) -> None:
        # A hash, since an address cannot be a name of a folder, and need not be read there.
        digest = hashlib.sha256(base_url.rstrip("/").encode()).hexdigest()
        self._folder = home / "quota" / digest[:32]
        self._slots = slots
        self._per_second = per_second
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise QuotaError(f"the quota's folder cannot be made: {error.strerror}") from error

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one slot while the block runs; waits for one."""
        # Other processes cannot wake us, so we look again.
        while (handle := self._take()) is None:  # noqa: ASYNC110 - a lock of another process
            await anyio.sleep(_POLL)
        try:
            # With the slot held: those who wait for their turn are bounded by it too.
            await anyio.sleep(self._turn())
            yield
        finally:
            os.close(handle)

    def held(self) -> int:
        """How many slots are held at the moment, by anyone."""
        free = []
        for number in range(self._slots):
            handle = self._lock(number)
            if handle is not None:
                free.append(handle)
        for handle in free:
            os.close(handle)
        return self._slots - len(free)

    def _take(self) -> int | None:
        for number in range(self._slots):
            handle = self._lock(number)
            if handle is not None:
                return handle
        return None

    def _lock(self, number: int) -> int | None:
        path = self._folder / f"slot-{number}"
        handle = self._open(path)
        try:
            # The kernel lets go of it when its holder dies, however that is.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return handle

    def _turn(self) -> float:
        """Seconds until this request may begin, and the next turn written down for the others."""
        if not self._per_second:
            return 0.0
        handle = self._open(self._folder / "rate")
        with os.fdopen(handle, "r+b") as file:
            fcntl.flock(handle, fcntl.LOCK_EX)
            # The wall clock: processes that began at other times must agree on it.
            now = time.time()
            try:
                free = float(json.loads(file.read() or b"0"))
            except (ValueError, TypeError):
                free = 0.0
            # A clock set back, or a file of another's making, must not stop requests for long.
            begin = max(now, min(free, now + 60.0))
            file.seek(0)
            file.truncate()
            file.write(json.dumps(begin + 1 / self._per_second).encode())
        return begin - now

    @staticmethod
    def _open(path: Path) -> int:
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise QuotaError(f"the quota cannot be used: {path.name}: {error.strerror}") from error
