"""The parent's side: start workers, give them chunks, watch them, replace the dead."""

import os
import queue
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from touchstone.evaluation.errors import WorkerError
from touchstone.evaluation.workers.forking import WorkerProcess, fork_server
from touchstone.evaluation.workers.messages import MAX_LINE, WorkerEvent, WorkerJob
from touchstone.evaluation.workers.process import HALT

SILENT_SECONDS = 60.0
CLOSE_SECONDS = 5.0
# What a worker needs of the environment, besides the endpoints' keys.
_INHERITED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "TOUCHSTONE_ASSETS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "XDG_RUNTIME_DIR",
    # Names files, and holds no secret: a worker opens a sealed pack itself, in its own memory.
    "TOUCHSTONE_PACK_KEYS",
)


@dataclass
class _Child:
    number: int
    process: WorkerProcess
    chunk: str = ""
    heard: float = field(default_factory=time.monotonic)


class WorkerPool:
    """Up to `workers` processes, started as they are needed.

    Args:
        workers: How many run at the same time.
        keys: Environment variables that hold the endpoints' keys, by name.
    """

    def __init__(self, workers: int = 2, *, keys: Mapping[str, str]) -> None:
        self._workers = workers
        # A list of what goes on: a worker runs strangers' programs, and our secrets are none of
        # its.
        self._inherited = {k: v for k in _INHERITED if (v := os.environ.get(k))}
        self._environment = self._inherited | dict(keys)
        # It loads while the caller prepares.
        fork_server(self._inherited)
        self._children: dict[int, _Child] = {}
        self._events: queue.Queue[WorkerEvent] = queue.Queue()
        self._number = 0
        self._closing = False

    def idle(self) -> int:
        """How many more chunks may be started now."""
        return self._workers - sum(bool(child.chunk) for child in self._children.values())

    def busy(self) -> tuple[str, ...]:
        """Ids of the chunks that are running."""
        return tuple(child.chunk for child in self._children.values() if child.chunk)

    def pids(self) -> dict[str, int]:
        """Process ids by the chunk that each is running."""
        return {child.chunk: child.process.pid for child in self._children.values() if child.chunk}

    def start(self, job: WorkerJob) -> None:
        """Give a chunk to an idle worker.

        Raises:
            WorkerError: all are busy, or no process can be started.
        """
        if self.idle() <= 0:
            raise WorkerError("every worker is busy")
        # One that is idle has loaded all it needs.
        child = next((c for c in self._children.values() if not c.chunk), None) or self._spawn()
        # Before it is told: should it die of the job, its death is to name the chunk.
        child.chunk = job.spec.id
        child.heard = time.monotonic()
        self._tell(child, job.model_dump_json())

    def next(self, seconds: float) -> WorkerEvent | None:
        """The next event other than a heartbeat, or None where none came in time.

        A worker that has been silent for a minute is killed; its death is an event.
        """
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._kill_silent()
            try:
                event = self._events.get(timeout=min(left, 1.0))
            except queue.Empty:
                continue
            if (known := self._note(event)) is not None:
                return known
        return None

    def halt(self, reason: str = "halted") -> None:
        """No worker begins another sample; chunks finish, stopped for the reason.

        Args:
            reason: With `cap`, `endpoint-failing` and `interrupted`, samples under way come to
                their own end. With any other they make no further call.
        """
        for child in self._children.values():
            self._tell(child, f"{HALT} {reason}")

    def kill(self) -> None:
        """Kill every worker at once: after a sandbox breach, nothing of it may go on."""
        for child in self._children.values():
            child.process.kill()

    def close(self) -> None:
        """End all workers; those that do not end by themselves are killed."""
        self._closing = True
        # All first, and then each is waited for: together they take as long as the slowest.
        for child in self._children.values():
            try:
                child.process.commands.close()
            except OSError:
                continue
        for child in self._children.values():
            try:
                child.process.wait(CLOSE_SECONDS)
            except TimeoutError:
                child.process.kill()
                child.process.wait()
        self._children.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _spawn(self) -> _Child:
        process = fork_server(self._inherited).fork(self._environment)
        self._number += 1
        child = _Child(self._number, process)
        self._children[child.number] = child
        threading.Thread(target=self._read, args=(child,), daemon=True).start()
        return child

    def _read(self, child: _Child) -> None:
        with child.process.events as events:
            while line := events.readline(MAX_LINE):
                try:
                    event = WorkerEvent.model_validate_json(line)
                # Who says what cannot be read is not believed any further: its journal has what
                # counts.
                except ValidationError:
                    child.process.kill()
                    break
                self._events.put(event.model_copy(update={"worker": child.number}))
        code = child.process.wait()
        ending = f"killed by signal {-code}" if code < 0 else f"ended with {code}"
        text = (
            f"worker {child.number} was {ending}" if code < 0 else f"worker {child.number} {ending}"
        )
        self._events.put(WorkerEvent(event="died", worker=child.number, text=text))

    def _note(self, event: WorkerEvent) -> WorkerEvent | None:
        """Keep the books; gives the event if the caller should hear of it."""
        # What a worker said before it died may be read after its death was told.
        child = self._children.get(event.worker)
        if child is None:
            return None
        child.heard = time.monotonic()
        if event.event in {"heartbeat", "ready"}:
            return None
        if event.event in {"finished", "failed"}:
            chunk, child.chunk = child.chunk, ""
            return event.model_copy(update={"chunk": event.chunk or chunk})
        if event.event == "died":
            del self._children[event.worker]
            # What it was told last may still wait to be written, to a pipe that nobody reads.
            with suppress(OSError):
                child.process.commands.close()
            return event.model_copy(update={"chunk": child.chunk})
        return event

    def _kill_silent(self) -> None:
        for child in self._children.values():
            # Its own thread tells of it each second: a minute of silence is a process that hangs.
            if child.chunk and time.monotonic() - child.heard > SILENT_SECONDS:
                child.process.kill()

    def _tell(self, child: _Child, line: str) -> None:
        try:
            child.process.commands.write(line.encode() + b"\n")
            child.process.commands.flush()
        except OSError as error:
            # Its death is already on the way as an event.
            if self._closing:
                raise WorkerError(f"worker {child.number} is gone") from error
