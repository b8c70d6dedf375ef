"""Budgets where things go wrong: what cost nothing is given back, what may have cost is kept."""

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from support.gateway_loop import CHAT, DOMESTIC, Loop, Stub, gateway, token, until
from touchstone.gateway.enforcing import charging, metering, proxy
from touchstone.gateway.enforcing.charging import Charge
from touchstone.gateway.enforcing.usage import UsageStore

pytestmark = pytest.mark.asyncio
BUDGET = {**DOMESTIC, "budget": {"tokens": 100_000_000, "per": "month"}}
MONTHLY = {**DOMESTIC, "budget": {"tokens": 1_000_000, "per": "month"}}
DAILY = {**DOMESTIC, "budget": {"tokens": 1000, "per": "day"}}
STREAM: Mapping[str, Any] = {**CHAT, "stream": True}
MESSAGES: Mapping[str, Any] = {**STREAM, "max_tokens": 50_000}
ASKED = {"stream_options": {"include_usage": True}}
USAGE = {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50}
UNSEEN = 262_144


class Scripted(Stub):
    """An endpoint that answers with given bytes, and then ends, breaks off or hangs."""

    def __init__(self, *parts: bytes, kind: str = "text/event-stream", then: str = "end") -> None:
        super().__init__()
        self.given, self.kind, self.then = parts, kind, then

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.requests.append((request.path, dict(request.headers), body))
        if self.status != 200:
            return web.json_response({}, status=self.status)
        response = web.StreamResponse(headers={"Content-Type": self.kind})
        await response.prepare(request)
        for part in self.given:
            await response.write(part)
        try:
            if self.then == "hang":
                await asyncio.sleep(3600)
            if self.then == "break" and request.transport is not None:
                request.transport.abort()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        await response.write_eof()
        return response


def event(**content: Any) -> bytes:
    return b"data: " + json.dumps(content).encode() + b"\n\n"


def word(text: str) -> bytes:
    return event(choices=[{"index": 0, "delta": {"content": text}}])


DONE = b"data: [DONE]\n\n"


async def post(
    loop: Loop, body: Any, path: str = "/v1/chat/completions"
) -> tuple[int, bytes, Mapping[str, str]]:
    """Status, body and headers; what came where it broke off, with status 0."""
    came = b""
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                loop.url + path, json=body, headers={"Authorization": f"Bearer {token()}"}
            ) as answer,
        ):
            async for part in answer.content.iter_any():
                came += part
            return answer.status, came, answer.headers
    except aiohttp.ClientError:
        return 0, came, {}


async def counted(loop: Loop) -> int:
    return (await loop.usage.used("ann", time.time())).this_month or 0


async def cost(loop: Loop, body: Any, path: str = "/v1/chat/completions") -> int:
    before = await counted(loop)
    await post(loop, body, path)
    await until(lambda: not len(loop.enforcement.exchanges))
    return await counted(loop) - before


# ---------------------------------------------------------------- what cost nothing


async def failed_costs(folder: Path) -> list[int]:
    async with gateway(folder, BUDGET, stub=Scripted()) as loop:
        found = []
        for status in (400, 404, 429, 302, 500, 502, 503, 529):
            loop.stub.status = status
            found.append(await cost(loop, CHAT))
        offer = loop.offers["openai", "example-model"]
        object.__setattr__(offer.upstream, "base_url", "http://127.0.0.1:1/v1")
        return [*found, await cost(loop, CHAT), await cost(loop, STREAM)]


async def test_what_served_nothing_costs_nothing(tmp_path: Path):
    assert await failed_costs(tmp_path) == [0] * 10


