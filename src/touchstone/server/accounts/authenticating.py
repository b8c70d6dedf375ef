"""From an Authorization header to who speaks."""

from touchstone.server.errors import NotAuthenticatedError
from touchstone.server.principal import Principal


def principal_of(authorization: str | None, now: str) -> Principal:
    """Who speaks, `now` (UTC) being the server's time. Raises NotAuthenticatedError."""
    # No account was ever made here: whoever asks is nobody.
    del authorization, now
    raise NotAuthenticatedError("no token of this server")
