"""Where time and chance enter: everything above passes them down as values."""

import os
from datetime import UTC, datetime
from typing import Protocol


class TimeSource(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present moment, in UTC, to the second."""
        ...


class RandomSource(Protocol):
    """Gives bytes that nobody can foresee."""

    def draw(self, size: int) -> bytes:
        """`size` random bytes."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present moment, in UTC, to the second."""
        # As the record writes times: a fraction would be lost with the first entry.
        return datetime.now(UTC).replace(microsecond=0)


class SystemRandom:
    """The operating system's random source."""

    def draw(self, size: int) -> bytes:
        """`size` random bytes, fit for keys, salts and nonces."""
        return os.urandom(size)
