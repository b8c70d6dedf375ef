"""What a plan has to say, as a code and data: who shows it has the words."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

NoteCode = Literal[
    "told",
    "no-number",
    "reference",
    "one-item",
    "zone",
    "zone-inside",
    "grouped",
    "coarse",
    "compared-whole",
    "run-whole",
    "tried",
    "unlimited",
    "expected-by-file",
    "attempts",
    "attempts-too-few",
    "ceiling-all",
    "ceiling-none",
    "power",
    "power-lacking",
    "power-compared",
    "power-compared-lacking",
    "bound-days",
    "bound-business-days",
    "bound-tokens",
    "bound-money",
    "bound-seconds",
    "beyond",
    "beyond-at-worst",
    "expected",
    "limits",
    "limits-known",
    "limits-paced",
    "limits-known-paced",
    "earlier",
    "at-once",
    "no-price",
    "other-currency",
]
"""What a note says; `told` is a sentence that another room has."""


@dataclass(frozen=True, init=False)
class PlanNote:
    """One thing that a plan says. A value of its data may be a note, or several."""

    code: NoteCode
    data: Mapping[str, Any]

    def __init__(self, code: NoteCode, **data: Any) -> None:
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "data", MappingProxyType(data))
