"""The HTTP server: models, chat completions, bearer key, errors as the real API writes them."""

import asyncio
import hmac
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from touchstone.evaluation.controls.faults import FaultKind, ServedFault, misbehave, spoil
from touchstone.evaluation.controls.named import Control, ControlView
from touchstone.evaluation.controls.wire import (
    PIECE,
    ChatRequest,
    Completion,
    Json,
    RequestError,
    complete,
    parse_request,
    transcript_of,
)

BODY_LIMIT = 32 * 1024 * 1024
"""Largest request body in bytes."""
PACED = 8
"""Characters in a chunk of a paced stream: about two tokens."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SubjectServer:
    """Controls behind the OpenAI chat-completions API. Stateless but for a count of requests."""

    def __init__(
        self,
        controls: Mapping[str, Control],
        key: str,
        fault: ServedFault | None,
        pace: float = 0.0,
    ) -> None:
        """`pace`: seconds between two chunks of a stream, which are short then; 0: at once."""
        self._pace = pace
        self._controls = controls
        self._key = key
        self._fault = fault
        self._seen = 0
        self._started = int(time.time())

    def app(self) -> web.Application:
        """The application, ready to be served."""
        app = web.Application(client_max_size=BODY_LIMIT, middlewares=[self._guard])
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/v1/models/{model}", self._model)
        app.router.add_post("/v1/chat/completions", self._chat)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._check_key(request.headers.get("authorization", ""))
            response: web.StreamResponse = await handler(request)
        except RequestError as error:
            return web.json_response(error.body, status=error.status)
        except web.HTTPException as error:
            wrong = RequestError(error.status, error.reason, "invalid_request_error")
            return web.json_response(wrong.body, status=error.status)
        return response

    def _check_key(self, header: str) -> None:
        given = header.removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            message = "Incorrect API key provided." if given else "You did not provide an API key."
            raise RequestError(401, message, "invalid_request_error", "invalid_api_key")

    def _control(self, name: str) -> Control:
        if name not in self._controls:
            message = f"The model '{name}' does not exist or you do not have access to it."
            raise RequestError(404, message, "invalid_request_error", "model_not_found")
        return self._controls[name]

    def _describe(self, name: str) -> Json:
        return {"id": name, "object": "model", "created": self._started, "owned_by": "touchstone"}

    async def _models(self, request: web.Request) -> web.Response:
        del request
        data = [self._describe(name) for name in self._controls]
        return web.json_response({"object": "list", "data": data})

    async def _model(self, request: web.Request) -> web.Response:
        name = request.match_info["model"]
        self._control(name)
        return web.json_response(self._describe(name))

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        turn = self._seen - self._fault.after if self._fault else -1
        self._seen += 1
        if self._fault and turn >= 0:
            answer = await misbehave(self._fault.kind, turn, request)
            if answer is not None:
                return answer
        asked = parse_request(await request.read())
        control = self._control(asked.model)
        step = control(ControlView(transcript_of(asked), asked.thorough))
        done = complete(asked, step, f"chatcmpl-{uuid.uuid4().hex}", int(time.time()))
        kind = self._fault.kind if self._fault and turn >= 0 else None
        if asked.stream:
            return await self._stream(request, asked, done, kind)
        body = done.body()
        return web.json_response(spoil(kind, body) if kind else body)

    async def _stream(
        self, request: web.Request, asked: ChatRequest, done: Completion, kind: FaultKind | None
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"content-type": "text/event-stream", "cache-control": "no-cache"}
        )
        await response.prepare(request)
        with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
        for chunk in done.chunks(with_usage=with_usage, size=PACED if self._pace else PIECE):
            if self._pace:
                await asyncio.sleep(self._pace)
            data = json.dumps(spoil(kind, chunk) if kind else chunk)
            await response.write(f"data: {data}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response
