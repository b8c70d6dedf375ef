"""One thread a process that hears what the sandboxes report, whatever the event loop is doing."""

import contextlib
import logging
import os
import select
import threading
from collections.abc import Callable
from functools import cache

from touchstone.evaluation.sandbox import seccomp
from touchstone.evaluation.sandbox.launch import Launched, receive

_NOTICES = 64
_MESSAGES = 1000
_log = logging.getLogger(__name__)

OnNotice = Callable[[seccomp.Notice], None]
OnMessage = Callable[[bytes], None]


class Watcher:
    """Reads seccomp listeners and agents' messages. Thread-safe."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._lock = threading.RLock()
        self._handlers: dict[int, Callable[[], bool]] = {}
        threading.Thread(target=self._run, name="touchstone-sandbox-watch", daemon=True).start()

    def add(self, launched: Launched, notice: OnNotice, message: OnMessage) -> None:
        """Watch one sandbox; both handlers are called in the watching thread.

        `notice` gets refused system calls, `message` what the agent says; an empty message means
        that the agent has gone.
        """
        with self._lock:
            self._register(
                launched.control.fileno(), _Budget(_MESSAGES, lambda: _hear(launched, message))
            )
            if launched.listener >= 0:
                names = seccomp.build().names
                self._register(
                    launched.listener,
                    _Budget(
                        _NOTICES,
                        lambda: _refuse(launched, names, notice),
                        lambda: _deafen(launched),
                    ),
                )

    def remove(self, launched: Launched) -> None:
        """Stop watching; when this returns no handler of the sandbox runs or will run."""
        with self._lock:
            for fd in (launched.control.fileno(), launched.listener):
                self._drop(fd)

    def _register(self, fd: int, handler: Callable[[], bool]) -> None:
        self._handlers[fd] = handler
        self._epoll.register(fd, select.EPOLLIN)

    def _drop(self, fd: int) -> None:
        if self._handlers.pop(fd, None):
            with contextlib.suppress(OSError):
                self._epoll.unregister(fd)

    def _run(self) -> None:
        while True:
            for fd, _ in self._epoll.poll():
                with self._lock:
                    handler = self._handlers.get(fd)
                    if handler and not self._goes_on(handler):
                        self._drop(fd)

    @staticmethod
    def _goes_on(handler: Callable[[], bool]) -> bool:
        try:
            return handler()
        except Exception:  # noqa: BLE001 - this thread serves every sandbox; no fault may end it
            _log.exception("a listener to sandbox events failed")
            return True


class _Budget:
    """A handler that gives up after so many calls, so that a flood cannot keep us busy."""

    def __init__(
        self, calls: int, handler: Callable[[], bool], at_end: Callable[[], None] | None = None
    ) -> None:
        self._left = calls
        self._handler = handler
        self._at_end = at_end

    def __call__(self) -> bool:
        self._left -= 1
        goes_on = self._handler() and self._left > 0
        if not goes_on and self._at_end:
            self._at_end()
        return goes_on


def _hear(launched: Launched, message: OnMessage) -> bool:
    text, fds = receive(launched.control)
    for fd in fds:
        os.close(fd)
    message(text)
    return bool(text)


def _refuse(launched: Launched, names: dict[int, str], notice: OnNotice) -> bool:
    try:
        found = seccomp.receive(launched.listener, names)
    except OSError:
        return False
    if found:
        notice(found)
    return True


def _deafen(launched: Launched) -> None:
    """Close the listener: from now on the kernel refuses by itself, as not implemented."""
    fd, launched.listener = launched.listener, -1
    os.close(fd)


@cache
def watcher() -> Watcher:
    """This process's watcher."""
    return Watcher()
