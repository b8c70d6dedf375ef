"""What is said to whom may not use a model: the same as of a model that is not there."""

from collections.abc import Iterable
from itertools import product

from touchstone.gateway.decision_cache import DecisionCache, TokensUsed
from touchstone.gateway.errors import RefusedError
from touchstone.gateway.identity import Caller

_MOST_TARGETS = 256
_UNUSED = TokensUsed(0, 0)
"""A budget that is spent bars nobody from a model: it begins anew."""


def reaches(
    decisions: DecisionCache,
    caller: Caller,
    variant: str,
    modes: Iterable[str],
    purpose: str | None,
    now: float,
) -> bool:
    """Whether somebody may use a model in at least one of its modes."""
    return any(
        decisions.decide(caller, variant, mode, purpose, now, _UNUSED).decision.allowed
        for mode in modes
    )


def not_here(
    decisions: DecisionCache, caller: Caller, purpose: str | None, now: float
) -> RefusedError:
    """The answer about a model that somebody may not use at all, and about one that is not there.

    It depends on the caller and the purpose alone: whoever may use something else learns nothing;
    whoever may use nothing is told why, where one reason bars them from everything.
    """
    policy = decisions.bundle.policy
    # Bounded: a stranger who names a model that is not there must not cost thousands of decisions.
    targets = [*product(policy.variants, policy.modes)][:_MOST_TARGETS]
    found = [
        decisions.decide(caller, variant, mode, purpose, now, _UNUSED).decision
        for variant, mode in targets
    ]
    # Denied and absent must sound alike, or names of models could be tried out (ADR 132).
    if any(each.allowed for each in found):
        return RefusedError(404, "model_not_found", "there is no such model here")
    sentences = {each.sentence for each in found}
    if len(sentences) == 1:
        return RefusedError(403, "denied_by_terms", sentences.pop())
    reasons = {each.sentence.partition("; ")[2] for each in found}
    because = f"; {reasons.pop()}" if len(reasons) == 1 and reasons != {""} else ""
    return RefusedError(403, "denied_by_terms", f"no rule permits you any model here{because}")
