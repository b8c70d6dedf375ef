"""Workers that do not answer: dead before anybody is told, which the twin shows to matter."""

import asyncio
import errno
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.gateway import PIN, SECONDS, Chain, write_config
from touchstone.gateway.config import load_config
from touchstone.gateway.control import Order
from touchstone.gateway.patience import TAKEN_UP, Patience
from touchstone.gateway.pool import Handle, Pool
from touchstone.terms import accept_bundle

pytestmark = [pytest.mark.asyncio]


@pytest_asyncio.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Pool]:
    """One worker that was told to serve nothing."""
    write_config(tmp_path, "http://127.0.0.1:9", workers=1)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    found = Pool(load_config(tmp_path / "gateway.toml"), [listener], lambda _epoch: None)
    found.start()
    await found.ready(SECONDS)
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


def slow_bundle(folder: Path) -> tuple[Order, bytes]:
    """An order whose bundle is read from a pipe: it takes as long as somebody writes."""
    data = Chain().next()
    bundle = accept_bundle(data, PIN, None)
    os.mkfifo(folder / "slow.bundle")
    return Order(1, str(folder / "slow.bundle"), bundle.digest, 0, None), data


async def applied_late(pool: Pool, folder: Path) -> tuple[bool, str | None]:
    """How it goes with a worker that is at it for longer than usual: killed, waited for."""
    order, data = slow_bundle(folder)
    telling = asyncio.create_task(pool.apply(order))
    usual = pool._config.processes.apply_seconds
    await asyncio.sleep(usual + 0.3)
    if not telling.done():
        pipe = os.open(order.path or "", os.O_WRONLY)
        os.write(pipe, data)
        os.close(pipe)
    (report,) = await telling
    return report.killed, report.waited_for


async def test_a_worker_that_is_at_it_is_waited_for_and_that_is_said(
    pool: Pool, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    # Libraries of other rooms turn loggers off that were there before them.
    monkeypatch.setattr(logging.getLogger("touchstone.gateway.pool"), "disabled", False)
    caplog.set_level(logging.INFO, logger="touchstone.gateway.pool")
    assert await applied_late(pool, tmp_path) == (False, TAKEN_UP)
    assert pool.kills == 0
    (said,) = pool.workers()
    assert (said["serves"], said["waited_for"]) == (True, TAKEN_UP)
    assert "was waited for: it had taken the order up" in caplog.text


async def test_twin_without_the_patience_a_healthy_worker_is_killed(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Patience, "why", lambda *_, **__: None)
    assert (await applied_late(pool, tmp_path))[0]


async def test_a_worker_that_never_comes_to_its_end_is_killed_before_the_report(
    pool: Pool, tmp_path: Path
):
    order, _ = slow_bundle(tmp_path)
    processes = pool._config.processes.model_copy(update={"patience_seconds": 0.3})
    pool._config = pool._config.model_copy(update={"processes": processes})
    pid = pool.handles[0].process.pid
    (report,) = await pool.apply(order)
    assert (report.killed, state(pid)) == (True, "gone")


async def test_a_worker_that_cannot_read_its_order_is_killed_and_replaced(
    pool: Pool, tmp_path: Path
):
    pid = pool.handles[0].process.pid
    (tmp_path / "none").write_bytes(b"no bundle\n")
    reports = await pool.apply(Order(1, str(tmp_path / "none"), "sha256:00", 10, None))
    assert [(each.killed, each.live) for each in reports] == [(True, None)]
    assert state(pid) == "gone"
    assert pool.kills == 1


async def test_a_worker_that_cannot_be_started_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A machine without a process to spare is no reason to go on with one worker fewer for good."""
    real, tries, twice = asyncio.create_subprocess_exec, 0, asyncio.Event()

    async def short(*words: Any, **more: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries < 3:
            if tries > 1:
                twice.set()
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return await real(*words, **more)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", short)
    write_config(tmp_path, "http://127.0.0.1:9", workers=1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = Pool(load_config(tmp_path / "gateway.toml"), [listener], lambda _epoch: None)
        found.start()
        try:
            await asyncio.wait_for(twice.wait(), SECONDS)
            assert "temporarily unavailable" in str(found.workers()[0]["why"])
            await found.ready(SECONDS)
            assert found.able
        finally:
            await found.stop()
