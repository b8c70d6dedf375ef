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
        return datetime.now(UTC).replace(microsecond=0)


class SystemRandom:
    """The operating system's random source."""

    def draw(self, size: int) -> bytes:
        """`size` random bytes, fit for keys, salts and nonces."""
        return os.urandom(size)


def utc_text(moment: datetime) -> str:
    """A moment as the record writes it: `YYYY-MM-DDTHH:MM:SSZ`. Raises ValueError if naive."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone is not a moment")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(text: str) -> datetime:
    """The moment that a text of the record names: what `utc_text` wrote. Raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
