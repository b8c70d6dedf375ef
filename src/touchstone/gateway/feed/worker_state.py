"""What the workers were told to serve, and what they are to be told next. Times are handed in."""

from dataclasses import dataclass

from touchstone.gateway.feed.effective_policy import EffectivePolicy
from touchstone.terms import PolicyBundle


@dataclass(frozen=True, slots=True)
class WorkerUpdate:
    """Something that every worker has to be told."""

    bundle: PolicyBundle | None
    """None: serve nothing."""
    until: float | None
    """Until when without further word; None: for good."""
    anew: bool
    """Whether it is another bundle than before; if not, only the time goes on."""


class WorkerState:
    """Follows what stands.

    Between `due` and `told` the workers are told, and die if they do not answer: only then is the
    older bundle served by nobody.
    """

    def __init__(self, standing: EffectivePolicy) -> None:
        self._standing = standing
        self._again = False
        self.bundle: PolicyBundle | None = None
        """What all workers serve; None: nothing."""
        self._until: float | None = None

    @property
    def obeys(self) -> int:
        """The number of the bundle below which nothing is served here; 0: none was ever taken."""
        # A gateway that serves nothing obeys the newest it took: it will serve no older one again.
        bundle = self.bundle or self._standing.intake.current
        return bundle.number if bundle else 0

    def due(self, now: float) -> WorkerUpdate | None:
        """What is to be told now; None: nothing."""
        wanted, end = self._standing.in_force(now), self._standing.until
        until = None if end == float("inf") or wanted is None else end
        # By identity: what is in force is one object, and to compare registries would take longer
        # than to apply.
        if wanted is not self.bundle or self._again:
            return WorkerUpdate(wanted, until, anew=True)
        if wanted is not None and until != self._until:
            return WorkerUpdate(wanted, until, anew=False)
        return None

    def told(self, tell: WorkerUpdate) -> None:
        """Every worker serves this, or is dead."""
        self.bundle, self._until = tell.bundle, tell.until

    def telling(self) -> None:
        """Workers are about to be told: one that stops by itself from now on is told once more."""
        self._again = False

    def stopped(self) -> None:
        """A worker stopped serving by itself: it has to be told again."""
        self._again = True
