"""Decisions under one bundle, remembered as long as they cannot change.

A decision is remembered for a token, variant, mode and purpose, at most until the next window of
the policy opens or closes and until the token ends. Where a rule counts tokens, nothing is.
"""

from collections import OrderedDict
from dataclasses import dataclass

from touchstone.gateway.identity import Caller
from touchstone.terms import Decider, Decision, Facts, PolicyBundle, Request

_COUNTED = {"tokens_today", "tokens_this_month"}


@dataclass(frozen=True, slots=True)
class Used:
    """Tokens that count towards budgets; None: nobody counted."""

    today: int | None = None
    this_month: int | None = None


NOT_COUNTED = Used()


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision, and the time for which it holds, in seconds since 1970."""

    decision: Decision
    since: int
    until: float | None
    """None: for good."""


class Decisions:
    """What one bundle answers. A new bundle is a new object, with nothing remembered."""

    def __init__(self, bundle: PolicyBundle, epoch: int, remembered: int) -> None:
        """Parse the policy; TermsFileError where it is none."""
        self.bundle = bundle
        self.epoch = epoch
        self.counts = any(_COUNTED & {*rule.needs} for rule in bundle.policy.rules)
        """Whether any rule asks how many tokens were used."""
        self._decider = Decider(bundle.policy)
        self._most = 0 if self.counts else remembered
        self._known: OrderedDict[tuple[bytes, str, str, str | None], Answer] = OrderedDict()

    def facts(self, caller: Caller) -> Facts:
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
        used: Used = NOT_COUNTED,
    ) -> Answer:
        """The answer for a request at `now`, in seconds since 1970."""
        key = (caller.digest, variant, mode, purpose)
        known = self._known.get(key)
        if known and known.since <= now and (known.until is None or now < known.until):
            self._known.move_to_end(key)
            return known
        answer = self._decide(caller, variant, mode, purpose, now, used)
        if self._most:
            self._known[key] = answer
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return answer

    def __len__(self) -> int:
        return len(self._known)

    def _decide(
        self,
        caller: Caller,
        variant: str,
        mode: str,
        purpose: str | None,
        now: float,
        used: Used,
    ) -> Answer:
        second = int(now)
        decision = self._decider.decide(
            self.facts(caller),
            Request(variant, mode, second, purpose, used.today, used.this_month),
        )
        edge = self.bundle.policy.next_edge(second)
        ends = [each for each in (edge, caller.expires) if each is not None]
        return Answer(decision, second, min(ends, default=None))
