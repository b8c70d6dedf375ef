"""What a bad endpoint does, over real HTTP: bounded retries, then a recorded outcome."""

import asyncio
import gzip
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from support.endpoint import completion, copier, serve
from support.toy_run import OVER_LOOPBACK, Run
from touchstone.evaluation import Asking
from touchstone.evaluation.endpoints import BoundedEndpoint

pytestmark = OVER_LOOPBACK
RETRIES = 2


def failing(script: Any, toy_run: Run, **more: Any) -> tuple[str, int]:
    """The one recorded reason, and how many requests it took."""
    with serve(script) as endpoint:
        result = toy_run(endpoint.url, size=1, **more)
        (outcome,) = result.outcomes
        assert (outcome.result, outcome.score, outcome.cause) == (
            "lost-endpoint",
            "not-measured",
            "endpoint",
        )
        assert result.missing == ()
        return outcome.reason, len(endpoint.requests)


async def hang(_request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    raise AssertionError


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


async def drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.1)


def status(code: int, text: str = "no") -> web.Response:
    return web.json_response({"error": {"message": text}}, status=code)


def bomb(_body: Any, _number: int) -> web.Response:
    packed = gzip.compress(b" " * 50_000_000)
    return web.Response(
        body=packed, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
    )


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (lambda *_: web.Response(text="<h1>Sign in</h1>", content_type="text/html"), "not"),
        (lambda *_: b'{"id": "chatcmpl-1", "choices": [{"ind', "not JSON"),
        (lambda *_: b"[" * 100_000, "answer"),
        (lambda *_: {"error": "later"}, "no choice"),
        (lambda *_: completion() | {"choices": "many"}, "no choice"),
        (lambda *_: completion() | {"choices": [{"message": 7}]}, ""),
        (lambda *_: [1, 2], "not a JSON object"),
        (lambda *_: status(500), "HTTP 500"),
        (lambda *_: status(429), "HTTP 429"),
        (lambda *_: endless, "larger than 200000 bytes"),
        (bomb, "compressed"),
    ],
    ids=["html", "half-json", "deep-json", "no-choices", "text-choices", "number-message",
         "list", "500", "429", "endless", "gzip-bomb"],
)  # fmt: skip
def test_bounded_retries_then_an_error_is_recorded(script: Any, says: str, toy_run: Run):
    reason, requests = failing(script, toy_run)
    assert says in reason
    assert "\n" not in reason
    assert requests == 1 + RETRIES


@pytest.mark.parametrize("stuck", [hang, drip], ids=["hang", "drip"])
def test_an_answer_that_does_not_end_in_time_is_cut(
    stuck: Callable[[web.Request], Awaitable[web.StreamResponse]], toy_run: Run
):
    """Uncut, the answer takes an hour: longer than any test may."""
    asking = Asking(attempt_seconds=1, retries=1, backoff_seconds=0)
    reason, requests = failing(lambda *_: stuck, toy_run, asking=asking)
    assert reason == "no whole answer within 1 s"
    assert requests == 2


@pytest.mark.parametrize("code", [400, 401, 403, 404, 413, 422])
def test_a_clear_refusal_is_not_retried(code: int, toy_run: Run):
    reason, requests = failing(lambda *_: status(code), toy_run)
    assert (str(code) in reason, requests) == (True, 1)


def test_nothing_listens(toy_run: Run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        result = toy_run(f"http://127.0.0.1:{taken.getsockname()[1]}/v1", size=1)
    assert [o.cause for o in result.outcomes] == ["endpoint"]
    assert "onnect" in result.outcomes[0].reason


def test_429_and_500_in_turns_are_got_over(toy_run: Run):
    def flaky(body: dict[str, Any], number: int) -> Any:
        return (status(429), status(500), copier(body, number))[number % 3]

    with serve(flaky) as endpoint:
        result = toy_run(endpoint.url, size=1)
    assert [o.result for o in result.outcomes] == ["solved"]
    assert result.outcomes[0].calls == 2


def test_a_redirect_is_not_followed(toy_run: Run):
    with serve() as other:

        def away(*_: Any) -> web.Response:
            location = other.url + "/chat/completions"
            return web.Response(status=307, headers={"Location": location})

        reason, _ = failing(away, toy_run)
        assert "307" in reason
        assert other.requests == []


def test_the_key_is_in_no_file_even_if_the_endpoint_echoes_it(toy_run: Run, tmp_path: Path):
    with serve(lambda *_: status(401, "Incorrect key: key-of-the-toy-endpoint-7f3a")) as endpoint:
        toy_run(endpoint.url, size=1)
        sent = endpoint.headers[0]["Authorization"]
    assert sent == "Bearer key-of-the-toy-endpoint-7f3a"
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".eval" for path in files)
    assert not [path for path in files if b"7f3a" in path.read_bytes()]


@pytest.mark.parametrize(
    "told",
    [
        {"prompt_tokens": -5, "completion_tokens": -1, "total_tokens": -6},
        {"prompt_tokens": 10**15, "completion_tokens": 10**15, "total_tokens": 1},
        {"prompt_tokens": "many", "completion_tokens": None, "total_tokens": []},
        "nothing",
        {},
    ],
    ids=["negative", "absurd", "text", "not-an-object", "empty"],
)
def test_impossible_usage_is_clamped_and_noted(told: Any, toy_run: Run):
    def script(body: dict[str, Any], number: int) -> dict[str, Any]:
        return copier(body, number) | {"usage": told}

    with serve(script) as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1).outcomes
    assert outcome.result in {"solved", "limit"}
    assert 0 < outcome.usage.input < 200_000
    assert any("tokens reported as" in note for note in outcome.notes)


def test_three_samples_in_a_row_failed_by_the_endpoint_stop_the_chunk(toy_run: Run):
    asking = Asking(max_samples=1, retries=0, backoff_seconds=0)
    with serve(lambda *_: status(500)) as endpoint:
        result = toy_run(endpoint.url, size=8, asking=asking)
    assert result.stopped == "endpoint-failing"
    assert (len(result.outcomes), len(result.missing), len(endpoint.requests)) == (3, 5, 3)


# Twins: with a guard taken away, the probe above would fail.
def test_twin_without_the_bound_a_large_answer_is_read_whole(
    toy_run: Run, monkeypatch: pytest.MonkeyPatch
):
    def large(_body: dict[str, Any], number: int) -> dict[str, Any]:
        return completion(" " * 300_000, [("submit", {"answer": "x"})], number=number)

    reason, _ = failing(large, toy_run)
    assert "larger than" in reason
    monkeypatch.setattr("touchstone.evaluation.endpoints.BoundedTransport", lambda inner, _: inner)
    with serve(large) as endpoint:
        (outcome,) = toy_run(endpoint.url, size=2).outcomes[:1]
    assert outcome.cause != "endpoint"


def test_twin_without_our_client_a_redirect_is_followed(
    toy_run: Run, monkeypatch: pytest.MonkeyPatch
):
    parent = BoundedEndpoint.__mro__[1]
    monkeypatch.setattr(
        BoundedEndpoint, "_create_http_client", parent.__dict__["_create_http_client"]
    )
    with serve() as other:

        def away(*_: Any) -> web.Response:
            return web.Response(status=307, headers={"Location": other.url + "/chat/completions"})

        with serve(away) as endpoint:
            result = toy_run(endpoint.url, size=1)
        assert [o.result for o in result.outcomes] == ["solved"]
        assert json.dumps(other.requests)
