"""A gateway's data path and a stub of a model's endpoint, on loopback, in one event loop."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from joserfc import jwk, jwt

from support.ledger_signer import Signer
from support.terms_files import REGISTRY, terms
from touchstone.gateway.config import GatewayConfig, parse_config
from touchstone.gateway.enforcing import Cut, Enforcement
from touchstone.gateway.enforcing.proxy import USAGE_FILE
from touchstone.gateway.enforcing.usage import UsageStore
from touchstone.terms import Pin, PolicyBundle, Registry, accept_bundle, build_bundle

ISSUER, AUDIENCE = "https://id.example", "gateway"
STREAM = "example-model/production"
SIGNER = Signer("developer")
EC_KEY = jwk.ECKey.generate_key("P-256", {"kid": "ec-1", "use": "sig"})
DOMESTIC = {
    "id": "domestic",
    "effect": "permit",
    "nationality": ["domestic"],
    "dual": "any",
}
ALLIES = {
    "id": "allies",
    "effect": "permit",
    "nationality": ["allies"],
    "dual": "any",
    "modes": ["instant"],
}
NOT_ALLIES = {"id": "not-allies", "effect": "forbid", "nationality": ["allies"], "dual": "any"}
RULES = (DOMESTIC, ALLIES)
CHAT = {"model": "example-model", "messages": [{"role": "user", "content": "hello"}]}
ANSWER = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "example-model",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "hi"},
        }
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


def bundle(*rules: Mapping[str, Any], registry: Registry = REGISTRY, **head: Any) -> PolicyBundle:
    """An accepted bundle with these rules."""
    data = build_bundle(
        stream=STREAM, issued=1, terms=terms(*rules, **head), registry=registry, signer=SIGNER
    )
    return accept_bundle(data, Pin(SIGNER.public_key, STREAM), None)


def jwks(*keys: jwk.Key) -> str:
    """A JWKS with the public halves."""
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})


def token(
    person: str = "ann", nationality: str = "XA", key: jwk.Key = EC_KEY, **claims: Any
) -> str:
    """A token of the issuer; a claim of None is left out."""
    content = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": person,
        "exp": int(time.time()) + 600,
        "iat": int(time.time()),
        "nationalities": [nationality],
        **claims,
    }
    header = {"alg": "ES256", "kid": key.kid or ""}
    return jwt.encode(
        header, {name: value for name, value in content.items() if value is not None}, key
    )


@dataclass
class Audit:
    """Keeps events; `gate` holds them up until it is set."""

    events: list[Mapping[str, Any]] = field(default_factory=list)
    gate: asyncio.Event | None = None

    async def commit(self, event: Mapping[str, Any]) -> None:
        self.events.append(event)
        if self.gate is not None:
            await self.gate.wait()


@dataclass
class Stub:
    """A model's endpoint: it records what comes, and streams slowly where asked to."""

    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    given_up: int = 0
    url: str = ""
    parts: int = 20
    pause: float = 0.01
    status: int = 200
    breaks_after: int | None = None
    tool_calls: bool = False
    go: asyncio.Event | None = None
    """Streams wait in the middle until it is set."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.requests.append((request.path, dict(request.headers), body))
        asked = json.loads(body)
        if self.status != 200:
            return web.json_response({"error": {"message": "key sk-secret"}}, status=self.status)
        if not asked.get("stream"):
            return web.json_response(self.whole(request.path), headers={"openai-organization": "o"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            await self.stream(response, request.path)
        except (asyncio.CancelledError, ConnectionError):
            self.given_up += 1
            raise
        return response

    def whole(self, path: str) -> Any:
        if path.endswith("/messages"):
            return {
                "id": "m1",
                "type": "message",
                "role": "assistant",
                "model": "example-model",
                "content": [{"type": "text", "text": "hi"}],
                "stop_reason": "end_turn",
                "stop_sequence": None,
                "usage": {"input_tokens": 3, "output_tokens": 2},
            }
        if path.endswith("/embeddings"):
            return {
                "object": "list",
                "model": "example-model",
                "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}],
                "usage": {"prompt_tokens": 3, "total_tokens": 3},
            }
        if self.tool_calls:
            call = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
            return {**ANSWER, "choices": [{**ANSWER["choices"][0], "message": message}]}  # type: ignore[index]
        return ANSWER

    async def stream(self, response: web.StreamResponse, path: str) -> None:
        for number in range(self.parts):
            if number == self.breaks_after:
                response._req.transport.abort()  # type: ignore[union-attr]
                return
            if self.go is not None and number == self.parts // 2:
                await self.go.wait()
            await response.write(self.event(number, path))
            await asyncio.sleep(self.pause)
        if not path.endswith("/messages"):
            await response.write(b"data: [DONE]\n\n")

    def event(self, number: int, path: str) -> bytes:
        if path.endswith("/messages"):
            kind, event = _anthropic_event(number, self.parts)
            return f"event: {kind}\ndata: {json.dumps(event)}\n\n".encode()
        delta = {"role": "assistant", "content": f"w{number} "}
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        chunk = {
            "id": "c1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "example-model",
            "choices": [choice],
        }
        return f"data: {json.dumps(chunk)}\n\n".encode()


def _anthropic_event(number: int, parts: int) -> tuple[str, dict[str, Any]]:
    if number == 0:
        message: dict[str, Any] = {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "model": "example-model",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 3, "output_tokens": 0},
        }
        return "message_start", {"type": "message_start", "message": message}
    if number == 1:
        block = {"type": "text", "text": ""}
        start = {"type": "content_block_start", "index": 0, "content_block": block}
        return "content_block_start", start
    if number == parts - 3:
        return "content_block_stop", {"type": "content_block_stop", "index": 0}
    if number == parts - 2:
        delta = {"stop_reason": "end_turn", "stop_sequence": None}
        usage = {"output_tokens": 7}
        return "message_delta", {"type": "message_delta", "delta": delta, "usage": usage}
    if number == parts - 1:
        return "message_stop", {"type": "message_stop"}
    delta = {"type": "text_delta", "text": f"w{number} "}
    return "content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta}


@dataclass
class Loop:
    """A gateway in front of a stub."""

    stub: Stub
    audit: Audit
    enforcement: Enforcement
    config: GatewayConfig
    host: str
    port: int
    epoch: int = 1
    shift: float = 0.0
    """Seconds that the gateway's clock is ahead."""

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def _proxy(self) -> Any:
        return self.enforcement._proxy

    @property
    def usage(self) -> Any:
        """What its worker keeps of use: only from beside it can a hold be made and settled."""
        return self._proxy._usage

    @property
    def offers(self) -> Any:
        """What its worker offers, by protocol and model."""
        return self._proxy._offers

    async def settles_at(self, tokens: int, person: str = "ann") -> None:
        """Wait until the day's count is so many tokens, as another worker of the gateway reads it.

        A hold is settled shortly after its answer was given, so the count is waited for.
        """
        other = UsageStore(self.config.state / USAGE_FILE)
        found = None
        try:
            async with asyncio.timeout(20):
                while found != tokens:
                    found = (await other.used(person, time.time() + self.shift)).today
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"{person} used {found}, not {tokens}") from None
        finally:
            other.close()

    async def apply(self, *rules: Mapping[str, Any], **head: Any) -> Cut:
        self.epoch += 1
        return await self.enforcement.apply(bundle(*rules, **head), self.epoch)


