"""One worker's enforcement: it serves requests under a policy, and applies the next one."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from aiohttp import web

from touchstone.gateway.config import GatewayConfig
from touchstone.gateway.deciding import Decisions
from touchstone.gateway.enforcing.exchanges import Exchanges, end_all
from touchstone.gateway.enforcing.metrics import Metrics
from touchstone.gateway.enforcing.ports import AuditSink, Cut
from touchstone.gateway.enforcing.proxying import Proxy
from touchstone.gateway.enforcing.server import Server
from touchstone.gateway.errors import RefusedError
from touchstone.gateway.identity import Identities
from touchstone.terms import PolicyBundle

TICK_SECONDS = 0.05
"""How late at most an exchange ends whose grant ran out, and slow headers are noticed."""
_log = logging.getLogger(__name__)


class Enforcement:
    """Serves nothing until a bundle is applied.

    `clock` gives seconds since 1970. `start` before serving, inside the event loop; `close` at the
    end.
    """

    def __init__(
        self, config: GatewayConfig, audit: AuditSink, *, clock: Callable[[], float], worker: int
    ) -> None:
        """GatewayConfigError where a file or a secret that the configuration names is missing."""
        self._config = config
        self._clock = clock
        self.identities = Identities(config.identity, clock, config.limits.cached_decisions)
        self._exchanges = Exchanges()
        self.metrics = Metrics()
        self._proxy = Proxy(
            config, audit, self.identities, self._exchanges, self.metrics, clock, worker
        )
        self._changes = self.identities.changes
        self._ticking: asyncio.Task[None] | None = None
        self._server: Server | None = None

    @property
    def decisions(self) -> Decisions | None:
        """The policy in force; None: nothing is granted."""
        proxy = self._proxy
        return proxy.decisions if proxy.in_time() and not proxy.draining else None

    async def start(self) -> None:
        """Look at issuers' keys, and keep the time."""
        await self.identities.start()
        self._changes = self.identities.changes
        self._ticking = asyncio.create_task(self._tick())

    async def close(self) -> None:
        """Give up what is left, and every connection to upstreams and issuers."""
        if self._ticking is not None:
            self._ticking.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticking
        await self._proxy.close()
        await self.identities.close()

    def runner(self, *, shutdown_timeout: float = 1.0) -> web.ServerRunner:
        """What a site serves: every route, /healthz and /readyz included. Inside the event loop."""
        self._server = Server(self._proxy.handle, self._config.limits)
        return web.ServerRunner(self._server, shutdown_timeout=shutdown_timeout)

    async def apply(self, bundle: PolicyBundle | None, epoch: int) -> Cut:
        """Put a bundle in force, and end what it bars; None: serve nothing.

        It returns when every barred connection is closed. Raises TermsFileError, and changes
        nothing, where the policy cannot be read; NotCutError where a connection did not close.
        """
        decisions = None
        if bundle is not None:
            decisions = Decisions(bundle, epoch, self._config.limits.cached_decisions)
        live = len(self._exchanges)
        # Up to the resets nothing is awaited: no request is granted or forwarded in between.
        barred = self._exchanges.barred(decisions, self._clock())
        self._proxy.decisions = decisions
        self.metrics.epoch.set(epoch if decisions else 0)
        late = await end_all(barred)
        self.metrics.cut.labels("policy").inc(len(barred))
        self.metrics.late_bytes.inc(late)
        return Cut(live, len(barred), live - len(barred), late)

    def fence(self, until: float | None) -> None:
        """Serve nothing from that moment on, by `steady`, whether or not `apply` is called then."""
        self._proxy.until = until

    async def drain(self, seconds: float) -> None:
        """Grant nothing more, and wait until nothing is in flight, at most so long."""
        self._proxy.draining = True
        end = self._clock() + seconds
        while len(self._exchanges) and self._clock() < end:  # noqa: ASYNC110 - it has an end
            await asyncio.sleep(TICK_SECONDS)

    def metrics_text(self) -> bytes:
        """This worker's metrics, as Prometheus reads them."""
        self.metrics.live.set(len(self._exchanges))
        return self.metrics.text()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                if self._server is not None:
                    self.metrics.slow.inc(self._server.reset_slow())
                await self._end_what_is_over()
                await self._ask_again_who_calls()
            except Exception as error:  # noqa: BLE001 - who cannot watch grants must give none
                _log.critical("serving nothing: %s", error)
                self._proxy.decisions = None

    async def _end_what_is_over(self) -> None:
        """End exchanges whose token ran out, or that a new window bars."""
        now, decisions = self._clock(), self._proxy.decisions
        ending = []
        for exchange in self._exchanges.over(now):
            expires = exchange.caller.expires
            answer = exchange.decide(decisions, now) if decisions else None
            ended = expires is not None and expires <= now
            if answer is None or not answer.decision.allowed or ended:
                ending.append(exchange)
        self.metrics.cut.labels("time").inc(len(ending))
        self.metrics.late_bytes.inc(await end_all(ending))

    async def _ask_again_who_calls(self) -> None:
        """End exchanges whose token or key no longer makes anybody known."""
        await self.identities.look()
        if self.identities.changes == self._changes:
            return
        self._changes = self.identities.changes
        ending = []
        for exchange in self._exchanges:
            try:
                await self.identities.find(exchange.token)
            except RefusedError:
                ending.append(exchange)
        self.metrics.cut.labels("identity").inc(len(ending))
        self.metrics.late_bytes.inc(await end_all(ending))
