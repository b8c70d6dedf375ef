"""What supervisor and workers say to each other: JSON lines over a pair of Unix sockets."""

import asyncio
import json
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

_LINE = 16 << 20
"""Metrics and the configuration are the largest."""


def steady() -> float:
    """Seconds by a clock that no one sets and that goes on while the machine sleeps.

    All processes of a machine read the same, so a moment may be passed from one to another.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot() -> str:
    """What tells this run of the machine from every other: `steady` begins anew with each."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Channel:
    """One end of the pair. The other process is trusted: it runs the same code."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, end: socket.socket) -> Self:
        """Take over one end."""
        return cls(*await asyncio.open_unix_connection(sock=end, limit=_LINE))

    def send(self, op: str, **content: Any) -> None:
        """Say something; what a stopped process does not read waits in memory.

        To one that is gone nothing is said: `receive` tells of it.
        """
        if self._writer.is_closing():
            return
        self._writer.write(json.dumps({"op": op, **content}).encode() + b"\n")

    async def receive(self) -> dict[str, Any] | None:
        """What the other says next; None: it is gone."""
        try:
            line = await self._reader.readline()
        except OSError:
            return None
        # What a process wrote last as it died is no message.
        if not line.endswith(b"\n"):
            return None
        message: dict[str, Any] = json.loads(line)
        return message

    async def flush(self) -> None:
        """Wait until what was said is on its way."""
        with suppress(OSError):
            await self._writer.drain()

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


@dataclass(frozen=True, slots=True)
class Order:
    """What every worker is to serve from now on."""

    epoch: int
    """Counts orders since the supervisor started."""
    path: str | None
    """The file of the bundle; None: serve nothing."""
    digest: str | None
    size: int
    """Of the file, in bytes."""
    until: float | None
    """Until when it may be served without further word, by `steady`; None: for good."""

    def as_dict(self) -> dict[str, Any]:
        """As the channel carries it."""
        return asdict(self)
