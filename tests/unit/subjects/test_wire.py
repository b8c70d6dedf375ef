"""Requests in, completions and chunks out, without a socket."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.evaluation.controls.wire import (
    ChatRequest,
    RequestError,
    complete,
    parse_request,
    transcript_of,
)
from touchstone.evaluation.families.scripted_solver import CommandResult, RunCommand, Say, Step

Json = dict[str, Any]
BASH = {
    "type": "function",
    "function": {
        "name": "bash",
        "parameters": {"properties": {"cmd": {"type": "string"}}, "required": ["cmd"]},
    },
}
SUBMIT = {
    "type": "function",
    "function": {
        "name": "submit",
        "parameters": {"properties": {"answer": {"type": "string"}}, "required": ["answer"]},
    },
}


def request(**fields: Any) -> ChatRequest:
    body = {"model": "control-null", "messages": [{"role": "user", "content": "do it"}]} | fields
    return parse_request(json.dumps(body).encode())


def call(identity: str, arguments: str, name: str = "bash") -> Json:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_a_transcript_pairs_commands_with_their_outputs():
    transcript = transcript_of(
        request(
            messages=[
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": [{"type": "text", "text": "do it"}]},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        call("a", '{"command": "ls"}'),
                        call("b", "not json"),
                        call("c", '{"answer": "x"}', "submit"),
                    ],
                },
                {"role": "tool", "tool_call_id": "b", "content": "second"},
                {"role": "tool", "tool_call_id": "a", "content": "first"},
                {"role": "tool", "tool_call_id": "c", "content": "done"},
            ]
        )
    )
    assert transcript.prompt == "be brief\n\ndo it"
    assert transcript.exchanges == (
        CommandResult("ls", "first"),
        CommandResult("not json", "second"),
    )


def test_a_call_without_its_answer_is_refused():
    messages = [{"role": "assistant", "tool_calls": [call("a", "{}")]}]
    with pytest.raises(RequestError, match="tool_call_id a") as caught:
        transcript_of(request(messages=messages))
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "body"),
        (b"[]", "body"),
        (b'{"model": "x"}', "messages"),
        (b'{"model": "x", "messages": []}', "messages"),
        (b'{"model": 3, "messages": [{"role": "user"}]}', "model"),
        (b'{"model": "x", "messages": [{"role": "king"}]}', "messages.0.role"),
        (b'{"model": "x", "messages": [{"role": "user"}], "n": 2}', "n"),
        (
            b'{"model": "x", "messages": [{"role": "user"}], "reasoning_effort": "vast"}',
            "reasoning_effort",
        ),
        (b'{"model": "x", "messages": [{"role": "user", "content": "\xff"}]}', "body"),
        (b"[" * 100_000, "body"),
    ],
)
def test_a_bad_body_is_a_400_that_names_the_place(body: bytes, place: str):
    with pytest.raises(RequestError) as caught:
        parse_request(body)
    assert caught.value.status == 400
    assert str(caught.value).startswith(f"{place}: ")
    assert "\n" not in str(caught.value)


def test_effort_chooses_the_mode():
    efforts = {
        None: False,
        "none": False,
        "minimal": False,
        "low": False,
        "medium": True,
        "high": True,
        "xhigh": True,
    }
    assert {e: request(reasoning_effort=e).thorough for e in efforts} == efforts


def test_a_run_becomes_a_call_of_the_offered_shell():
    done = complete(request(tools=[BASH]), RunCommand("ls"), "chatcmpl-1", 5)
    assert done.call == ("bash", '{"cmd": "ls"}')
    assert done.finish == "tool_calls"


def test_without_a_shell_it_says_so():
    done = complete(request(tools=[SUBMIT]), RunCommand("ls"), "chatcmpl-1", 5)
    assert done.call is None
    assert "no shell" in done.text


def test_last_words_are_submitted_where_submission_is_offered():
    assert complete(request(), Say("done"), "chatcmpl-1", 5).text == "done"
    done = complete(request(tools=[SUBMIT]), Say("done"), "chatcmpl-1", 5)
    assert done.call == ("submit", '{"answer": "done"}')


def test_thought_is_counted_as_reasoning():
    usage = complete(request(), Say("x" * 8, "y" * 40), "chatcmpl-1", 5).usage
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 10
    assert usage["completion_tokens"] == 12
    assert usage["total_tokens"] == usage["prompt_tokens"] + 12


steps = st.one_of(
    st.builds(RunCommand, st.text(max_size=2000), st.text(max_size=1000)),
    st.builds(Say, st.text(max_size=2000), st.text(max_size=1000)),
)


@given(steps, st.integers(1, 600))
def test_a_token_limit_holds_and_cuts_no_call_in_half(step: Step, limit: int):
    done = complete(request(tools=[BASH], max_tokens=limit), step, "chatcmpl-1", 5)
    assert done.usage["completion_tokens"] <= limit
    if done.finish == "length":
        assert done.call is None
    elif isinstance(step, RunCommand):
        assert done.call is not None
        assert json.loads(done.call[1]) == {"cmd": step.command}


@given(steps)
def test_chunks_add_up_to_the_body(step: Step):
    done = complete(request(tools=[BASH]), step, "chatcmpl-1", 5)
    whole = done.body()["choices"][0]
    text, thought, arguments, finish, usage = "", "", "", None, None
    for chunk in done.chunks(with_usage=True):
        usage = chunk.get("usage", usage)
        for choice in chunk["choices"]:
            delta = choice["delta"]
            text += delta.get("content", "")
            thought += delta.get("reasoning_content", "")
            arguments += "".join(c["function"]["arguments"] for c in delta.get("tool_calls", []))
            finish = choice["finish_reason"] or finish
    assert text == (whole["message"]["content"] or "")
    assert thought == whole["message"].get("reasoning_content", "")
    calls = whole["message"].get("tool_calls", [])
    assert arguments == "".join(c["function"]["arguments"] for c in calls)
    assert finish == whole["finish_reason"]
    assert usage == done.usage
