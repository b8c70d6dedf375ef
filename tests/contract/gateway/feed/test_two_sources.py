"""A folder and a URL feed one gateway: what one of them showed, the other does not undo."""

import contextlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from support.gateway import Chain, free_port, put, write_config
from touchstone.gateway import supervisor as supervisors
from touchstone.gateway.config import load_config
from touchstone.gateway.control import steady
from touchstone.gateway.errors import GatewayError
from touchstone.gateway.feed import FolderSource, UrlSource
from touchstone.gateway.supervisor import Supervisor

pytestmark = pytest.mark.asyncio
CHAIN = Chain()
BUNDLES = [CHAIN.next() for _ in range(3)]


class Two:
    """A supervisor without workers that takes from both when it is told to."""

    def __init__(self, folder: Path, url: str, session: aiohttp.ClientSession) -> None:
        self.supervisor = Supervisor(load_config(folder / "gateway.toml"))
        self.supervisor._sources = {
            "folder": FolderSource(folder / "bundles"),
            "url": UrlSource(session, url, 5.0),
        }
        self.feed = folder / "bundles"
        self.newest = 0
        """What the URL says."""
        self._kept = self.supervisor.store.bundle_path

    def publish(self, number: int) -> None:
        """Put every bundle up to this one into the folder."""
        for each in range(1, number + 1):
            put(self.feed, each, BUNDLES[each - 1])

    def block(self, number: int) -> None:
        """Have no room for a bundle: something that cannot be replaced lies there."""
        (self._kept(number) / "in-the-way").mkdir(parents=True)

    def unblock(self, number: int) -> None:
        (self._kept(number) / "in-the-way").rmdir()
        self._kept(number).rmdir()

    async def take(self, name: str) -> int | None:
        """Ask one source; the number of the bundle that is served afterwards."""
        await self.supervisor._take(name)
        bundle = self.supervisor._served.bundle
        assert (bundle is not None) == (steady() < self.supervisor._standing.until)
        return None if bundle is None else bundle.number


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/feed"
    write_config(tmp_path, "http://127.0.0.1:1", feed=f'folder = "bundles"\nurl = "{url}"')

    async def answer(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name == "newest":
            return web.Response(text=str(found.newest))
        return web.Response(body=BUNDLES[int(name.removesuffix(".bundle")) - 1])

    app = web.Application()
    app.router.add_get("/feed/{name}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with aiohttp.ClientSession() as session:
        found = Two(tmp_path, url, session)
        yield found
    await runner.cleanup()
    found.supervisor._listener.close()
    with contextlib.suppress(OSError):
        os.close(found.supervisor._lock)


async def test_a_source_that_lags_does_not_end_the_pause_of_a_full_disk(two: Two):
    two.publish(1)
    two.newest = 1
    assert [await two.take("folder"), await two.take("url")] == [1, 1]
    two.publish(2)
    two.block(2)
    assert await two.take("folder") is None
    contact = two.supervisor._grace._contact
    for _ in range(2):
        assert await two.take("url") is None
    assert two.supervisor._grace._contact == contact
    assert "000002" in str(two.supervisor.status()["unwritten"])
    two.unblock(2)
    assert await two.take("url") is None
    assert await two.take("folder") == 2
    assert two.supervisor.status()["unwritten"] is None


async def test_whichever_source_gives_it_ends_the_pause(two: Two):
    two.publish(1)
    two.newest = 1
    await two.take("folder")
    two.publish(3)
    two.block(2)
    assert await two.take("folder") is None
    two.newest = 2
    assert await two.take("url") is None
    two.unblock(2)
    assert await two.take("url") == 2
    assert await two.take("folder") == 3


async def test_an_older_one_is_not_begun_with_where_a_newer_cannot_be_kept(two: Two):
    put(two.feed, 2, BUNDLES[1])
    two.newest = 1
    two.block(2)
    assert await two.take("folder") is None
    assert await two.take("url") is None
    two.unblock(2)
    assert await two.take("folder") == 2


async def test_twin_without_the_look_at_its_number_an_older_one_is_served(
    two: Two, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(supervisors.Supervisor, "_lags", lambda _: False)
    two.publish(1)
    await two.take("folder")
    two.publish(2)
    two.block(2)
    assert await two.take("folder") == 1


async def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path):
    write_config(tmp_path, "http://127.0.0.1:1")
    config = load_config(tmp_path / "gateway.toml")
    config.state.mkdir(parents=True, exist_ok=True)
    elsewhere = tmp_path / "elsewhere"
    (config.state / ".lock").symlink_to(elsewhere)
    with pytest.raises(GatewayError, match="cannot be written"):
        Supervisor(config)
    assert not elsewhere.exists()


async def test_what_a_full_disk_held_up_arrived_before_it_was_kept(
    two: Two, monkeypatch: pytest.MonkeyPatch
):
    """And a receipt that could not be written says what it said."""
    now = 1_800_000_000
    monkeypatch.setattr(time, "time", lambda: now)
    two.publish(1)
    two.block(1)
    await two.take("folder")
    two.unblock(1)
    now += 60
    receipt = two.supervisor.store.folder / "receipts" / "000001.json"
    (receipt / "in-the-way").mkdir(parents=True)
    assert await two.take("folder") == 1
    (receipt / "in-the-way").rmdir()
    receipt.rmdir()
    assert await two.take("folder") == 1
    (found,) = two.supervisor.store.receipts()
    assert found.receipt.milliseconds == 60_000
