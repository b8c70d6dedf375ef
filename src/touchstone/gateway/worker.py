"""One worker process: `touchstone.gateway.worker CONTROL_FD PARENT LISTEN_FD [DECISIONS_FD]`.

The supervisor starts it, hands it the listening sockets, and tells it what is in force. It serves
nothing that it was not told, nothing past the time that it was told, and does not outlive its
supervisor by a moment.
"""

import asyncio
import ctypes
import logging
import os
import resource
import signal
import socket
import ssl
import sys
import time
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

from touchstone.errors import TouchstoneError
from touchstone.gateway.audit import AuditLog, Pseudonyms
from touchstone.gateway.audit.export import worker_folder
from touchstone.gateway.authz import DecisionService
from touchstone.gateway.config import GatewayConfig, Listener, Tls
from touchstone.gateway.control import Channel, steady
from touchstone.gateway.enforcing import Cut, Enforcement
from touchstone.gateway.errors import GatewayConfigError, StateError
from touchstone.gateway.logs import log_to_stderr
from touchstone.terms import PolicyBundle, accept_bundle

_BACKLOG = 1024
_LOOK_SECONDS = 0.1
"""Between two looks at whether the audit can still be written."""
_SPACE_SECONDS = 0.5
"""Between two looks at whether a full disk has room again."""
_PR_SET_PDEATHSIG = 1
_log = logging.getLogger(__name__)


class Worker:
    """Does what the supervisor says."""

    def __init__(
        self, channel: Channel, listener: socket.socket, door: socket.socket | None
    ) -> None:
        """`door` is where proxies ask for decisions; None: nowhere."""
        self._channel = channel
        self._listener = listener
        self._door = door
        self._sites: list[web.SockSite] = []
        self._runners: list[web.ServerRunner] = []
        self._until: float | None = None
        self._renewed = asyncio.Event()
        self._epoch = 0
        self._serving = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until told to stop; where the supervisor is gone, end at once."""
        start = await self._channel.receive()
        if start is None:
            return
        config = GatewayConfig.model_validate_json(start["config"])
        try:
            await self._set_up(config, start["worker"])
        except Exception as error:
            # Whoever starts workers says why there are none.
            self._channel.send(
                "ended", why=f"it could not start: {str(error) or type(error).__name__}"
            )
            await self._channel.flush()
            raise
        self._channel.send("ready")
        # After "ready": until the first order there is nothing to fence.
        for work in (self._fence(), self._watch_audit()):
            self._start(work)
        while message := await self._channel.receive():
            await self._obey(message)
            if message["op"] == "stop":
                return
        # Nobody may tell us of a newer bundle any more: every connection ends with this process.
        os._exit(1)

    async def _set_up(self, config: GatewayConfig, worker: int) -> None:
        self._config = config
        self._worker = worker
        # One key for all workers: a caller has one name in the whole audit.
        names = Pseudonyms.load_or_create(audit_key(config))
        about = {"gateway": config.id, "worker": worker, "pid": os.getpid()}
        folder = worker_folder(config.state / "audit", worker)
        self._audit = AuditLog(folder, names, time.time, config.audit.rotate_bytes, about)
        self._enforcement = Enforcement(config, self._audit, clock=time.time, worker=worker)
        await self._enforcement.start()
        if self._enforcement.ticking is not None:
            # Without the task that ends what is over nothing may be served: its end is the
            # worker's.
            self._watch(self._enforcement.ticking)
        # Else the supervisor would go on to say that this worker serves.
        self._enforcement.on_halt(lambda why: self._channel.send("halted", why=why))
        self._tls = {tls: tls_context(tls) for tls in certificates(config)}

    async def _obey(self, message: dict[str, Any]) -> None:
        match message["op"]:
            case "apply":
                await self._apply(message)
            case "until":
                self._renew(message["until"])
            case "metrics":
                text = self._enforcement.metrics_text().decode()
                self._channel.send("metrics", number=message["number"], text=text)
            case "reload":
                self._reload()
            case "drain":
                self._start(self._drain(message["seconds"]))

    def _reload(self) -> None:
        """Read certificates again; one that cannot be read leaves the old one in use."""
        for tls, context in self._tls.items():
            try:
                _load(context, tls)
            except GatewayConfigError as error:
                _log.error("the certificate stays: %s", error)

    async def _apply(self, order: dict[str, Any]) -> None:
        epoch = self._epoch = order["epoch"]
        self._channel.send("heard", epoch=epoch)
        await asyncio.sleep(0)  # it leaves before a large bundle is read
        try:
            bundle = _read(order, self._config)
            # Up to the swap in `apply` nothing is awaited: no time of one bundle meets another.
            self._renew(order["until"])
            cut = await self._enforcement.apply(bundle, epoch)
        except (TouchstoneError, OSError) as error:
            self._channel.send("failed", epoch=epoch, why=str(error))
            return
        if not self._serving:
            # Only now: a worker that was told nothing must not take a connection from those that
            # were.
            await self._serve()
        self._channel.send("applied", epoch=epoch, audit=self._audit.head, **_counts(cut))

    async def _serve(self) -> None:
        self._serving = True
        await self._open(self._enforcement.runner(), self._listener, self._config.listen)
        if self._door is not None and self._config.decisions is not None:
            service = DecisionService(
                self._config, self._enforcement, self._audit, clock=time.time, worker=self._worker
            )
            await self._open(service.runner(), self._door, self._config.decisions)

    async def _open(
        self, runner: web.ServerRunner, listener: socket.socket, door: Listener
    ) -> None:
        await runner.setup()
        tls = self._tls[door.tls] if door.tls else None
        site = web.SockSite(runner, listener, ssl_context=tls, backlog=_BACKLOG)
        await site.start()
        self._runners.append(runner)
        self._sites.append(site)

    async def _drain(self, seconds: float) -> None:
        """Take no new connection, and let what is in flight come to its end."""
        if self._serving:
            for site in self._sites:
                await site.stop()
            await self._enforcement.drain(seconds)
            for runner in self._runners:
                await runner.cleanup()
        # Before the audit: a request that is given up here may be about to commit its decision.
        await self._enforcement.close()
        await self._audit.close()
        self._channel.send("drained")

    def _renew(self, until: float | None) -> None:
        self._until = until
        # Beside the task: requests ask for themselves, also where the task comes late.
        self._enforcement.fence(until)
        self._renewed.set()

    async def _fence(self) -> None:
        """Serve nothing once the time is up, also where the supervisor hangs."""
        while True:
            self._renewed.clear()
            # The loop's own clock stands still while the machine sleeps, so each round asks
            # `steady` again.
            left = None if self._until is None else self._until - steady()
            if left is not None and left <= 0:
                # Not only refused: what streams is reset too, for nothing may be served any more.
                await self._enforcement.apply(None, self._epoch)
                self._channel.send("fenced", epoch=self._epoch)
                left = None
            try:
                await asyncio.wait_for(self._renewed.wait(), left)
            except TimeoutError:
                continue

    async def _watch_audit(self) -> None:
        """While the disk is full grant nothing; where anything else fails, end."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._audit.failed is None:
                continue
            if not self._audit.full:
                # At once: what is granted from here on would stand in no audit.
                _log.error("this worker ends: %s", self._audit.failed)
                os._exit(1)
            self._enforcement.pause(str(self._audit.failed))
            while not await self._audit.reopen():  # noqa: ASYNC110 - a disk tells nobody
                await asyncio.sleep(_SPACE_SECONDS)
            self._enforcement.pause(None)

    def _start(self, work: Any) -> None:
        self._watch(asyncio.ensure_future(work))

    def _watch(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(_end_on_fault)


def audit_key(config: GatewayConfig) -> Path:
    """Where the key of the audit's pseudonyms lies."""
    return config.state / "keys" / "audit.key"


def certificates(config: GatewayConfig) -> list[Tls]:
    """Those of every listener that has one."""
    doors = [config.listen, config.decisions]
    return [door.tls for door in doors if door is not None and door.tls is not None]


def tls_context(tls: Tls) -> ssl.SSLContext:
    """The listener's side of TLS 1.2 and up. Raises GatewayConfigError."""
    # Made once and loaded again into: connections that stand keep theirs over a reload.
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, tls)
    return context


