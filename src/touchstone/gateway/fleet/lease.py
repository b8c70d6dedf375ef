"""A lease: time-limited permission to serve, which expires without contact. Times are handed in."""

from dataclasses import dataclass
from typing import Literal

from touchstone.terms import Position

_OWN_PART = 0.75
"""The log counts the whole lease from when it granted it; the holder stops earlier, from when it
asked: what is between covers clocks that do not run alike and the time that cutting takes."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """What the log said to a gateway that asked to go on."""

    granted: bool
    newest: int | None
    """The number of the newest bundle; None: the log is empty."""
    digest: str | None


Next = Literal["go-on", "catch-up", "publish", "stop"]
"""What a gateway does upon an answer; `stop`: the log holds another bundle under its number."""


@dataclass
class Lease:
    """Counts by a monotonic clock from the moment of asking, never from that of the answer."""

    seconds: float
    until: float = float("-inf")
    """When serving must end, should no further lease come."""

    def answered(self, renewal: Renewal, asked_at: float, current: Position | None) -> Next:
        """Take an answer to what was asked at that moment, by a gateway that stands at `current`.

        A late answer shortens nothing. One about a bundle that is not the one taken here ends all.
        """
        if current is None:
            return "publish" if renewal.newest is None else "catch-up"
        if renewal.newest is None or renewal.newest < current.number:
            return "publish"
        # The developer signed two of one number: which is right no gateway can know, so none may go
        # on.
        if renewal.newest == current.number and renewal.digest != current.digest:
            self.until = float("-inf")
            return "stop"
        if renewal.granted:
            # From when it asked: how long the answer was on its way the log does not know.
            self.until = max(self.until, asked_at + self.seconds * _OWN_PART)
        return "go-on" if renewal.newest == current.number else "catch-up"

    def valid(self, now: float) -> bool:
        """Whether serving is allowed now."""
        return now < self.until
