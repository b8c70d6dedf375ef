"""Who takes part no more: invitations that are taken back, parties that leave or are removed.

None of them is an act on keys: what reads a record without knowing its types goes on to check the
deeds of who has left by the keys that it had. That it does no more of them is the law's to say.
"""

from typing import Annotated, Literal

from pydantic import Field

from touchstone.review.events.base import Digest, Event, EventWithTexts, Name

Bringing = Annotated[int, Field(ge=2, le=2)]
"""The schema of what goes with words: these types never held them in their facts."""


class PartyUninvited(Event):
    """Whoever invited a party takes that back, before it has joined."""

    type: Literal["party-uninvited"] = "party-uninvited"
    party: Name
    """The party that was invited."""


class PartyRemoved(EventWithTexts):
    """Whoever invited a party ends its part in the case; what it did stands."""

    type: Literal["party-removed"] = "party-removed"
    schema_version: Bringing = Field(default=2, alias="schema")
    """2; there is no other."""
    TEXTS = ("reason",)
    party: Name
    """The party that takes part no more."""
    reason: Digest
    """The digest of a text: why."""


class PartyLeft(EventWithTexts):
    """A party takes part no more, by its own deed; what it did stands."""

    type: Literal["party-left"] = "party-left"
    schema_version: Bringing = Field(default=2, alias="schema")
    """2; there is no other."""
    TEXTS = ("reason",)
    reason: Digest | None = None
    """The digest of a text: why, if the party likes to say."""


PARTINGS: tuple[type[Event], ...] = (PartyUninvited, PartyRemoved, PartyLeft)
"""The types that say who takes part no more: every party of the case reads them."""