def _load(context: ssl.SSLContext, tls: Tls) -> None:
    try:
        context.load_cert_chain(tls.cert, tls.key)
    except (OSError, ssl.SSLError) as error:
        what = f"{tls.cert}, {tls.key}: are no certificate and its key: {error}"
        raise GatewayConfigError(what) from error


def _read(order: dict[str, Any], config: GatewayConfig) -> PolicyBundle | None:
    """The bundle of an order, its signature checked by this process too."""
    if order["path"] is None:
        return None
    # Which bundle follows which is the supervisor's to see to; whose it is, each checks.
    bundle = accept_bundle(Path(order["path"]).read_bytes(), config.bundle_pin, None)
    # The file may have been replaced between the order and this reading.
    if bundle.digest != order["digest"]:
        raise StateError(f"{order['path']}: is not the bundle that was to be applied")
    return bundle


def _counts(cut: Cut) -> dict[str, int]:
    return {"live": cut.live, "cut": cut.cut, "kept": cut.kept, "late_bytes": cut.late_bytes}


def _end_on_fault(task: "asyncio.Task[None]") -> None:
    """A worker whose guard failed must not go on without it."""
    if not task.cancelled() and task.exception() is not None:
        _log.critical("this worker ends", exc_info=task.exception())
        os._exit(1)


def raise_file_limit() -> None:
    """Let this process have as many connections as the machine allows it: each is a file."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def die_with_parent(parent: int) -> None:
    """Be killed when the supervisor ends, however it ends; end now if it has."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # It may have ended before the call, and then nobody would end us.
    if os.getppid() != parent:
        os._exit(1)


async def _main(control: int, listeners: list[int]) -> None:
    channel = await Channel.open(socket.socket(fileno=control))
    listener, *door = [socket.socket(fileno=each) for each in listeners]
    await Worker(channel, listener, door[0] if door else None).run()


def main(argv: list[str]) -> None:
    """Run one worker; the supervisor's signals are not meant for it."""
    control, parent, *listeners = map(int, argv)
    die_with_parent(parent)
    raise_file_limit()
    # Ctrl-C reaches the whole process group: workers that ended by it would cut what is to drain.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    log_to_stderr(str(os.getpid()))
    try:
        uvloop.run(_main(control, listeners))
    except TouchstoneError as error:
        _log.error("this worker ends: %s", error)
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
