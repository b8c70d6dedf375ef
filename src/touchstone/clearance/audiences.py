"""Who reads: the public, the community of reviewers, or named parties."""

from dataclasses import dataclass
from typing import Literal

from touchstone.clearance.sights import Sight

Ceiling = Literal["CLEAR", "GREEN"]
"""The narrowest label that is read without being named. AMBER and RED never are."""


@dataclass(frozen=True)
class Audience:
    """Someone who asks to read. No role gives more: only what names a party, or is its own."""

    name: str
    """How a report's edition calls this audience."""
    parties: frozenset[str] = frozenset()
    """The party ids it reads for."""
    ceiling: Ceiling = "CLEAR"
    sight: Sight = "contents"
    """How much of that whoever asks sees: a person of a party, by its roles (`sight_of`)."""


# No party may bear these names (`framework.kinds.RESERVED`), or its editions would be the public's.
PUBLIC = Audience("public")
COMMUNITY = Audience("community", ceiling="GREEN")


def party_audience(party: str, ceiling: Ceiling = "CLEAR", sight: Sight = "contents") -> Audience:
    """One party, or a person of it. `ceiling="GREEN"` where it is of the community as well."""
    return Audience(party, frozenset({party}), ceiling, sight)
