"""The data path over real sockets: what is forwarded, byte by byte, and what never is."""

import asyncio
import io
import json
import logging
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest

from support.gateway_loop import (
    ANSWER,
    CHAT,
    DOMESTIC,
    RULES,
    Loop,
    Stub,
    gateway,
    token,
    until,
)
from touchstone.gateway.enforcing import proxy, relaying
from touchstone.gateway.enforcing.exchanges import Exchanges
from touchstone.gateway.enforcing.usage import UsageStore

pytestmark = pytest.mark.asyncio
PATH = "/v1/chat/completions"
BUDGET = {**DOMESTIC, "budget": {"tokens": 100, "per": "day"}}


async def post(
    loop: Loop, body: Any = CHAT, text: str | None = None, path: str = PATH, **headers: str
) -> tuple[int, Any]:
    sent = {"Authorization": f"Bearer {text or token()}", **headers}
    data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            loop.url + path, data=data, headers={"Content-Type": "application/json", **sent}
        ) as answer,
    ):
        raw = await answer.read()
        return answer.status, json.loads(raw) if raw.startswith(b"{") else raw


async def test_the_bytes_that_were_judged_are_forwarded(tmp_path: Path):
    body = b' {"messages" : [ ], "model":"example-model", "temperature":1.50 }'
    async with gateway(tmp_path) as loop:
        assert await post(loop, body, **{"X-Reasoning-Effort": "high", "Cookie": "a=b"}) == (
            200,
            ANSWER,
        )
        path, headers, seen = loop.stub.requests[0]
    assert (path, seen) == (PATH, body)
    assert headers.pop("Host")
    assert headers == {
        "Accept-Encoding": "identity",
        "Authorization": "Bearer sk-upstream",
        "Content-Length": str(len(body)),
        "Content-Type": "application/json",
    }


async def test_a_large_body_is_forwarded_whole(tmp_path: Path):
    body = {**CHAT, "messages": [{"role": "user", "content": "x" * (2 << 20)}]}
    async with gateway(tmp_path) as loop:
        assert (await post(loop, body))[0] == 200
        assert json.loads(loop.stub.requests[0][2]) == body


async def test_the_upstream_may_know_another_name(tmp_path: Path):
    async with gateway(tmp_path) as loop:
        assert (await post(loop, {**CHAT, "model": "other-name"}))[0] == 200
        assert json.loads(loop.stub.requests[0][2]) == {**CHAT, "model": "its-own-name"}


async def test_a_decision_is_written_down_before_anything_is_forwarded(tmp_path: Path):
    async with gateway(tmp_path) as loop:
        loop.audit.gate = asyncio.Event()
        asking = asyncio.create_task(post(loop))
        await until(lambda: loop.audit.events)
        await asyncio.sleep(0.02)
        assert not loop.stub.requests
        loop.audit.gate.set()
        assert (await asking)[0] == 200
    assert loop.audit.events == [
        {
            "kind": "decision",
            "worker": 0,
            "epoch": 1,
            "bundle": 1,
            "caller": "ann",
            "variant": "final",
            "mode": "instant",
            "purpose": None,
            "allowed": True,
            "rule": "domestic",
        }
    ]


