"""What a bad endpoint does, over real HTTP: bounded retries, then a recorded outcome."""

import asyncio
import base64
import gzip
import json
import socket
import time
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from support.endpoint import completion, copier, serve, word_of
from support.toy_run import OVER_LOOPBACK, Run
from touchstone.evaluation import Elicitation, EndpointLimits
from touchstone.evaluation.endpoints import BoundedEndpoint
from touchstone.evaluation.journal import MOST_EXECUTIONS

pytestmark = OVER_LOOPBACK
RETRIES = 2
ONCE = EndpointLimits(max_samples=1, retries=0, backoff_seconds=0)


def failing(script: Any, toy_run: Run, **more: Any) -> tuple[str, int]:
    """What the endpoint did to one sample, and how many requests that took.

    No model said anything: the sample has no outcome yet, and that is told.
    """
    with serve(script) as endpoint:
        result = toy_run(endpoint.url, size=1, **more)
        (lost,) = result.lost
        assert (result.outcomes, result.missing, result.begun) == ((), (0,), (0,))
        assert (lost.index, lost.executions, result.stopped) == (0, 1, "endpoint-failing")
        return lost.reason, len(endpoint.requests)


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
    ids=[
        "html",
        "half-json",
        "deep-json",
        "no-choices",
        "text-choices",
        "number-message",
        "list",
        "500",
        "429",
        "endless",
        "gzip-bomb",
    ],
)
def test_bounded_retries_then_an_error_is_recorded(script: Any, says: str, toy_run: Run):
    reason, requests = failing(script, toy_run)
    assert says in reason
    assert "\n" not in reason
    assert requests == 1 + RETRIES


@pytest.mark.parametrize("name", ["Retry-After", "X-Ratelimit-Reset-Tokens"])
@pytest.mark.parametrize("told", ["1" * 20_000 + "x", "1 " * 10_000 + "x"])
def test_a_long_header_is_not_searched_for_a_wait(told: str, name: str, toy_run: Run):
    """Inspect's reader of waits takes the square of the length, 20 s and more for one of these."""
    began = time.process_time()
    reason, _ = failing(
        lambda *_: web.Response(status=429, headers={name: told}), toy_run, asking=ONCE
    )
    assert "HTTP 429" in reason
    assert time.process_time() - began < 8


@pytest.mark.parametrize("stuck", [hang, drip], ids=["hang", "drip"])
def test_an_answer_that_does_not_end_in_time_is_cut(
    stuck: Callable[[web.Request], Awaitable[web.StreamResponse]], toy_run: Run
):
    # Neither ends by itself: that this test ends at all shows that they were cut.
    asking = EndpointLimits(attempt_seconds=3, retries=1, backoff_seconds=0)
    reason, requests = failing(lambda *_: stuck, toy_run, asking=asking)
    assert reason == "no whole answer within 3 s"
    # On a busy machine an attempt may be over before its request has come.
    assert requests <= 2


@pytest.mark.parametrize("code", [400, 401, 403, 404, 413, 422])
def test_a_clear_refusal_is_not_retried(code: int, toy_run: Run):
    reason, requests = failing(lambda *_: status(code), toy_run)
    assert (str(code) in reason, requests) == (True, 1)


