"""From a request to its answer: who asks, for what, is it granted, written down, forwarded."""

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from aiohttp import ClientResponse, web
from multidict import CIMultiDictProxy

from touchstone.gateway.adapters import Admits, RefusedError
from touchstone.gateway.config import GatewayConfig
from touchstone.gateway.control import steady
from touchstone.gateway.decision_cache import NOT_COUNTED, DecisionCache, TimedDecision, TokensUsed
from touchstone.gateway.enforcing import judging, requests
from touchstone.gateway.enforcing.answering import json_answer, nothing_in_force, refusal_answer
from touchstone.gateway.enforcing.asking import AbsentError, JudgedAsk, Target, is_stream
from touchstone.gateway.enforcing.charging import (
    Charge,
    begin_to_settle,
    input_tokens,
    most_tokens,
    settle,
    tokens_spent,
)
from touchstone.gateway.enforcing.exchanges import Exchange, Exchanges
from touchstone.gateway.enforcing.metering import UsageFilter
from touchstone.gateway.enforcing.metrics import Metrics
from touchstone.gateway.enforcing.ports import AuditSink
from touchstone.gateway.enforcing.relaying import check_status, relay
from touchstone.gateway.enforcing.server import Connection
from touchstone.gateway.enforcing.upstreams import ModelRoute, UpstreamClient, offers
from touchstone.gateway.enforcing.usage import UsageStore
from touchstone.gateway.errors import GatewayError, NotCutError
from touchstone.gateway.identity import Caller, Identities

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
        self.decisions: DecisionCache | None = None
        """The policy in force; None: nothing is served."""
        self.until: float | None = None
        """Until when anything is served, by `steady`; None: for good."""
        self.draining = False
        self.halted: str | None = None
        """Why nothing is granted for the moment; None: it is."""
        self._limits = config.limits
        self._offers = offers(config.upstreams)
        self._admitted = {
            path: (each.protocol, like)
            for each in config.upstreams
            for path, like in each.paths.items()
        }
        self._audit = audit
        self._identities = identities
        self._exchanges = exchanges
        self._metrics = metrics
        self._clock = clock
        self._worker = worker
        self._usage = UsageStore(config.state / USAGE_FILE)
        self._way: UpstreamClient | None = None

    async def close(self) -> None:
        """Close the connections to upstreams and the count of tokens."""
        if self._way is not None:
            await self._way.close()
        self._usage.close()

    def settle_again(self) -> None:
        """Write down what could not be written down before."""
        self._usage.retry()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        adapter = requests.adapter_of(request)
        try:
            response = await self._route(request)
        except RefusedError as refusal:
            response = refusal_answer(adapter, refusal, request)
        except NotCutError:
            raise
        except GatewayError as error:
            # What cannot be written down is not granted; what it asked for stays out of the log.
            _log.warning("not granted: %s", error)
            words = "the decision cannot be written down at the moment: try again later"
            response = refusal_answer(adapter, RefusedError(503, "not_written", words), request)
        self._metrics.answered(adapter.name, response.status)
        return response

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        requests.check_head(request)
        if request.method == "POST":
            target = self._target(request)
            if target is not None:
                return await self._exchange(request, target)
        path = request.raw_path.partition("?")[0]
        if request.method == "GET" and (
            path == requests.MODELS or path.startswith(f"{requests.MODELS}/")
        ):
            return await self._models(request)
        if request.method != "GET" or path != request.raw_path:
            raise requests.no_route(request)
        if path == "/healthz":
            return web.Response(text="alive\n")
        if path == "/readyz":
            self._in_force()
            return web.Response(text="ready\n")
        raise requests.no_route(request)

    def _target(self, request: web.BaseRequest) -> Target | None:
        """What a POST is for, by its path; None: there is no such thing here."""
        raw = request.raw_path
        path, _, query = (raw, "", "") if raw in requests.ROUTES else raw.partition("?")
        if path in requests.ROUTES:
            adapter = requests.ROUTES[path]
            return Target(adapter, path, path, adapter.paths[path], query)
        if path in self._admitted:
            protocol, like = self._admitted[path]
            return Target(requests.ADAPTERS[protocol], path, like, path.removeprefix("/v1"), query)
        return None

    def in_time(self) -> bool:
        """Whether the time to serve is not over."""
        return self.until is None or steady() < self.until

    def _in_force(self) -> DecisionCache:
        if self.decisions is None or not self.in_time():
            raise nothing_in_force()
        # After the policy: "try again" would promise something where nothing is in force.
        if self.draining:
            raise RefusedError(503, "draining", "this gateway is shutting down: try again")
        if self.halted is not None:
            raise RefusedError(503, "halted", "this gateway cannot serve at the moment: try again")
        return self.decisions

    async def _exchange(self, request: web.BaseRequest, target: Target) -> web.StreamResponse:
        clock = asyncio.get_running_loop().time
        began = clock()
        headers = request.headers
        self._in_force()
        token, purpose = requests.token_of(headers), requests.purpose_of(headers)
        requests.check_body_headers(headers)
        extra = requests.forwarded(headers)
        caller = self._identities.remembered(token) or await self._identities.find(token)
        # Before the body comes: where keys become others meanwhile, it is refused.
        changes = self._identities.changes
        # Only after it is known who calls: a stranger sends no body at all.
        body = await self._body(request)
        asked = await self._judge(target, headers, body, caller, purpose)
        exchange = Exchange(
            caller,
            token,
            asked.offer.upstream.variant,
            asked.mode,
            purpose,
            cast("Connection", request.protocol),
            request.task,
            changes=changes,
        )
        # Before the decision, which sees what others hold: two requests must not pass on one rest.
        charge = await self._charge(caller, asked, target, body)
        try:
            await self._grant(exchange, charge, asked.offer)
            self._metrics.before_forward.observe(clock() - began)
            forwarded = asked.offer.body(body, asked.ask, target.answers_like, usage=charge.strip)
            return await self._forward(
                request,
                asked,
                target.upstream + asked.query,
                forwarded,
                {**extra, **asked.headers},
                charge,
            )
        except asyncio.CancelledError:
            # Whoever cuts it waits for this task: the count must not keep them waiting.
            begin_to_settle(charge, self._usage)
            raise
        finally:
            self._exchanges.remove(exchange)
            await settle(charge, self._usage)

    async def _judge(
        self,
        target: Target,
        headers: CIMultiDictProxy[str],
        body: bytes,
        caller: Caller,
        purpose: str | None,
    ) -> JudgedAsk:
        """What a request asks for; RefusedError where it cannot be told.

        Whoever may not use the model at all hears what they would hear if it were not there.
        """
        adapter, named = target.adapter, list[ModelRoute]()

        def admitted(model: str) -> Admits:
            # Before anything else of the body: errors about fields would tell which models there
            # are.
            offer = self._offers.get((adapter.name, model))
            if offer is None:
                raise AbsentError
            named.append(offer)
            return offer.admits

        try:
            ask = adapter.read(target.like, body, admitted)
            (offer,) = named
            upstream = offer.upstream
            requests.check_path(target.path, target.like, upstream.paths)
            extra = requests.admitted_headers(headers, upstream.headers)
            query = requests.admitted_query(target.query, upstream.query)
            return JudgedAsk(ask, offer, offer.mode(ask), extra, query)
        except RefusedError:
            decisions, now = self._in_force(), self._clock()
            if not named or self._reaches(decisions, caller, named[0], purpose, now):
                raise
        except AbsentError:
            decisions, now = self._in_force(), self._clock()
        await self._audit.commit(decisions.absent(self._worker, caller))
        raise judging.not_here(decisions, caller, purpose, now)

    def _reaches(
        self,
        decisions: DecisionCache,
        caller: Caller,
        offer: ModelRoute,
        purpose: str | None,
        now: float,
    ) -> bool:
        return judging.reaches(decisions, caller, offer.upstream.variant, offer.modes, purpose, now)

    async def _charge(
        self, caller: Caller, asked: JudgedAsk, target: Target, body: bytes
    ) -> Charge:
        """What the request could use, set aside where a rule counts tokens."""
        # No hold, no meter: where nothing is counted, bytes go on untouched.
        if not self._in_force().counts:
            return Charge()
        ask, limits = asked.ask, self._limits
        free, path = target.free, target.answers_like
        tokens = 0 if free else most_tokens(ask, path, body, limits)
        charge = Charge(free=free, asked=min(input_tokens(ask, body), limits.unseen_tokens))
        charge.strip, _ = asked.offer.usage_in(ask, path)
        # The hold is guarded where it is made; from here to its guard nothing is awaited.
        charge.hold = await self._usage.hold(caller.person, tokens, self._clock())
        return charge

    async def _grant(self, exchange: Exchange, charge: Charge, offer: ModelRoute) -> None:
        """Decide, and write it down; RefusedError where it is denied.

        Between the decision and `add` nothing is awaited, so a policy that is applied later finds
        the exchange. If it bars it, this task is cancelled and goes no further. A policy that began
        to count while this request was on its way finds nothing counted, and denies.
        """
        decisions, now = self._in_force(), self._clock()
        # Again, at the last moment: a slow body may have taken its half minute since the first
        # look.
        self._check_still_known(exchange, now)
        exchange.used = charge.hold.before if charge.hold else NOT_COUNTED
        answer = exchange.decide(decisions, now)
        event = exchange.event(self._worker, decisions, answer)
        if not answer.decision.allowed:
            await self._audit.commit(event)
            self._metrics.denied.labels(answer.decision.rule).inc()
            raise self._denial(exchange, charge, offer, decisions, now)
        # By person and not by token: somebody with many tokens is still one caller.
        if self._exchanges.of(exchange.caller.person) >= self._limits.per_caller:
            words = "too many requests at once: finish some"
            raise RefusedError(429, "too_many_requests", words, 1)
        self._exchanges.add(exchange)
        await self._audit.commit(event)

    def _denial(
        self,
        exchange: Exchange,
        charge: Charge,
        offer: ModelRoute,
        decisions: DecisionCache,
        now: float,
    ) -> RefusedError:
        caller, purpose = exchange.caller, exchange.purpose

        def decide(used: TokensUsed) -> TimedDecision:
            return decisions.decide(caller, exchange.variant, exchange.mode, purpose, now, used)

        over = tokens_spent(decide, decisions, charge.hold, now)
        if over is not None:
            return over
        # A mode that is barred is told with its rule; a model that is barred altogether is not
        # there.
        if not self._reaches(decisions, caller, offer, purpose, now):
            return judging.not_here(decisions, caller, purpose, now)
        answer = exchange.answer or decide(exchange.used)
        return RefusedError(403, "denied_by_terms", answer.decision.sentence)

    def _check_still_known(self, exchange: Exchange, now: float) -> None:
        """RefusedError where a token ended, or keys became others, while the body came."""
        expires = exchange.caller.expires
        if expires is not None and expires <= now:
            raise RefusedError(401, "invalid_token", "the token has expired")
        if exchange.changes != self._identities.changes:
            raise RefusedError(503, "keys_changed", "keys have just changed: send it again")

    async def _body(self, request: web.BaseRequest) -> bytes:
        reading = requests.read_body(request, self._limits.body_bytes)
        # Most bodies came with their heads; a timer would be a good part of what reading one costs.
        if request.content.is_eof():
            return await reading
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                return await reading
        except TimeoutError as error:
            raise RefusedError(408, "body_slow", "the body did not come in time") from error

    async def _forward(
        self,
        request: web.BaseRequest,
        asked: JudgedAsk,
        path: str,
        body: bytes,
        extra: dict[str, str],
        charge: Charge,
    ) -> web.StreamResponse:
        # Made within the loop: aiohttp's session belongs to the one in which it was made.
        if self._way is None:
            self._way = UpstreamClient(self._limits)
        # Writing it down took its time, and that may have been the last of it.
        if not self.in_time():
            raise nothing_in_force()
        clock = asyncio.get_running_loop().time
        answer = await self._way.post(asked.offer, path, body, extra, lambda: charge.sent(clock()))
        try:
            charge.answered(answer.status, stream=is_stream(answer, asked.ask))
            check_status(answer)
            return await self._relay(request, answer, charge)
        except BaseException:
            # Also where the caller left or a directive cut: the endpoint has worked until then.
            charge.broke_off(clock(), self._limits.tokens_a_second)
            raise
        finally:
            # Whatever was not read to its end is given up, so that the upstream stops.
            answer.close()

    async def _relay(
        self, request: web.BaseRequest, answer: ClientResponse, charge: Charge
    ) -> web.StreamResponse:
        # Of a packed stream nothing can be taken out.
        plain = "Content-Encoding" not in answer.headers
        strip = charge.strip and plain and charge.meter is not None and charge.meter.streams
        kept = UsageFilter() if strip else None

        def taken(part: bytes) -> bytes:
            if charge.meter:
                charge.meter.take(part)
            return kept.take(part) if kept else part

        async def ended() -> bytes:
            charge.ended()
            await settle(charge, self._usage)
            return kept.end() if kept else b""

        return await relay(
            request,
            answer,
            cast("Connection", request.protocol),
            self._limits.stall_seconds,
            taken if charge.meter else None,
            ended,
            self.in_time,
        )

    async def _models(self, request: web.BaseRequest) -> web.StreamResponse:
        """Those that the caller may use in at least one mode."""
        self._in_force()
        headers, adapter = request.headers, requests.adapter_of(request)
        path, _, query = request.raw_path.partition("?")
        offers = {
            model: offer
            for (protocol, model), offer in self._offers.items()
            if protocol == adapter.name
        }
        keys = {key for offer in offers.values() for key in offer.upstream.query}
        requests.admitted_query(query, keys & requests.PAGING)
        caller = await self._identities.find(requests.token_of(headers))
        purpose = requests.purpose_of(headers)
        decisions, now = self._in_force(), self._clock()
        names = [
            model
            for model, offer in offers.items()
            if self._reaches(decisions, caller, offer, purpose, now)
        ]
        wanted = path.removeprefix(requests.MODELS).removeprefix("/")
        if not wanted:
            names, more = requests.page(names, query)
            return json_answer(200, adapter.models(names, more=more))
        # The same for one that is barred: a list of models is no way to try names out.
        if wanted not in names:
            raise RefusedError(404, "model_not_found", "there is no such model here")
        return json_answer(200, adapter.model(wanted))
