"""What the supervisor answers on this machine: /metrics, /healthz, /readyz, /status."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

Status = Callable[[], Mapping[str, Any]]
Metrics = Callable[[], Awaitable[str]]


def admin(status: Status, ready: Callable[[], bool], metrics_text: Metrics) -> web.Application:
    """The application."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=await metrics_text(), content_type="text/plain")

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readyz(_: web.Request) -> web.Response:
        if ready():
            return web.Response(text="ready\n")
        return web.Response(status=503, text="nothing is served\n")

    async def said(_: web.Request) -> web.Response:
        return web.json_response(status())

    app = web.Application()
    app.add_routes(
        [
            web.get("/metrics", metrics),
            web.get("/healthz", healthz),
            web.get("/readyz", readyz),
            web.get("/status", said),
        ]
    )
    return app
