"""The process that has loaded the engine, and forks what the tests ask for.

It is asked over sockets, a message for a process: its words, environment and folder as JSON, and
with them its stdout, its stderr, a socket that learns of its start and its end, and what else it
keeps. It ends when nobody is connected to it any more.
"""

import atexit
import gc
import json
import os
import random
import runpy
import select
import selectors
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from support import prepared, shared

LOADED = (
    "touchstone.cli.app",
    "touchstone.service.reviews.reviewing",
    "touchstone.service.doctor",
    "touchstone.evaluation.workers.server",
    "touchstone.evaluation.controls.server",
    "touchstone.gateway.commands",
    "touchstone.gateway.supervisor",
    "inspect_ai.model._providers.openai_compatible",
    "touchstone.editions.page.charts",
)
MOST_BYTES = 192 * 1024
MOST_DESCRIPTORS = 8
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


def serve(descriptor: int) -> None:
    """Fork whatever is asked for over a listening socket, until nobody is connected to it."""
    for name in LOADED:
        import_module(name)
    import_module("touchstone.evaluation.workers.server").load()
    scans = import_module("touchstone.service.measurement.transcript_scans")
    # Each of them would start a process that loads what is not loaded here.
    scans.scan_chunks = import_module("support.unscanned").unscanned  # type: ignore[attr-defined]
    prepared.make_once(beforehand=True)
    shared.keep_pictures()
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=descriptor) as listening, selectors.DefaultSelector() as waiting:
        waiting.register(listening, selectors.EVENT_READ)
        asking: list[socket.socket] = []
        while True:
            for key, _ in waiting.select():
                ready = key.fileobj
                assert isinstance(ready, socket.socket)
                if ready is listening:
                    asking.append(listening.accept()[0])
                    asking[-1].send(b"1")
                    waiting.register(asking[-1], selectors.EVENT_READ)
                elif not _answer(ready):
                    waiting.unregister(ready)
                    asking.remove(ready)
                    ready.close()
            if not asking:
                return


def _answer(asked: socket.socket) -> bool:
    """Fork what a message asks for; no: its sender has left."""
    try:
        message, given, _, _ = socket.recv_fds(asked, MOST_BYTES, MOST_DESCRIPTORS)
    except ConnectionError:
        return False
    if not message:
        return False
    out, err, told, *kept = given
    child = os.fork()
    if not child:
        words, environment, folder = json.loads(message)
        for place, one in enumerate(kept, KEPT):
            os.dup2(one, place)
        run = partial(_command, words[1:]) if words[0] == "touchstone" else partial(_python, words)
        _become(run, environment, out, err, Path(folder))
    for one in (out, err, *kept):
        os.close(one)
    threading.Thread(target=_tell, args=(child, told), daemon=True).start()
    return True


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


# ------------------------------------------------------------------------- in the process forked


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
        if isinstance(ended.code, str):
            sys.stderr.write(f"{ended.code}\n")
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


def _python(words: Sequence[str]) -> None:
    """As `python` with these words."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if words[0] == "-m":
        sys.argv = list(words[1:])
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    elif words[0] == "-c":
        sys.argv = ["-c", *words[2:]]
        exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - a test's own text
    else:
        sys.argv = list(words)
        runpy.run_path(words[0], run_name="__main__")


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
