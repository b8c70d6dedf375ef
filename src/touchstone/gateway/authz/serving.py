"""The decision as a service: Envoy asks with a whole request, nginx with a variant and a mode.

`/read` and the request's own path: it is judged as the gateway would judge it. `/for/VARIANT/MODE`:
the proxy's configuration says what is asked for, and the answer is 200, 401, 403 or 503.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import web
from aiohttp.http import RawRequestMessage
from multidict import CIMultiDictProxy

from touchstone.gateway.adapters import Adapter, RefusedError
from touchstone.gateway.authz.answers import (
    PARTIAL,
    AuthzAnswer,
    LoggedDecision,
    allowed,
    not_judged,
    refused,
)
from touchstone.gateway.authz.connections import FOR, DecisionServer
from touchstone.gateway.authz.questions import Question, RequestReader
from touchstone.gateway.config import GatewayConfig
from touchstone.gateway.decision_cache import NO_MODEL, DecisionCache, TimedDecision
from touchstone.gateway.enforcing import AuditSink, requests
from touchstone.gateway.enforcing.judging import not_here, reaches
from touchstone.gateway.enforcing.metrics import Metrics
from touchstone.gateway.enforcing.upstreams import ModelRoute
from touchstone.gateway.identity import Caller, Identities
from touchstone.terms import AccessDecision

_OK = 200
_ID_BYTES, _DRAWN = 8, 256
READ = "/read"


class InForce(Protocol):
    """What this worker has applied, and whom it knows: `Enforcement` is one."""

    @property
    def decisions(self) -> DecisionCache | None:
        """The policy in force; None: nothing is granted."""

    @property
    def identities(self) -> Identities:
        """Who calls."""

    @property
    def metrics(self) -> Metrics:
        """This worker's counters."""


