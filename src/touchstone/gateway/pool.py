"""The worker processes: started, told what to serve, killed when they do not answer, replaced."""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from math import ceil
from typing import Any

from touchstone.gateway.config import GatewayConfig
from touchstone.gateway.control import Channel, Order, steady
from touchstone.gateway.metrics_aggregation import sum_metrics
from touchstone.gateway.patience import Load, Patience
from touchstone.gateway.receipts import WorkerReport

_READ_BYTES_A_SECOND = 2 << 20
"""How fast a worker reads a bundle at least; a large one gets more time."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0
_SOUND_SECONDS = 10.0
"""A worker that lived so long did not fail at its start."""
_STOP_SECONDS = 1.0
_GLANCE_SECONDS = 0.05
"""Between two looks at a worker that is waited for."""
_log = logging.getLogger(__name__)


class Handle:
    """One worker process."""

    def __init__(self, index: int, process: asyncio.subprocess.Process, channel: Channel) -> None:
        self.index = index
        self.process = process
        self.channel = channel
        self.told = False
        """Whether it was given an order: only then it may serve."""
        self.serves = False
        """Whether it said that it serves what it was told."""
        self.halted: str | None = None
        """Why it grants nothing although it was told to; None: it does."""
        self.heard = 0
        """The newest order that it said it took up."""
        self.applied_ms: int | None = None
        """How long it took over the newest order."""
        self.waited_for: str | None = None
        """Why it was waited for longer than usual; None: it was not."""
        self.killed_for: str | None = None
        self.metrics = ""
        """What it counted when it was asked last."""
        self._answers: dict[tuple[str, int], asyncio.Future[dict[str, object]]] = {}

    def expect(self, op: str, number: int) -> "asyncio.Future[dict[str, object]]":
        """What it will answer; cancelled where it dies first."""
        answer = asyncio.get_running_loop().create_future()
        # Known before it is asked for: the answer may be there with the next turn of the loop.
        self._answers[op, number] = answer
        return answer

    def answered(self, op: str, number: int, message: dict[str, object]) -> None:
        """It answered."""
        answer = self._answers.pop((op, number), None)
        if answer is not None and not answer.done():
            answer.set_result(message)

    async def end(self) -> None:
        """Kill it, and wait until the kernel has taken every socket from it."""
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        # Whoever waits for a dead worker hears of it at once, and not after the whole patience.
        for answer in self._answers.values():
            answer.cancel()
        self._answers.clear()


class Pool:
    """N workers on the same listening sockets. `order` is what all of them serve, or die."""

    def __init__(
        self,
        config: GatewayConfig,
        listeners: Sequence[socket.socket],
        fenced: Callable[[int], None],
    ) -> None:
        """`fenced` is called with the epoch when a worker ran out of time by itself."""
        self._config = config
        self._listeners = [listener.fileno() for listener in listeners]
        self._fenced = fenced
        self._order = Order(0, None, None, 0, None)
        self._numbers = count(1)
        self._full = asyncio.Event()
        self._stopping = False
        self._keepers: list[asyncio.Task[None]] = []
        self.handles: dict[int, Handle] = {}
        self.words: dict[int, str] = {}
        """Why the last process at each place ended; a place whose process serves has none."""
        self.kills = 0
        self.starts = 0
        self._gone = ""

    def start(self) -> None:
        """Start every worker, and start another wherever one ends."""
        indexes = range(self._config.listen.workers)
        self._keepers = [asyncio.create_task(self._keep(index)) for index in indexes]

    async def ready(self, seconds: float) -> None:
        """Wait until every worker serves, at most so long: the others do not wait for ever."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._full.wait(), seconds)

    async def apply(self, order: Order) -> list[WorkerReport]:
        """Have every worker serve this; who does not say so in time is dead on return.

        Raises nothing: a worker's failure is its death, and is in its report.
        """
        # First of all: a worker that becomes ready from here on is given this one.
        self._order = order
        # One that is not told yet gets the newest order as soon as it is ready.
        told = [handle for handle in self.handles.values() if handle.told]
        return list(await asyncio.gather(*(self._tell(handle, order) for handle in told)))

    def extend(self, until: float | None) -> None:
        """Let what is served be served until then."""
        before = self._order
        # A worker that starts later is told the new time with its first order.
        self._order = Order(before.epoch, before.path, before.digest, before.size, until)
        for handle in self.handles.values():
            if handle.told:
                handle.channel.send("until", until=until)

    async def metrics(self, seconds: float) -> str:
        """The metrics of all workers, summed; of one that does not answer in time the last ones."""

        async def ask(handle: Handle) -> None:
            number = next(self._numbers)
            answer = handle.expect("metrics", number)
            handle.channel.send("metrics", number=number)
            with suppress(TimeoutError, asyncio.CancelledError):
                found = await asyncio.wait_for(answer, seconds)
                handle.metrics = str(found["text"])

        await asyncio.gather(*(ask(handle) for handle in self.handles.values() if handle.told))
        return sum_metrics([self._gone, *(handle.metrics for handle in self.handles.values())])

    @property
    def able(self) -> bool:
        """Whether any worker serves what it was told."""
        return any(each.serves and each.halted is None for each in self.handles.values())

    def workers(self) -> list[dict[str, object]]:
        """How each place stands, as /status says it."""
        found: list[dict[str, object]] = []
        for index in range(self._config.listen.workers):
            handle = self.handles.get(index)
            why = handle.halted if handle else None
            if handle is None or not handle.serves:
                why = self.words.get(index, "it starts")
            found.append(
                {
                    "worker": index,
                    "pid": handle.process.pid if handle else None,
                    "serves": why is None,
                    "why": why,
                    "applied_ms": handle.applied_ms if handle else None,
                    "waited_for": handle.waited_for if handle else None,
                }
            )
        return found

    def reload(self) -> None:
        """Have every worker read its certificate again."""
        for handle in self.handles.values():
            handle.channel.send("reload")

    async def drain(self, seconds: float) -> None:
        """Let what is in flight come to its end, at most so long; then there is no worker left."""
        self._stopping = True

        async def ask(handle: Handle) -> None:
            answer = handle.expect("drained", 0)
            handle.channel.send("drain", seconds=seconds)
            with suppress(TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(answer, seconds + _STOP_SECONDS)
            handle.channel.send("stop")
            with suppress(TimeoutError):
                await asyncio.wait_for(handle.process.wait(), _STOP_SECONDS)

        await asyncio.gather(*(ask(handle) for handle in self.handles.values()))
        await self.stop()

    async def stop(self) -> None:
        """End every worker at once."""
        self._stopping = True
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(handle.end() for handle in [*self.handles.values()]))

    async def _tell(self, handle: Handle, order: Order) -> WorkerReport:
        began = steady()
        # By epoch: a late answer to an older order is none to this one.
        answer = handle.expect("applied", order.epoch)
        handle.waited_for = await self._wait(handle, order, answer)
        handle.applied_ms = ceil((steady() - began) * 1000)
        if not answer.done():
            why = f"no answer in {handle.applied_ms} ms"
            found: dict[str, object] = {"op": "failed", "why": why}
        elif answer.cancelled():
            found = {"op": "failed", "why": "it ended"}
        else:
            found = answer.result()
        if found["op"] == "failed":
            # Set before it is killed: `_serve_once` would call it an end of its own.
            handle.killed_for = self.words[handle.index] = str(found["why"])
            self.kills += 1
            _log.error("worker %d is killed: %s", handle.index, found["why"])
            await handle.end()
        else:
            # Only on its own word: whether a process can serve is known by nobody else.
            handle.serves = True
            self.words.pop(handle.index, None)
            serving = sum(each.serves for each in self.handles.values())
            if serving == self._config.listen.workers:
                self._full.set()
        if handle.waited_for is not None:
            say = "worker %d took %d ms and was waited for: %s"
            _log.warning(say, handle.index, handle.applied_ms, handle.waited_for)
        ms = ceil((steady() - began) * 1000)
        return _report(handle.index, found, ms, handle.waited_for)

    async def _wait(
        self, handle: Handle, order: Order, answer: "asyncio.Future[dict[str, object]]"
    ) -> str | None:
        """Give an order and wait for its answer, longer where something speaks for the worker.

        Returns what spoke for it; None: nothing had to.
        """
        processes = self._config.processes
        # A megabyte of registry takes its time to parse, in a worker that is in order.
        usual = processes.apply_seconds + order.size / _READ_BYTES_A_SECOND
        began, pid = steady(), handle.process.pid
        patience = Patience(lambda: Load.of(pid), usual)
        handle.channel.send("apply", **order.as_dict())
        done, _ = await asyncio.wait([answer], timeout=usual)
        waited_for, silent = None, False
        while not done and (elapsed := steady() - began) < usual + processes.patience_seconds:
            why = patience.why(elapsed, heard=handle.heard >= order.epoch)
            if why is None and silent:
                break
            # An answer may lie there unread: this process had no processor either. Look twice.
            waited_for, silent = why or waited_for, why is None
            done, _ = await asyncio.wait([answer], timeout=_GLANCE_SECONDS)
        return waited_for

    async def _keep(self, index: int) -> None:
        """One place among the workers, always filled."""
        pause = _FIRST_PAUSE
        while not self._stopping:
            began = steady()
            try:
                await self._serve_once(index)
            except OSError as error:
                # A machine that is short of processes or files may have some again in a moment.
                self.words[index] = f"it could not be started: {error.strerror or error}"
                _log.error("worker %d: %s", index, self.words[index])
            pause = _FIRST_PAUSE if steady() - began > _SOUND_SECONDS else pause
            await asyncio.sleep(pause)
            # A worker that fails at its start is not to keep a processor busy with starts.
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _serve_once(self, index: int) -> None:
        """Start a worker, and follow it to its end. Raises OSError where none can be started."""
        handle = await self._spawn(index)
        self.handles[index] = handle
        try:
            await self._listen(handle)
        finally:
            await handle.end()
            handle.channel.close()
            # What it had counted is not to be lost.
            self._gone = sum_metrics([self._gone, handle.metrics], gauges=False)
            del self.handles[index]
        if handle.killed_for is None and not self._stopping:
            self.words.setdefault(index, f"it ended ({handle.process.returncode})")
            _log.error("worker %d ended: %s; another starts", index, self.words[index])

    async def _spawn(self, index: int) -> Handle:
        ours, theirs = socket.socketpair()
        try:
            # A start of its own and no fork: nothing of the supervisor's memory, its key above all,
            # is in it (ADR 105).
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                # Without the working folder on the path: what lies there is not the gateway's code.
                "-P",
                "-m",
                "touchstone.gateway.worker",
                str(theirs.fileno()),
                str(os.getpid()),
                *map(str, self._listeners),
                pass_fds=(theirs.fileno(), *self._listeners),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            # While both ends are open here, the worker's end would not be seen.
            theirs.close()
        self.starts += 1
        ours.setblocking(False)  # noqa: FBT003 - the socket's own word
        channel = await Channel.open(ours)
        channel.send("start", worker=index, config=self._config.model_dump_json())
        return Handle(index, process, channel)

    async def _listen(self, handle: Handle) -> None:
        """Take what it says until it is gone."""
        first: asyncio.Task[WorkerReport] | None = None
        while message := await handle.channel.receive():
            if message["op"] == "ready":
                handle.told = True
                # Not awaited here: its answer comes by way of this very loop.
                first = asyncio.create_task(self._tell(handle, self._order))
            else:
                self._hear(handle, message)
        await handle.end()
        if first is not None:
            await first

    def _hear(self, handle: Handle, message: dict[str, Any]) -> None:
        match message["op"]:
            case "applied" | "failed":
                handle.answered("applied", message["epoch"], message)
            case "metrics":
                handle.answered("metrics", message["number"], message)
            case "drained":
                handle.answered("drained", 0, message)
            case "fenced":
                self._fenced(message["epoch"])
            case "heard":
                handle.heard = message["epoch"]
            case "halted":
                handle.halted = message["why"]
                said = f"serves nothing: {handle.halted}" if handle.halted else "serves again"
                _log.error("worker %d %s", handle.index, said)
            case "ended":
                self.words[handle.index] = message["why"]


def _report(index: int, found: dict[str, object], ms: int, waited_for: str | None) -> WorkerReport:
    if found["op"] == "failed":
        return WorkerReport(
            index,
            killed=True,
            ms=ms,
            live=None,
            cut=None,
            kept=None,
            late_bytes=None,
            audit=None,
            waited_for=waited_for,
        )
    counts = {key: int(str(found[key])) for key in ("live", "cut", "kept", "late_bytes")}
    audit = found["audit"]
    return WorkerReport(
        index,
        killed=False,
        ms=ms,
        audit=None if audit is None else str(audit),
        waited_for=waited_for,
        **counts,
    )
