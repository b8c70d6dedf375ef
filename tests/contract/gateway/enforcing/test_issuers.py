"""An issuer's keys by URL, and the whole path under uvloop and TLS as workers run it."""

import asyncio
import json
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import uvloop
from aiohttp import web
from joserfc import jwk

from support.gateway_loop import (
    AUDIENCE,
    CHAT,
    EC_KEY,
    ISSUER,
    NOT_ALLIES,
    RULES,
    Audit,
    Stub,
    bundle,
    config_text,
    gateway,
    jwks,
    token,
    until,
)
from touchstone.gateway.config import Issuer, parse_config
from touchstone.gateway.enforcing import Enforcement
from touchstone.gateway.errors import RefusedError
from touchstone.gateway.identity import keysets, tokens

NEW_KEY = jwk.ECKey.generate_key("P-256", {"kid": "ec-2"})


@dataclass
class Source:
    """Where an issuer publishes keys."""

    text: str = ""
    looks: int = 0
    status: int = 200
    url: str = ""

    async def answer(self, _: web.Request) -> web.Response:
        self.looks += 1
        return web.Response(text=self.text, status=self.status, headers={"Location": "/other"})

    async def moved(self, _: web.Request) -> web.Response:
        return web.Response(text=self.text)


@asynccontextmanager
async def published(text: str) -> AsyncIterator[Source]:
    """A source on loopback."""
    source, app = Source(text), web.Application()
    app.router.add_get("/jwks", source.answer)
    app.router.add_get("/other", source.moved)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    source.url = "http://{}:{}/jwks".format(*runner.addresses[0])
    yield source
    await runner.cleanup()


def reader(source: Source, clock: list[float]) -> tokens.TokenReader:
    issuer = Issuer(
        issuer=ISSUER,
        audience=AUDIENCE,
        algorithms=("ES256",),
        jwks_url=source.url,
        refresh_seconds=60.0,
    )
    return tokens.TokenReader((issuer,), lambda: clock[0])


@pytest.mark.asyncio
async def test_a_new_key_is_found_and_an_old_one_dropped():
    clock = [time.time()]
    async with published(jwks(EC_KEY)) as source:
        found = reader(source, clock)
        old, new = token(), token(key=NEW_KEY)
        assert (await found.read(old)).person == "ann"
        source.text = jwks(NEW_KEY)
        with pytest.raises(RefusedError):
            await found.read(new)
        clock[0] += keysets.HURRY_SECONDS
        together = await asyncio.gather(*(found.read(new) for _ in range(20)))
        assert len(together) == 20
        assert source.looks == 2
        with pytest.raises(RefusedError):
            await found.read(old)
        await found.close()


@pytest.mark.asyncio
async def test_a_source_that_fails_leaves_the_keys_for_an_hour():
    clock = [time.time()]
    async with published(jwks(EC_KEY)) as source:
        found, text = reader(source, clock), token(exp=int(time.time()) + 90_000)
        await found.read(text)
        for status, content in ((500, ""), (302, ""), (200, "nonsense"), (200, "x" * (2 << 20))):
            source.status, source.text = status, content
            clock[0] += 61
            assert (await found.read(text)).person == "ann"
        clock[0] += keysets.STALE_SECONDS
        with pytest.raises(RefusedError) as caught:
            await found.read(text)
        assert caught.value.status == 503
        await found.close()


Trick = Callable[[Source], None]


def oversized(source: Source) -> None:
    source.text += " " * keysets.MAX_BYTES


def with_an_error(source: Source) -> None:
    source.status = 500


def elsewhere(source: Source) -> None:
    source.status = 302


async def whatever_comes(keys: keysets.KeySet) -> bytes:
    """Keys without a bound, of any status, from wherever they are said to be."""
    url = str(keys._issuer.jwks_url)
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.read()


async def believes_a_trick(trick: Trick) -> bool:
    """Whether keys are taken from an answer that is none."""
    clock = [time.time()]
    async with published(jwks(EC_KEY)) as source:
        found = reader(source, clock)
        await found.read(token())
        source.text = jwks(NEW_KEY)
        trick(source)
        clock[0] += 61
        try:
            await found.read(token(key=NEW_KEY))
        except RefusedError:
            return False
        else:
            return True
        finally:
            await found.close()


TRICKS = [oversized, with_an_error, elsewhere]


@pytest.mark.asyncio
@pytest.mark.parametrize("trick", TRICKS)
async def test_keys_come_from_a_whole_answer_and_no_other(trick: Trick):
    assert not await believes_a_trick(trick)


@pytest.mark.asyncio
@pytest.mark.parametrize("trick", TRICKS)
async def test_twin_without_the_look_at_the_answer(trick: Trick, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keysets.KeySet, "_read", whatever_comes)
    assert await believes_a_trick(trick)


@pytest.mark.asyncio
async def test_twin_without_the_hour_lost_keys_are_believed_for_good(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(keysets, "STALE_SECONDS", float("inf"))
    clock = [time.time()]
    async with published(jwks(EC_KEY)) as source:
        found, text = reader(source, clock), token(exp=int(time.time()) + 90_000)
        await found.read(text)
        source.status = 500
        clock[0] += 3601
        assert (await found.read(text)).person == "ann"
        await found.close()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's side of a certificate for localhost."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-keyout",
            key,
            "-out",
            cert,
            "-days",
            "2",
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
        ],
        check=True,
        capture_output=True,
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(cert, key)
    return server, ssl.create_default_context(cafile=str(cert))


async def cut_over_tls(folder: Path) -> None:
    """A barred stream is cut, whatever else the loop and the encryption do."""
    server, client = certificate(folder)
    stub = Stub(parts=5000, pause=0.002)
    async with gateway(folder, stub=stub) as plain:
        config = parse_config(config_text(folder, stub.url), "gateway.toml", folder)
        enforcement = Enforcement(config, Audit(), clock=time.time, worker=1)
        await enforcement.start()
        runner = enforcement.runner()
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server).start()
        await enforcement.apply(bundle(*RULES), 1)
        url = f"https://localhost:{runner.addresses[0][1]}/v1/chat/completions"
        headers = {"Authorization": f"Bearer {token(nationality='XC')}"}
        async with aiohttp.ClientSession() as session:
            answer = await session.post(
                url, json={**CHAT, "stream": True}, headers=headers, ssl=client
            )
            first = await answer.content.readany()
            assert json.loads(first.split(b"\n")[0].removeprefix(b"data: "))["id"] == "c1"
            cut = await enforcement.apply(bundle(*RULES, NOT_ALLIES), 2)
            assert (cut.live, cut.cut, cut.late_bytes) == (1, 1, 0)
            with pytest.raises(aiohttp.ClientError):
                await answer.content.read()
            answer.close()
        await until(lambda: stub.given_up)
        assert not plain.audit.events
        await runner.cleanup()
        await enforcement.close()


def test_a_stream_is_cut_under_uvloop_and_tls(tmp_path: Path):
    uvloop.run(cut_over_tls(tmp_path))


@pytest.mark.asyncio
async def test_a_stream_is_cut_under_asyncio_and_tls(tmp_path: Path):
    await cut_over_tls(tmp_path)
