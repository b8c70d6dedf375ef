"""From a request to its answer: who asks, for what, is it granted, written down, forwarded."""

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from aiohttp import web

from touchstone.gateway.adapters import Adapter, RefusedError
from touchstone.gateway.config import GatewayConfig
from touchstone.gateway.control import steady
from touchstone.gateway.deciding import NOT_COUNTED, Decisions
from touchstone.gateway.enforcing import requests
from touchstone.gateway.enforcing.exchanges import Exchange, Exchanges
from touchstone.gateway.enforcing.metering import Charge, Meter
from touchstone.gateway.enforcing.metrics import Metrics
from touchstone.gateway.enforcing.ports import AuditSink
from touchstone.gateway.enforcing.relaying import check_status, relay
from touchstone.gateway.enforcing.server import Connection
from touchstone.gateway.enforcing.upstreams import Offer, Way, offers
from touchstone.gateway.enforcing.usage import Usage
from touchstone.gateway.identity import Caller, Identities

_ENDS = ("Upgrade", "Transfer-Encoding")
_log = logging.getLogger(__name__)
USAGE_FILE = "usage.sqlite3"


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
        self.until: float | None = None
        """Until when anything is served, by `steady`; None: for good."""
        self.draining = False
        self.halted: str | None = None
        """Why nothing is granted for the moment; None: it is."""
        self._limits = config.limits
        self._offers = offers(config.upstreams)
        self._audit = audit
        self._identities = identities
        self._exchanges = exchanges
        self._metrics = metrics
        self._clock = clock
        self._worker = worker
        self._usage = Usage(config.state / USAGE_FILE)
        self._way: Way | None = None

    async def close(self) -> None:
        """Close the connections to upstreams and the count of tokens."""
        if self._way is not None:
            await self._way.close()
        self._usage.close()

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
        path, adapter = request.raw_path, requests.ROUTES.get(request.raw_path)
        if request.method == "POST" and adapter is not None:
            return await self._exchange(request, adapter)
        if request.method != "GET":
            raise requests.no_route(request)
        if path == "/healthz":
            return web.Response(text="alive\n")
        if path == "/readyz":
            self._in_force()
            return web.Response(text="ready\n")
        if path == requests.MODELS or path.startswith(f"{requests.MODELS}/"):
            return await self._models(request)
        raise requests.no_route(request)

    def in_time(self) -> bool:
        """Whether the time to serve is not over."""
        return self.until is None or steady() < self.until

    def _in_force(self) -> Decisions:
        if self.decisions is None or not self.in_time():
            raise _nothing_in_force()
        if self.draining:
            raise RefusedError(503, "draining", "this gateway is shutting down: try again")
        if self.halted is not None:
            raise RefusedError(503, "halted", "this gateway cannot serve at the moment: try again")
        return self.decisions

    async def _exchange(self, request: web.BaseRequest, adapter: Adapter) -> web.StreamResponse:
        clock = asyncio.get_running_loop().time
        began = clock()
        headers, path = request.headers, request.raw_path
        self._in_force()
        token, purpose = requests.token_of(headers), requests.purpose_of(headers)
        requests.check_body_headers(headers)
        extra = requests.forwarded(headers)
        caller = self._identities.remembered(token) or await self._identities.find(token)
        changes = self._identities.changes
        body = await self._body(request)
        ask = adapter.read(path, body)
        offer = self._offers.get((adapter.name, ask.model))
        if offer is None:
            raise RefusedError(404, "model_not_found", "there is no such model here")
        exchange = Exchange(
            caller, token, offer.upstream.variant, offer.mode(ask), purpose,
            cast("Connection", request.protocol), request.task,
            changes=changes,
        )  # fmt: skip
        charge = await self._charge(caller, stream=ask.stream)
        try:
            await self._grant(exchange, charge)
            self._metrics.before_forward.observe(clock() - began)
            forwarded = offer.body(body)
            return await self._forward(
                request, offer, adapter.paths[path], forwarded, extra, charge
            )
        finally:
            self._exchanges.remove(exchange)
            await self._settle(charge)

    async def _charge(self, caller: Caller, *, stream: bool) -> Charge:
        """What the request could use, set aside where a rule counts tokens."""
        if not self._in_force().counts:
            return Charge()
        now = self._clock()
        hold = await self._usage.hold(caller.person, self._limits.unseen_tokens, now)
        return Charge(hold, Meter(stream=stream))

    async def _settle(self, charge: Charge) -> None:
        """Put what was used in the place of what was held, where it is known; once."""
        if charge.hold is None or charge.tokens is None:
            return
        hold, charge.hold = charge.hold, None
        try:
            await self._usage.settle(hold, charge.tokens)
        except RefusedError as error:
            _log.warning("a hold stands: %s", error)

    async def _grant(self, exchange: Exchange, charge: Charge) -> None:
        """Decide, and write it down; RefusedError where it is denied.

        Between the decision and `add` nothing is awaited, so a policy that is applied later finds
        the exchange. If it bars it, this task is cancelled and goes no further. A policy that began
        to count while this request was on its way finds nothing counted, and denies.
        """
        decisions, now = self._in_force(), self._clock()
        self._check_still_known(exchange, now)
        exchange.used = charge.hold.before if charge.hold else NOT_COUNTED
        answer = exchange.decide(decisions, now)
        event = exchange.event(self._worker, decisions, answer)
        if not answer.decision.allowed:
            await self._audit.commit(event)
            self._metrics.denied.labels(answer.decision.rule).inc()
            raise RefusedError(403, "denied_by_terms", answer.decision.sentence)
        if self._exchanges.of(exchange.caller.person) >= self._limits.per_caller:
            raise RefusedError(429, "too_many_requests", "too many requests at once: finish some")
        self._exchanges.add(exchange)
        await self._audit.commit(event)

    def _check_still_known(self, exchange: Exchange, now: float) -> None:
        """RefusedError where a token ended, or keys became others, while the body came."""
        expires = exchange.caller.expires
        if expires is not None and expires <= now:
            raise RefusedError(401, "invalid_token", "the token has expired")
        if exchange.changes != self._identities.changes:
            raise RefusedError(503, "keys_changed", "keys have just changed: send it again")

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
        charge: Charge,
    ) -> web.StreamResponse:
        if self._way is None:
            self._way = Way(self._limits)
        if not self.in_time():
            raise _nothing_in_force()
        charge.tokens = None
        answer = await self._way.post(offer, path, body, extra)
        try:
            if 400 <= answer.status < 500:  # noqa: PLR2004 - refused before anything was used
                charge.tokens = 0
            check_status(answer)
            connection = cast("Connection", request.protocol)
            taken = charge.meter.take if charge.meter else None

            async def ended() -> None:
                if charge.meter and charge.tokens is None:
                    charge.tokens = charge.meter.tokens()
                await self._settle(charge)

            stall_seconds = self._limits.stall_seconds
            return await relay(
                request, answer, connection, stall_seconds, taken, ended, self.in_time
            )
        finally:
            # Whatever was not read to its end is given up, so that the upstream stops.
            answer.close()

    async def _models(self, request: web.BaseRequest) -> web.StreamResponse:
        """Those that the caller may use in at least one mode."""
        self._in_force()
        headers, adapter = request.headers, requests.adapter_of(request)
        caller = await self._identities.find(requests.token_of(headers))
        purpose = requests.purpose_of(headers)
        used = NOT_COUNTED
        if self._in_force().counts:
            used = await self._usage.used(caller.person, self._clock())
        decisions, now = self._in_force(), self._clock()

        def reached(offer: Offer) -> bool:
            variant = offer.upstream.variant
            return any(
                decisions.decide(caller, variant, mode, purpose, now, used).decision.allowed
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


def _nothing_in_force() -> RefusedError:
    return RefusedError(503, "no_policy", "no valid policy is in force: nothing is served")


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
    # What was not read of a body must not be taken for another request.
    if not request.content.is_eof() or any(name in request.headers for name in _ENDS):
        response.force_close()
    return response
