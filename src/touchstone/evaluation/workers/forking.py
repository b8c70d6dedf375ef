"""The asking side of the fork server: worker processes as the pool holds them."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import IO

from touchstone.evaluation.errors import WorkerError

_MOST_DIGITS = 16


class WorkerProcess:
    """A worker that the fork server forked.

    Attributes:
        pid: Its process id.
        commands: What it reads.
        events: What it writes.
    """

    def __init__(
        self, pid: int, commands: IO[bytes], events: IO[bytes], handle: int, status: int
    ) -> None:
        self.pid, self.commands, self.events = pid, commands, events
        self._handle = handle
        self._code = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        threading.Thread(target=self._watch, args=(status,), daemon=True).start()

    def kill(self) -> None:
        """Kill it at once, if it still runs. The handle is its own: never a later process's."""
        # Under the lock in which its end is noted: its handle is closed there, and its number
        # reused.
        with self._lock, suppress(ProcessLookupError):
            if not self._over.is_set():
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def wait(self, seconds: float | None = None) -> int:
        """How it ended: its exit status, or the negative number of the signal that killed it.

        Raises:
            TimeoutError: it still runs.
        """
        if not self._over.wait(seconds):
            raise TimeoutError(f"worker process {self.pid} still runs")
        return self._code

    def _watch(self, status: int) -> None:
        said = os.read(status, _MOST_DIGITS)
        os.close(status)
        if not said:
            # Its fork server is gone, and nobody would tell of its end.
            self.kill()
        with self._lock:
            self._code = int(said) if said else -signal.SIGKILL
            self._over.set()
            os.close(self._handle)


def begin(descriptor: int, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start the process of a fork server, which is asked over the socket of that number."""
    return subprocess.Popen(
        [sys.executable, "-m", "touchstone.evaluation.workers", str(descriptor)],
        stdin=subprocess.DEVNULL,
        # What the engine says of itself while it loads is for nobody.
        stdout=subprocess.DEVNULL,
        env=dict(environment),
        pass_fds=[descriptor],
        # Ctrl-C is for the parent, which halts its workers in order.
        start_new_session=True,
    )


class ForkServer:
    """A process to fork workers from. It loads while the caller goes on.

    Args:
        environment: All that it knows of the environment.

    Raises:
        WorkerError: it cannot be started.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        # Datagrams in order: each message arrives whole, with the files that belong to it.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._process = begin(theirs.fileno(), environment)
            except OSError as error:
                ours.close()
                raise WorkerError(f"a worker cannot be started: {error.strerror}") from error
        self._asked = ours
        self._turn = threading.Lock()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._process.poll() is None

    def fork(self, environment: Mapping[str, str]) -> WorkerProcess:
        """A worker with an environment of its own, which the server's start does not show.

        Raises:
            WorkerError: the server is gone.
        """
        with ExitStack() as opened:
            read, commands = _pipe(opened)
            events, written = _pipe(opened)
            status, told = _pipe(opened)
            try:
                message = json.dumps(dict(environment)).encode()
                # One at a time: an answer says only a number, and not to whom.
                with self._turn:
                    socket.send_fds(self._asked, [message], [read, written, told])
                    answer, handles, _, _ = socket.recv_fds(self._asked, _MOST_DIGITS, 1)
            except OSError as error:
                raise WorkerError(f"a worker cannot be started: {error.strerror}") from error
            if not answer:
                raise WorkerError("a worker cannot be started: its fork server ended")
            if int(answer) < 0:
                raise WorkerError(f"a worker cannot be started: {os.strerror(-int(answer))}")
            opened.pop_all()
        for descriptor in (read, written, told):
            os.close(descriptor)
        return WorkerProcess(
            int(answer), os.fdopen(commands, "wb"), os.fdopen(events, "rb"), handles[0], status
        )

    def close(self) -> None:
        """End it; workers that still run end with their own parent."""
        self._asked.close()
        self._process.wait()


def _pipe(opened: ExitStack) -> tuple[int, int]:
    read, write = os.pipe()
    opened.callback(os.close, read)
    opened.callback(os.close, write)
    return read, write


_servers: list[ForkServer] = []
_lock = threading.Lock()


def fork_server(environment: Mapping[str, str]) -> ForkServer:
    """This process's own fork server, started when first asked for, and again where it died.

    Raises:
        WorkerError: it cannot be started.
    """
    with _lock:
        while _servers and not _servers[-1].alive():
            _servers.pop().close()
        if not _servers:
            _servers.append(ForkServer(environment))
        return _servers[-1]


# A process that is forked from this one asks a server of its own.
os.register_at_fork(after_in_child=_servers.clear)


@atexit.register
def _end() -> None:
    while _servers:
        _servers.pop().close()
