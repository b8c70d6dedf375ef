"""What granian calls."""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.wsgi import WSGIHandler

from touchstone.server.serving import SERVING, Serving

Environ = dict[str, Any]
Pages = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def pages(serving: Serving) -> Pages:
    """Django as a WSGI application that serves one installation; `settings` were set up before."""
    handler = WSGIHandler()

    def answer(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        return handler({**environ, SERVING: serving}, start_response)

    return answer
