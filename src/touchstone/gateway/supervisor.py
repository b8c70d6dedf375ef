"""The one process that takes bundles, tells the workers, and signs what came of it."""

import asyncio
import fcntl
import logging
import os
import random
import signal
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack, suppress
from typing import Any

import aiohttp
from aiohttp import web

from touchstone.gateway.admin import admin
from touchstone.gateway.config import Fleet, GatewayConfig, Listener
from touchstone.gateway.control import Order, boot, steady
from touchstone.gateway.errors import (
    FeedLostError,
    GatewayConfigError,
    GatewayError,
    StateError,
)
from touchstone.gateway.feed import (
    BundleAcceptance,
    Contact,
    EffectivePolicy,
    FolderSource,
    Grace,
    RejectedBundle,
    Source,
    Store,
    UrlSource,
    WorkerState,
    WorkerUpdate,
    catch_up,
)
from touchstone.gateway.fleet import Member
from touchstone.gateway.pool import Pool
from touchstone.gateway.receipts import Receipt, SignedReceipt
from touchstone.keys import FileSigner
from touchstone.keys.errors import KeyExistsError, KeyMissingError
from touchstone.terms import PolicyBundle

_WATCH_SECONDS = 0.002
_LOOK_SECONDS = 1.0
"""Between two looks through the whole folder, which also say that it is still there."""
_TICK_SECONDS = 0.1
_KEEP_CONTACT_SECONDS = 30.0
_METRICS_SECONDS = 1.0
_READY_SECONDS = 30.0
_BACKLOG = 1024
_log = logging.getLogger(__name__)


