"""Workers that do not answer: dead before anybody is told, which the twin shows to matter."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from support.gateway import write_config
from touchstone.gateway.config import load_config
from touchstone.gateway.control import Order
from touchstone.gateway.pool import Handle, Pool

pytestmark = [pytest.mark.asyncio, pytest.mark.xdist_group("gateway")]


@pytest_asyncio.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Pool]:
    """One worker that was told to serve nothing."""
    write_config(tmp_path, "http://127.0.0.1:9", workers=1)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    found = Pool(load_config(tmp_path / "gateway.toml"), [listener], lambda _epoch: None)
    found.start()
    await found.ready(20)
    yield found
    await found.stop()
    listener.close()


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0]
    except FileNotFoundError:
        return "gone"


async def stopped_then_told(pool: Pool) -> tuple[bool, str]:
    """Whether the report says killed, and the state of the process at that moment."""
    pid = pool.handles[0].process.pid
    os.kill(pid, signal.SIGSTOP)
    reports = await pool.apply(Order(1, None, None, 0, None))
    try:
        return reports[0].killed, state(pid)
    finally:
        if state(pid) != "gone":
            os.kill(pid, signal.SIGKILL)


async def test_a_stopped_worker_is_gone_when_the_report_comes(pool: Pool):
    assert await stopped_then_told(pool) == (True, "gone")


async def test_twin_without_the_kill_it_is_still_there(pool: Pool, monkeypatch: pytest.MonkeyPatch):
    async def spare(_self: Handle) -> None:
        await asyncio.sleep(0)

    with monkeypatch.context() as patch:
        patch.setattr(Handle, "end", spare)
        killed, found = await stopped_then_told(pool)
        await asyncio.sleep(0.1)
    assert (killed, found) == (True, "T")


async def test_a_worker_that_cannot_read_its_order_is_killed_and_replaced(
    pool: Pool, tmp_path: Path
):
    pid = pool.handles[0].process.pid
    (tmp_path / "none").write_bytes(b"no bundle\n")
    reports = await pool.apply(Order(1, str(tmp_path / "none"), "sha256:00", 10, None))
    assert [(each.killed, each.live) for each in reports] == [(True, None)]
    assert state(pid) == "gone"
    assert pool.kills == 1
