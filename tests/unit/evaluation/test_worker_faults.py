"""A machine without a process or a file to spare, and workers that are gone: told, and no more."""

import errno
import os
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from touchstone.evaluation.errors import WorkerError
from touchstone.evaluation.workers import WorkerPool, forking, server

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

    monkeypatch.setattr(server, "load", lambda: None)
    running = threading.Thread(target=lambda: server.serve(began[0]))
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
    read, write = os.pipe()
    os.close(read)
    over, silence = os.pipe()
    os.close(silence)
    process: Any = SimpleNamespace(
        commands=os.fdopen(write, "wb"), events=os.fdopen(over, "rb"), wait=lambda: 1, pid=1
    )
    asked: Any = SimpleNamespace(fork=lambda _: process)
    monkeypatch.setattr("touchstone.evaluation.workers.pool.fork_server", lambda _: asked)
    pool = WorkerPool(1, keys={})
    job: Any = SimpleNamespace(spec=SimpleNamespace(id="chunk"), model_dump_json=lambda: "{}")
    pool.start(job)
    told = pool.next(10)
    assert told is not None
    assert (told.event, told.chunk, pool.idle()) == ("died", "chunk", 1)
