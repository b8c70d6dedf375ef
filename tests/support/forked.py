"""Commands in processes of their own, forked from one that has loaded them.

Loading the engine costs a command some 5 s of a core, and its fork server as much again; a fork
costs 30 ms. Beyond that a forked command is a process as any other: its own environment, folder,
signals, locks and end. What is told of the start itself (what `--help` loads, what Ctrl-C does in
the first second) is tested on real starts.
"""

import atexit
import gc
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import NoReturn, TextIO

from support import prepared

LOADED = (
    "touchstone.cli.app",
    "touchstone.service.reviewing",
    "touchstone.service.doctor",
    "touchstone.evaluation.workers.server",
    "inspect_ai.model._providers.openai_compatible",
)
MOST_BYTES = 192 * 1024
KEPT = 200
"""The first descriptor that a forked process does not close."""


class Forked:
    """A child process that was forked here, as its parent holds it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        return self._code if self._code is not None else self._look(os.WNOHANG)

    def wait(self) -> int:
        """How it ended."""
        code = self.poll()
        return self._look(0) or 0 if code is None else code

    def _look(self, how: int) -> int | None:
        pid, status = os.waitpid(self.pid, how)
        if pid:
            self._code = os.waitstatus_to_exitcode(status)
        return self._code


class Command:
    """A command that runs: so much of `subprocess.Popen` as tests ask for.

    One that a failed test leaves behind ends with this object, and what it holds is closed then:
    else the next test would find it still at work, and its sockets by a warning of the collector.
    """

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._out, self._err = _memory("out"), _memory("err")
        self._ended, told = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._left = weakref.finalize(self, _close, self._ended, self._out, self._err)
        with told:
            message = json.dumps([list(arguments), dict(environment), str(Path.cwd())]).encode()
            given = [self._out.fileno(), self._err.fileno(), told.fileno()]
            socket.send_fds(_loaded(), [message], given)
        self.pid = int(self._ended.recv(16))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit status, or the negative number of a signal; None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """The exit status; TimeoutExpired where it still runs after so many seconds."""
        if self.returncode is None:
            self._ended.settimeout(timeout)
            try:
                self.returncode = int(self._ended.recv(16))
            except (BlockingIOError, TimeoutError) as late:
                raise subprocess.TimeoutExpired("touchstone", timeout or 0) from late
            self._ended.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """To the command alone."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end; what it wrote on stdout and stderr."""
        self.wait(timeout)
        said = _read(self._out), _read(self._err)
        self._left()
        return said


def _memory(name: str) -> TextIO:
    return os.fdopen(os.memfd_create(name), "r", encoding="utf-8")


def _read(file: TextIO) -> str:
    file.seek(0)
    return file.read()


def _close(ended: socket.socket, out: TextIO, err: TextIO) -> None:
    ended.close()
    out.close()
    err.close()


@cache
def _loaded() -> socket.socket:
    """The process that has loaded all, as a socket to ask it over."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    code = "import sys; from support.forked import serve; serve(int(sys.argv[1]))"
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(theirs.fileno())],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            # What the engine says of itself while it loads is for nobody.
            stdout=subprocess.DEVNULL,
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


# ------------------------------------------------------------------ in the process that has loaded


def serve(descriptor: int) -> None:
    """Fork a command whenever asked, until nobody can ask."""
    for name in LOADED:
        import_module(name)
    server = import_module("touchstone.evaluation.workers.server")
    server.load()
    prepared.make_once(beforehand=True)
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=descriptor) as asked:
        while True:
            message, given, _, _ = socket.recv_fds(asked, MOST_BYTES, 3)
            if not message:
                return
            out, err, told = given
            child = os.fork()
            if not child:
                asked.close()
                os.close(told)
                arguments, environment, folder = json.loads(message)
                _become(partial(_command, arguments), environment, out, err, Path(folder))
            os.close(out)
            os.close(err)
            threading.Thread(target=_tell, args=(child, told), daemon=True).start()


def _tell(child: int, descriptor: int) -> None:
    """Tell of its end; end it where nobody is left to be told."""
    with socket.socket(fileno=descriptor) as told:
        told.send(str(child).encode())
        ended = os.pidfd_open(child)
        waiting = select.poll()
        waiting.register(ended, select.POLLIN)
        waiting.register(told, 0)  # its other side's end is told without being asked for
        if ended not in dict(waiting.poll()):
            os.kill(child, signal.SIGKILL)
        os.close(ended)
        _, status = os.waitpid(child, 0)
        try:
            told.send(str(os.waitstatus_to_exitcode(status)).encode())
        except BrokenPipeError:
            return


def _become(
    run: Callable[[], object], environment: Mapping[str, str], out: int, err: int, folder: Path
) -> NoReturn:
    code = 1
    try:
        os.setsid()
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.closerange(3, KEPT)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        # As an interpreter's start would.
        named = environment.get("PYTHONPATH", "").split(os.pathsep)
        sys.path[:0] = [each for each in named if each and each not in sys.path]
        time.tzset()
        tempfile.tempdir = None
        random.seed()
        run()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter ends on what nobody caught
        traceback.print_exc()
    finally:
        # Its threads and its fork server end as they do at an interpreter's end.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _command(arguments: Sequence[str]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["touchstone", *arguments]
    _fork_server_beforehand()
    import_module("touchstone.cli").main()


def _fork_server_beforehand() -> None:
    """Fork what would become the command's fork server, while there is nothing to inherit."""
    forking = import_module("touchstone.evaluation.workers.forking")
    begin = forking.begin
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if not child:
        ours.close()
        message, given, _, _ = socket.recv_fds(theirs, MOST_BYTES, 1)
        theirs.close()
        if not message:
            os._exit(0)
        null = os.open(os.devnull, os.O_RDWR)
        descriptor = os.dup2(given[0], KEPT)
        serve_workers = import_module("touchstone.evaluation.workers.server").serve
        _become(lambda: serve_workers(descriptor), json.loads(message), null, 2, Path.cwd())
    theirs.close()
    waiting = [Forked(child)]

    def fork(descriptor: int, environment: Mapping[str, str]) -> object:
        if not waiting:
            return begin(descriptor, environment)
        socket.send_fds(ours, [json.dumps(dict(environment)).encode()], [descriptor])
        return waiting.pop()

    forking.begin = fork  # type: ignore[attr-defined]
