"""Who may use which variant and mode: terms read, compiled, decided, compared and proved.

It reads no file, knows no clock and no case, and moves no gateway: only a signed bundle does.
`terms.analysis` is imported by name, so that a gateway loads no solver.

Begin at `touchstone.terms.document.terms_file`: `parse_terms(text, source)`.

From a text to a decision::

    >>> from touchstone.terms import CallerAttributes, Decider, Request
    >>> from touchstone.terms import compile_policy, in_force, parse_terms
    >>> terms = parse_terms('''
    ... format = "touchstone/terms/1"
    ... id = "early-access"
    ... title = "Early access"
    ... version = "1"
    ... developer = "example-lab"
    ... home = ["XA"]
    ... grace_hours = 72
    ... variants = ["final"]
    ... modes = ["instant"]
    ... [[rules]]
    ... id = "verified"
    ... effect = "permit"
    ... tiers = ["verified"]
    ... ''', "terms.toml")
    >>> decider = Decider(compile_policy(in_force(terms)))
    >>> asked = Request("final", "instant", now=1_800_000_000)
    >>> decider.decide(CallerAttributes(tier="verified"), asked).allowed
    True
    >>> decider.decide(CallerAttributes(), asked).rule
    'default'
"""

from importlib import import_module
from typing import TYPE_CHECKING

from touchstone.terms.errors import (
    ClaimError,
    DocumentTooLargeError,
    PolicyBundleError,
    TermsError,
    TermsFileError,
)

if TYPE_CHECKING:
    from touchstone.terms.bundle.policy_bundle import (
        Pin,
        PolicyBundle,
        Position,
        accept_bundle,
        build_bundle,
        bundle_digest,
        position,
        reissue_bundle,
    )
    from touchstone.terms.document.directive_file import (
        Directive,
        Restoration,
        in_force,
        parse_directive,
    )
    from touchstone.terms.document.entities_file import parse_entities, parse_people
    from touchstone.terms.document.terms_file import Terms, parse_terms
    from touchstone.terms.policy.caller_attributes import (
        FACTS,
        CallerAttributes,
        Organisation,
        Person,
        Population,
        Registry,
        Request,
    )
    from touchstone.terms.policy.compile import compile_policy
    from touchstone.terms.policy.conditions import AccessRule, Ruleset
    from touchstone.terms.policy.decider import AccessDecision, Decider, Policy, parse_policy

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

_LATER = (
    "document.terms_file",
    "document.directive_file",
    "document.entities_file",
    "policy.caller_attributes",
    "policy.conditions",
    "policy.decider",
    "policy.compile",
    "bundle.policy_bundle",
)
"""Modules that read terms and decide by them: the engine takes longer to load than most commands
take, which only tell of cases."""


def __getattr__(name: str) -> object:
    """A name of `__all__` that is asked for the first time."""
    if name in __all__:
        for each in _LATER:
            module = import_module(f"{__name__}.{each}")
            if name in vars(module):
                found: object = vars(module)[name]
                globals()[name] = found
                return found
    raise AttributeError(f"{__name__} has no {name}")
