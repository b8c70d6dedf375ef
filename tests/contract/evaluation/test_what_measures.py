"""What measured the model and what did not, told apart over HTTP, outcome by outcome."""

import asyncio
import errno
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from support.endpoint import completion, copier, idler, serve, turn_of
from support.toy_run import OVER_LOOPBACK, Run
from support.toybox import ToyBox
from support.toys import toy_mode
from touchstone.evaluation import Elicitation, EndpointLimits, tools
from touchstone.evaluation.submission import ModeSettings

pytestmark = OVER_LOOPBACK
BRIEF = Elicitation(id="e1", nudges=0)
PATIENT = EndpointLimits(retries=0, backoff_seconds=0)


def said(text: str = "", **more: Any) -> Callable[..., Any]:
    return lambda *_: completion(text, **more)


def refusing(message: str, code: str | None = None, status: int = 400) -> Callable[..., Any]:
    """Works once, then every request is refused."""

    def script(body: dict[str, Any], number: int) -> Any:
        if not turn_of(body):
            return completion("", [("bash", {"command": "true"})], number=number)
        error = {"message": message, "code": code, "type": "invalid_request_error"}
        return web.json_response({"error": error}, status=status)

    return script


def doing(*texts: str, stop: str = "") -> Callable[..., Any]:
    """Runs a command, then submits, in raw arguments."""

    def script(body: dict[str, Any], number: int) -> Any:
        if turn_of(body):
            return completion("", [("submit", {"answer": "x"})], number=number)
        made = completion("", [("bash", {"command": ""})] * len(texts), stop=stop, number=number)
        calls = made["choices"][0]["message"]["tool_calls"]
        for call, text in zip(calls, texts, strict=True):
            call["function"]["arguments"] = text
        return json.dumps(made).encode()

    return script


def never_submits(_body: dict[str, Any], number: int) -> Any:
    return completion("", [("bash", {"command": "true"})], number=number)


VLLM = "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens."


@pytest.mark.parametrize(
    ("script", "result", "word"),
    [
        (copier, "solved", "right"),
        (idler, "unsolved", "no answer file"),
        (said("I would rather not."), "no-attempt", "no tool ran"),
        (said(stop="content_filter"), "refused", "declined"),
        (said(refusal="I cannot help with that."), "refused", "declined"),
        (refusing("Your prompt was flagged", "content_policy_violation"), "refused", "declined"),
        (said(stop="length"), "cut", "limit on output"),
        (said("thinking", stop="max_tokens"), "cut", "limit on output"),
        (doing('{"command": "true"}', stop="length"), "cut", "limit on output"),
        (doing('{"command": "true"}', stop="max_new_tokens"), "cut", "limit on output"),
        (doing('{"command": "true"}', stop="odd"), "cut", "finish_reason 'odd'"),
        (refusing("too long", "context_length_exceeded"), "cut", "limit on output or context"),
        (refusing(VLLM), "cut", "limit on output or context"),
        (refusing("the request exceeds the available context size"), "cut", "context"),
        (refusing("bad request"), "lost-endpoint", "HTTP 400"),
        (refusing("boom", status=500), "lost-endpoint", "HTTP 500"),
        (doing('{"cmd": "ls'), "no-attempt", "no tool ran (1 calls"),
        (doing('{"command": "echo \\ud83d"}'), "no-attempt", "no tool ran (1 calls"),
        (doing('{"cmd": "ls', '{"command": "true"}'), "unsolved", "no answer file"),
    ],
)
def test_each_way_to_end_has_its_own_result(script: Any, result: str, word: str, toy_run: Run):
    with serve(script) as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1, elicitation=BRIEF, asking=PATIENT).outcomes
    assert (outcome.result, word in outcome.reason) == (result, True), outcome.reason


def test_a_mode_with_few_output_tokens_cuts_even_where_the_endpoint_does_not_say_so(toy_run: Run):
    def script(body: dict[str, Any], number: int) -> Any:
        return idler(body, number) | {"usage": {"prompt_tokens": 300, "completion_tokens": 20}}

    with serve(script) as endpoint:
        settings = ModeSettings(max_tokens=20)
        mode = toy_mode(endpoint.url).model_copy(update={"settings": settings})
        (outcome,) = toy_run(endpoint.url, size=1, mode=mode, elicitation=BRIEF).outcomes
    assert outcome.result == "cut"


@pytest.mark.parametrize(
    "odd",
    [
        '{"command": "echo a\\u0000b"}',
        '{"command": "echo \\ud83d"}',
        '{"command": "echo \\ud83d\\u202e \udc00"}',
        '{"cmd": "ls',
        '{"other": "ls"}',
        '{"command": ["ls"]}',
        '{"command": ' + "9" * 5000 + "}",
        '{"command": "' + "x" * 150_000 + '"}',
        "[" * 5000,
        "",
    ],
    ids=[
        "nul",
        "half-pair",
        "both",
        "half-json",
        "other-name",
        "list",
        "digits",
        "huge",
        "brackets",
        "empty",
    ],
)
def test_odd_bytes_in_a_tool_call_come_back_as_a_tools_error_and_the_sample_goes_on(
    odd: str, toy_run: Run
):
    def script(body: dict[str, Any], number: int) -> Any:
        if not turn_of(body):
            return doing(odd)(body, number)
        if turn_of(body) == 1:
            return completion("", [("bash", {"command": "cat word.txt > answer.txt"})])
        return completion("", [("submit", {"answer": "done"})])

    with serve(script) as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1).outcomes
        (told,) = [m for m in endpoint.requests[1]["messages"] if m["role"] == "tool"]
    assert (outcome.result, outcome.executions) == ("solved", 1)
    assert told["content"]


