"""A feed over HTTP: asked with the tag of its last answer, believed only for its bytes."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from support.gateway import PIN, Chain, free_port
from touchstone.gateway.errors import FeedLostError
from touchstone.gateway.feed import BundleAcceptance, UrlSource, catch_up

pytestmark = pytest.mark.asyncio
CHAIN = Chain()
BUNDLES = [CHAIN.next() for _ in range(3)]


@dataclass
class Feed:
    """A web server that holds bundles, and can misbehave."""

    newest: str = "2\n"
    redirects: bool = False
    tags: list[str | None] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if self.redirects:
            raise web.HTTPFound("/elsewhere")
        if name == "newest":
            tag = request.headers.get("If-None-Match")
            self.tags.append(tag)
            if tag == f'"{self.newest.strip()}"':
                return web.Response(status=304)
            return web.Response(text=self.newest, headers={"ETag": f'"{self.newest.strip()}"'})
        number = int(name.removesuffix(".bundle"))
        if number > len(BUNDLES):
            raise web.HTTPNotFound
        return web.Response(body=BUNDLES[number - 1])


@contextlib.asynccontextmanager
async def served(feed: Feed) -> AsyncIterator[UrlSource]:
    app = web.Application()
    app.router.add_get("/feed/{name}", feed.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = "http://{}:{}/feed".format(*runner.addresses[0])
    async with aiohttp.ClientSession() as session:
        yield UrlSource(session, url, 5.0)
    await runner.cleanup()


def fresh() -> BundleAcceptance:
    return BundleAcceptance(PIN, lambda _data, _bundle: None)


async def test_it_is_asked_with_the_tag_and_gives_each_bundle_in_turn():
    feed, intake = Feed(), fresh()
    async with served(feed) as source:
        await catch_up(source, intake, lambda _: None)
        await catch_up(source, intake, lambda _: None)
        assert feed.tags == [None, '"2"']
        feed.newest = "3"
        await catch_up(source, intake, lambda _: None)
    assert (intake.next_number, intake.accepted) == (4, 2)


@pytest.mark.parametrize(
    ("feed", "said"),
    [
        (Feed(newest="many"), "answered 200, and no number"),
        (Feed(newest="9" * 100), "answered 200, and no number"),
        (Feed(newest="٣"), "answered 200, and no number"),
        (Feed(redirects=True), "answered 302, and no number"),
        (Feed(newest="9"), "does not give bundle 9"),
    ],
    ids=["words", "long", "other-digits", "redirect", "missing"],
)
async def test_nonsense_is_a_feed_that_is_lost(feed: Feed, said: str):
    async with served(feed) as source:
        with pytest.raises(FeedLostError, match=said):
            await catch_up(source, fresh(), lambda _: None)


async def test_a_server_that_is_gone_is_a_feed_that_is_lost():
    async with aiohttp.ClientSession() as session:
        source = UrlSource(session, f"http://127.0.0.1:{free_port()}/feed", 5.0)
        with pytest.raises(FeedLostError, match="Connect call failed"):
            await source.newest()
