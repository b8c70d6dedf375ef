"""What is answered at one address: the API alone, or pages beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from touchstone.server.api.declared import DECLARED, Need

Environ = Mapping[str, Any]


def authorization(environ: Environ) -> str | None:
    """What a program shows: its Authorization header."""
    found: str | None = environ.get("HTTP_AUTHORIZATION")
    return found


@dataclass(frozen=True)
class Site:
    """Where requests go, what each asks of whoever makes it, and by what that is known."""

    urls: str
    """The module of Django's routes."""
    needs: Mapping[tuple[str, str], Need]
    """By method and route."""
    credential: Callable[[Environ], str | None] = authorization
    """From a request's head to what `Serving.authenticate` is asked with."""
    worker: str = "touchstone.server.worker"
    """The module that is run as one of several processes."""


API_ALONE = Site("touchstone.server.urls", DECLARED)