async def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - anything can be waited for
            await asyncio.sleep(0.001)


def request_bytes(text: str, body: Any) -> bytes:
    """A request for a chat, as it goes over the wire."""
    data = json.dumps(body).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {text}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


async def slow_reader(loop: Loop, request: bytes) -> socket.socket:
    """A client that asks for something and reads nothing of it."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    found.settimeout(0)
    running = asyncio.get_running_loop()
    await running.sock_connect(found, (loop.host, loop.port))
    await running.sock_sendall(found, request)
    return found


def config_text(
    folder: Path,
    upstream: str,
    limits: str = "",
    models: str = "",
    keys_at: str = 'jwks_file = "jwks.json"',
) -> str:
    """gateway.toml with one model, and one issuer whose keys lie in a file."""
    return f"""
format = "touchstone/gateway/1"
id = "gateway-1"
state = "{folder / "state"}"
[pin]
key = "{SIGNER.public_key.hex()}"
stream = "{STREAM}"
[feed]
folder = "bundles"
[limits]
{limits}
[identity]
opaque_keys = "keys.toml"
[[identity.issuers]]
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
algorithms = ["ES256"]
{keys_at}
refresh_seconds = 0.1
[[upstreams]]
model = "example-model"
variant = "final"
base_url = "{upstream}/v1"
api_key_env = "EXAMPLE_UPSTREAM_KEY"
modes = {{ default = "instant", none = "instant", high = "thinking" }}
[[upstreams]]
model = "example-model"
variant = "final"
base_url = "{upstream}/v1"
protocol = "anthropic"
api_key_env = "EXAMPLE_UPSTREAM_KEY"
modes = {{ default = "instant", disabled = "instant", enabled = "thinking" }}
[[upstreams]]
model = "other-name"
variant = "restricted"
base_url = "{upstream}/v1"
upstream_model = "its-own-name"
mode = "instant"
{models}
"""


@contextlib.asynccontextmanager
async def gateway(
    folder: Path,
    *rules: Mapping[str, Any],
    limits: str = "",
    keys: str = "",
    stub: Stub | None = None,
    config: Mapping[str, str] | None = None,
    **head: Any,
) -> AsyncIterator[Loop]:
    """A gateway under these rules (none: those of RULES), with a stub behind it."""
    stub = stub or Stub()
    app = web.Application(client_max_size=8 << 20)
    app.router.add_post("/{path:.*}", stub.answer)
    behind = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await behind.setup()
    await web.TCPSite(behind, "127.0.0.1", 0).start()
    stub.url = "http://{}:{}".format(*behind.addresses[0])
    (folder / "jwks.json").write_text(jwks(EC_KEY))
    (folder / "keys.toml").write_text(keys)
    text = config_text(folder, stub.url, limits, **(config or {}))
    text = text.replace("@UPSTREAM@", stub.url)
    found = parse_config(text, "gateway.toml", folder)
    loop = Loop.__new__(Loop)
    audit = Audit()
    enforcement = Enforcement(found, audit, clock=lambda: time.time() + loop.shift, worker=0)
    loop.__init__(stub, audit, enforcement, found, "127.0.0.1", 0)  # type: ignore[misc]
    await enforcement.start()
    runner = enforcement.runner(shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    loop.host, loop.port = runner.addresses[0]
    await enforcement.apply(bundle(*(rules or RULES), **head), 1)
    try:
        yield loop
    finally:
        await runner.cleanup()
        await enforcement.close()
        await behind.cleanup()
