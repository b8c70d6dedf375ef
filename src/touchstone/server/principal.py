"""Who speaks in a request, as the accounts found it."""

from dataclasses import dataclass

from touchstone.clearance import Sight, sight_of


@dataclass(frozen=True, slots=True)
class Principal:
    """A person of a party, by one of its tokens."""

    person: str
    """The person's id."""
    party: str
    """Whose person it is; empty for an administrator, who sees no contents."""
    roles: frozenset[str]
    """What it is in its party: `submitter`, `official`, ..."""
    scopes: frozenset[str]
    """What the token may be used for: `read`, `deeds`, `evidence`, `secrets`, `people`."""
    token: str
    """The token's id, which is no secret."""
    made: str = ""
    """When the token was asked for, which its device signs (UTC); empty: nobody knows."""

    @property
    def sight(self) -> Sight:
        """How much of what its party may read this person sees."""
        return sight_of(self.roles)


NOBODY = Principal("", "", frozenset(), frozenset(), "")
"""Who asks what anybody may ask."""
