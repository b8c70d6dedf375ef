"""How much of what its party may read one of its people sees: one table, by role."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Literal, get_args

Sight = Literal["nothing", "facts", "contents"]
"""Narrowest first. `facts`: who did what, when and under whose key, with the proofs of it; no words
and no evidence. `contents`: those as well. Either way what the markings open to the party, and no
more."""
SIGHTS: Mapping[str, Sight] = MappingProxyType(
    {
        "submitter": "contents",
        "evaluator": "contents",
        "lead": "contents",
        "official": "contents",
        "reviewer": "contents",
        "outside-evaluator": "contents",
        "partner": "contents",
        # Whether the process was kept can be told by facts, signatures and proofs alone.
        "auditor": "facts",
        # Dialogue about protocols is beside all cases.
        "counterpart": "nothing",
        # Who gives out accounts could else give itself any role, and read.
        "administrator": "nothing",
    }
)
_WIDER = get_args(Sight)


def sight_of(roles: Collection[str]) -> Sight:
    """The widest that one of a person's roles gives; an unknown role gives nothing."""
    return max((SIGHTS.get(role, "nothing") for role in roles), key=_WIDER.index, default="nothing")
