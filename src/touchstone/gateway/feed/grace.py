"""How long the last bundle stays in force when the feed is lost. Times are handed in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contact:
    """When the feed spoke last, as a restart finds it."""

    wall: int
    """Seconds since 1970, by a clock that people and servers set."""
    steady: int
    """Seconds by the machine's monotonic clock, in the run that `boot` names."""
    boot: str


@dataclass
class Grace:
    """Counts from the last word of the feed, by a clock that no one sets.

    `overdue` is how long a feed may be silent before that alone counts as lost: its polls may hang.
    """

    overdue: float
    _contact: float | None = None
    _lost: bool = True

    def resume(self, now: float, wall: float, boot: str, kept: Contact | None) -> None:
        """Go on after a restart of this process at `now`, or of the machine.

        Only after the machine's own restart is the wall clock asked how long it took; if it stands
        before the last contact then, it was set back and tells nothing: all grace is spent.
        """
        self._lost = True
        self._contact = None
        if kept is None:
            return
        # The steady clock begins anew with each start of the machine, so the boot's id is asked
        # first.
        since = now - kept.steady if kept.boot == boot else wall - kept.wall
        # A wall clock before the last word was set back, and could be made to give grace for ever.
        if since >= 0:
            self._contact = now - since

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
        # With an agreed grace of 0 a feed that is well must not run out between two looks.
        return self._contact + max(grace_seconds, 0 if self._lost else self.overdue)

    def spent(self, now: float, grace_seconds: float) -> bool:
        """Whether nothing may be served now."""
        return now >= self.until(grace_seconds)
