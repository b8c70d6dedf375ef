"""Answers of the gateway's own: lists, and refusals in the form of the caller's protocol."""

from aiohttp import web

from touchstone.gateway.adapters import Adapter
from touchstone.gateway.errors import RefusedError

_ENDS = ("Upgrade", "Transfer-Encoding")


def nothing_in_force() -> RefusedError:
    """What anybody hears while no policy holds."""
    return RefusedError(503, "no_policy", "no valid policy is in force: nothing is served")


def json_answer(status: int, body: bytes) -> web.Response:
    """A body that an adapter wrote."""
    return web.Response(
        status=status,
        body=body,
        headers={"Content-Type": "application/json", "Server": "touchstone-gateway"},
    )


def refusal_answer(
    adapter: Adapter, refusal: RefusedError, request: web.BaseRequest
) -> web.Response:
    """A refusal, in the form that the caller's protocol has for one."""
    response = json_answer(refusal.status, adapter.error(refusal))
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    # What was not read of a body must not be taken for another request.
    if not request.content.is_eof() or any(name in request.headers for name in _ENDS):
        response.force_close()
    return response
