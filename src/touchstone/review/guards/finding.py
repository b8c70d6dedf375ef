"""Guards on findings and declared evidence."""

from touchstone.framework import DeclaredCriterion, Framework
from touchstone.review.events import judging
from touchstone.review.state import State


def finding_is_new(
    _f: Framework, state: State, event: judging.FindingSigned | judging.OutsideFindingSigned
) -> str | None:
    """A finding's id is used once."""
    known = event.finding in state.findings
    return f"finding {event.finding} is signed already: take a new id" if known else None


def domain_is_known(
    f: Framework, _s: State, event: judging.FindingSigned | judging.OutsideFindingSigned
) -> str | None:
    """A finding is about a domain of the framework, and about a criterion of that domain if any."""
    if event.domain not in f.domains:
        return f"{f.id} has no domain {event.domain}"
    criterion = f.criterion(event.criterion) if event.criterion else None
    if event.criterion and (criterion is None or criterion.domain != event.domain):
        return f"{f.id} has no criterion {event.criterion} in {event.domain}"
    return None


def finding_is_known(
    _f: Framework,
    state: State,
    event: judging.FindingResponded | judging.FindingDisputed | judging.FindingRerun,
) -> str | None:
    """Only a signed finding is answered."""
    return None if event.finding in state.findings else f"no finding {event.finding} is signed"


def finding_is_disputed(_f: Framework, state: State, event: judging.FindingRerun) -> str | None:
    """A finding is looked at again when the developer disputes it."""
    disputed = state.findings[event.finding].stands == "disputed"
    return None if disputed else f"the developer does not dispute {event.finding}"


def finding_is_ones_own(_f: Framework, state: State, event: judging.FindingRerun) -> str | None:
    """The signer of a finding answers the dispute."""
    signer = state.findings[event.finding].signed.actor
    return None if signer == event.actor else f"{signer} signed {event.finding} and answers for it"


def criterion_is_declared(f: Framework, _s: State, event: judging.EvidenceDeclared) -> str | None:
    """Evidence is declared for a criterion that asks for evidence."""
    asked = isinstance(f.criterion(event.criterion), DeclaredCriterion)
    return None if asked else f"{f.id} asks for no declared evidence on {event.criterion}"