class DecisionService:
    """Answers the questions of proxies in one worker. It forwards nothing and cuts nothing."""

    def __init__(
        self,
        config: GatewayConfig,
        in_force: InForce,
        audit: AuditSink,
        *,
        clock: Callable[[], float],
        worker: int,
    ) -> None:
        self._limits = config.limits
        self._reader = RequestReader(config.upstreams)
        self._in_force = in_force
        self._audit = audit
        self._clock = clock
        self._worker = worker
        # Random, not counted: a number would tell a caller how much others ask.
        self._ids = _Ids()

    def runner(self, *, shutdown_timeout: float = 1.0) -> web.ServerRunner:
        """What a site serves. To be made inside the event loop."""
        server = DecisionServer(self.handle, self.answer, self._limits)
        return web.ServerRunner(server, shutdown_timeout=shutdown_timeout)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one question that aiohttp has taken."""
        if request.raw_path.startswith(FOR):
            said = await self._for(request.raw_path, request.headers)
        else:
            said = await self._whole(request)
        response = said.response()
        # What was not read of a body would be taken for the next question.
        if said.status != _OK and request.body_exists and not request.content.at_eof():
            response.force_close()
        return response

    async def answer(self, message: RawRequestMessage) -> AuthzAnswer:
        """Answer one plain question."""
        return await self._for(message.path, message.headers)

    async def _for(self, path: str, headers: CIMultiDictProxy[str]) -> AuthzAnswer:
        try:
            question = _named(path, headers)
            verdict = await self._decide(requests.token_of(headers), question)
        except RefusedError as refusal:
            said = refused(refusal, requests.OPENAI, three=True)
        else:
            said = self._denied(verdict, requests.OPENAI, three=True) or allowed(verdict)
        self._in_force.metrics.answered("for", said.status)
        return said

    async def _whole(self, request: web.BaseRequest) -> AuthzAnswer:
        adapter = requests.ROUTES.get(path_of(request), requests.OPENAI)
        named: list[ModelRoute] = []
        try:
            try:
                question = await self._read(request, named)
            except RefusedError as refusal:
                said = await self._not_read(request, refusal, named, adapter)
            else:
                said = await self._judged(request, question, named[0], adapter)
        except RefusedError as refusal:
            said = refused(refusal, adapter, three=False)
        self._in_force.metrics.answered("read", said.status)
        return said

    async def _judged(
        self, request: web.BaseRequest, question: Question, offer: ModelRoute, adapter: Adapter
    ) -> AuthzAnswer:
        token = requests.token_of(request.headers)
        verdict = await self._decide(token, question)
        if verdict.decision.allowed:
            unjudged = not_judged(request.headers, requests.forwarded(request.headers))
            return allowed(verdict, unjudged)
        self._in_force.metrics.denied.labels(verdict.decision.rule).inc()
        refusal = RefusedError(403, "denied_by_terms", verdict.decision.sentence)
        caller, decisions = await self._who(token)
        purpose, now = question.purpose, self._clock()
        if not reaches(decisions, caller, question.variant, offer.modes, purpose, now):
            refusal = not_here(decisions, caller, purpose, now)
            verdict = as_absent(verdict, refusal)
        return refused(refusal, adapter, three=False, verdict=verdict)

    async def _not_read(
        self,
        request: web.BaseRequest,
        refusal: RefusedError,
        named: list[ModelRoute],
        adapter: Adapter,
    ) -> AuthzAnswer:
        """The refusal; of a model that is not there, or not for the caller, as the gateway says."""
        absent = not named and refusal.code == "model_not_found"
        if not named and not absent:
            return refused(refusal, adapter, three=False)
        caller, decisions = await self._who(requests.token_of(request.headers))
        purpose, now = requests.purpose_of(request.headers), self._clock()
        if named and reaches(
            decisions, caller, named[0].upstream.variant, named[0].modes, purpose, now
        ):
            return refused(refusal, adapter, three=False)
        said = not_here(decisions, caller, purpose, now)
        decision = AccessDecision(allowed=False, rule=NO_MODEL, sentence=str(said))
        verdict = LoggedDecision(self._ids.next(), decision)
        event = decisions.absent(self._worker, caller)
        await self._audit.commit({**event, "decision": verdict.id})
        return refused(said, adapter, three=False, verdict=verdict)

    async def _who(self, token: str) -> tuple[Caller, DecisionCache]:
        identities = self._in_force.identities
        caller = identities.remembered(token) or await identities.find(token)
        decisions = self._in_force.decisions
        if decisions is None:
            raise RefusedError(503, "no_policy", "no valid policy is in force")
        return caller, decisions

    def _denied(
        self, verdict: LoggedDecision, adapter: Adapter, *, three: bool
    ) -> AuthzAnswer | None:
        decision = verdict.decision
        if decision.allowed:
            return None
        self._in_force.metrics.denied.labels(decision.rule).inc()
        refusal = RefusedError(403, "denied_by_terms", decision.sentence)
        return refused(refusal, adapter, three=three, verdict=verdict)

    async def _read(self, request: web.BaseRequest, named: list[ModelRoute]) -> Question:
        path = path_of(request)
        bare, mark, _ = path.partition("?")
        if mark and bare in requests.ROUTES:
            raise RefusedError(
                400, "query_refused", "a query could change what is asked: send none, only the body"
            )
        if path not in requests.ROUTES or request.method != "POST":
            raise RefusedError(404, "unknown_path", "there is no such path here")
        # First: of half a body nothing can be said, however well the rest reads.
        check_whole(request)
        requests.check_head(request)
        # Nothing admitted: which headers go on is then the proxy's, and none of them was judged.
        requests.admitted_headers(request.headers, {})
        requests.check_body_headers(request.headers)
        requests.token_of(request.headers)
        purpose = requests.purpose_of(request.headers)
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body = await requests.read_body(request, self._limits.body_bytes)
        except TimeoutError as error:
            raise RefusedError(408, "body_slow", "the body did not come in time") from error
        return self._reader.read(path, body, purpose, named)

    async def _decide(self, token: str, question: Question) -> LoggedDecision:
        """The answer under the policy in force, once it is written down."""
        identities = self._in_force.identities
        while True:
            caller = identities.remembered(token) or await identities.find(token)
            decisions, now = self._in_force.decisions, self._clock()
            if decisions is None:
                raise RefusedError(503, "no_policy", "no valid policy is in force")
            answer = decisions.decide(
                caller, question.variant, question.mode, question.purpose, now
            )
            # A new id for each try: an answer that was overtaken stands in the audit as what it
            # was.
            verdict = LoggedDecision(self._ids.next(), answer.decision)
            await self._audit.commit(self._event(decisions, caller, question, verdict))
            # Another policy may have come while this was being written down.
            if self._holds(decisions, answer):
                return verdict

    def _event(
        self, decisions: DecisionCache, caller: Caller, question: Question, verdict: LoggedDecision
    ) -> dict[str, Any]:
        """As the data path writes it, with the id that the proxy is told."""
        asked = question.variant, question.mode, question.purpose
        event = decisions.event(self._worker, caller, *asked, verdict.decision)
        return {**event, "decision": verdict.id}

    def _holds(self, decisions: DecisionCache, answer: TimedDecision) -> bool:
        over = answer.until is not None and answer.until <= self._clock()
        # The object and not its number: the same bundle applied again may stand under a new time.
        return decisions is self._in_force.decisions and not over


class _Ids:
    """Random ids of 16 hex digits, drawn many at once: a draw can cost more than a decision."""

    def __init__(self) -> None:
        self._drawn: list[str] = []

    def next(self) -> str:
        if not self._drawn:
            drawn = os.urandom(_DRAWN * _ID_BYTES).hex()
            self._drawn = [
                drawn[at : at + 2 * _ID_BYTES] for at in range(0, len(drawn), 2 * _ID_BYTES)
            ]
        return self._drawn.pop()


def as_absent(verdict: LoggedDecision, said: RefusedError) -> LoggedDecision:
    """What the caller of a barred model is told: what they would be told of one that is not there.

    The headers of an answer can reach the caller; only the audit keeps the rule that barred them.
    """
    return LoggedDecision(
        verdict.id, AccessDecision(allowed=False, rule=NO_MODEL, sentence=str(said))
    )


def _named(path: str, headers: CIMultiDictProxy[str]) -> Question:
    # From the right: names of variants may hold a slash, as model names do.
    variant, _, mode = path.removeprefix(FOR).rpartition("/")
    if not variant or not mode:
        raise RefusedError(403, "nothing_named", "the proxy names no variant and mode")
    return Question(variant, mode, requests.purpose_of(headers))


def path_of(request: web.BaseRequest) -> str:
    """The path of the request that is asked about; empty where none is."""
    path = request.raw_path
    return path.removeprefix(READ) if path.startswith(f"{READ}/") else ""


def check_whole(request: web.BaseRequest) -> None:
    """RefusedError where the proxy says that it sends only the beginning of a body."""
    # Every one of several: a caller can send this header as well as the proxy.
    if any(each != "false" for each in request.headers.getall(PARTIAL, [])):
        raise RefusedError(413, "body_partial", "the proxy shows only the beginning of the body")
