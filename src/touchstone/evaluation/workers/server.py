"""The fork server: a process that has loaded all that a worker needs, and forks one when asked.

Loading takes seconds of a core and some 200 MB, for each that does it; a fork takes neither.

It is asked over a socket, one message a worker: the worker's environment as JSON, and with it what
the worker reads, what it writes, and a pipe that learns how it ended. It answers with the worker's
process id and a handle on it (a pidfd), or with the negative number of the error for which none was
forked; and it ends with whoever asks.
"""

import errno
import json
import os
import random
import selectors
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

from inspect_ai.model import get_model_info

from touchstone.evaluation.inspect_seam import LOADED_LATE
from touchstone.evaluation.transport import trusted_certificates
from touchstone.evaluation.workers.process import main

LOADED_EARLY = (*LOADED_LATE, "jsonschema")
"""What a first sample would load; where one is not there, a worker loads what it needs itself."""
MOST_BYTES = 128 * 1024
"""Of a message: names and values of an environment."""


class _Server:
    def __init__(self, asked: socket.socket) -> None:
        self._asked = asked
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(asked, selectors.EVENT_READ)
        self._ends: dict[int, tuple[int, int]] = {}
        """By pidfd: the worker's process id, and the pipe that learns how it ended."""

    def run(self) -> int:
        """Until nobody can ask any more."""
        while True:
            for key, _ in self._waiting.select():
                if key.fileobj is not self._asked:
                    self._ended(key.fd)
                elif not self._answer():
                    return 0

    def _answer(self) -> bool:
        message, given, _, _ = socket.recv_fds(self._asked, MOST_BYTES, 3)
        if not message:
            return False
        try:
            commands, events, status = given
            child = os.fork()
        except (OSError, ValueError) as error:
            # Told, and not raised: whoever asked kills all workers of a fork server that is gone,
            # and what they had been answered would be lost with them.
            for descriptor in given:
                os.close(descriptor)
            code = error.errno if isinstance(error, OSError) else None
            self._asked.send(str(-(code or errno.EMFILE)).encode())
            return True
        if child == 0:
            os.close(status)
            self._become_worker(json.loads(message), commands, events)
        os.close(commands)
        os.close(events)
        # Before it can be waited for: until then its number can be nobody else's.
        handle = os.pidfd_open(child)
        self._ends[handle] = (child, status)
        self._waiting.register(handle, selectors.EVENT_READ)
        socket.send_fds(self._asked, [str(child).encode()], [handle])
        return True

    def _ended(self, handle: int) -> None:
        child, status = self._ends.pop(handle)
        self._waiting.unregister(handle)
        _, wait_status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(wait_status)
        try:
            os.write(status, str(code).encode())
        except BrokenPipeError:
            pass
        finally:
            os.close(status)
            os.close(handle)

    def _become_worker(
        self, environment: Mapping[str, str], commands: int, events: int
    ) -> NoReturn:
        code = 1
        try:
            # Ctrl-C is for the parent, which halts its workers in order.
            os.setsid()
            # Nothing of the server's own, nor of other workers, is held on to.
            self._waiting.close()
            self._asked.close()
            for handle, (_, status) in self._ends.items():
                os.close(handle)
                os.close(status)
            os.dup2(commands, 0)
            os.dup2(events, 1)
            os.close(commands)
            os.close(events)
            # The server's start shows no key; each worker has its own, and no other's.
            os.environ.clear()
            os.environ.update(environment)
            # What was read of the environment, or drawn, before the fork.
            time.tzset()
            tempfile.tempdir = None
            random.seed()
            code = main()
        except BaseException:  # noqa: BLE001 - a worker never goes on as a server
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)


def load() -> None:
    """Load all that a worker would load, or read, at its first sample."""
    for name in LOADED_EARLY:
        with suppress(ImportError):
            import_module(name)
    # Of no model in particular: it reads Inspect's whole list of models once.
    get_model_info("none/none")
    with suppress(OSError):
        trusted_certificates()


def serve(descriptor: int) -> int:
    """Fork workers until the other end of the socket is closed."""
    load()
    with socket.socket(fileno=descriptor) as asked:
        return _Server(asked).run()
