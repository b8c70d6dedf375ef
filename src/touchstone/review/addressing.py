"""Whom a deed addresses: its marking must let them read it.

What says whose key is whose addresses every party of the case, also one that joins later.

Release and withdrawal address nobody here, so that no marking can stand in their way. Neither do
what the centre measures and seals, and a bundle and its receipts, which gateways read.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from touchstone.clearance import EVERY_PARTY, Marking, may_read, party_audience
from touchstone.review.events import (
    detecting,
    judging,
    measuring,
    opening,
    seeding,
    settling,
    telling,
)
from touchstone.review.events.base import Event, Role
from touchstone.review.events.parting import PARTINGS
from touchstone.review.grounds import Ground
from touchstone.review.state import State

Groups = Iterable[tuple[str, ...]]
"""Of each group, party ids, somebody must be able to read the deed."""
Addressing = Callable[[State, Any], Groups]


def _each(names: Iterable[str]) -> Groups:
    return [(name,) for name in names]


def _roles(*roles: Role) -> Addressing:
    return lambda state, _: _each(name for role in roles for name in state.having(role))


def _finding_signer(state: State, event: judging.FindingResponded) -> Groups:
    finding = state.findings.get(event.finding)
    return [(finding.signed.actor,)] if finding else []


def _at_the_table(state: State, event: Event) -> Groups:
    """Terms are talked about with the developer; an answer reaches whose offer it answers."""
    table = state.terms.offered_by
    # A first offer reaches somebody, or it is an offer to nobody; an answer must reach whom it
    # answers.
    if table is None or isinstance(event, settling.TermsOffered):
        others = tuple(party for party in state.parties if party != event.actor)
    else:
        others = (table,)
    return [*_each(state.having("developer")), others]


def _requester(state: State, event: settling.PostponementAnswered) -> Groups:
    asked = state.postponements.get(event.request)
    return [(asked.requested.actor,)] if asked else []


def _issuer(state: State, event: settling.DirectiveAnswered) -> Groups:
    directive = state.directives.get(event.directive)
    return [(directive.issued.actor,)] if directive else []


def _some_agency(state: State, _e: Event) -> Groups:
    agencies = state.having("agency")
    # At least one: what was authorised beforehand must be known to somebody who may order.
    return [agencies] if agencies else []


def _proposer(state: State, _e: Event) -> Groups:
    proposals = state.designating.proposals
    # Who proposed must know what stands against it, and so must whom it is about.
    return _each({*state.having("developer"), *(each.actor for each in proposals[-1:])})


def _audience(state: State, event: settling.ReportIssued) -> Groups:
    return [(event.audience,)] if event.audience in state.parties else []


_DEVELOPER, _CENTRE = _roles("developer"), _roles("centre")
_BOTH = _roles("developer", "centre")
_DECIDING = _roles("developer", "centre", "agency")

ADDRESSED: Mapping[type[Event], Addressing] = {
    opening.PartyAdmitted: lambda _s, event: _each(each.party for each in event.admits),
    opening.InquiryAsked: _CENTRE,
    opening.InquiryAnswered: _DEVELOPER,
    opening.AgreementSigned: _BOTH,
    opening.SubmissionReceived: _CENTRE,
    opening.SubmissionAssessed: _DEVELOPER,
    seeding.SeedContributed: _CENTRE,
    seeding.SeedRevealed: _DEVELOPER,
    measuring.ClockAnchored: _DEVELOPER,
    measuring.ClockPaused: _BOTH,
    measuring.ClockResumed: _BOTH,
    measuring.ClockExtended: _BOTH,
    measuring.ClockEnded: _BOTH,
    measuring.SnapshotChanged: _DEVELOPER,
    measuring.VerdictReached: _DEVELOPER,
    detecting.TranscriptsScanned: _DEVELOPER,
    detecting.TranscriptsGraded: _DEVELOPER,
    measuring.SandboxBreached: _DEVELOPER,
    measuring.MeasuringStopped: _DEVELOPER,
    measuring.ReviewHalted: _BOTH,
    measuring.ReviewResumed: _BOTH,
    judging.FindingSigned: _DEVELOPER,
    judging.OutsideFindingSigned: _DEVELOPER,
    judging.FindingResponded: _finding_signer,
    judging.FindingDisputed: _finding_signer,
    judging.FindingRerun: _DEVELOPER,
    judging.EvidenceDeclared: _CENTRE,
    telling.QuestionsAnswered: _CENTRE,
    telling.OutsideEvidenceImported: _BOTH,
    judging.DesignationProposed: _DECIDING,
    judging.DesignationConcurred: _proposer,
    judging.DesignationDissented: _proposer,
    judging.DesignationMade: _DECIDING,
    judging.DesignationRevised: _DECIDING,
    settling.TermsOffered: _at_the_table,
    settling.TermsCountered: _at_the_table,
    settling.TermsAgreed: _at_the_table,
    settling.TermsDeclined: _at_the_table,
    settling.PostponementRequested: _DEVELOPER,
    settling.PostponementAnswered: _requester,
    settling.ReleaseCompared: _DEVELOPER,
    settling.DirectiveIssued: _DEVELOPER,
    settling.DirectiveAnswered: _issuer,
    settling.DirectiveAnswerRevised: _issuer,
    settling.DirectiveLifted: _DEVELOPER,
    settling.StandingClassesAuthorised: _some_agency,
    settling.ReadsDigested: _DEVELOPER,
    settling.ReportIssued: _audience,
    settling.CaseClosed: _BOTH,
    settling.CaseDestroyed: _DEVELOPER,
}
"""For each deed with addressees, who they are."""


def addressees(state: State, event: Event) -> Groups:
    """Of each of these groups somebody must be able to read what is addressed to them."""
    if isinstance(event, opening.CaseOpened):
        return _each(each.party for each in event.admits)
    addressing = ADDRESSED.get(type(event))
    found = addressing(state, event) if addressing else []
    # Nothing reaches who has left, and nothing waits for that: an answer to it goes to the others.
    there = [tuple(name for name in group if name not in state.left) for group in found]
    return [now for now, group in zip(there, found, strict=True) if now or not group]


def not_for_its_addressee(
    state: State, event: Event, marking: Marking | None = None
) -> Ground | None:
    """Why a marking is too narrow for whom the deed addresses; None where it is not.

    It is the event's own marking unless that of one of its parts is given.
    """
    mark = event.marking if marking is None else marking
    for group in addressees(state, event):
        if not any(_reads(party, mark, event.actor) for party in group):
            if not group:
                return Ground("nobody-addressed", marking=mark.label)
            return Ground("addressee-excluded", marking=mark.label, addressees=group)
    return None


def not_for_every_party(event: Event) -> Ground | None:
    """Why a marking is not for every party of the case, or for others too; None where it is.

    An act on keys, and the opening that brings the first key, say whose key is whose: a marking
    that names the parties of the moment would leave the next one unable to check those before it;
    and who takes part, or does no more, is no one party's to tell others.
    """
    if getattr(event, "key_act", None) is None and not isinstance(event, PARTINGS):
        return None
    marking = event.marking
    # Whoever it will be: only a marking that names nobody, or all of them, is open to it.
    if not _reads(EVERY_PARTY, marking, event.actor):
        return Ground("every-party-excluded", marking=marking.label, name=EVERY_PARTY)
    # A name beside it opens it to somebody of whom the case may know nothing.
    if {*marking.parties} != {EVERY_PARTY}:
        return Ground("beyond-the-case", marking=marking.label, name=EVERY_PARTY)
    return None


def _reads(party: str, marking: Marking, author: str) -> bool:
    # The parties of a case are of the community that GREEN is for.
    return may_read(
        party_audience(party, "GREEN"), marking, author, case_parties=frozenset({party})
    ).allowed
