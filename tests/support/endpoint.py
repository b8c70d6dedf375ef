"""A small server of every format whose answers a test writes, on loopback, in its own thread.

A script is a function from (request body, number of the request) to an answer: a dict is sent as
JSON, bytes as they are, a `web.Response` as it is, an async function is called with the request.
"""

import asyncio
import functools
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from support.spoken import SPOKEN, Spoken

Script = Callable[[dict[str, Any], int], Any]


@dataclass
class Endpoint:
    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    """As the chat format has them, roughly, in whatever format they came."""
    native: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0


def completion(
    text: str = "",
    calls: list[tuple[str, dict[str, Any]]] | None = None,
    *,
    model: str = "scripted-1",
    usage: Any = None,
    stop: str = "",
    number: int = 0,
    **extra: Any,
) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text, **extra}
    if calls:
        message["tool_calls"] = [
            {
                "id": f"call-{number}-{place}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for place, (name, arguments) in enumerate(calls)
        ]
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "system_fingerprint": "fp-1",
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": stop or ("tool_calls" if calls else "stop"),
            }
        ],
        "usage": usage
        if usage is not None
        else {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }


def word_of(body: dict[str, Any]) -> str:
    found = re.search(r"word-[0-9a-f]{16}", json.dumps(body["messages"]))
    assert found
    return found.group()


def turn_of(body: dict[str, Any]) -> int:
    return sum(message["role"] == "assistant" for message in body["messages"])


def copier(body: dict[str, Any], number: int) -> dict[str, Any]:
    """Copies the word through the shell, then submits."""
    if "tools" not in body:
        return completion("ready", number=number)
    if turn_of(body) == 0:
        return completion("", [("bash", {"command": "cat word.txt > answer.txt"})], number=number)
    return completion("", [("submit", {"answer": "done"})], number=number)


def idler(_body: dict[str, Any], number: int) -> dict[str, Any]:
    """Submits at once, leaving no answer."""
    return completion("", [("submit", {"answer": "nothing"})], number=number)


@contextmanager
def serve(script: Script = copier) -> Iterator[Endpoint]:
    endpoint = Endpoint("")

    async def answer(spoken: Spoken, request: web.Request) -> web.StreamResponse:
        number, native = len(endpoint.requests), await request.json()
        try:
            body = spoken.heard(native)
        except (ValueError, KeyError) as error:
            told = {"message": f"not of the format: {error}", "type": "invalid_request_error"}
            return web.json_response({"type": "error", "error": told}, status=400)
        endpoint.native.append(native)
        endpoint.requests.append(body)
        endpoint.headers.append(dict(request.headers))
        endpoint.in_flight += 1
        endpoint.most_in_flight = max(endpoint.most_in_flight, endpoint.in_flight)
        try:
            said = script(body, number)
            if asyncio.iscoroutine(said):
                said = await said
            if callable(said):
                said = await said(request)
            if isinstance(said, web.StreamResponse):
                return said
            if isinstance(said, bytes):
                return web.Response(body=said, content_type="application/json")
            whole = isinstance(said, dict) and isinstance(said.get("choices"), list)
            return web.json_response(spoken.said(said) if whole else said)
        finally:
            endpoint.in_flight -= 1

    loop = asyncio.new_event_loop()
    runner_box: list[web.AppRunner] = []

    async def start() -> None:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        for each in SPOKEN.values():
            app.router.add_post(each.route, functools.partial(answer, each))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        runner_box.append(runner)
        endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        asyncio.run_coroutine_threadsafe(runner_box[0].cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
