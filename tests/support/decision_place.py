"""A decision service beside a gateway's data path, and the proxies of the how-to in front of it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from support.envoy import running_envoy
from support.gateway_loop import RULES, Loop, gateway
from support.nginx import running_nginx
from support.recipes import free_port, recipe, with_ports
from touchstone.gateway.authz import DecisionService

PAGE = "how-to/decide-without-a-proxy.md"
PROXY, TOUCHSTONE, MODELS, MORE_MODELS = 8080, 8445, 9000, 9001
"""The ports on that page."""
Change = Callable[[str], str]


@dataclass
class Place:
    """Where a question is asked."""

    loop: Loop
    client: aiohttp.ClientSession
    port: int

    @property
    def untouched(self) -> bool:
        """Whether the first policy is still in force."""
        return self.loop.epoch == 1 and self.loop.enforcement.decisions is not None

    async def rule(self) -> None:
        """Put the first rules in force again."""
        await self.loop.apply(*RULES)
        self.loop.epoch = 1

    def dead(self) -> "Place":
        """The same, where no service listens."""
        return replace(self, port=free_port())

    async def ask(
        self, port: int, path: str, body: Any = None, token: str = "", **headers: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        """POST a body to a port; status, headers and body of the answer."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        # As written: a client of good manners would resolve dots before sending.
        url = URL(f"http://127.0.0.1:{port}{path}", encoded=True)
        data = BytesIO(body) if isinstance(body, bytes) else body
        async with self.client.post(url, data=data, headers=sent, allow_redirects=False) as got:
            return got.status, got.headers, await got.read()

    def ports(self, proxy: int) -> dict[int, int]:
        """From the ports of the page to those of the test."""
        models = int(self.loop.stub.url.rpartition(":")[2])
        return {PROXY: proxy, TOUCHSTONE: self.port, MODELS: models}


@contextlib.asynccontextmanager
async def decision_place(
    folder: Path, *rules: Mapping[str, Any], **more: Any
) -> AsyncIterator[Place]:
    """A service under these rules, as in `gateway_loop.gateway`."""
    async with gateway(folder, *rules, **more) as loop, aiohttp.ClientSession() as client:
        service = DecisionService(
            loop.config,
            loop.enforcement,
            loop.audit,
            clock=lambda: time.time() + loop.shift,
            worker=0,
        )
        runner = service.runner(shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield Place(loop, client, runner.addresses[0][1])
        finally:
            await runner.cleanup()


@contextlib.asynccontextmanager
async def envoy(place: Place, folder: Path, change: Change = str) -> AsyncIterator[int]:
    """The page's Envoy in front of the place, its recipe changed; the port where it listens."""
    port = free_port()
    config = with_ports(change(recipe(PAGE, "envoy.yaml")), place.ports(port))
    async with _in_a_thread(running_envoy(config, port, folder / f"envoy-{port}")):
        yield port


@contextlib.asynccontextmanager
async def nginx(place: Place, folder: Path, change: Change = str) -> AsyncIterator[int]:
    """The page's nginx in front of the place, likewise."""
    port = free_port()
    ports = place.ports(port)
    site = with_ports(change(recipe(PAGE, "nginx.conf")), {**ports, MORE_MODELS: ports[MODELS]})
    async with _in_a_thread(running_nginx(site, port, folder / f"nginx-{port}")):
        yield port


@contextlib.asynccontextmanager
async def _in_a_thread(running: contextlib.AbstractContextManager[None]) -> AsyncIterator[None]:
    """Starting waits for a socket, and the loop serves what the proxy may ask meanwhile."""
    await asyncio.to_thread(running.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


def without(text: str) -> Change:
    """Take one line's text out of a recipe, which must hold it."""
    return instead(text, "")


def instead(old: str, new: str) -> Change:
    """Put another text in the place of one, which must occur."""

    def change(recipe: str) -> str:
        assert old in recipe
        return recipe.replace(old, new)

    return change
