"""What a gateway may serve at a moment: the newest bundle it took, within every limit set on it."""

from collections.abc import Callable, Sequence

from touchstone.gateway.errors import FeedLostError
from touchstone.gateway.feed.bundle_acceptance import BundleAcceptance, RejectedBundle
from touchstone.gateway.feed.grace import Grace
from touchstone.gateway.feed.sources import Source
from touchstone.terms import PolicyBundle

Limit = Callable[[], float]
"""Until when something allows serving, by the monotonic clock; a fleet's lease is one."""


class EffectivePolicy:
    """Joins the intake, the grace and whatever else limits a gateway. Times are handed in."""

    def __init__(
        self, intake: BundleAcceptance, grace: Grace, limits: Sequence[Limit] = ()
    ) -> None:
        self.intake = intake
        self.grace = grace
        self._limits = limits

    @property
    def until(self) -> float:
        """When serving must end, should nothing more be heard; in the past: it has ended."""
        bundle = self.intake.current
        if bundle is None:
            return float("-inf")
        return min(
            self.grace.until(bundle.grace_seconds),
            *(limit() for limit in self._limits),
            float("inf"),
        )

    def in_force(self, now: float) -> PolicyBundle | None:
        """The bundle under which requests are decided now; None: nothing is served."""
        # At the moment itself it is over: workers compare in the same way.
        return self.intake.current if now < self.until else None


async def catch_up(
    source: Source, intake: BundleAcceptance, refused: Callable[[RejectedBundle], None]
) -> None:
    """Take every bundle in turn that the source has and the intake lacks.

    Raises FeedLostError where the two are not level afterwards: a source that names a bundle which
    it cannot give, or that fell behind, says nothing about what is in force.
    """
    newest = await source.newest()
    while newest is not None and (intake.next_number or newest) <= newest:
        number = intake.next_number or newest
        data = await source.fetch(number)
        if data is None:
            raise FeedLostError(f"the feed names bundle {newest} and does not give bundle {number}")
        result = intake.offer(data)
        if isinstance(result, RejectedBundle):
            refused(result)
            # A feed that can be spoilt says nothing: else one bad file would keep a gateway under
            # an old bundle (ADR 107).
            raise FeedLostError(f"bundle {number} of the feed is refused: {result.text}")
    # An answer is word from the feed only where it names what is in force.
    if intake.current is not None and intake.current.number != newest:
        raise FeedLostError(
            f"the feed holds bundle {newest or 'none'}, and {intake.current.number} is in force"
        )
