"""Who may use which variant and mode: terms read, compiled, decided, compared and proved.

It reads no file, knows no clock and no case, and moves no gateway: only a signed bundle does.
`terms.difference` and `terms.prove` are imported by name, so that a gateway loads no solver.

Begin at `touchstone.terms.document`: `parse_terms(text, source)`.
"""

from touchstone.terms.bundles import (
    Pin,
    PolicyBundle,
    Position,
    accept_bundle,
    build_bundle,
    bundle_digest,
    position,
    reissue_bundle,
)
from touchstone.terms.compile import compile_policy
from touchstone.terms.conditions import AccessRule, Ruleset
from touchstone.terms.directives import Directive, Restoration, in_force, parse_directive
from touchstone.terms.document import Terms, parse_terms
from touchstone.terms.entities import parse_entities, parse_people
from touchstone.terms.errors import (
    ClaimError,
    DocumentTooLargeError,
    PolicyBundleError,
    TermsError,
    TermsFileError,
)
from touchstone.terms.facts import (
    FACTS,
    CallerAttributes,
    Organisation,
    Person,
    Population,
    Registry,
    Request,
)
from touchstone.terms.policy import AccessDecision, Decider, Policy, parse_policy

__all__ = [
    "FACTS",
    "AccessDecision",
    "AccessRule",
    "CallerAttributes",
    "ClaimError",
    "Decider",
    "Directive",
    "DocumentTooLargeError",
    "Organisation",
    "Person",
    "Pin",
    "Policy",
    "PolicyBundle",
    "PolicyBundleError",
    "Population",
    "Position",
    "Registry",
    "Request",
    "Restoration",
    "Ruleset",
    "Terms",
    "TermsError",
    "TermsFileError",
    "accept_bundle",
    "build_bundle",
    "bundle_digest",
    "compile_policy",
    "in_force",
    "parse_directive",
    "parse_entities",
    "parse_people",
    "parse_policy",
    "parse_terms",
    "position",
    "reissue_bundle",
]
