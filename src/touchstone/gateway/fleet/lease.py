"""A lease: leave to serve for a moment, which the holder ends by itself. Times are handed in."""

from dataclasses import dataclass

_OWN_PART = 0.75
"""The log counts the whole lease from when it granted it; the holder stops earlier, from when it
asked: what is between covers clocks that do not run alike and the time that cutting takes."""


@dataclass
class Lease:
    """Counts by a monotonic clock from the moment of asking, never from that of the answer."""

    seconds: float
    until: float = float("-inf")
    """When serving must end, should no further lease come."""

    def granted(self, asked_at: float) -> None:
        """The log granted what was asked for at that moment. A late answer shortens nothing."""
        self.until = max(self.until, asked_at + self.seconds * _OWN_PART)

    def lost(self) -> None:
        """The log refused: serving ends now."""
        self.until = float("-inf")

    def valid(self, now: float) -> bool:
        """Whether serving is allowed now."""
        return now < self.until
