"""One installation as it is served: what every request is given."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

from django.http import HttpRequest

from touchstone.handin import utc_text
from touchstone.server.accounts.limits import Limiter
from touchstone.server.principal import NOBODY, Principal
from touchstone.service.installation import Installation
from touchstone.service.reporting.looking import LookingOn

SERVING = "touchstone.serving"
"""Under this name it stands in a request's environment."""
CREDENTIAL = "touchstone.credential"
"""The same of that by which whoever asks may be known: its Authorization header, or None."""
_KNOWN = "touchstone.known"
Authenticate = Callable[[str | None, str], Principal]
"""Who speaks, by the Authorization header, now (UTC). Raises NotAuthenticatedError."""


@dataclass
class Serving:
    """What requests share in one process. Safe for several threads."""

    here: Installation
    authenticate: Authenticate
    limiter: Limiter = field(default_factory=Limiter)

    @cached_property
    def looking(self) -> LookingOn:
        """What looks on at cases for which a page had no time."""
        return LookingOn(self.here)

    def now(self) -> str:
        """The present moment (UTC)."""
        return utc_text(self.here.clock.now())

    @property
    def fingerprint(self) -> str:
        """What others pin: the fingerprint of the installation's first key."""
        return self.here.keyring.history.lines[0].fingerprint


def serving_of(request: HttpRequest) -> Serving:
    """What a request is served from."""
    return cast("Serving", request.META[SERVING])


def make_known(request: HttpRequest, principal: Principal) -> None:
    """Say in a request who speaks, also where it will not be let through."""
    request.META[_KNOWN] = principal


def known_in(request: HttpRequest) -> Principal:
    """Who speaks in a request, as far as that was found; it may do nothing by this."""
    return cast("Principal", request.META.get(_KNOWN, NOBODY))


def speaker_of(request: HttpRequest) -> Principal:
    """Who speaks in a request, once it was admitted."""
    return cast("Principal", request.auth)  # type: ignore[attr-defined]  # ninja keeps it there