def test_nothing_listens(toy_run: Run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        result = toy_run(f"http://127.0.0.1:{taken.getsockname()[1]}/v1", size=1)
    assert "onnect" in result.lost[0].reason


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


def quoting(key: str) -> str:
    """How services quote a key that they refuse."""
    packed = base64.b64encode(f"Bearer {key}".encode()).decode()
    return f"Incorrect key: {key} {key[:12]}...{key[-8:]} sk-***{key[-4:]} {packed} {key.upper()}"


def forms_of(key: str) -> list[bytes]:
    packed = base64.b64encode(key.encode()).decode()
    parts = [key[:12], key[-8:], key.upper(), packed[:16], key.encode().hex(), key[::-1]]
    return [part.encode() for part in parts]


def contents(folder: Path) -> Iterator[bytes]:
    """Every byte below a folder; of archives, what is packed in them."""
    for path in folder.rglob("*"):
        if path.is_file() and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                yield from (archive.read(name) for name in archive.namelist())
        elif path.is_file():
            yield path.read_bytes()


SECRET = "sk-live-Zq81mWc47RtYpL2x"


@pytest.mark.parametrize(
    "script",
    [
        lambda *_: status(401, quoting(SECRET)),
        lambda *_: status(400, "maximum context length " + quoting(SECRET)),
        lambda *_: {"error": {"message": quoting(SECRET)}},
        lambda *_: web.Response(status=500, text=quoting(SECRET), headers={"Www-X": SECRET}),
        lambda *_: (
            completion(
                quoting(SECRET),
                [("submit", {"answer": quoting(SECRET)})],
                reasoning_content=quoting(SECRET),
            )
            | {"system_fingerprint": SECRET, "id": SECRET[:12]}
        ),
        lambda *_: completion("", stop=SECRET, model=SECRET),
        lambda *_: completion("", usage={"prompt_tokens": SECRET, "completion_tokens": SECRET}),
    ],
    ids=["401", "context", "200-error", "500", "answer", "names", "usage"],
)
def test_the_key_is_in_no_file_however_the_endpoint_quotes_it(
    script: Any, toy_run: Run, tmp_path: Path
):
    with serve(script) as endpoint:
        toy_run(endpoint.url, size=1, api_key=SECRET, elicitation=Elicitation(id="e1", nudges=0))
        assert endpoint.headers[0]["Authorization"] == f"Bearer {SECRET}"
    held = list(contents(tmp_path))
    assert any(b"touchstone_chunk" in data for data in held)
    whole = b"\n".join(held)
    assert [part for part in forms_of(SECRET) if part in whole] == []


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


def test_a_sample_that_is_never_answered_begins_three_times_and_is_then_lost(toy_run: Run):
    with serve(lambda *_: status(500)) as endpoint:
        results = [toy_run(endpoint.url, size=1, asking=ONCE) for _ in range(5)]
        assert len(endpoint.requests) == MOST_EXECUTIONS
    assert [len(result.outcomes) for result in results] == [0, 0, 1, 1, 1]
    (outcome,) = results[-1].outcomes
    assert (outcome.result, outcome.score, outcome.cause, outcome.executions) == (
        "lost-endpoint",
        "not-measured",
        "endpoint",
        MOST_EXECUTIONS,
    )
    assert results[-1].lost == ()


def test_three_samples_in_a_row_failed_by_the_endpoint_stop_the_chunk_and_may_run_again(
    toy_run: Run,
):
    broken = True

    def script(body: dict[str, Any], number: int) -> Any:
        return status(500) if broken else copier(body, number)

    with serve(script) as endpoint:
        first = toy_run(endpoint.url, size=8, asking=ONCE)
        assert len(endpoint.requests) == 3
        broken = False
        second = toy_run(endpoint.url, size=8, asking=ONCE)
    assert (first.stopped, first.outcomes, first.begun) == ("endpoint-failing", (), (0, 1, 2))
    assert [(lost.index, lost.executions) for lost in first.lost] == [(0, 1), (1, 1), (2, 1)]
    assert (second.stopped, second.lost, second.repeated) == ("", (), (0, 1, 2))
    assert [(o.result, o.executions) for o in second.outcomes] == [("solved", 2)] * 3 + [
        ("solved", 1)
    ] * 5


def test_what_the_endpoint_loses_between_answers_is_lost_for_good(toy_run: Run):
    """It answers others, so it is not away: these samples are not to be had again."""
    seen: list[str] = []

    def script(body: dict[str, Any], number: int) -> Any:
        word = word_of(body)
        seen.extend([] if word in seen else [word])
        return status(400) if seen.index(word) in {1, 2} else copier(body, number)

    with serve(script) as endpoint:
        result = toy_run(endpoint.url, size=5, asking=ONCE)
        asked = len(endpoint.requests)
        assert toy_run(endpoint.url, size=5, asking=ONCE).outcomes == result.outcomes
        assert len(endpoint.requests) == asked
    assert [o.result for o in result.outcomes] == [
        "solved",
        "lost-endpoint",
        "lost-endpoint",
        "solved",
        "solved",
    ]


def test_what_the_endpoint_loses_at_the_end_of_a_chunk_may_run_again(toy_run: Run):
    broken = True

    def script(body: dict[str, Any], number: int) -> Any:
        return status(503) if broken and number >= 4 else copier(body, number)

    with serve(script) as endpoint:
        first = toy_run(endpoint.url, size=3, asking=ONCE)
        second = toy_run(endpoint.url, size=3, asking=ONCE)
        broken = False
        third = toy_run(endpoint.url, size=3, asking=ONCE)
    assert (first.stopped, len(first.outcomes), first.missing) == ("", 2, (2,))
    assert (second.stopped, len(second.outcomes)) == ("endpoint-failing", 2)
    assert [(o.result, o.executions) for o in third.outcomes][2] == ("solved", 3)


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
    inspects = next(
        kind for kind in BoundedEndpoint.__mro__ if kind.__module__.startswith("inspect_ai.")
    )
    monkeypatch.setattr(BoundedEndpoint, "make_client", inspects.__dict__["_create_http_client"])
    with serve() as other:

        def away(*_: Any) -> web.Response:
            return web.Response(status=307, headers={"Location": other.url + "/chat/completions"})

        with serve(away) as endpoint:
            result = toy_run(endpoint.url, size=1)
        assert [o.result for o in result.outcomes] == ["solved"]
        assert json.dumps(other.requests)