async def test_refusals_forward_nothing_and_say_why(tmp_path: Path):
    allied = token(nationality="XC")
    cases: list[tuple[Any, dict[str, str], int, str]] = [
        ({**CHAT, "reasoning_effort": "high"}, {"text": allied}, 403, "denied_by_terms"),
        (CHAT, {"text": token(nationality="XB")}, 403, "denied_by_terms"),
        (CHAT, {"text": token(nationalities=None)}, 403, "denied_by_terms"),
        (CHAT, {"text": token(nationalities=["Home"])}, 403, "denied_by_terms"),
        (CHAT, {"text": token(exp=1)}, 401, "invalid_token"),
        (CHAT, {"Touchstone-Purpose": "mischief"}, 403, "denied_by_terms"),
        (CHAT, {"Touchstone-Purpose": "x" * 65}, 400, "purpose_ambiguous"),
        ({**CHAT, "reasoning_effort": "xhigh"}, {}, 400, "mode_unknown"),
        ({**CHAT, "model": "example-model:thinking"}, {}, 404, "model_not_found"),
        (b'{"model":"a","model":"b"}', {}, 400, "duplicate_key"),
        (CHAT, {"openai-beta": "x"}, 400, "header_refused"),
        (CHAT, {"Content-Type": "text/plain"}, 415, "not_json"),
        (CHAT, {"Content-Type": "application/json; charset=utf-16"}, 415, "not_json"),
        (CHAT, {"Content-Encoding": "gzip"}, 415, "encoded_body"),
        (CHAT, {"path": PATH + "?reasoning_effort=high"}, 400, "query_refused"),
        (CHAT, {"path": "/v1/files"}, 404, "unknown_path"),
        (CHAT, {"path": "/v1/models"}, 405, "method_not_allowed"),
        (b"", {}, 400, "unreadable_request"),
    ]
    async with gateway(tmp_path) as loop:
        for body, more, status, code in cases:
            found, answer = await post(loop, body, **more)
            assert (found, answer["error"]["code"]) == (status, code), (body, more)
        assert (await post(loop, {**CHAT, "messages": "x" * (5 << 20)}))[0] == 413
        assert not loop.stub.requests


async def test_nothing_is_served_without_a_bundle(tmp_path: Path):
    async with gateway(tmp_path) as loop:
        await loop.enforcement.apply(None, 2)
        status, answer = await post(loop)
        assert (status, answer["error"]["code"]) == (503, "no_policy")
        async with aiohttp.ClientSession() as session:
            for path, wanted in (("/healthz", 200), ("/readyz", 503)):
                async with session.get(loop.url + path) as found:
                    assert found.status == wanted
        await loop.apply(*RULES)
        assert (await post(loop))[0] == 200


async def test_who_drains_grants_nothing_more(tmp_path: Path):
    async with gateway(tmp_path) as loop:
        await loop.enforcement.drain(1)
        assert (await post(loop))[1]["error"]["code"] == "draining"


async def test_a_drain_ends_in_its_time_though_the_clock_is_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with gateway(tmp_path) as loop:
        with monkeypatch.context() as patch:
            patch.setattr(Exchanges, "__len__", lambda _: 1)
            draining = asyncio.create_task(loop.enforcement.drain(0.2))
            # It has begun, and by its own account has still to end.
            await asyncio.sleep(0)
            loop.shift = -3600.0
            await asyncio.wait_for(draining, 10)


async def test_models_are_those_that_the_caller_may_use(tmp_path: Path):
    only_final = {**DOMESTIC, "variants": ["final"]}
    async with gateway(tmp_path, only_final) as loop, aiohttp.ClientSession() as session:
        for nationality, wanted in (("XA", ["example-model"]), ("XC", [])):
            headers = {"Authorization": f"Bearer {token(nationality=nationality)}"}
            async with session.get(loop.url + "/v1/models", headers=headers) as answer:
                assert [each["id"] for each in (await answer.json())["data"]] == wanted
            async with session.get(loop.url + "/v1/models/other-name", headers=headers) as answer:
                assert answer.status == 404


async def test_an_upstream_that_fails_tells_nothing_of_itself(tmp_path: Path):
    stub = Stub()
    async with gateway(tmp_path, stub=stub) as loop:
        for status, wanted in ((500, 502), (401, 502), (302, 502), (503, 503), (429, 429)):
            stub.status = status
            found, answer = await post(loop)
            assert found == wanted
            assert ("sk-secret" in json.dumps(answer)) == (status == 429)


async def test_an_upstream_that_is_not_there_is_a_clear_error(tmp_path: Path):
    absent = (
        '[[upstreams]]\nmodel = "absent"\nvariant = "final"\nmode = "instant"\n'
        'base_url = "http://127.0.0.1:1/v1"\n'
    )
    async with gateway(tmp_path, config={"models": absent}) as loop:
        status, answer = await post(loop, {**CHAT, "model": "absent"})
        assert (status, answer["error"]["code"]) == (502, "upstream_failed")
        assert "127.0.0.1" not in json.dumps(answer)


