"""The decision as a library call, for those who have a gateway of their own."""

import time
from collections.abc import Callable

from touchstone.gateway.authz.questions import Question
from touchstone.gateway.feed import Grace
from touchstone.terms import (
    AccessDecision,
    Decider,
    Person,
    Pin,
    PolicyBundle,
    Position,
    Request,
    accept_bundle,
    position,
)

SILENCE_SECONDS = 60.0
NO_POLICY = "no-policy"
"""The rule of a denial because no policy is in force."""


class Gatekeeper:
    """Decides under the newest bundle that it was handed; no file, no feed, no audit, no cutting.

    What it stands on has to outlive a restart: keep `position` and `heard_at`, and hand them back
    as `after` and `heard_at`. Without them an old bundle could be replayed, or grace begin anew.
    """

    def __init__(
        self,
        pin: Pin,
        *,
        after: Position | None = None,
        heard_at: float | None = None,
        silence_seconds: float = SILENCE_SECONDS,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` gives seconds since 1970; `steady` never jumps, and measures silence."""
        self.position = after
        self.heard_at = heard_at
        """When the feed was last heard, in seconds since 1970; None: never."""
        self._pin = pin
        self._clock = clock
        self._steady = steady
        self._grace = Grace(silence_seconds)
        since = -1 if heard_at is None else clock() - heard_at
        # A wall clock that went back tells nothing: all grace is spent.
        if since >= 0:
            self._grace.contact(steady() - since)
            # Only what is left of the agreed grace: the feed has not been heard since the restart.
            self._grace.lose()
        self._in_force: tuple[PolicyBundle, Decider] | None = None

    def obey(self, data: bytes) -> PolicyBundle:
        """Put the next bundle in force; after a restart, also the one that was in force before.

        Raises:
            PolicyBundleError: it is forged, foreign, replayed or out of order; nothing changes.
            MalformedError, TermsFileError: it is signed as it should be, and still no policy.
        """
        again = self._in_force is None and self.position is not None
        # After a restart the very bundle that was in force may come again, which a chain alone
        # would refuse.
        bundle = accept_bundle(data, self._pin, None if again else self.position)
        if again and position(bundle) != self.position:
            bundle = accept_bundle(data, self._pin, self.position)
        # The policy is compiled before the position moves: one that Cedar refuses changes nothing.
        self._in_force = bundle, Decider(bundle.policy)
        self.position = position(bundle)
        return bundle

    def heard(self) -> None:
        """The feed has just said that it holds no newer bundle. Call it at every look."""
        self.heard_at = self._clock()
        self._grace.contact(self._steady())

    def decide(
        self,
        who: Person,
        question: Question,
        *,
        tokens_today: int | None = None,
        tokens_this_month: int | None = None,
    ) -> AccessDecision:
        """Yes or no, with its rule and a sentence.

        Without a bundle, or when the feed was not heard for longer than its grace: no.
        """
        if self._in_force is None:
            return _none("no policy bundle is in force")
        bundle, decider = self._in_force
        if self._grace.spent(self._steady(), bundle.grace_seconds):
            return _none("the feed of policy bundles was not heard for longer than is agreed")
        facts = bundle.registry.facts(
            who.id, who.nationalities, who.residence, verified=who.verified
        )
        request = Request(
            question.variant,
            question.mode,
            int(self._clock()),
            question.purpose,
            tokens_today,
            tokens_this_month,
        )
        return decider.decide(facts, request)


def _none(why: str) -> AccessDecision:
    return AccessDecision(allowed=False, rule=NO_POLICY, sentence=why)
