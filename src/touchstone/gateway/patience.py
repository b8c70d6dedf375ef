"""How long a worker that has not answered is waited for: as long as something speaks for it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_STOPPED = frozenset("tTZXx")
_BUSY = 0.25
"""The share of the time for which a process must have waited for a processor to be short of one."""
TAKEN_UP = "it had taken the order up"
PROCESSOR = "it had no processor"


@dataclass(frozen=True, slots=True)
class Load:
    """What the kernel says of a process."""

    state: str
    """One letter, as in /proc: T is stopped."""
    ran: float
    """Seconds on a processor."""
    waited: float
    """Seconds in which it could have run, and had no processor."""

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """None where there is no such process, or the kernel does not say."""
        folder = Path("/proc") / str(pid)
        try:
            # A program's name stands in brackets and may hold some itself: the last one ends it
            # (proc(5)).
            state = (folder / "stat").read_text().rpartition(") ")[2][:1]
            ran, waited = (folder / "schedstat").read_text().split()[:2]
        except (OSError, ValueError):
            return None
        return cls(state, int(ran) / 1e9, int(waited) / 1e9)


class Patience:
    """With one worker, for one order."""

    def __init__(self, load: Callable[[], Load | None], allowed: float) -> None:
        """`allowed` is how many seconds of a processor it may use before it must have answered."""
        self._load = load
        self._allowed = allowed
        self._before = load()

    def why(self, elapsed: float, *, heard: bool) -> str | None:
        """What speaks for waiting on after so many seconds; None: it cannot be heard, end it.

        `heard`: whether it said that it took the order up.
        """
        now = self._load()
        # A stopped process may wake much later with its connections whole: it is killed at once.
        if now is None or now.state in _STOPPED:
            return None
        if heard:
            return TAKEN_UP
        before = self._before
        # Where the kernel does not say how long it waited, nothing speaks for it.
        if before is None:
            return None
        # One that spins has had its processor: only who was kept from one is waited for (ADR 130).
        starved = now.waited - before.waited >= _BUSY * elapsed
        return PROCESSOR if starved and now.ran - before.ran < self._allowed else None