async def test_an_upstream_that_is_slow_is_given_up(tmp_path: Path):
    async with gateway(
        tmp_path, stub=Stub(pause=5.0, parts=2), limits="answer_seconds = 0.05"
    ) as loop:
        with pytest.raises(aiohttp.ClientError):
            await post(loop, {**CHAT, "stream": True})


async def test_an_answer_that_breaks_off_does_not_look_whole(tmp_path: Path):
    async with gateway(tmp_path, stub=Stub(breaks_after=3)) as loop:
        with pytest.raises(aiohttp.ClientError):
            await post(loop, {**CHAT, "stream": True})


async def test_a_caller_who_leaves_stops_the_upstream(tmp_path: Path):
    stub = Stub(parts=500)
    async with gateway(tmp_path, stub=stub) as loop, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {token()}"}
        answer = await session.post(loop.url + PATH, json={**CHAT, "stream": True}, headers=headers)
        await answer.content.readany()
        answer.close()
        await until(lambda: stub.given_up)


async def test_one_caller_has_so_many_requests_at_once(tmp_path: Path):
    async with gateway(tmp_path, limits="per_caller = 2") as loop:
        loop.audit.gate = asyncio.Event()
        first = [asyncio.create_task(post(loop)) for _ in range(2)]
        await until(lambda: len(loop.audit.events) == 2)
        status, answer = await post(loop)
        assert (status, answer["error"]["code"]) == (429, "too_many_requests")
        asking = asyncio.create_task(post(loop, text=token("bo")))
        loop.audit.gate.set()
        assert [each[0] for each in await asyncio.gather(*first, asking)] == [200, 200, 200]


