"""What people are in their institutions, and what a token of theirs can be for: one table."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from touchstone.ledger.devices import SCOPES

READ, DEEDS, EVIDENCE, SECRETS, PEOPLE = SCOPES
ADMINISTRATOR = "administrator"
LEAD = "lead"
SCOPES_OF: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "submitter": frozenset({READ, DEEDS, EVIDENCE, SECRETS}),
        "evaluator": frozenset({READ, DEEDS, EVIDENCE}),
        LEAD: frozenset(SCOPES),
        "official": frozenset({READ, DEEDS, EVIDENCE}),
        "reviewer": frozenset({READ}),
        "outside-evaluator": frozenset({READ, DEEDS, EVIDENCE}),
        "partner": frozenset({READ}),
        "counterpart": frozenset({READ}),
        "auditor": frozenset({READ}),
        # Who gives out accounts sees no contents: no scope that shows any, whatever else it is.
        ADMINISTRATOR: frozenset({PEOPLE}),
    }
)
"""By role. A deed counts by its signer's key all the same: a scope only lets it be sent."""
PARTY_ROLES = frozenset(SCOPES_OF) - {ADMINISTRATOR}
"""Those of people of an institution; an administrator is of none."""


def scopes_of(roles: Collection[str]) -> frozenset[str]:
    """All that a person of these roles may do. An unknown role allows nothing."""
    return frozenset().union(*(SCOPES_OF.get(role, frozenset()) for role in roles))


def may_manage(
    party: str, roles: Collection[str], institution: str, wanted: Collection[str]
) -> bool:
    """Whether a person of `party` (empty: none) and `roles` says who is of these roles elsewhere.

    An administrator does for all, a lead for the people of its own institution; nobody else, and a
    lead makes no administrators.
    """
    if ADMINISTRATOR in roles:
        return party == ""
    return LEAD in roles and party != "" and party == institution and ADMINISTRATOR not in wanted
