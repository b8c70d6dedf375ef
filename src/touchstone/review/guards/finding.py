"""Guards on findings and declared evidence."""

from touchstone.framework import DeclaredCriterion, Framework
from touchstone.review.events import judging
from touchstone.review.grounds import Ground
from touchstone.review.state import State


def finding_is_new(
    _f: Framework, state: State, event: judging.FindingSigned | judging.OutsideFindingSigned
) -> Ground | None:
    """A finding's id is used once."""
    known = event.finding in state.findings
    return Ground("finding-id-taken", finding=event.finding) if known else None


def domain_is_known(
    f: Framework, _s: State, event: judging.FindingSigned | judging.OutsideFindingSigned
) -> Ground | None:
    """A finding is about a domain of the framework, and about a criterion of that domain if any."""
    if event.domain not in f.domains:
        return Ground("domain-unknown", framework=f.id, domain=event.domain)
    criterion = f.criterion(event.criterion) if event.criterion else None
    if event.criterion and (criterion is None or criterion.domain != event.domain):
        return Ground(
            "criterion-unknown", framework=f.id, criterion=event.criterion, domain=event.domain
        )
    return None


def finding_is_known(
    _f: Framework,
    state: State,
    event: judging.FindingResponded | judging.FindingDisputed | judging.FindingRerun,
) -> Ground | None:
    """Only a signed finding is answered."""
    known = event.finding in state.findings
    return None if known else Ground("finding-unknown", finding=event.finding)


def finding_is_disputed(_f: Framework, state: State, event: judging.FindingRerun) -> Ground | None:
    """A finding is looked at again when the developer disputes it."""
    disputed = state.findings[event.finding].stands == "disputed"
    return None if disputed else Ground("finding-not-disputed", finding=event.finding)


def finding_is_ones_own(_f: Framework, state: State, event: judging.FindingRerun) -> Ground | None:
    """The signer of a finding answers the dispute."""
    signer = state.findings[event.finding].signed.actor
    if signer == event.actor:
        return None
    return Ground("finding-of-another", finding=event.finding, signer=signer)


def criterion_is_declared(
    f: Framework, _s: State, event: judging.EvidenceDeclared
) -> Ground | None:
    """Evidence is declared for a criterion that asks for evidence."""
    asked = isinstance(f.criterion(event.criterion), DeclaredCriterion)
    if asked:
        return None
    return Ground("evidence-not-asked", framework=f.id, criterion=event.criterion)