async def test_twin_without_the_release_each_failure_costs_all_it_could(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def kept(charge: Charge, *_: object, **__: object) -> None:
        charge.tokens = None

    monkeypatch.setattr(Charge, "answered", kept)
    assert (await failed_costs(tmp_path))[:8] == [UNSEEN] * 8


async def hung_up_while_the_hold_is_written(folder: Path) -> int:
    """Tokens that are counted for a caller who left before anything was forwarded."""
    async with gateway(folder, BUDGET, limits="unseen_tokens = 1000") as loop:
        await cost(loop, CHAT)
        before = await counted(loop)
        db = sqlite3.connect(loop.config.state / proxy.USAGE_FILE, isolation_level=None)
        with contextlib.closing(db):
            db.execute("BEGIN IMMEDIATE")
            asking = asyncio.create_task(post(loop, CHAT))
            usage, before_it = loop.usage, asyncio.all_tasks()
            await until(lambda: usage._thread._work_queue.qsize() or usage._busy)
            handling = asyncio.all_tasks() - before_it
            assert handling
            asking.cancel()
            await asyncio.wait([asking, *handling])  # the gateway has seen that nobody waits
            db.execute("COMMIT")
        # Once a count came back, what follows from the hold before it stands in the queue.
        await counted(loop)
        assert len(loop.stub.requests) == 1
        return await counted(loop) - before


async def test_who_hangs_up_while_the_hold_is_written_holds_nothing(tmp_path: Path):
    assert await hung_up_while_the_hold_is_written(tmp_path) == 0


async def test_twin_without_the_way_back_the_hold_belongs_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(UsageStore, "_let_go", lambda *_: None)
    assert await hung_up_while_the_hold_is_written(tmp_path) == 1000


# ---------------------------------------------------------------- what may have cost


async def test_what_may_have_cost_is_kept(tmp_path: Path):
    whole = Scripted(b'{"choices":[', kind="application/json", then="break")
    async with gateway(tmp_path, BUDGET, stub=whole) as loop:
        assert await cost(loop, CHAT) == UNSEEN
        loop.stub.status = 504
        assert await cost(loop, CHAT) == UNSEEN


async def test_a_hold_is_no_more_than_the_request_can_use(tmp_path: Path):
    whole = Scripted(b"{", kind="application/json", then="break")
    async with gateway(tmp_path, BUDGET, stub=whole) as loop:
        size = len(json.dumps({**CHAT, "max_tokens": 100}))
        assert 100 < await cost(loop, {**CHAT, "max_tokens": 100}) <= 100 + size
        assert 300 < await cost(loop, {**CHAT, "max_completion_tokens": 100, "n": 3}) < 700
        assert await cost(loop, {"model": "example-model", "input": "hi"}, "/v1/embeddings") < 100
        assert await cost(loop, {**CHAT, "max_tokens": 1 << 39}) == UNSEEN


async def test_a_number_that_is_none_is_refused(tmp_path: Path):
    async with gateway(tmp_path, BUDGET) as loop:
        for odd in ("9", -1, True, 1.5, [9], 10**30):
            assert (await post(loop, {**CHAT, "max_tokens": odd}))[0] == 400
        assert await counted(loop) == 0
        assert not loop.stub.requests


def an_error_midway() -> Scripted:
    start = {
        "type": "message_start",
        "message": {"usage": {"input_tokens": 10, "output_tokens": 1}},
    }
    text = {"type": "text_delta", "text": "word " * 40}
    deltas = [event(type="content_block_delta", index=0, delta=text)] * 200
    error = event(type="error", error={"type": "overloaded_error", "message": "Overloaded"})
    return Scripted(event(**start), *deltas, error)


async def test_a_stream_that_ends_with_an_error_counts_what_went_out(tmp_path: Path):
    async with gateway(tmp_path, BUDGET, stub=an_error_midway()) as loop:
        assert 10_000 <= await cost(loop, MESSAGES, "/v1/messages") <= 20_000


async def test_twin_without_the_estimate_forty_kilobytes_are_eleven_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(metering.Meter, "delivered", lambda meter, _: meter._said())
    async with gateway(tmp_path, BUDGET, stub=an_error_midway()) as loop:
        assert await cost(loop, MESSAGES, "/v1/messages") == 11


async def test_a_stream_that_breaks_off_counts_what_went_out(tmp_path: Path):
    stub = Scripted(*[word("word " * 40)] * 20, then="break")
    async with gateway(tmp_path, BUDGET, stub=stub, limits="tokens_a_second = 1") as loop:
        assert 1000 <= await cost(loop, STREAM) <= 3000


async def left_after(loop: Loop) -> int:
    """What a stream costs whose caller leaves after its first word."""
    before = await counted(loop)
    headers = {"Authorization": f"Bearer {token()}"}
    url = f"{loop.url}/v1/chat/completions"
    async with aiohttp.ClientSession() as session:
        answer = await session.post(url, json=STREAM, headers=headers)
        await answer.content.readany()
        answer.close()
    await until(lambda: loop.stub.given_up)
    await until(lambda: not len(loop.enforcement.exchanges))
    return await counted(loop) - before


async def test_who_leaves_pays_for_what_went_out_and_for_the_time_it_took(tmp_path: Path):
    stub = Scripted(word("hello"), then="hang")
    async with gateway(tmp_path, BUDGET, stub=stub, limits="tokens_a_second = 1") as loop:
        assert 2 <= await left_after(loop) < 500
    # What is thought is not seen: time alone says how much it can have been.
    stub = Scripted(word("hello"), then="hang")
    async with gateway(tmp_path, BUDGET, stub=stub, limits="tokens_a_second = 1000000000") as loop:
        assert await left_after(loop) == UNSEEN


async def test_a_cut_stream_is_counted_and_the_cut_waits_for_no_count(tmp_path: Path):
    stub = Scripted(word("word " * 60), then="hang")
    async with gateway(tmp_path, BUDGET, stub=stub, limits="tokens_a_second = 1") as loop:
        asking = asyncio.create_task(post(loop, STREAM))
        await until(lambda: len(loop.enforcement.exchanges) and stub.requests)
        (exchange,) = loop.enforcement.exchanges
        await until(lambda: exchange.connection.sent > 300)
        db = sqlite3.connect(loop.config.state / proxy.USAGE_FILE, isolation_level=None)
        with contextlib.closing(db):
            db.execute("BEGIN IMMEDIATE")
            assert (await loop.apply({**DOMESTIC, "effect": "forbid"})).cut == 1
            db.execute("COMMIT")
        await asking
        assert 100 <= await counted(loop) < 1000


# ---------------------------------------------------------------- streams say what they used


class Saying(Stub):
    """An endpoint that says in a stream what was used, where it is asked to."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        self.requests.append((request.path, {}, json.dumps(body).encode()))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        asked = (body.get("stream_options") or {}).get("include_usage")
        more: dict[str, Any] = {"usage": None} if asked else {}
        for text in ("a", "b"):
            await response.write(event(choices=[{"delta": {"content": text}}], **more))
        if asked:
            said = event(choices=[], usage=USAGE)
            await response.write(said[:20])
            await asyncio.sleep(0.01)
            await response.write(said[20:])
        await response.write(DONE)
        await response.write_eof()
        return response


@contextlib.asynccontextmanager
async def saying(folder: Path, *rules: Any) -> AsyncIterator[Loop]:
    async with gateway(folder, *rules, stub=Saying()) as loop:
        yield loop


PLAIN = b"".join(event(choices=[{"delta": {"content": text}}]) for text in "ab") + DONE


async def test_the_gateway_asks_for_usage_and_takes_it_out_again(tmp_path: Path):
    async with saying(tmp_path, BUDGET) as loop:
        status, came, _ = await post(loop, {**STREAM, "stream_options": {"include_usage": False}})
        assert (status, came) == (200, PLAIN)
        assert (await post(loop, STREAM))[1] == PLAIN
        assert await counted(loop) == 100
        sent = [json.loads(body)["stream_options"] for _, _, body in loop.stub.requests]
        assert sent == [{"include_usage": True}] * 2


async def test_who_asks_for_usage_gets_it(tmp_path: Path):
    async with saying(tmp_path, BUDGET) as loop:
        came = (await post(loop, {**STREAM, **ASKED}))[1]
        assert came.count(b'"usage"') == 3
        assert await counted(loop) == 50


@pytest.mark.parametrize("options", ["x", 7, [1], [{"include_usage": True}]])
async def test_options_that_are_none_are_refused_before_anything_is_granted(
    tmp_path: Path, options: Any
):
    async with saying(tmp_path, BUDGET) as loop:
        status, came, _ = await post(loop, {**STREAM, "stream_options": options})
        assert (status, json.loads(came)["error"]["code"]) == (400, "unreadable_request")
        assert (loop.audit.events, loop.stub.requests, await counted(loop)) == ([], [], 0)
        assert (await post(loop, {**STREAM, "stream_options": None}))[0] == 200


async def test_where_nothing_is_counted_nothing_is_asked(tmp_path: Path):
    async with saying(tmp_path, DOMESTIC) as loop:
        assert (await post(loop, STREAM))[1] == PLAIN
        assert "stream_options" not in json.loads(loop.stub.requests[0][2])


async def test_twin_without_the_filter_the_caller_sees_what_was_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(metering, "_without_usage", lambda each: each)
    async with saying(tmp_path, BUDGET) as loop:
        assert b'"usage"' in (await post(loop, STREAM))[1]


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ([word("a"), event(choices=[], usage=USAGE)[:-2]], "text/event-stream"),
        ([json.dumps({"choices": [], "usage": USAGE}).encode()], "application/json"),
        ([event(choices=[], usage=USAGE).replace(b"\n", b"\r\n"), DONE], "text/event-stream"),
    ],
    ids=["no last line end", "no stream at all", "other line ends"],
)
async def test_usage_is_found_however_it_comes(tmp_path: Path, parts: list[bytes], kind: str):
    async with gateway(tmp_path, BUDGET, stub=Scripted(*parts, kind=kind)) as loop:
        assert await cost(loop, STREAM) == 50


ODD = [
    b'{"usage":{"total_tokens":50},"choices":' + b'{"a":' * 520 + b'"x"' + b"}" * 521,
    b'{"usage":{"total_tokens":1' + b"0" * 30 + b"}}",
]


@pytest.mark.parametrize("answer", ODD, ids=["deep", "great"])
@pytest.mark.parametrize("streams", [False, True])
async def test_an_odd_answer_goes_on_whole_and_is_settled(
    tmp_path: Path, answer: bytes, streams: bool
):
    parts = (b"data: ", answer, b"\n\n", DONE) if streams else (answer,)
    kind = "text/event-stream" if streams else "application/json"
    async with gateway(tmp_path, BUDGET, stub=Scripted(*parts, kind=kind)) as loop:
        status, came, _ = await post(loop, STREAM if streams else CHAT)
        assert (status, came) == (200, b"".join(parts))
        await until(lambda: not len(loop.enforcement.exchanges))
        usage = loop.usage
        await counted(loop)
        assert not usage._owed
        with sqlite3.connect(loop.config.state / proxy.USAGE_FILE) as db:
            assert db.execute("SELECT COUNT(*) FROM held").fetchone() == (0,)


# ---------------------------------------------------------------- a budget that is spent


async def refusal(loop: Loop) -> tuple[int, str, int]:
    status, came, headers = await post(loop, CHAT)
    return status, json.loads(came)["error"]["code"], int(headers.get("Retry-After", -1))


async def spent(folder: Path, rule: Any) -> tuple[int, str, int]:
    async with gateway(folder, rule) as loop:
        usage = loop.usage
        hold = await usage.hold("ann", 1, time.time())
        usage.settle(hold, 2_000_000).result()
        return await refusal(loop)


async def test_a_spent_budget_says_so_and_until_when(tmp_path: Path):
    status, code, seconds = await spent(tmp_path, DAILY)
    assert (status, code) == (429, "budget_spent")
    assert 0 < seconds <= 86_401
    now = time.time()
    status, code, seconds = await spent(tmp_path, MONTHLY)
    assert (status, code) == (429, "budget_spent")
    assert datetime.fromtimestamp(now + seconds + 1, UTC).day == 1


async def test_twin_without_the_look_at_the_budget_it_is_a_denial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(proxy, "tokens_spent", lambda *_: None)
    assert (await spent(tmp_path, DAILY))[0] == 403


async def test_what_requests_under_way_hold_is_told_apart(tmp_path: Path):
    async with gateway(tmp_path, DAILY) as loop:
        hold = await loop.usage.hold("ann", 5000, time.time())
        assert await refusal(loop) == (429, "budget_spent", charging._BUSY_SECONDS)
        loop.usage.settle(hold, 0).result()
        assert (await post(loop, CHAT))[0] == 200


async def test_what_cannot_be_settled_is_settled_later(tmp_path: Path):
    usage, path = UsageStore(tmp_path / "usage.sqlite3"), tmp_path / "usage.sqlite3"
    hold = await usage.hold("ann", 900, time.time())
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("ALTER TABLE used RENAME TO elsewhere")
        with pytest.raises(sqlite3.Error):
            usage.settle(hold, 7).result()
        db.execute("ALTER TABLE elsewhere RENAME TO used")
    usage.retry()
    assert (await usage.used("ann", time.time())).today == 7
    usage.close()


async def test_a_file_of_an_earlier_version_is_read_on(tmp_path: Path):
    path = tmp_path / "usage.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(
            "CREATE TABLE held (id INTEGER PRIMARY KEY, who BLOB NOT NULL, day INTEGER NOT NULL,"
            " tokens INTEGER NOT NULL)"
        )
    usage = UsageStore(path)
    hold = await usage.hold("ann", 5, time.time())
    usage.settle(hold, 5).result()
    assert (await usage.used("ann", time.time())).today == 5
    usage.close()
