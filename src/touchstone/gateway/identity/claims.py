"""From a token's claims to who somebody is.

The claims are those of OpenID Connect Core (`sub`, `address`) and of OpenID Connect for Identity
Assurance 1.0 (`nationalities`, `verified_claims`). Two places that contradict one another make a
fact unknown: an unverified word must not widen what a verified one says.
"""

import math
from collections.abc import Mapping
from typing import Any

from touchstone.gateway.identity.callers import unknown_caller
from touchstone.gateway.identity.countries import two_letters

MAX_PERSON = 256
_MOST_NATIONALITIES = 16
_CALENDAR = -62_135_596_800, 253_402_300_799
"""The first second of the year 1 and the last of 9999: beyond them no time can be written down."""


def person_of(claims: Mapping[str, Any]) -> str:
    """The token's `sub`; RefusedError where there is none that a registry could hold."""
    person = claims.get("sub")
    # What cannot be seen could make one id look like another in a registry that people write.
    if not isinstance(person, str) or not 0 < len(person) <= MAX_PERSON or not person.isprintable():
        raise unknown_caller("the token has no subject that can be read")
    return person


def check_times(claims: Mapping[str, Any], now: float, leeway: int) -> float:
    """When the token ends; RefusedError where it is over, not begun, or does not say."""
    expires = _time(claims, "exp")
    if expires is None:
        raise unknown_caller("the token has no end (exp)")
    # Without leeway: a token that is over would otherwise open what a cut has just closed.
    if expires <= now:
        raise unknown_caller("the token has expired")
    for claim in ("nbf", "iat"):
        begins = _time(claims, claim)
        if begins is not None and begins > now + leeway:
            raise unknown_caller(f"the token is from the future ({claim})")
    return expires


def nationalities_of(claims: Mapping[str, Any]) -> frozenset[str]:
    """Country codes; empty where they are unknown, unreadable or contradict one another."""
    said = [
        _codes(each["nationalities"])
        for each in (claims, *_verified(claims))
        if "nationalities" in each
    ]
    # Unknown, and not the smaller of the two: unknown never grants (ADR 91).
    return said[0] if said and all(each == said[0] for each in said) else frozenset()


def residence_of(claims: Mapping[str, Any]) -> str | None:
    """A country code; None where it is unknown or contradicts itself."""
    said = {_country(each["address"]) for each in (claims, *_verified(claims)) if "address" in each}
    return said.pop() if len(said) == 1 else None


def is_verified(claims: Mapping[str, Any]) -> bool:
    """Whether the issuer says under which trust framework it verified something."""
    return bool(_verified(claims))


def _verified(claims: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The claims of each verified element that names its trust framework."""
    found = claims.get("verified_claims", [])
    elements = found if isinstance(found, list) else [found]
    return [
        each["claims"]
        for each in elements
        if isinstance(each, dict)
        and isinstance(each.get("claims"), dict)
        and each["claims"]
        and isinstance(each.get("verification"), dict)
        and isinstance(each["verification"].get("trust_framework"), str)
    ]


def _codes(value: object) -> frozenset[str]:
    # A text would be read letter by letter, each a country.
    if not isinstance(value, list) or len(value) > _MOST_NATIONALITIES:
        return frozenset()
    if not all(isinstance(code, str) for code in value):
        return frozenset()
    return frozenset(two_letters(code) for code in value)


def _country(address: object) -> str | None:
    """`country_code` (Identity Assurance) before `country`, which may be a name."""
    if not isinstance(address, dict):
        return None
    code = address.get("country_code", address.get("country"))
    return two_letters(code) if isinstance(code, str) else None


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    # True is a number to Python, and NaN is neither before nor after any time.
    if type(value) not in {int, float} or not math.isfinite(value):
        raise unknown_caller(f"the token's {name} is no time")
    if not _CALENDAR[0] <= value <= _CALENDAR[1]:
        raise unknown_caller(f"the token's {name} is beyond the calendar")
    return float(value)
