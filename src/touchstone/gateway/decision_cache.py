"""Decisions under one bundle, remembered as long as they cannot change.

A decision is remembered for a caller, variant, mode and purpose, at most until the next window of
the policy opens or closes and until the token ends. What holds for one caller holds for all of whom
the same is known: after a directive, thousands come to a few decisions. Where a rule counts tokens,
nothing is remembered.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, TypeVar

from touchstone.gateway.identity import Caller
from touchstone.terms import AccessDecision, CallerAttributes, Decider, PolicyBundle, Request

K = TypeVar("K")
_COUNTED = {"tokens_today", "tokens_this_month"}
NO_MODEL = "no-model"
"""Stands in the place of a rule where a model is not there."""


@dataclass(frozen=True, slots=True)
class TokensUsed:
    """Tokens that count towards budgets; None: nobody counted."""

    today: int | None = None
    this_month: int | None = None


NOT_COUNTED = TokensUsed()


@dataclass(frozen=True, slots=True)
class TimedDecision:
    """A decision, and the time for which it holds, in seconds since 1970."""

    decision: AccessDecision
    since: int
    until: float | None
    """None: for good."""

    def holds(self, now: float) -> bool:
        """Whether it is the answer at this time too."""
        return self.since <= now and (self.until is None or now < self.until)


class DecisionCache:
    """What one bundle answers. A new bundle is a new object, with nothing remembered."""

    def __init__(self, bundle: PolicyBundle, epoch: int, remembered: int) -> None:
        """Parse the policy; TermsFileError where it is none."""
        self.bundle = bundle
        self.epoch = epoch
        self.counts = any(_COUNTED & {*rule.needs} for rule in bundle.policy.rules)
        """Whether any rule asks how many tokens were used."""
        self._decider = Decider(bundle.policy)
        # What was used changes with each request, and is no part of the key.
        self._most = 0 if self.counts else remembered
        self._known: OrderedDict[tuple[Caller, str, str, str | None], TimedDecision] = OrderedDict()
        self._alike: OrderedDict[tuple[CallerAttributes, str, str, str | None], TimedDecision] = (
            OrderedDict()
        )

    def facts(self, caller: Caller) -> CallerAttributes:
        """Who somebody is, joined with the bundle's registry."""
        return self.bundle.registry.facts(
            caller.person, caller.nationalities, caller.residence, verified=caller.verified
        )

    def decide(
        self,
        caller: Caller,
        variant: str,
        mode: str,
        purpose: str | None,
        now: float,
        used: TokensUsed = NOT_COUNTED,
    ) -> TimedDecision:
        """The answer for a request at `now`, in seconds since 1970."""
        # All that is known of the caller, and not the token alone: a file of keys may say something
        # else of the same key from one moment to the next.
        key = (caller, variant, mode, purpose)
        known = self._known.get(key)
        if known and known.holds(now):
            self._known.move_to_end(key)
            return known
        # Windows open and close at whole seconds, so nothing changes within one.
        answer = self._of_facts(self.facts(caller), variant, mode, purpose, int(now), used)
        # What holds for all who are alike ends for this one with their token.
        if caller.expires is not None and (answer.until is None or caller.expires < answer.until):
            answer = TimedDecision(answer.decision, answer.since, caller.expires)
        self._remember(self._known, key, answer)
        return answer

    def event(
        self,
        worker: int,
        caller: Caller,
        variant: str,
        mode: str,
        purpose: str | None,
        decision: AccessDecision,
    ) -> dict[str, Any]:
        """What is written down of a decision. The sink puts a pseudonym in the caller's place."""
        return {
            "kind": "decision",
            "worker": worker,
            "epoch": self.epoch,
            "bundle": self.bundle.number,
            "caller": caller.person,
            "variant": variant,
            "mode": mode,
            # A word that the terms do not know could be anything, a name or a secret.
            "purpose": purpose if purpose in self.bundle.policy.purposes else None,
            "allowed": decision.allowed,
            "rule": decision.rule,
        }

    def absent(self, worker: int, caller: Caller) -> dict[str, Any]:
        """What is written down of a request for a model that is not there, or not for the caller.

        Of the name that was asked for nothing is kept: it could be anything.
        """
        return {
            "kind": "decision",
            "worker": worker,
            "epoch": self.epoch,
            "bundle": self.bundle.number,
            "caller": caller.person,
            "variant": None,
            "mode": None,
            "purpose": None,
            "allowed": False,
            "rule": NO_MODEL,
        }

    def __len__(self) -> int:
        return len(self._known)

    def _of_facts(
        self,
        facts: CallerAttributes,
        variant: str,
        mode: str,
        purpose: str | None,
        second: int,
        used: TokensUsed,
    ) -> TimedDecision:
        """The answer for everybody of whom the same is known, whenever their tokens end."""
        key = (facts, variant, mode, purpose)
        known = self._alike.get(key)
        # A clock that was set back must not meet the answer of a later window.
        if known and known.holds(second):
            self._alike.move_to_end(key)
            return known
        request = Request(variant, mode, second, purpose, used.today, used.this_month)
        decision = self._decider.decide(facts, request)
        answer = TimedDecision(decision, second, self.bundle.policy.next_edge(second))
        self._remember(self._alike, key, answer)
        return answer

    def _remember(
        self, among: OrderedDict[K, TimedDecision], key: K, answer: TimedDecision
    ) -> None:
        if self._most:
            among[key] = answer
            if len(among) > self._most:
                # A caller can make up as many purposes as they like, and each is a key.
                among.popitem(last=False)
