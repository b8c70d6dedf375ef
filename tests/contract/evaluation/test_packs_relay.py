"""The parent's end of a pack's way out, without a pack: one endpoint, and what is said to it."""

import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from aiohttp import web

from support.asked_relay import ask_relay
from support.endpoint import Endpoint, completion, serve
from support.packs import write_pack
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.outcomes import Usage
from touchstone.evaluation.packs import running
from touchstone.evaluation.packs.apart import Apart
from touchstone.evaluation.packs.errors import PackProcessError
from touchstone.evaluation.packs.manifest import PackLimits
from touchstone.evaluation.packs.relay import Relay, RelayLimits, RoleEndpoint
from touchstone.evaluation.packs.source import read_pack
from touchstone.evaluation.packs.wire import packed
from touchstone.evaluation.submission import Mode

PLAIN = {"messages": [{"role": "user", "content": "Hello"}]}
ASKING = EndpointLimits(retries=1, backoff_seconds=0)


def script(body: dict[str, Any], number: int) -> Any:
    said = str(body["messages"])
    if "broken" in said:
        return web.Response(status=500, text="out of order")
    if "full" in said:
        return web.json_response({"error": {"code": "context_length_exceeded"}}, status=400)
    if "pretend" in said:
        return completion("x", usage={"prompt_tokens": 1, "completion_tokens": 10**15})
    return completion("yes", number=number)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with serve(script) as found:
        yield found


def relay_to(endpoint: Endpoint, **more: Any) -> Relay:
    def role(model: str) -> RoleEndpoint:
        mode = Mode(
            id="m",
            variant="v",
            model=f"openai-api/example/{model}",
            base_url=endpoint.url,
            api_key_env="EXAMPLE_KEY",
        )
        return RoleEndpoint(mode, f"key-of-{model}")

    roles = {"subject": role("tiny"), "grader": role("judge")}
    return Relay(roles, frozenset({4, 5}), ASKING, **more)


def request(text: str = "Hello", role: str = "subject", sample: str = "4") -> dict[str, Any]:
    asked = {"messages": [{"role": "user", "content": text}], "model": "as the pack likes"}
    return {"role": role, "sample": sample, "request": asked}


def test_each_role_is_asked_at_its_own_endpoint_with_its_own_key(endpoint: Endpoint):
    relay = relay_to(endpoint)
    before = len(endpoint.requests)
    answers = ask_relay(relay, request(), request(role="grader"))
    assert [each and each["call"] for each in answers] == [0, 1]
    assert all(each and "completion" in each for each in answers)
    sent = endpoint.headers[before:]
    assert [each["Authorization"] for each in sent] == ["Bearer key-of-tiny", "Bearer key-of-judge"]
    # The model is the mode's, whatever the pack wrote.
    assert [each["model"] for each in endpoint.requests[before:]] == ["tiny", "judge"]
    assert (relay.of(4).calls, relay.of(4, "grader").calls, relay.of(5).calls) == (1, 1, 0)
    assert (relay.calls, relay.used) == (2, 240)


def test_an_answer_is_told_before_the_pack_hears_of_it(endpoint: Endpoint):
    told: list[tuple[int, Usage]] = []
    ask_relay(
        relay_to(endpoint, on_answer=lambda *each: told.append(each)),
        request(sample="5"),
        request(role="grader"),
        request("full"),
    )
    assert told == [(5, Usage(input=100, output=20)), (4, Usage())]


def test_where_an_answer_cannot_be_written_down_nothing_more_is_asked(endpoint: Endpoint):
    def full(*_: Any) -> None:
        raise OSError("the disk is full")

    relay, before = relay_to(endpoint, on_answer=full), len(endpoint.requests)
    ask_relay(relay, request(), request())
    assert len(endpoint.requests) == before + 1
    assert "full" in str(relay.failure)
    assert not relay.of(4).last_failed


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (request(role="owner"), "role 'owner'"),
        (request(sample="6"), "outside of its samples"),
        ({"role": ["subject"], "sample": "4", "request": PLAIN}, "role"),
        ({"role": "subject", "sample": 4, "request": PLAIN}, "outside of its samples"),
        ({"role": "subject", "sample": "4"}, "no object"),
    ],
)
def test_what_it_may_not_ask_reaches_no_endpoint(
    endpoint: Endpoint, message: dict[str, Any], says: str
):
    relay, before = relay_to(endpoint), len(endpoint.requests)
    (answer,) = ask_relay(relay, message)
    assert answer
    assert says in answer["refused"]
    assert says in relay.refusals[0]
    assert (len(endpoint.requests), relay.calls) == (before, 0)


