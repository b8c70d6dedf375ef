"""One thread a process that hears what the sandboxes report, whatever the event loop is doing."""

import contextlib
import logging
import os
import select
import threading
import time
from collections.abc import Callable

from touchstone.evaluation.once import made_once
from touchstone.evaluation.sandbox import seccomp
from touchstone.evaluation.sandbox.launch import Launched, receive_files

_AT_ONCE = 64
_A_SECOND = 200.0
_log = logging.getLogger(__name__)

OnNotice = Callable[[seccomp.Notice], None]
OnMessage = Callable[[bytes], None]
OnBound = Callable[[str], None]


class Watcher:
    """Reads seccomp listeners and agents' messages. Thread-safe.

    A flood is slowed, never left unheard: beyond a burst each sandbox is served at a steady pace,
    and whoever makes a noticed system call waits for its turn.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        # Reentrant: a handler may take its own sandbox off.
        self._lock = threading.RLock()
        self._handlers: dict[int, _Paced] = {}
        self._resting: dict[int, float] = {}
        # No task of the event loop: whoever makes a noticed call waits for an answer, whatever the
        # loop does.
        threading.Thread(target=self._run, name="touchstone-sandbox-watch", daemon=True).start()

    def add(self, launched: Launched, notice: OnNotice, message: OnMessage, bound: OnBound) -> None:
        """Watch one sandbox; the handlers are called in the watching thread.

        `notice` gets refused system calls, `message` what the agent says; an empty message means
        that the agent has gone. `bound` is told, once for each of the two, that there are so many
        that they are slowed. Raises OSError; then nothing of it is watched.
        """
        try:
            self._add(launched, notice, message, bound)
        except BaseException:
            self.remove(launched)
            raise

    def _add(
        self, launched: Launched, notice: OnNotice, message: OnMessage, bound: OnBound
    ) -> None:
        with self._lock:
            said = f"the first process sent more than {_AT_ONCE} messages at once"
            self._register(
                launched.control.fileno(),
                _Paced(lambda: _hear(launched, message), lambda: bound(f"{said}; they are slowed")),
            )
            if launched.listener >= 0:
                names = seccomp.build_filter().names
                many = f"more than {_AT_ONCE} system calls were refused at once"
                self._register(
                    launched.listener,
                    _Paced(
                        lambda: _refuse(launched, names, notice),
                        lambda: bound(f"{many}; they are slowed, and counted all the same"),
                    ),
                )

    def remove(self, launched: Launched) -> None:
        """Stop watching; when this returns no handler of the sandbox runs or will run."""
        # In the lock in which handlers run, so that none is at work when this returns.
        with self._lock:
            for fd in (launched.control.fileno(), launched.listener):
                self._drop(fd)

    def _register(self, fd: int, handler: "_Paced") -> None:
        self._handlers[fd] = handler
        self._epoll.register(fd, select.EPOLLIN)

    def _drop(self, fd: int) -> None:
        self._resting.pop(fd, None)
        if self._handlers.pop(fd, None):
            with contextlib.suppress(OSError):
                self._epoll.unregister(fd)

    def _run(self) -> None:
        while True:
            with self._lock:
                pause = self._wake(time.monotonic())
            for fd, _ in self._epoll.poll(pause):
                with self._lock:
                    self._serve(fd)

    def _wake(self, now: float) -> float | None:
        """Listen again to those whose rest is over; seconds until the next one, None: nobody."""
        for fd in [fd for fd, due in self._resting.items() if due <= now]:
            del self._resting[fd]
            self._epoll.register(fd, select.EPOLLIN)
        return min(self._resting.values()) - now if self._resting else None

    def _serve(self, fd: int) -> None:
        # It may have been taken off since the poll, and the number be another's.
        handler = self._handlers.get(fd)
        if handler is None or fd in self._resting:
            return
        try:
            rest = handler()
        except Exception:  # noqa: BLE001 - this thread serves every sandbox; no fault may end it
            _log.exception("a listener to sandbox events failed")
            return
        if rest is None:
            self._drop(fd)
        elif rest > 0:
            self._epoll.unregister(fd)
            self._resting[fd] = time.monotonic() + rest


class _Paced:
    """A handler that says how long it is to rest: 0 within its burst, None where it is over."""

    def __init__(self, handler: Callable[[], bool], at_bound: Callable[[], None]) -> None:
        self._handler = handler
        self._at_bound: Callable[[], None] | None = at_bound
        self._left = float(_AT_ONCE)
        self._at = time.monotonic()

    def __call__(self) -> float | None:
        now = time.monotonic()
        self._left = min(float(_AT_ONCE), self._left + (now - self._at) * _A_SECOND) - 1
        self._at = now
        if not self._handler():
            return None
        if self._left >= 1:
            return 0.0
        if self._at_bound:
            said, self._at_bound = self._at_bound, None
            said()
        return (1 - self._left) / _A_SECOND


def _hear(launched: Launched, message: OnMessage) -> bool:
    text, fds = receive_files(launched.control)
    for fd in fds:
        os.close(fd)
    message(text)
    return bool(text)


def _refuse(launched: Launched, names: dict[int, str], notice: OnNotice) -> bool:
    try:
        seccomp.take_notice(launched.listener, names, notice)
    except OSError:
        return False
    return True


@made_once
def watcher() -> Watcher:
    """This process's watcher."""
    return Watcher()
