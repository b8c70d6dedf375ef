"""Processes of their own, forked from one that has loaded what they would load.

Loading the engine costs a command some 5 s of a core, and its fork server as much again; a control
server's start costs 2 s. A fork costs 30 ms. Beyond that a forked process is as any other: its own
environment, folder, signals, locks and end. What is told of the start itself (what `--help` loads,
what Ctrl-C does in the first second, what the process list shows) is tested on real starts.

The workers of one run of pytest share that one process, which `support.loaded` describes.
"""

import atexit
import errno
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TextIO

import pytest

from support.loaded import KEPT

TOUCHSTONE = "touchstone"
"""As the first word: the command line. Other words are those after `python`."""


class Command:
    """A process that runs: so much of `subprocess.Popen` as tests ask for.

    One that a failed test leaves behind ends with this object, and what it holds is closed then:
    else the next test would find it still at work, and its sockets by a warning of the collector.

    Args:
        arguments: The words of a command; with `python`, those of the interpreter: `-m` a module,
            `-c` a text, or a file, and their own.
        environment: All of its environment.
        python: Whether the interpreter is what is started.
        kept: Descriptors that it keeps, as KEPT and those after it.
        folder: Where it runs; by default here.
        log: A descriptor that takes what it writes; else that is kept, to be asked for.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        python: bool = False,
        kept: Sequence[int] = (),
        folder: Path | None = None,
        log: int | None = None,
    ) -> None:
        self._out, self._err = _memory("out"), _memory("err")
        self._ended, told = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._left = weakref.finalize(self, _close, self._ended, self._out, self._err)
        # At the interpreter's end others still wait for what it began.
        self._left.atexit = False
        words = [*([] if python else [TOUCHSTONE]), *arguments]
        with told:
            message = json.dumps([words, dict(environment), str(folder or Path.cwd())]).encode()
            written = [self._out.fileno(), self._err.fileno()] if log is None else [log, log]
            given = [*written, told.fileno(), *kept]
            socket.send_fds(_loaded(), [message], given)
        self.pid = int(self._ended.recv(16))
        self.returncode: int | None = None
        self._turn = threading.Lock()

    def poll(self) -> int | None:
        """The exit status, or the negative number of a signal; None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """The exit status; TimeoutExpired where it still runs after so many seconds."""
        if self.returncode is None:
            waiting = select.poll()
            waiting.register(self._ended, select.POLLIN)
            if not waiting.poll(None if timeout is None else 1000 * timeout):
                raise subprocess.TimeoutExpired(TOUCHSTONE, timeout or 0)
            # A test may ask from two threads, and it is told once.
            with self._turn:
                if self.returncode is None:
                    # Nothing is told where what forked it is gone: so is this.
                    self.returncode = int(self._ended.recv(16) or -signal.SIGKILL)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """To the process alone."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    @property
    def stderr(self) -> io.BytesIO:
        """What it wrote there so far; nothing where all was told already."""
        return io.BytesIO(b"" if self._err.closed else _read(self._err).encode())

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end; what it wrote on stdout and stderr."""
        self.wait(timeout)
        said = _read(self._out), _read(self._err)
        self._left()
        return said


def _memory(name: str) -> TextIO:
    return os.fdopen(os.memfd_create(name), "r", encoding="utf-8")


def _read(file: TextIO) -> str:
    """All of it. Where writers go on is theirs to know: the place is not moved."""
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode()


def _close(ended: socket.socket, out: TextIO, err: TextIO) -> None:
    ended.close()
    out.close()
    err.close()


def _control_server(command: Sequence[str], environment: Mapping[str, str]) -> Command:
    return Command(command[1:], environment, python=True)


def _fork_server(descriptor: int, environment: Mapping[str, str]) -> Command:
    words = ["-m", "touchstone.evaluation.workers", str(KEPT)]
    return Command(words, environment, python=True, kept=[descriptor])


_STARTS = {
    "touchstone.evaluation.controls.launch": _control_server,
    "touchstone.evaluation.workers.forking": _fork_server,
}
"""What starts a process, by the module whose `begin` does."""
_REAL: dict[str, Any] = {}


@pytest.fixture(scope="module", autouse=True)
def forked_starts() -> Iterator[None]:
    """The control servers and fork servers that this process starts are forked."""
    with pytest.MonkeyPatch.context() as patched:
        for name in _STARTS.keys() & sys.modules.keys():
            _REAL.setdefault(name, sys.modules[name].begin)
            patched.setattr(sys.modules[name], "begin", _STARTS[name])
        yield


@pytest.fixture
def real_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are started as users start them, for a test of the start itself."""
    for name, begin in _REAL.items():
        monkeypatch.setattr(sys.modules[name], "begin", begin)


# ------------------------------------------------------------------ the way to what has loaded all


@cache
def _loaded() -> socket.socket:
    """The process that has loaded all, as a socket to ask it over; begun by who needs it first."""
    # A name without a file: it goes with the process.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
    name = f"\0touchstone-tests-{run}"
    while True:
        asked = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            _begin_if_first(name)
            # Past what keeps a test's own connections to the loopback.
            super(socket.socket, asked).connect(name)
            # It says so once it has loaded.
            if asked.recv(1):
                atexit.register(asked.close)
                return asked
        except (ConnectionError, FileNotFoundError):
            # Its first user has not come to listen yet, or its last has just left.
            time.sleep(0.01)
        asked.close()


def _begin_if_first(name: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        try:
            listening.bind(name)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return
        listening.listen()
        code = "import sys; from support.loaded import serve; serve(int(sys.argv[1]))"
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(listening.fileno())],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            pass_fds=[listening.fileno()],
            stdin=subprocess.DEVNULL,
            # What the engine says of itself while it loads is for nobody.
            stdout=subprocess.DEVNULL,
        )
    # It ends when its last user has left: this one waits, at its own end, for the others.
    atexit.register(process.wait)
