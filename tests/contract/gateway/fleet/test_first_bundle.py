"""A gateway that is new to a fleet begins where the log stands, whatever its own feed has."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from support.gateway import PIN, STREAM, Chain, put, write_config
from support.postgresql import ADMIN, Postgresql
from touchstone.gateway.config import load_config
from touchstone.gateway.fleet import FleetLog
from touchstone.gateway.supervisor import Supervisor
from touchstone.terms import accept_bundle

pytestmark = [pytest.mark.needs_postgresql, pytest.mark.asyncio]
CHAIN = Chain()
BUNDLES = [CHAIN.next() for _ in range(3)]


async def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - a state that tells nobody
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture
async def log(postgresql: Postgresql) -> AsyncIterator[FleetLog]:
    postgresql.admin("DROP DATABASE IF EXISTS first WITH (FORCE)", "CREATE DATABASE first")
    found = await FleetLog.open(postgresql.address(ADMIN, "first"), STREAM)
    yield found
    await found.close()


@pytest.mark.parametrize("known", [0, 1, 3])
async def test_a_new_gateway_gives_a_log_that_is_behind_what_it_lacks(
    tmp_path: Path,
    log: FleetLog,
    known: int,
    postgresql: Postgresql,
    monkeypatch: pytest.MonkeyPatch,
):
    """Its state folder is empty: of the bundles between it would have none to give."""
    for data in BUNDLES[:known]:
        await log.publish(accept_bundle(data, PIN, None), data, "another")
    monkeypatch.setenv("FLEET", postgresql.address(ADMIN, "first"))
    write_config(tmp_path, "http://127.0.0.1:1", workers=1, more='[fleet]\ndsn_env = "FLEET"')
    for number, data in enumerate(BUNDLES, start=1):
        put(tmp_path / "bundles", number, data)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        supervisor = Supervisor(load_config(tmp_path / "gateway.toml"), listener)
        running = asyncio.create_task(supervisor.run())
        try:
            await until(lambda: supervisor.serving)
            assert supervisor.status()["bundle"]["number"] == len(BUNDLES)
            assert await log.newest() == len(BUNDLES)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
