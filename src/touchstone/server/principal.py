"""Who speaks in a request, as the accounts found it."""

from dataclasses import dataclass


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


NOBODY = Principal("", "", frozenset(), frozenset(), "")
"""Who asks what anybody may ask."""
