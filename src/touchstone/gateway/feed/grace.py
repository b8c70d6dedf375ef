"""How long the last bundle stays in force when the feed is lost. Times are handed in."""

from dataclasses import dataclass


@dataclass
class Grace:
    """Counts from the last word of the feed, by a clock that no one sets.

    `overdue` is how long a feed may be silent before that alone counts as lost: its polls may hang.
    """

    overdue: float
    _contact: float | None = None
    _lost: bool = True

    def resume(self, now: float, wall: float, wall_contact: float | None) -> None:
        """Go on after a restart, for which only the wall clock knows how long it took.

        `now` is the monotonic time, `wall` the wall clock's and `wall_contact` the wall time of the
        last contact as it was kept. A wall clock that went back tells nothing: all grace is spent.
        """
        self._lost = True
        since = None if wall_contact is None else wall - wall_contact
        self._contact = None if since is None or since < 0 else now - since

    def contact(self, now: float) -> None:
        """The feed answered, and holds nothing that this gateway lacks."""
        self._contact = now
        self._lost = False

    def lose(self) -> None:
        """The feed did not answer, or names a bundle that it cannot give."""
        self._lost = True

    def until(self, grace_seconds: float) -> float:
        """The monotonic time at which nothing may be served any more, should no word come."""
        if self._contact is None:
            return float("-inf")
        return self._contact + max(grace_seconds, 0 if self._lost else self.overdue)

    def spent(self, now: float, grace_seconds: float) -> bool:
        """Whether nothing may be served now."""
        return now >= self.until(grace_seconds)
