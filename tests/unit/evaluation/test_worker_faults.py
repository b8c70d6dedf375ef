"""A machine without a process or a file to spare, and workers that are gone: told, and no more."""

import errno
import os
import socket
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from touchstone.evaluation.errors import WorkerError
from touchstone.evaluation.sandbox.channel import _follow
from touchstone.evaluation.workers import WorkerEvent, WorkerPool, forking, server
from touchstone.evaluation.workers.pool import _Child

pytestmark = pytest.mark.enable_socket


def test_a_fork_that_fails_is_told_and_ends_no_fork_server(monkeypatch: pytest.MonkeyPatch):
    """All workers that it forked would be killed with it."""
    began: list[int] = []

    def begin(descriptor: int, _: object) -> Any:
        began.append(os.dup(descriptor))
        return SimpleNamespace(pid=1, poll=lambda: None, wait=lambda: 0)

    def full() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(forking, "begin", begin)
    monkeypatch.setattr(os, "fork", full)
    asking = forking.ForkServer({})

    def serve() -> None:
        with socket.socket(fileno=began[0]) as asked:
            server._Server(asked).run()

    running = threading.Thread(target=serve)
    running.start()
    for _ in range(2):
        with pytest.raises(WorkerError, match="temporarily unavailable"):
            asking.fork({})
        assert running.is_alive()
    asking.close()
    running.join(10)
    assert not running.is_alive()


def test_a_worker_that_is_gone_before_it_was_told_something_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("touchstone.evaluation.workers.pool.fork_server", lambda _: None)
    pool = WorkerPool(1, keys={})
    read, write = os.pipe()
    os.close(read)
    process: Any = SimpleNamespace(commands=os.fdopen(write, "wb"))
    child = pool._children[1] = _Child(1, process, "chunk")
    pool.halt()
    assert child.process.commands is process.commands
    told = pool._note(WorkerEvent(event="died", worker=1, text="worker 1 ended with 1"))
    assert told is not None
    assert told.chunk == "chunk"
    assert pool.idle() == 1


def open_files() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_files_that_come_with_a_programs_end_are_closed():
    """Whoever speaks for a sandbox is not trusted: it could send some with every answer."""

    async def work() -> set[str]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        streams = [os.pipe() for _ in range(2)]
        for _, end in streams:
            os.close(end)
        before = open_files()
        with ours, theirs:
            socket.send_fds(theirs, [b"exit 0"], [theirs.fileno()] * 3)
            assert (await _follow(ours, [fd for fd, _ in streams], 5, 10)).code == 0
            left = open_files() - before
        for fd, _ in streams:
            os.close(fd)
        return left

    assert len(anyio.run(work)) <= 1  # the folder's own
