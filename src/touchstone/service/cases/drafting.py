"""What a centre signs for and cannot make on its own machine: the server drafts, and it signs.

A certificate of destruction is signed by the installation, and an edition is a page that the server
makes of what another audience may read. The centre signs their digests; who is not the centre of
the case is told what is told of a case that is not there.
"""

from dataclasses import dataclass

from touchstone.clearance import Audience
from touchstone.deeds.known_case import participants_of
from touchstone.editions.audience_case import Example
from touchstone.evaluation.digests import digest_bytes
from touchstone.ledger import dumps
from touchstone.ledger.contract2 import unknown_case
from touchstone.review import State
from touchstone.service.case_context import destroyed_error
from touchstone.service.certificates import draft_certificate
from touchstone.service.errors import CannotOrderError
from touchstone.service.frameworks import pinned_framework
from touchstone.service.installation import Installation
from touchstone.service.reporting.edition_files import audiences, page_for


@dataclass(frozen=True)
class DraftedEdition:
    """An edition that is not issued yet: what its deed would say of it."""

    audience: str
    edition: int
    """Its number for this audience, from 1."""
    report: str
    """The digest of its page."""
    at: str
    """When the page was made (UTC), which stands in it."""
    size: int
    """Of how many entries it is."""


def drafted_certificate(installation: Installation, case: str, party: str, reason: str) -> str:
    """A certificate (canonical JSON) for a case as its log stands, for its centre to sign for.

    It is worth nothing before that deed. Of a case that was destroyed it is the one that was kept.
    `reason` is one line, which is never erased. Raises UnpromisedError.
    """
    state = _require_centre(installation, case, party)
    if state.status == "destroyed":
        return installation.records.destructions.certificate(case)
    return dumps(draft_certificate(installation, case, reason)).decode()


def drafted_edition(
    installation: Installation, case: str, party: str, audience: str
) -> DraftedEdition:
    """The next edition for an audience, as its page would be now, for the centre to sign for.

    Raises:
        UnpromisedError: there is no such case of which the party is the centre.
        CannotOrderError: the case is given to no such audience.
        DestroyedCaseError: there is nothing left to make a page of.
        MissingPartError: no developer has joined.
    """
    state = _require_centre(installation, case, party)
    if state.status == "destroyed":
        raise destroyed_error(case, state)
    to, at = _audience_of(state, audience), installation.now()
    # As the server shows an audience its own page: what is signed can be held against that.
    example: Example = "framework" if pinned_framework(installation, case).example else "none"
    reader = installation.records.case(case, state.size)
    page = page_for(installation, reader, to, at, example)
    before = state.reports.get(audience)
    number = before.edition + 1 if before else 1
    return DraftedEdition(audience, number, digest_bytes(page), at, state.size)


def _audience_of(state: State, name: str) -> Audience:
    known = {each.name: each for each in audiences(participants_of(state), state.agreement)}
    if name not in known:
        raise CannotOrderError("audience-unknown", audience=name[:64], known=tuple(known))
    return known[name]


def _require_centre(installation: Installation, case: str, party: str) -> State:
    """The case's state. Raises UnpromisedError for who is not its centre, or where there is none.

    First by membership, so that a case of others is found out as quickly as none.
    """
    with installation.records.reading_as(party) as reading:
        if not reading.is_member(case):
            raise unknown_case()
    state = installation.state(case)
    if party not in state.having("centre"):
        raise unknown_case()
    return state