def test_a_sample_all_of_whose_tool_calls_time_out_is_lost_to_the_instrument(toy_run: Run):
    plan = Elicitation(id="e1", tool_seconds=1)
    with serve(doing('{"command": "sleep 3600"}')) as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1, elicitation=plan).outcomes
    assert (outcome.result, outcome.cause) == ("lost-instrument", "sandbox")
    assert "every tool call timed out" in outcome.reason


@pytest.mark.parametrize(("fails", "result"), [(9, "lost-instrument"), (1, "unsolved")])
def test_tool_calls_none_of_which_could_start_are_lost_to_the_instrument(
    fails: int, result: str, toy_run: Run, monkeypatch: pytest.MonkeyPatch
):
    """Where one ran, the model had its tools: what keeps others from starting may be its own."""
    whole, tried = ToyBox.exec, list[str]()

    async def failing(box: ToyBox, cmd: list[str], *args: Any, **more: Any) -> Any:
        if cmd[0] == "bash":
            tried.append(cmd[0])
            if len(tried) <= fails:
                raise PermissionError(errno.EACCES, "not allowed to run", "bash")
        return await whole(box, cmd, *args, **more)

    monkeypatch.setattr(ToyBox, "exec", failing)
    with serve(doing('{"command": "true"}', '{"command": "false"}')) as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1).outcomes
    assert len(tried) == 2
    assert outcome.result == result
    assert ("of 2 tool calls 2 could not be started" in outcome.reason) is (fails == 9)


# ---------------------------------------------------------------- the planned budget
def test_the_planned_budget_used_up_is_the_models_own(toy_run: Run):
    """Honest usage: about what the bytes imply."""

    def script(body: dict[str, Any], number: int) -> Any:
        sent = len(json.dumps(body["messages"]))
        usage = {"prompt_tokens": sent // 3, "completion_tokens": 300}
        call = completion("word " * 240, [("bash", {"command": "true"})], number=number)
        return call | {"usage": usage}

    plan = Elicitation(id="e1", token_limit=3_000)
    with serve(script) as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1, elicitation=plan).outcomes
    assert (outcome.result, outcome.limit, outcome.score) == ("limit", "token", "0")


@pytest.mark.parametrize("told", [10**18, 50_000, 12_000])
def test_usage_that_nobody_saw_makes_no_sample_use_up_its_budget(told: int, toy_run: Run):
    def script(body: dict[str, Any], number: int) -> Any:
        usage = {"prompt_tokens": told, "completion_tokens": told}
        return never_submits(body, number) | {"usage": usage}

    plan = Elicitation(id="e1", token_limit=30_000, message_limit=200)
    with serve(script) as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1, elicitation=plan).outcomes
    assert (outcome.result, outcome.limit) == ("cut", "token")
    assert "at most were seen" in outcome.reason
    assert outcome.usage.total < 10**6
    assert told < 50_000 or any("clamped" in note for note in outcome.notes)


def test_a_budget_spent_on_calls_that_never_ran_measured_nothing(toy_run: Run):
    """An endpoint that breaks the arguments of every call."""

    def script(_body: dict[str, Any], number: int) -> Any:
        made = completion("", [("bash", {"command": "true"})], number=number)
        made["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] = '{"cmd": "ls'
        return made

    plan = Elicitation(id="e1", message_limit=6)
    with serve(script) as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1, elicitation=plan).outcomes
    assert (outcome.result, outcome.limit) == ("no-attempt", "message")


def test_messages_used_up_are_the_planned_budget(toy_run: Run):
    plan = Elicitation(id="e1", message_limit=6)
    with serve(never_submits) as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1, elicitation=plan).outcomes
    assert (outcome.result, outcome.limit) == ("limit", "message")


def test_working_seconds_that_the_endpoint_took_are_not_the_models(toy_run: Run):
    async def never(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(3600)
        raise AssertionError

    def script(body: dict[str, Any], number: int) -> Any:
        return never if turn_of(body) else never_submits(body, number)

    plan = Elicitation(id="e1", working_seconds=8)
    asking = EndpointLimits(attempt_seconds=600, retries=0, backoff_seconds=0)
    with serve(script) as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1, elicitation=plan, asking=asking).outcomes
    assert (outcome.result, outcome.limit) == ("cut", "working")
    assert "the endpoint took" in outcome.reason


def test_working_seconds_used_by_the_models_own_programs_are_the_planned_budget(
    toy_run: Run, monkeypatch: pytest.MonkeyPatch
):
    # The endpoint answers at once; a busy machine must not make it look slow.
    monkeypatch.setattr("touchstone.evaluation.chunk_session.ChunkSession.waited", lambda *_: None)

    def script(body: dict[str, Any], number: int) -> Any:
        command = "sleep 3600" if turn_of(body) else "true"
        return completion("", [("bash", {"command": command})], number=number)

    plan = Elicitation(id="e1", working_seconds=8, tool_seconds=3600)
    with serve(script) as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1, elicitation=plan).outcomes
    assert (outcome.result, outcome.limit) == ("limit", "working")


# ---------------------------------------------------------------- twins
def test_twin_without_the_guard_on_tools_odd_bytes_lose_the_sample(
    toy_run: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tools, "_REPLACED", "never")
    monkeypatch.setattr(tools, "MOST_BYTES", 10**9)
    with serve(doing('{"command": "' + "x" * 150_000 + '"}')) as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1).outcomes
    assert outcome.result == "lost-instrument"
