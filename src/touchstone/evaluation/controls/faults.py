"""Ways in which a real endpoint misbehaves, shown on purpose."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

from touchstone.evaluation.controls.wire import Json

_BLOCK = b"." * 65536


class FaultKind(StrEnum):
    """What goes wrong."""

    REFUSE = "refuse"
    """Nothing listens at the announced port."""
    HANG = "hang"
    """The request is read and never answered."""
    HTML = "html"
    """A proxy's page with status 200 instead of JSON."""
    MALFORMED = "malformed-json"
    """Half a JSON body with status 200."""
    ENDLESS = "endless-body"
    """A body that never ends."""
    WRONG_USAGE = "wrong-usage"
    """Token counts below zero and sums that do not add up."""
    FLAKY = "flaky"
    """429, then 500, then a good answer, in turns."""
    FAILING = "failing"
    """429 and 500 in turns, for ever."""
    RENAMED = "renamed"
    """Answers come from a model of another name."""


@dataclass(frozen=True)
class ServedFault:
    """A fault and when it begins."""

    kind: FaultKind
    after: int = 0
    """Chat requests answered well before the fault begins."""


def refusal(status: int) -> web.Response:
    """The JSON that the real API sends with 429 and 500."""
    kinds = {
        429: ("Rate limit reached. Try again later.", "rate_limit_error", "rate_limit_exceeded"),
        500: ("The server had an error. Try again later.", "server_error", None),
    }
    message, kind, code = kinds[status]
    error = {"message": message, "type": kind, "param": None, "code": code}
    headers = {"retry-after-ms": "10", "retry-after": "0"} if status == 429 else None  # noqa: PLR2004 - a status code is its own name
    return web.json_response({"error": error}, status=status, headers=headers)


async def misbehave(kind: FaultKind, turn: int, request: web.Request) -> web.StreamResponse | None:
    """Answer in place of the control, or return None where the control answers.

    `turn` counts requests since the fault began, from 0.
    """
    match kind:
        case FaultKind.HANG:
            await asyncio.Event().wait()
        case FaultKind.HTML:
            page = "<!doctype html><title>Bad gateway</title><h1>Please sign in</h1>"
            return web.Response(text=page, content_type="text/html")
        case FaultKind.MALFORMED:
            return web.Response(
                body=b'{"id": "chatcmpl-1", "choices": [{"ind', content_type="application/json"
            )
        case FaultKind.ENDLESS:
            return await _endless(request)
        case FaultKind.FLAKY if turn % 3 < 2:  # noqa: PLR2004 - two bad answers in three
            return refusal((429, 500)[turn % 3])
        case FaultKind.FAILING:
            return refusal((429, 500)[turn % 2])
    return None


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"id": "')
    while True:
        await response.write(_BLOCK)


def spoil(kind: FaultKind, body: Json) -> Json:
    """The faults that change a good answer: wrong usage and another model's name."""
    if kind is FaultKind.RENAMED:
        return body | {"model": f"{body['model']}-next"}
    if kind is FaultKind.WRONG_USAGE and "usage" in body:
        wrong = {"prompt_tokens": -7, "completion_tokens": 10**12, "total_tokens": 3}
        return body | {"usage": wrong}
    return body
