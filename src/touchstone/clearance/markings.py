"""Who a part is meant for: a scheme, a label, and the parties to whom the label is limited."""

from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from touchstone.clearance.errors import MarkingError

Label = Literal["RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"]
"""The labels of the Traffic Light Protocol 2.0, narrowest first."""
TLP = "TLP:2.0"
LABELS: tuple[Label, ...] = ("RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR")
"""Narrowest first; a later one is the lower label."""
EVERY_PARTY = "@case"
"""Stands among a marking's parties for every party of the case, whenever it joins. No party's id
can be written so."""


def _listed(value: object) -> object:
    """JSON's list as a tuple. A set stays one and is refused: its order would change the bytes."""
    return tuple(value) if isinstance(value, list) else value


class Marking(BaseModel):
    """A marking as it stands in the record.

    A scheme or label that this software does not know is carried unchanged, and nobody reads it.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    scheme: Annotated[str, Field(min_length=1, max_length=64)]
    """`TLP:2.0`, or a scheme agreed elsewhere."""
    label: Annotated[str, Field(min_length=1, max_length=64)]
    parties: Annotated[tuple[str, ...], BeforeValidator(_listed), Field(max_length=256)] = ()
    """Ids of those to whom the label is limited, `@case` for every party of the case; empty: as the
    label says."""

    @field_validator("parties")
    @classmethod
    def _each_party_once(cls, parties: tuple[str, ...]) -> tuple[str, ...]:
        # A party named twice would be a second spelling of one limit, and an empty id names nobody.
        if "" in parties or len(set(parties)) < len(parties):
            raise ValueError("each party is named once, by a non-empty id")
        return parties

    def as_dict(self) -> dict[str, Any]:
        """Exactly the form of docs/reference/record-format.md."""
        return {"scheme": self.scheme, "label": self.label, "parties": list(self.parties)}


def tlp(label: Label, *parties: str) -> Marking:
    """A TLP 2.0 marking, limited to `parties` where any are named."""
    if label not in LABELS:
        raise MarkingError(
            f"no TLP 2.0 label {str(label)[:40]!a}: write one of {', '.join(LABELS)}"
        )
    return parse_marking({"scheme": TLP, "label": label, "parties": list(parties)})


def parse_marking(value: object) -> Marking:
    """The marking that a JSON value describes.

    Raises:
        MarkingError: it is no object with scheme, label and parties, or holds anything else.
    """
    try:
        match value:
            case {
                "scheme": str(scheme),
                "label": str(label),
                "parties": list(parties),
                **others,
            } if not others and {*map(type, parties)} <= {str}:
                return _marking(scheme, label, tuple(parties))
        return Marking.model_validate(value)
    except ValidationError as error:
        detail = error.errors()[0]
        # Cut and escaped: what is no marking came from outside, and its keys may be of any length.
        where = "".join(f" {str(step)[:40]!a}" for step in detail["loc"])
        what = detail["msg"].removeprefix("Value error, ")
        raise MarkingError(
            f"marking{where}: {what}: write a scheme, a label and a list of parties"
        ) from None


@lru_cache(maxsize=256)
def _marking(scheme: str, label: str, parties: tuple[str, ...]) -> Marking:
    """Checked once: a case has few, and every part of every deed bears one. A fault is not kept."""
    return Marking.model_validate({"scheme": scheme, "label": label, "parties": list(parties)})