def test_calls_and_tokens_are_bounded(endpoint: Endpoint):
    relay = relay_to(endpoint, limits=RelayLimits(calls=2))
    answers = ask_relay(relay, request(), request(), request())
    assert [bool(each and "completion" in each) for each in answers] == [True, True, False]
    assert relay.refusals == ["the pack has made its 2 calls"]
    relay = relay_to(endpoint, limits=RelayLimits(tokens=120))
    answers = ask_relay(relay, request(), request())
    assert [bool(each and "completion" in each) for each in answers] == [True, False]
    assert relay.of(4).capped


def test_a_graders_tokens_are_not_the_subjects(endpoint: Endpoint):
    relay = relay_to(endpoint, limits=RelayLimits(tokens=240))
    given = (request(role="grader"), request(role="grader"), request(), request(sample="5"))
    answers = ask_relay(relay, *given)
    assert all(each and "completion" in each for each in answers)
    assert (relay.used, relay.subject_used, relay.capped) == (480, 240, True)
    assert not relay.of(4).capped


def test_a_fault_of_the_endpoint_is_told_and_tried_again_by_us(endpoint: Endpoint):
    relay, before = relay_to(endpoint), len(endpoint.requests)
    (answer,) = ask_relay(relay, request("broken"))
    assert answer
    assert "HTTP 500" in answer["refused"]
    assert len(endpoint.requests) == before + 1 + ASKING.retries
    assert relay.of(4).last_failed
    assert relay.of(4).calls == 0
    # It is the endpoint's fault, and nothing that the pack was refused.
    assert relay.refusals == []


def test_a_full_context_is_an_answer(endpoint: Endpoint):
    relay = relay_to(endpoint)
    (answer,) = ask_relay(relay, request("full"))
    assert answer
    assert answer["completion"]["choices"][0]["finish_reason"] == "length"
    assert relay.of(4).shortened
    assert not relay.of(4).last_failed


def test_tokens_that_cannot_be_are_not_believed(endpoint: Endpoint):
    relay = relay_to(endpoint)
    ask_relay(relay, request("pretend"))
    assert relay.used < 10**6


@pytest.mark.parametrize("nonsense", [b"\xff\xff\xff\xff", packed([])[:4] + b"[]", b"\0\0\0\1{"])
def test_nonsense_ends_the_relay_and_nothing_else(endpoint: Endpoint, nonsense: bytes):
    relay = relay_to(endpoint)
    first, second = ask_relay(relay, request(), nonsense)
    assert first
    assert second is None
    assert "no request" in relay.refusals[0]


@pytest.mark.parametrize(
    ("part", "says"),
    [
        (b'"messages": [{"role": "user", "content": "\\ud800"}]', "no Unicode"),
        (b'"messages": [{"role": "user", "\\udfff": 1}]', "no Unicode"),
        (b'"messages": [], "temperature": NaN', "not finite"),
        (b'"messages": [], "stop": [1e999]', "not finite"),
        (b'"messages": [], "seed": 99999999999999999999', "more than 64 bits"),
        (b'"messages": [{"x": ' + b"[" * 800 + b"]" * 800 + b"}]", "100 levels"),
    ],
)
def test_what_cannot_be_sent_is_no_fault_of_the_endpoints(
    endpoint: Endpoint, part: bytes, says: str
):
    relay, before = relay_to(endpoint), len(endpoint.requests)
    body = b'{"call": 7, "role": "subject", "sample": "4", "request": {' + part + b"}}"
    (answer,) = ask_relay(relay, struct.pack(">I", len(body)) + body)
    assert answer
    assert (answer["call"], says in answer["refused"]) == (7, True)
    assert not relay.of(4).last_failed
    assert (len(endpoint.requests), relay.calls) == (before, 0)


def test_a_call_that_is_no_number_is_not_given_back(endpoint: Endpoint):
    body = packed({**request(), "call": 0})
    deep = body[4:].replace(b'"call":0', b'"call":' + b"[" * 300 + b"]" * 300)
    (answer,) = ask_relay(relay_to(endpoint), struct.pack(">I", len(deep)) + deep)
    assert answer
    assert answer["call"] is None


def test_a_log_is_taken_in_beside_the_event_loop(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    threads = []

    async def given(*_: Any, **__: Any) -> Apart:
        return Apart(b"", "confined", ())

    def keep(*_: Any) -> None:
        threads.append(threading.get_ident())
        raise PackProcessError("none")

    monkeypatch.setattr(running, "run_apart", given)
    monkeypatch.setattr(running, "keep_log", keep)
    asked = {"subject": relay_to(endpoint).asked["subject"]}
    source = read_pack(write_pack(tmp_path / "pack"))
    anyio.run(running.run_items, source, {}, asked, PackLimits(), tmp_path)
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()
