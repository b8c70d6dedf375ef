"""One gateway's part in its fleet: it keeps level with the log, and serves only under a lease."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import psycopg

from touchstone.gateway.config import Fleet, GatewayConfig
from touchstone.gateway.control import steady
from touchstone.gateway.errors import FeedLostError, StateError
from touchstone.gateway.feed import BundleAcceptance, RejectedBundle, Store, catch_up
from touchstone.gateway.fleet.lease import Lease
from touchstone.gateway.fleet.log import FleetLog, MemberState
from touchstone.handin import printable_line
from touchstone.ledger import fingerprint
from touchstone.terms import Pin, PolicyBundle

_RENEWALS = 5
"""In one lease."""
_GLANCE_SECONDS = 0.02
"""Between two looks at whether there is something to tell the log."""
_STANDING_SECONDS = 1.0
_log = logging.getLogger(__name__)


class TakesBundles(Protocol):
    """What bundles are given to; `FleetLog` is one."""

    async def publish(self, bundle: PolicyBundle, data: bytes, gateway: str) -> None:
        """Add the next bundle."""


class Member:
    """Talks to the log. `lease_end` says how long this gateway may serve."""

    def __init__(
        self,
        config: GatewayConfig,
        fleet: Fleet,
        public_key: bytes,
        store: Store,
        intake: BundleAcceptance,
        obeys: Callable[[], int],
    ) -> None:
        """`obeys` gives the number of the bundle below which this gateway serves nothing.

        Raises GatewayConfigError where the log's address is not to be had.
        """
        self._gateway = config.id
        self._stream = config.pin.stream
        self._pin = config.bundle_pin
        self._dsn = fleet.dsn()
        self._key = fingerprint(public_key)
        self._store = store
        self._intake = intake
        self._obeys = obeys
        self._lease = Lease(fleet.lease_seconds)
        # Tells this process from an earlier one of its name, whose lease may still run.
        self._instance = secrets.token_hex(16)
        self._news = asyncio.Event()
        self.heard = asyncio.Event()
        """Set once this gateway has all that the log had when it was first heard."""
        self._sent = 0
        self._word: str | None = None
        self._members: list[MemberState] = []
        self._log: FleetLog | None = None

    def lease_end(self) -> float:
        """When serving ends, should the log not be heard again."""
        return self._lease.until

    def tell(self) -> None:
        """There is something to say: a bundle was taken or applied, a receipt was written."""
        self._news.set()

    def status(self, now: float) -> dict[str, Any]:
        """How the fleet stands, as it was heard last."""
        number = self._intake.current.number if self._intake.current else 0
        return {
            "leased": self._lease.valid(now),
            "lost": self._word,
            "members": [
                {
                    "gateway": each.gateway,
                    "obeys": each.obeys,
                    "alive": each.alive,
                    "applied": each.applied(number),
                    "silent_seconds": each.silent_seconds,
                }
                for each in self._members
            ],
            # Of a log that was never heard, or is no longer, nobody knows who serves under what.
            "applied_everywhere": bool(self._members)
            and self._word is None
            and all(each.applied(number) for each in self._members),
        }

    async def run(self, moved: Callable[[], None]) -> None:
        """Keep level with the log for ever. `moved` is called when something may have changed."""
        pause = self._lease.seconds / _RENEWALS
        while True:
            try:
                await self._visit(moved)
            except (psycopg.Error, OSError, FeedLostError, StateError, TimeoutError) as error:
                word = printable_line(str(error)) or type(error).__name__
                if word != self._word:
                    _log.warning("the fleet's log is lost: %s", word)
                self._word = word
            moved()
            await asyncio.sleep(pause)

    async def leave(self) -> None:
        """Give the lease back, so that nobody waits for it."""
        if self._log is not None:
            try:
                async with asyncio.timeout(self._lease.seconds):
                    await self._log.leave(self._gateway, self._instance)
            except (psycopg.Error, OSError, TimeoutError):
                return

    async def _visit(self, moved: Callable[[], None]) -> None:
        """One connection, until it breaks."""
        seconds = self._lease.seconds
        async with asyncio.timeout(max(seconds, 2.0)):
            log = await FleetLog.open(self._dsn, self._stream)
        try:
            async with asyncio.timeout(seconds):
                # Two processes of one name would renew one lease for each other.
                if not await log.join(self._gateway, self._instance, self._key, seconds):
                    raise FeedLostError(
                        f"another process serves as {self._gateway}: give this one another id"
                    )
                # As the log has it: an answer to an earlier sending may have been lost.
                self._sent = await log.last_receipt(self._gateway)
            self._log = log
            looked = float("-inf")
            while True:
                # Before the renewal: what is told while it goes on makes another one due at once.
                self._news.clear()
                async with asyncio.timeout(seconds):
                    await self._renew(log)
                    if steady() - looked >= _STANDING_SECONDS:
                        looked = steady()
                        self._members = await log.standing(self._obeys())
                self._word = None
                moved()
                await self._wait(log, seconds / _RENEWALS)
        finally:
            self._log = None
            await log.close()

    async def _renew(self, log: FleetLog) -> None:
        # Before the question: the lease is counted from here (ADR 108).
        asked_at = steady()
        renewal = await log.renew(self._gateway, self._instance, self._obeys())
        match self._lease.answered(renewal, asked_at, self._intake.position):
            case "publish":
                await self._publish(log, renewal.newest)
            case "catch-up":
                await catch_up(log, self._intake, _refused)
                self._news.set()
            case "stop":
                raise FeedLostError(
                    f"bundle {renewal.newest} of the log is another than the one taken here: the"
                    " developer signed two; fix: begin a new stream"
                )
            case "go-on":
                pass
        self.heard.set()
        # After the lease is renewed: nobody's service waits for this.
        await self._send_receipts(log)

    async def _publish(self, log: FleetLog, newest: int | None) -> None:
        """Give the log what this gateway's own feed brought first."""
        current = self._intake.current
        if current is None:
            return
        first = current.number if newest is None else newest + 1
        await give(log, self._store, self._pin, range(first, current.number + 1), self._gateway)
        self._news.set()

    async def _send_receipts(self, log: FleetLog) -> None:
        for number in self._store.receipt_numbers():
            if number > self._sent:
                await log.keep_receipt(self._gateway, number, self._store.receipt(number).data)
                self._sent = number

    async def _wait(self, log: FleetLog, seconds: float) -> None:
        """Until it is time to renew, or the log has news, or this gateway has."""
        end = steady() + seconds
        while not self._news.is_set() and (left := end - steady()) > 0:
            # In short steps: a notice in the log and news of our own must both end the wait.
            if await log.woken(min(left, _GLANCE_SECONDS)):
                return


async def give(
    log: TakesBundles, store: Store, pin: Pin, numbers: Iterable[int], gateway: str
) -> None:
    """Give a log the bundles of these numbers that a gateway kept, in order.

    Raises StateError where one is gone or altered: it is told, and tried again, and ends no other
    work of the gateway. FeedLostError as `FleetLog.publish`.
    """
    for number in numbers:
        bundle, data = store.bundle(number, pin)
        await log.publish(bundle, data, gateway)


def _refused(refused: RejectedBundle) -> None:
    if refused.new:
        _log.error("a bundle in the fleet's log is refused: %s", refused.text)
