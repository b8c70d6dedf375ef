"""One worker's enforcement: it serves requests under a policy, and applies the next one."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from aiohttp import web

from touchstone.gateway.config import GatewayConfig
from touchstone.gateway.control import steady
from touchstone.gateway.decision_cache import DecisionCache
from touchstone.gateway.enforcing.exchanges import Exchange, Exchanges, end_all
from touchstone.gateway.enforcing.metrics import Metrics
from touchstone.gateway.enforcing.ports import AuditSink, Cut
from touchstone.gateway.enforcing.proxy import Proxy
from touchstone.gateway.enforcing.server import Server
from touchstone.gateway.errors import NotCutError, RefusedError
from touchstone.gateway.identity import Identities
from touchstone.terms import PolicyBundle

TICK_SECONDS = 0.05
"""How late at most an exchange ends whose grant ran out, and slow headers are noticed."""
_MOST_WORDS = 200
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
        self.exchanges = Exchanges()
        self.metrics = Metrics()
        self._proxy = Proxy(
            config, audit, self.identities, self.exchanges, self.metrics, clock, worker
        )
        self._changes = self.identities.changes
        self._ticking: asyncio.Task[None] | None = None
        self._server: Server | None = None
        self._tell_halt: Callable[[str | None], None] = lambda _: None
        self._fault: str | None = None
        self._pause: str | None = None

    @property
    def decisions(self) -> DecisionCache | None:
        """The policy in force; None: nothing is granted."""
        proxy = self._proxy
        # The decision service asks here: it must not permit what the data path would refuse.
        granting = proxy.in_time() and not proxy.draining and proxy.halted is None
        return proxy.decisions if granting else None

    @property
    def halted(self) -> str | None:
        """Why nothing is granted although a policy is in force; None: it is."""
        return self._fault or self._pause

    def on_halt(self, tell: Callable[[str | None], None]) -> None:
        """`tell` is called whenever it changes why nothing is granted; with None: it is again."""
        self._tell_halt = tell

    def pause(self, why: str | None) -> None:
        """Grant nothing new until called with None; what is in flight goes on."""
        self._pause = why
        self._halt()

    async def start(self) -> None:
        """Look at issuers' keys, and keep the time."""
        await self.identities.start()
        self._changes = self.identities.changes
        self._ticking = asyncio.create_task(self._tick())

    @property
    def ticking(self) -> "asyncio.Task[None] | None":
        """The task that keeps the time: it ends with a fault, or with `close`, and never else."""
        return self._ticking

    async def close(self) -> None:
        """Give up what is left, and every connection to upstreams and issuers."""
        if self._ticking is not None:
            self._ticking.cancel()
            with suppress(asyncio.CancelledError, NotCutError):
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
            # Before anything is touched: a policy that cannot be read leaves the one in force as it
            # is.
            decisions = DecisionCache(bundle, epoch, self._config.limits.cached_decisions)
        live = len(self.exchanges)
        # Up to the resets nothing is awaited: no request is granted or forwarded in between.
        barred = self.exchanges.barred(decisions, self._clock())
        self._proxy.decisions = decisions
        self._show_epoch()
        late = await end_all(barred)
        self.metrics.cut.labels("policy").inc(len(barred))
        self.metrics.late_bytes.inc(late)
        return Cut(live, len(barred), live - len(barred), late)

    def fence(self, until: float | None) -> None:
        """Serve nothing from that moment on, by `steady`, whether or not `apply` is called then."""
        self._proxy.until = until

    async def drain(self, seconds: float) -> None:
        """Grant nothing more, and wait until nothing is in flight, at most so long."""
        # Also where nothing is in flight: the listener may be open for a moment longer.
        self._proxy.draining = True
        # Not by the wall clock, which somebody may set meanwhile.
        end = steady() + seconds
        while len(self.exchanges) and steady() < end:  # noqa: ASYNC110 - it has an end
            await asyncio.sleep(TICK_SECONDS)

    def metrics_text(self) -> bytes:
        """This worker's metrics, as Prometheus reads them."""
        self.metrics.live.set(len(self.exchanges))
        return self.metrics.text()

    def _show_epoch(self) -> None:
        decisions = self.decisions
        self.metrics.epoch.set(decisions.epoch if decisions else 0)

    def _halt(self) -> None:
        # Twenty times a second: only a change is news.
        if self._proxy.halted == self.halted:
            return
        self._proxy.halted = self.halted
        self._show_epoch()
        self._tell_halt(self.halted)

    async def _tick(self) -> None:
        """Keep the time. Nothing here waits for a network.

        Who cannot watch over grants must give none and keep none: a fault ends every stream, and
        serving begins again with the first look that succeeds. NotCutError ends this task.
        """
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                if self._server is not None:
                    self.metrics.slow.inc(self._server.reset_slow())
                self._proxy.settle_again()
                await self._end_what_is_over()
                await self._ask_again_who_calls()
            except NotCutError:
                raise
            except Exception as error:  # noqa: BLE001 - see above
                if self._fault is None:
                    _log.critical("serving nothing", exc_info=error)
                self._fault = f"its watch failed: {type(error).__name__}: {error}"[:_MOST_WORDS]
                self._halt()
                # Counted before they are ended: afterwards there are none.
                self.metrics.cut.labels("fault").inc(len(self.exchanges))
                self.metrics.late_bytes.inc(await end_all(self.exchanges))
            else:
                if self._fault is not None:
                    _log.warning("serving again")
                self._fault = None
                self._halt()

    async def _end_what_is_over(self) -> None:
        """End exchanges whose token ran out, or that a new window bars."""
        now, decisions = self._clock(), self._proxy.decisions
        ending = []
        for exchange in self.exchanges.over(now):
            expires = exchange.caller.expires
            answer = exchange.decide(decisions, now) if decisions else None
            # The policy says nothing of tokens: it would still permit whom an ended one named.
            ended = expires is not None and expires <= now
            if answer is None or not answer.decision.allowed or ended:
                ending.append(exchange)
        self.metrics.cut.labels("time").inc(len(ending))
        self.metrics.late_bytes.inc(await end_all(ending))

    async def _ask_again_who_calls(self) -> None:
        """End exchanges whose token or key makes nobody known any more, or somebody who may not."""
        self.identities.look()
        # To check every signature each 50 ms would cost more than to serve.
        if self.identities.changes == self._changes:
            return
        self._changes = self.identities.changes
        ending = [each for each in self.exchanges if not self._still_may(each)]
        self.metrics.cut.labels("identity").inc(len(ending))
        self.metrics.late_bytes.inc(await end_all(ending))

    def _still_may(self, exchange: Exchange) -> bool:
        """Whether an exchange may go on by what is known of its caller now."""
        try:
            caller = self.identities.find_now(exchange.token)
        except RefusedError:
            return False
        if caller == exchange.caller:
            return True
        # Requests are counted, held and written down by person: another's cannot take one over.
        if caller.person != exchange.caller.person or self._proxy.decisions is None:
            return False
        exchange.caller = caller
        return exchange.decide(self._proxy.decisions, self._clock()).decision.allowed
