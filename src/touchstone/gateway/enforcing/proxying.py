"""From a request to its answer: who asks, for what, is it granted, written down, forwarded."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

import aiohttp
from aiohttp import web

from touchstone.gateway.adapters import Adapter, RefusedError
from touchstone.gateway.config import GatewayConfig
from touchstone.gateway.deciding import Answer, Decisions
from touchstone.gateway.enforcing import requests
from touchstone.gateway.enforcing.exchanges import Exchange, Exchanges
from touchstone.gateway.enforcing.metrics import Metrics
from touchstone.gateway.enforcing.ports import AuditSink
from touchstone.gateway.enforcing.relaying import check_status, relay
from touchstone.gateway.enforcing.server import Connection
from touchstone.gateway.enforcing.upstreams import Offer, Way, offers
from touchstone.gateway.identity import Caller, Identities

_log = logging.getLogger(__name__)


class Proxy:
    """Serves requests under `decisions`."""

    def __init__(
        self,
        config: GatewayConfig,
        audit: AuditSink,
        identities: Identities,
        exchanges: Exchanges,
        metrics: Metrics,
        clock: Callable[[], float],
        worker: int,
    ) -> None:
        self.decisions: Decisions | None = None
        """The policy in force; None: nothing is served."""
        self.draining = False
        self._limits = config.limits
        self._offers = offers(config.upstreams)
        self._audit = audit
        self._identities = identities
        self._exchanges = exchanges
        self._metrics = metrics
        self._clock = clock
        self._worker = worker
        self._way: Way | None = None

    async def close(self) -> None:
        """Close the connections to upstreams."""
        if self._way is not None:
            await self._way.close()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        adapter = requests.adapter_of(request)
        try:
            response = await self._route(request)
        except RefusedError as refusal:
            response = _refused(adapter, refusal, request)
        self._metrics.answered(adapter.name, response.status)
        return response

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        requests.check_head(request)
        path = request.raw_path
        if request.method == "POST" and path in requests.ROUTES:
            return await self._exchange(request, requests.ROUTES[path])
        if request.method == "GET":
            if path == "/healthz":
                return web.Response(text="alive\n")
            if path == "/readyz":
                self._in_force()
                return web.Response(text="ready\n")
            if path == requests.MODELS or path.startswith(f"{requests.MODELS}/"):
                return await self._models(request)
        requests.check_path(request)
        raise AssertionError("check_path refuses")

    def _in_force(self) -> Decisions:
        if self.decisions is None:
            raise RefusedError(503, "no_policy", "no valid policy is in force: nothing is served")
        if self.draining:
            raise RefusedError(503, "draining", "this gateway is shutting down: try again")
        return self.decisions

    async def _exchange(self, request: web.BaseRequest, adapter: Adapter) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        began = loop.time()
        headers, path = request.headers, request.raw_path
        self._in_force()
        token, purpose = requests.token_of(headers), requests.purpose_of(headers)
        requests.check_body_headers(headers)
        extra = requests.forwarded(headers)
        caller = self._identities.remembered(token) or await self._identities.find(token)
        if self._exchanges.of(caller.person) >= self._limits.per_caller:
            raise RefusedError(429, "too_many_requests", "too many requests at once: finish some")
        body = await self._body(request)
        ask = adapter.read(path, body)
        offer = self._offers.get((adapter.name, ask.model))
        if offer is None:
            raise RefusedError(404, "model_not_found", "there is no such model here")
        variant, mode = offer.upstream.variant, offer.mode(ask)
        # From the decision until the exchange is known nothing is awaited: a policy that is applied
        # later finds it.
        decisions, now = self._in_force(), self._clock()
        answer = decisions.decide(caller, variant, mode, purpose, now)
        event = decision_event(self._worker, decisions, caller, variant, mode, purpose, answer)
        if not answer.decision.allowed:
            await self._audit.commit(event)
            self._metrics.denied.labels(answer.decision.rule).inc()
            raise RefusedError(403, "denied_by_terms", answer.decision.sentence)
        connection = cast("Connection", request.protocol)
        exchange = Exchange(
            caller, token, variant, mode, purpose, answer.until, connection, request.task
        )
        self._exchanges.add(exchange)
        try:
            await self._audit.commit(event)
            self._metrics.before_forward.observe(loop.time() - began)
            return await self._forward(request, offer, adapter.paths[path], body, extra)
        finally:
            self._exchanges.remove(exchange)

    async def _body(self, request: web.BaseRequest) -> bytes:
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                return await requests.read_body(request, self._limits.body_bytes)
        except TimeoutError as error:
            raise RefusedError(408, "body_slow", "the body did not come in time") from error

    async def _forward(
        self,
        request: web.BaseRequest,
        offer: Offer,
        path: str,
        body: bytes,
        extra: dict[str, str],
    ) -> web.StreamResponse:
        if self._way is None:
            self._way = Way(self._limits)
        try:
            answer = await self._way.post(offer, path, offer.body(body), extra)
        except TimeoutError as error:
            raise RefusedError(
                504, "upstream_slow", "the model's endpoint did not answer in time"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            _log.warning("upstream not reached: %s", type(error).__name__)
            raise RefusedError(
                502, "upstream_failed", "the model's endpoint could not be reached"
            ) from error
        connection = cast("Connection", request.protocol)
        try:
            check_status(answer)
            return await relay(request, answer, connection, self._limits.stall_seconds, None)
        finally:
            # Whatever was not read to its end is given up, so that the upstream stops.
            answer.close()

    async def _models(self, request: web.BaseRequest) -> web.StreamResponse:
        """Those that the caller may use in at least one mode."""
        self._in_force()
        headers, adapter = request.headers, requests.adapter_of(request)
        caller = await self._identities.find(requests.token_of(headers))
        purpose = requests.purpose_of(headers)
        decisions, now = self._in_force(), self._clock()

        def reached(offer: Offer) -> bool:
            return any(
                decisions.decide(
                    caller, offer.upstream.variant, mode, purpose, now
                ).decision.allowed
                for mode in offer.modes
            )

        names = [
            model
            for (protocol, model), offer in self._offers.items()
            if protocol == adapter.name and reached(offer)
        ]
        wanted = request.raw_path.removeprefix(requests.MODELS).removeprefix("/")
        if not wanted:
            return _json(200, adapter.models(names))
        if wanted not in names:
            raise RefusedError(404, "model_not_found", "there is no such model here")
        return _json(200, adapter.model(wanted))


def decision_event(
    worker: int,
    decisions: Decisions,
    caller: Caller,
    variant: str,
    mode: str,
    purpose: str | None,
    answer: Answer,
) -> dict[str, Any]:
    """What is written down. The sink puts a pseudonym in the place of the caller."""
    return {
        "kind": "decision",
        "worker": worker,
        "epoch": decisions.epoch,
        "bundle": decisions.bundle.number,
        "caller": caller.person,
        "variant": variant,
        "mode": mode,
        "purpose": purpose if purpose in decisions.bundle.policy.purposes else None,
        "allowed": answer.decision.allowed,
        "rule": answer.decision.rule,
    }


def _json(status: int, body: bytes) -> web.Response:
    return web.Response(
        status=status,
        body=body,
        headers={"Content-Type": "application/json", "Server": "touchstone-gateway"},
    )


def _refused(adapter: Adapter, refusal: RefusedError, request: web.BaseRequest) -> web.Response:
    response = _json(refusal.status, adapter.error(refusal))
    if refusal.status == 429:  # noqa: PLR2004 - too many requests
        response.headers["Retry-After"] = "1"
    if not request.content.at_eof() and request.body_exists:
        response.force_close()
    return response