class Supervisor:
    """Runs a gateway. Everything that can be wrong with its files is found when it is made."""

    def __init__(self, config: GatewayConfig, listener: socket.socket | None = None) -> None:
        """`listener` is a bound socket to take in place of the configured address.

        Raises GatewayConfigError, KeyFileError, StateError.
        """
        self._config = config
        self._signer = gateway_key(config)
        self.store = Store(config.state)
        # Before anything is read: another supervisor would change it under our hands.
        self._lock = _hold(config)
        with ExitStack() as undo:
            # So that the next try in this process finds folder and addresses free.
            undo.callback(os.close, self._lock)
            self._set_up(listener, undo)
            undo.pop_all()

    def _set_up(self, listener: socket.socket | None, undo: ExitStack) -> None:
        config = self._config
        kept = self.store.load(config.bundle_pin)
        self._receipt = self._last_receipt()
        self._intake = BundleAcceptance(
            config.bundle_pin, self._keep, kept.bundle if kept else None
        )
        feed = config.feed
        # The longest that a feed in order can be silent: the longest pause, and a request that
        # hangs.
        overdue = max(_LOOK_SECONDS, feed.interval_seconds * 1.2) + feed.timeout_seconds
        self._grace = Grace(overdue)
        # Before the first look: a restart is not to begin the grace anew.
        self._grace.resume(steady(), time.time(), boot(), kept.contact if kept else None)
        self._member = self._joined(config.fleet) if config.fleet else None
        limits = [self._member.lease_end] if self._member else []
        self._standing = EffectivePolicy(self._intake, self._grace, [*limits, self._kept_until])
        self._listener = listener or undo.enter_context(_bound(config.listen))
        self._door = undo.enter_context(_bound(config.decisions)) if config.decisions else None
        self._pool = Pool(config, self._listeners, self._fenced)
        self._epoch = 0
        self._served = WorkerState(self._standing)
        self._received_at: dict[int, int] = {}
        # Folder, URL, fleet and clock all come to `_moved`: two orders at once would cross.
        self._applying = asyncio.Lock()
        self._news = asyncio.Event()
        self._words: dict[str, str] = {}
        """What went wrong last at each source; a source that is well has none."""
        self._sources: dict[str, Source] = {}
        self._newest_unkept, self._why_unkept = 0, ""
        """The newest bundle that was seen and could not be kept; 0: none. And why."""
        self._unwritten: str | None = None
        """Why something else of the state folder could not be written; None: it could."""
        self._owed: SignedReceipt | None = None
        """A receipt that is signed, and not yet on the disk."""
        self._contact_kept = 0.0
        self._leave = asyncio.Event()
        self.admin_port = 0

    def close(self) -> None:
        """Let go of folder and addresses, where it is not run."""
        os.close(self._lock)
        for each in self._listeners:
            each.close()

    @property
    def address(self) -> tuple[str, int]:
        """Where clients come in."""
        host, port = self._listener.getsockname()[:2]
        return host, port

    @property
    def door(self) -> tuple[str, int] | None:
        """Where proxies ask for decisions; None: nowhere."""
        if self._door is None:
            return None
        host, port = self._door.getsockname()[:2]
        return host, port

    @property
    def _listeners(self) -> list[socket.socket]:
        return [self._listener, self._door] if self._door else [self._listener]

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; what is in flight then has `drain_seconds`."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._leave.set)
        loop.add_signal_handler(signal.SIGHUP, self._pool.reload)
        async with AsyncExitStack() as stack:
            for listener in self._listeners:
                # The kernel queues who comes before a worker is up, and refuses nobody meanwhile.
                listener.listen(_BACKLOG)
            self._pool.start()
            # Whatever fails from here on, no worker outlives the supervisor.
            stack.push_async_callback(self._pool.stop)
            await self._open_admin(stack)
            # Else the first bundle would be told to nobody, and its receipt would name no worker.
            await self._pool.ready(_READY_SECONDS)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            tasks = [asyncio.create_task(work) for work in self._works(session)]
            leave = asyncio.create_task(self._leave.wait())
            done, _ = await asyncio.wait([leave, *tasks], return_when=asyncio.FIRST_COMPLETED)
            if leave in done:
                _log.info("draining")
                # The works go on meanwhile: a directive that comes while it drains still cuts.
                await self._pool.drain(self._config.processes.drain_seconds)
                if self._member is not None:
                    # After the last worker: a lease that was given back says that nobody is served
                    # here.
                    await self._member.leave()
            leave.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(leave, *tasks, return_exceptions=True)
            await self._pool.stop()
            for task in done - {leave}:
                # Raises what ended it: nothing goes on in silence without one of these works.
                task.result()

    def status(self) -> dict[str, Any]:
        """How things stand, as /status says it."""
        now, bundle, until = steady(), self._intake.current, self._standing.until
        return {
            "gateway": self._config.id,
            "stream": self._config.pin.stream,
            "serving": self.serving,
            "why_not": self._why_not(),
            "bundle": bundle
            and {
                "number": bundle.number,
                "digest": bundle.digest,
                "issued": bundle.issued,
                "terms": bundle.terms,
                "directives": [each.id for each in bundle.directives],
            },
            "served_for_seconds": int(until - now) if now < until < float("inf") else None,
            "receipt": self._receipt and self._receipt.receipt.number,
            "epoch": self._epoch,
            "workers": self._pool.workers(),
            "kills": self._pool.kills,
            "unwritten": self._unkept or self._unwritten,
            "feed": {
                "refused": dict(self._intake.refused),
                "lost": dict(self._words),
            },
            "fleet": self._member and self._member.status(now),
        }

    @property
    def serving(self) -> bool:
        """Whether a bundle is in force, and a worker there that serves under it."""
        return self._served.bundle is not None and self._pool.able

    def _why_not(self) -> str | None:
        """Why nothing is served; None: something is."""
        if self.serving:
            return None
        if self._served.bundle is None:
            words = [*self._words.values(), *([self._unkept] if self._unkept else [])]
            return "; ".join(words) or "no bundle is in force"
        return "; ".join(f"worker {each['worker']}: {each['why']}" for each in self._pool.workers())

    def _works(self, session: aiohttp.ClientSession) -> list[Any]:
        feed = self._config.feed
        works: list[Any] = [self._tick()]
        if feed.folder is not None:
            works.append(self._watch(FolderSource(feed.folder)))
        if feed.url is not None:
            works.append(self._poll(UrlSource(session, feed.url, feed.timeout_seconds)))
        if self._member is not None:
            works.append(self._member.run(self._news.set))
        return works

    async def _watch(self, source: FolderSource) -> None:
        """Look for the next bundle all the time, and through the whole folder now and then."""
        self._sources["folder"] = source
        await self._log_comes_first()
        looked, seen = float("-inf"), None
        while True:
            number = self._intake.next_number
            # One file is looked at all the time, so that a directive acts within milliseconds of
            # its rename.
            state = None if number is None else source.changed(number)
            if (state is not None and (number, state) != seen) or (
                steady() - looked >= _LOOK_SECONDS
            ):
                looked, seen = steady(), (number, state)
                await self._take("folder")
            await asyncio.sleep(_WATCH_SECONDS)

    async def _poll(self, source: UrlSource) -> None:
        self._sources["url"] = source
        await self._log_comes_first()
        while True:
            await self._take("url")
            # Many gateways that started together are not to ask together for ever.
            jitter = random.uniform(0.8, 1.2)  # noqa: S311 - nothing depends on its secrecy
            await asyncio.sleep(self._config.feed.interval_seconds * jitter)

    async def _log_comes_first(self) -> None:
        """A gateway that has taken nothing yet begins where its fleet's log stands, if it has one.

        Begun later, with its own feed's newest, it could not give the log the bundles between, and
        would get no lease for ever.
        """
        if self._member is not None and self._intake.current is None:
            await self._member.heard.wait()

    async def _take(self, name: str) -> None:
        """Catch up with a source; what is lost is told once, and again when it is back."""
        try:
            await catch_up(self._sources[name], self._intake, self._tell_refused)
        except FeedLostError as error:
            if self._words.get(name) != str(error):
                _log.warning("the feed is lost: %s", error)
            self._words[name] = str(error)
            # One source that answers is word from the feed: the grace begins where none does.
            if len(self._words) == len(self._sources):
                self._grace.lose()
        except StateError:
            pass  # `_keep` has noted why; nothing is served until it can be kept
        else:
            if self._words.pop(name, None):
                _log.info("the feed is back: %s", name)
            # A source that lags behind what another showed says nothing about what is in force.
            if not self._lags():
                self._grace.contact(steady())
                self._keep_contact()
        await self._moved()

    async def _tick(self) -> None:
        """Keep the time: let the workers go on, or stop."""
        while True:
            self._news.clear()
            await self._moved()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _TICK_SECONDS)

    async def _moved(self) -> None:
        """Bring the workers up to what is in force now, and write the receipt."""
        async with self._applying:
            # First, so that the chain of receipts has no hole when the next one is signed.
            if self._owed is not None:
                self._write_receipt(self._owed)
            tell = self._served.due(steady())
            if tell is None:
                return
            if not tell.anew:
                self._pool.extend(tell.until)
                self._served.told(tell)
                return
            await self._apply(tell)
            self._served.told(tell)
            if self._member is not None:
                self._member.tell()

    async def _apply(self, tell: WorkerUpdate) -> None:
        # Each order has its own, so that an answer to an earlier one is never taken for its.
        self._epoch += 1
        self._served.telling()
        wanted = tell.bundle
        if wanted is None:
            _log.error("nothing is served: %s", self._why_not() or "no time left")
            await self._pool.apply(Order(self._epoch, None, None, 0, None))
            return
        path = self.store.bundle_path(wanted.number)
        # By path and digest, not by content: each worker reads and checks the signed bytes itself.
        order = Order(self._epoch, str(path), wanted.digest, path.stat().st_size, tell.until)
        reports = await self._pool.apply(order)
        now = int(time.time() * 1000)
        before = self._receipt
        # Applied once more, as after a worker's fence: its receipt stands.
        if before is not None and wanted.number <= before.receipt.number:
            return
        receipt = Receipt(
            gateway=self._config.id,
            stream=wanted.stream,
            number=wanted.number,
            digest=wanted.digest,
            after=before.receipt.number if before else 0,
            previous=before.digest if before else None,
            # A wall clock that was set back between the two is not to make a negative time.
            received_at=min(self._received_at.get(wanted.number, now), now),
            applied_at=now,
            workers=tuple(reports),
        )
        self._write_receipt(receipt.sign(self._signer))

    def _write_receipt(self, signed: SignedReceipt) -> None:
        """Put a receipt on the disk; where that is full, the next tick tries again."""
        receipt, self._owed = signed.receipt, signed
        if self._try_to_write(lambda: self.store.keep_receipt(signed)):
            self._receipt, self._owed = signed, None
            # Those of bundles that this receipt speaks for too, which were never applied by
            # themselves.
            self._received_at.clear()
            _log.info("bundle %d is in force after %d ms", receipt.number, receipt.milliseconds)

    def _try_to_write(self, write: Callable[[], None]) -> bool:
        try:
            write()
        except StateError as error:
            if self._unwritten is None:
                _log.error("%s", error)
            self._unwritten = str(error)
            return False
        self._unwritten = None
        return True

    def _kept_until(self) -> float:
        """Nothing is served while a newer bundle is known that cannot be kept."""
        return float("-inf") if self._lags() else float("inf")

    def _lags(self) -> bool:
        """Whether what is taken is older than what was seen: to serve it would be to obey it."""
        bundle = self._intake.current
        return (bundle.number if bundle else 0) < self._newest_unkept

    @property
    def _unkept(self) -> str | None:
        """Why a newer bundle that was seen cannot be kept; None: all are."""
        return self._why_unkept if self._lags() else None

    def _fenced(self, epoch: int) -> None:
        """A worker stopped by itself: have all told anew, should there be time left after all."""
        # A fence of an older order says nothing: that worker has been told anew since.
        if epoch == self._epoch:
            self._served.stopped()
            self._news.set()

    def _joined(self, fleet: Fleet) -> Member:
        key = self._signer.public_key
        return Member(
            self._config, fleet, key, self.store, self._intake, lambda: self._served.obeys
        )

    def _keep(self, data: bytes, bundle: PolicyBundle) -> None:
        # The first time: one that a full disk held up arrived before there was room for it.
        self._received_at.setdefault(bundle.number, int(time.time() * 1000))
        try:
            self.store.keep(data, bundle)
        except StateError as error:
            if not self._lags():
                _log.error("a bundle cannot be kept, and nothing is served: %s", error)
            self._newest_unkept = max(self._newest_unkept, bundle.number)
            self._why_unkept = str(error)
            raise

    def _keep_contact(self) -> None:
        """So that a restart knows how much grace is left; on the disk now and then is enough."""
        bundle = self._intake.current
        if bundle is not None and steady() - self._contact_kept >= _KEEP_CONTACT_SECONDS:
            self._contact_kept = steady()
            contact = Contact(int(time.time()), int(steady()), boot())
            self._try_to_write(lambda: self.store.keep_contact(bundle, contact))

    def _tell_refused(self, refused: RejectedBundle) -> None:
        if refused.new:
            _log.error("a bundle is refused: %s", refused.text)

    def _last_receipt(self) -> SignedReceipt | None:
        numbers = self.store.receipt_numbers()
        return self.store.receipt(numbers[-1]) if numbers else None

    async def _open_admin(self, stack: AsyncExitStack) -> None:
        # Within the loop that keeps time: all three answers come from memory.
        app = admin(self.status, lambda: self.serving, self._metrics)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        where = self._config.admin
        try:
            await web.TCPSite(runner, where.host, where.port).start()
        except OSError as error:
            raise GatewayConfigError(f"[admin] {where.host}:{where.port}: {error}") from error
        self.admin_port = runner.addresses[0][1]
        _log.info("administered at %s:%d", where.host, self.admin_port)

    async def _metrics(self) -> str:
        return await self._pool.metrics(_METRICS_SECONDS) + "\n".join(self._own_metrics()) + "\n"

    def _own_metrics(self) -> list[str]:
        bundle = self._intake.current
        values = {
            "bundle_number": bundle.number if bundle else 0,
            "serving": int(self.serving),
            "workers": sum(each.told for each in self._pool.handles.values()),
            "workers_serving": sum(bool(each["serves"]) for each in self._pool.workers()),
            "worker_starts_total": self._pool.starts,
            "worker_kills_total": self._pool.kills,
            "feeds_lost": len(self._words),
            "state_unwritten": int(bool(self._unkept or self._unwritten)),
        }
        lines = [f"touchstone_gateway_{name} {value}" for name, value in values.items()]
        return lines + [
            f'touchstone_gateway_bundles_refused_total{{reason="{reason}"}} {count}'
            for reason, count in self._intake.refused.items()
        ]


