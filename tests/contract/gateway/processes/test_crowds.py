"""Thousands of connections at once: whoever was there is served, memory stays bounded."""

import contextlib
import http.client
import json
import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.gateway import (
    CHAT,
    PERMIT_ALL,
    SECONDS,
    RunningGateway,
    key_of,
    running_gateway,
    wait_for,
)
from support.gateway_loop import Stub

SOAK = os.environ.get("TOUCHSTONE_SOAK")
_SPARE = 200
MANY = min(10_000 if SOAK else 2_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - _SPARE)
"""Connections: as many as this machine allows."""
CAP = MANY * 9 // 10
PATIENCE = 20 if SOAK else 3
"""Seconds for headers: longer than it takes all of them to come."""
MOST_BYTES = 24 << 10
"""Of memory, for a connection that has sent half of its headers."""
HALF = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-A: "


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory, stub: Stub) -> Iterator[RunningGateway]:
    """One worker that takes nine in ten of those who come."""
    limits = f"[limits]\nconnections = {CAP}\nheader_seconds = {PATIENCE}\nidle_seconds = 3600\n"
    limits += "[processes]\ndrain_seconds = 0.5"
    old = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (old[1], old[1]))
    folder = tmp_path_factory.mktemp("crowd")
    with running_gateway(folder, stub.url, workers=1, more=limits) as running:
        running.applied(PERMIT_ALL)
        yield running
    resource.setrlimit(resource.RLIMIT_NOFILE, old)


def memory(pid: int) -> int:
    """Bytes of a process that are in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def ask(connection: http.client.HTTPConnection) -> int:
    """A request over a connection that is kept."""
    headers = {"Authorization": f"Bearer {key_of('ann')}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", json.dumps(dict(CHAT)), headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def held(one: socket.socket) -> bool:
    """Whether a connection still stands."""
    try:
        return one.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def test_a_crowd_does_not_take_the_gateway_from_those_inside(crowded: RunningGateway):
    (worker,) = crowded.workers
    inside = http.client.HTTPConnection("127.0.0.1", crowded.port, timeout=SECONDS)
    with contextlib.closing(inside), contextlib.ExitStack() as crowd:
        assert ask(inside) == 200
        before = memory(worker)
        sockets = []
        for _ in range(MANY):
            # Whoever is one too many may be sent away before it has even connected.
            with contextlib.suppress(OSError):
                one = crowd.enter_context(
                    socket.create_connection(("127.0.0.1", crowded.port), SECONDS)
                )
                sockets.append(one)
                one.sendall(HALF)
                one.settimeout(0)
        assert ask(inside) == 200
        wait_for(lambda: sum(map(held, sockets)) <= CAP, SECONDS, "cap")
        assert memory(worker) - before < CAP * MOST_BYTES
        # Headers that do not come to their end: all are let go, and there is room again.
        wait_for(lambda: not any(map(held, sockets)), SECONDS, "room")
        assert ask(inside) == 200
    assert crowded.post() == (200, crowded.post()[1])
    assert crowded.workers == [worker]
