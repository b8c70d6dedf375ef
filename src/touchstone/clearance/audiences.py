"""Who reads: the public, the community of reviewers, or named parties."""

from dataclasses import dataclass
from typing import Literal

Ceiling = Literal["CLEAR", "GREEN"]
"""The narrowest label that is read without being named. AMBER and RED never are."""


@dataclass(frozen=True)
class Audience:
    """Someone who asks to read. A role gives nothing: only what names a party, or is its own."""

    name: str
    """How a report's edition calls this audience."""
    parties: frozenset[str] = frozenset()
    """The party ids it reads for."""
    ceiling: Ceiling = "CLEAR"


# No party may bear these names (`framework.kinds.RESERVED`), or its editions would be the public's.
PUBLIC = Audience("public")
COMMUNITY = Audience("community", ceiling="GREEN")


def party_audience(party: str, ceiling: Ceiling = "CLEAR") -> Audience:
    """One party. `ceiling="GREEN"` where it belongs to the community as well."""
    return Audience(party, frozenset({party}), ceiling)