def gateway_key(config: GatewayConfig) -> FileSigner:
    """The gateway's own key, made at the first start. Raises KeyFileError."""
    try:
        return FileSigner.load(config.key_file)
    except KeyMissingError:
        # Another process may have made it since we looked.
        with suppress(KeyExistsError):
            return FileSigner.create(config.key_file)
        return FileSigner.load(config.key_file)


def _bound(door: Listener) -> socket.socket:
    # Bound here and inherited by all: a dead worker loses no connection that the kernel has queued.
    family = socket.AF_INET6 if ":" in door.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    # A restart is not to wait until the old connections have timed out.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((door.host, door.port))
    except OSError as error:
        listener.close()
        where = f"[{door.table}] {door.host}:{door.port}"
        raise GatewayConfigError(f"{where}: {error.strerror}") from error
    return listener


def _hold(config: GatewayConfig) -> int:
    """Hold the state folder alone: two supervisors would write two chains of receipts."""
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(config.state / ".lock", flags, 0o600)
    except OSError as error:
        raise GatewayError(f"{config.state}: cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise GatewayError(f"{config.state}: another gateway runs on this folder") from error
        # Some file systems know no locks: there two gateways could not tell each other.
        raise GatewayError(f"{config.state}: cannot be locked: {error.strerror}") from error
    return descriptor