async def test_logs_and_metrics_hold_no_token_and_no_prompt(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    text = token("a-person")
    body = {**CHAT, "messages": [{"role": "user", "content": "a secret prompt"}]}
    async with gateway(tmp_path) as loop:
        await post(loop, body, text)
        await post(loop, b'{"a secret prompt', text)
        await post(loop, body, text[:-4] + "AAAA")
        reader, writer = await asyncio.open_connection(loop.host, loop.port)
        writer.write(f"POST / HTTP/1.1\r\nAuthorization: Bearer {text}\r\n bad\r\n\r\n".encode())
        assert b" 400 " in await reader.read()
        writer.close()
        metrics = loop.enforcement.metrics_text().decode()
    assert 'touchstone_gateway_requests_total{api="openai",status="200"} 1.0' in metrics
    for said in (caplog.text, metrics, str(loop.audit.events).replace("'caller': 'a-person'", "")):
        for secret in (text, "a secret prompt", "a-person", "sk-upstream"):
            assert secret not in said


# ---------------------------------------------------------------- real clients


async def test_the_openai_client_streams_and_calls_tools(tmp_path: Path):
    stub = Stub()
    async with (
        gateway(tmp_path, stub=stub) as loop,
        openai.AsyncOpenAI(base_url=loop.url + "/v1", api_key=token(), max_retries=0) as client,
    ):
        messages: list[Any] = CHAT["messages"]  # type: ignore[assignment]
        stream = await client.chat.completions.create(
            model="example-model",
            messages=messages,
            stream=True,
            stream_options={"include_usage": True},
        )
        words = [chunk.choices[0].delta.content async for chunk in stream]
        assert words == [f"w{number} " for number in range(20)]
        stub.tool_calls = True
        tool: Any = {"type": "function", "function": {"name": "f", "parameters": {}}}
        called = await client.chat.completions.create(
            model="example-model", messages=messages, tools=[tool]
        )
        calls = called.choices[0].message.tool_calls
        assert calls is not None
        assert calls[0].id == "t1"
        assert [each.id async for each in client.models.list()] == ["example-model", "other-name"]
        found = await client.embeddings.create(
            model="example-model", input="x", encoding_format="float"
        )
        assert found.data[0].embedding == [0.5, 0.25]
        with pytest.raises(openai.BadRequestError, match="not known here"):
            await client.chat.completions.create(
                model="example-model", messages=messages, extra_body={"thinking": True}
            )


async def test_the_anthropic_client_streams(tmp_path: Path):
    # Loaded where it is needed: it takes each worker two seconds.
    anthropic = import_module("anthropic")
    async with (
        gateway(tmp_path) as loop,
        anthropic.AsyncAnthropic(base_url=loop.url, api_key=token(), max_retries=0) as client,
    ):
        ask: Any = {"model": "example-model", "messages": CHAT["messages"], "max_tokens": 9}
        message = await client.messages.create(**ask)
        assert message.stop_reason == "end_turn"
        async with client.messages.stream(**ask) as stream:
            assert "w2 " in await stream.get_final_text()
        assert loop.stub.requests[0][1]["x-api-key"] == "sk-upstream"
        with pytest.raises(anthropic.BadRequestError, match="anthropic-beta"):
            await client.beta.messages.create(**ask, betas=["x"])
        async with anthropic.AsyncAnthropic(
            base_url=loop.url, api_key=token(nationality="XC"), max_retries=0
        ) as allied:
            with pytest.raises(anthropic.PermissionDeniedError, match="thinking"):
                await allied.messages.create(
                    **ask, thinking={"type": "enabled", "budget_tokens": 1024}
                )


# ---------------------------------------------------------------- budgets


async def test_a_budget_is_counted_from_what_the_upstream_says(tmp_path: Path):
    async with gateway(tmp_path, BUDGET, limits="unseen_tokens = 50") as loop:
        for _ in range(20):
            assert (await post(loop))[0] == 200
        await loop.settles_at(100)
        status, answer = await post(loop)
        assert status == 429
        assert answer["error"]["code"] == "budget_spent"
        assert "your token budget of this day is spent" in answer["error"]["message"]
        await loop.settles_at(100)
        await loop.settles_at(0, "bo")
        loop.shift = 86_400
        assert (await post(loop, text=token(exp=int(time.time()) + 90_000)))[0] == 200


async def test_what_is_in_flight_counts_at_its_most(tmp_path: Path):
    async with gateway(tmp_path, BUDGET, limits="unseen_tokens = 60") as loop:
        loop.audit.gate = asyncio.Event()
        asking = [asyncio.create_task(post(loop)) for _ in range(3)]
        await until(lambda: len(loop.audit.events) == 3)
        loop.audit.gate.set()
        statuses = sorted(each[0] for each in await asyncio.gather(*asking))
        assert statuses == [200, 200, 429]


async def test_a_stream_that_says_nothing_costs_what_it_could(tmp_path: Path):
    async with gateway(tmp_path, BUDGET, limits="unseen_tokens = 60") as loop:
        await post(loop, {**CHAT, "stream": True})
        await loop.settles_at(60)
    again = UsageStore(loop.config.state / proxy.USAGE_FILE)
    assert (await again.used("ann", time.time())).today == 60
    again.close()


async def test_an_anthropic_stream_says_what_it_used(tmp_path: Path):
    ask = {**CHAT, "max_tokens": 9, "stream": True}
    async with gateway(tmp_path, BUDGET) as loop:
        await post(loop, ask, path="/v1/messages")
        await loop.settles_at(10)


# ---------------------------------------------------------------- twins: each guard taken away


async def test_without_the_guard_an_upstreams_words_are_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(proxy, "check_status", lambda _: None)
    async with gateway(tmp_path, stub=Stub(status=401)) as loop:
        assert "sk-secret" in json.dumps(await post(loop))


async def test_without_the_guard_every_header_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def headers(loop: Loop) -> list[str]:
        sent = {"Authorization": f"Bearer {token()}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(loop.url + PATH, json=CHAT, headers=sent) as answer,
        ):
            return [name.lower() for name in answer.headers]

    async with gateway(tmp_path) as loop:
        assert "openai-organization" not in await headers(loop)
        monkeypatch.setattr(relaying, "_PASSED", ("Content-Type", "openai-organization"))
        assert "openai-organization" in await headers(loop)
