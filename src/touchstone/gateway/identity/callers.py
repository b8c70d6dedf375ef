"""Who is calling, as far as a token or a key says: never an organisation, a programme, a tier."""

from dataclasses import dataclass

from touchstone.gateway.errors import RefusedError


@dataclass(frozen=True, slots=True)
class Caller:
    """A person, and until when that is believed."""

    person: str
    """The id under which the bundle's registry may know somebody."""
    digest: bytes
    """SHA-256 of the token or key: all that is kept of it."""
    nationalities: frozenset[str] = frozenset()
    residence: str | None = None
    verified: bool = False
    expires: float | None = None
    """Seconds since 1970; None: when the key is taken out of its file."""


def unknown_caller(sentence: str) -> RefusedError:
    """The refusal of somebody whom no token or key makes known."""
    return RefusedError(401, "invalid_token", sentence)
