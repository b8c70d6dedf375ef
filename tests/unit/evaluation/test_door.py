"""The door: whatever JSON an endpoint sends, a plain completion or one clear line comes of it."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from support.answers import odd_answers, odd_texts
from support.endpoint import completion
from touchstone.evaluation.cleaning import MOST_DEPTH, NotAnAnswerError
from touchstone.evaluation.door import admit
from touchstone.evaluation.redaction import Redactor

OFFERED = {"bash": "command", "python": "code", "submit": "answer"}
NO_KEY = Redactor("")
ODD = re.compile("[\0\ud800-\udfff]")


def enter(answer: Any, redactor: Redactor = NO_KEY) -> Any:
    return admit(json.dumps(answer).encode(), OFFERED, redactor)


def arguments(told: Any) -> str:
    call = {"id": "c", "type": "function", "function": {"name": "bash", "arguments": told}}
    said = completion()
    said["choices"][0]["message"]["tool_calls"] = [call]
    made = enter(said).completion["choices"][0]["message"]["tool_calls"][0]
    text: str = made["function"]["arguments"]
    return text


def texts_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [t for pair in value.items() for part in pair for t in texts_in(part)]
    return [t for part in value for t in texts_in(part)] if isinstance(value, list) else []


@settings(max_examples=50, deadline=None)
@given(odd_answers())
def test_whatever_is_sent_what_passes_is_clean_and_of_the_protocols_types(answer: Any):
    try:
        passed = enter(answer)
    except NotAnAnswerError:
        return
    known = passed.completion | {"usage": None}
    ChatCompletion.model_validate(known, strict=True)
    assert not any(ODD.search(text) for text in texts_in(known))
    for call in known["choices"][0]["message"].get("tool_calls", ()):
        try:
            inner = json.loads(call["function"]["arguments"])
        except ValueError:
            continue
        assert not any(ODD.search(text) for text in texts_in(inner))


@settings(max_examples=30)
@given(st.binary(max_size=60))
def test_any_bytes_pass_or_are_refused_in_one_line(data: bytes):
    with pytest.raises(NotAnAnswerError):
        admit(data, OFFERED, NO_KEY)


def test_a_plain_answer_passes_as_it_is_without_a_note():
    said = completion("thinking", [("bash", {"command": "ls"})])
    passed = enter(said)
    assert passed.notes == ()
    assert passed.completion["choices"][0]["message"] == said["choices"][0]["message"]
    assert (passed.stop, passed.submitted, passed.refused) == ("tool_calls", False, False)


@settings(max_examples=30)
@given(odd_texts())
def test_odd_characters_become_the_replacement_character_at_any_depth_with_a_note(text: str):
    made = json.loads(arguments(json.dumps({"command": text, "more": [[{"x": text}]]})))
    clean = ODD.sub("\ufffd", text)
    assert made == {"command": clean, "more": [[{"x": clean}]]}


def test_depth_and_size_are_bounded():
    deep: Any = "core"
    for _ in range(200):
        deep = [deep]
    assert arguments({"command": deep}).count("[") < MOST_DEPTH
    said = completion("x" * 3_000_000)
    assert len(enter(said).completion["choices"][0]["message"]["content"]) == 1_000_000


def test_a_bare_text_is_the_first_argument_and_yaml_is_never_read():
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]"
    assert json.loads(arguments(bomb)) == {"command": bomb}
    assert json.loads(arguments("ls -la")) == {"command": "ls -la"}


@pytest.mark.parametrize("told", ['{"cmd": "ls', '{"a": ' + "9" * 5000 + "", "{" * 2000])
def test_what_begins_as_an_object_and_is_none_fails_as_json_and_in_no_other_way(told: str):
    with pytest.raises(json.JSONDecodeError):
        json.loads(arguments(told))


def test_the_models_refusal_is_a_refusal():
    assert enter(completion("", refusal="I will not.")).refused


KEY = "sk-live-Zq81mWc47RtYpL2x"


@settings(max_examples=30)
@given(
    st.text(alphabet="abc \n", max_size=30),
    st.integers(0, 12),
    st.integers(12, 24),
    st.sampled_from([str, str.upper, str.lower]),
)
def test_no_part_of_the_key_passes_in_an_answer(around: str, start: int, size: int, form: Any):
    part = form(KEY[start : start + size])
    passed = enter(completion(around + part + around, reasoning=part), Redactor(KEY))
    if len(part) >= 12:
        assert part not in json.dumps(passed.completion)
        assert any("key" in note for note in passed.notes)


def told(text: str = "a", command: str = "ls", **extra: Any) -> dict[str, Any]:
    return completion(text, [("bash", {"command": command})], **extra)


@pytest.mark.parametrize(
    "other",
    [
        told(number=7, model="other", usage={"prompt_tokens": 1, "completion_tokens": 9}),
        told(reasoning_details=[{"id": "r-1", "signature": "x"}]),
    ],
    ids=["ids, names and usage", "signatures"],
)
def test_what_an_endpoint_draws_anew_is_no_part_of_what_the_model_said(other: dict[str, Any]):
    assert enter(other).said == enter(told()).said


@pytest.mark.parametrize(
    "other",
    [
        told("b"),
        told(command="ls -l"),
        told(reasoning_content="hm"),
        told(reasoning="hm"),
        told(reasoning_details=[{"type": "reasoning.text", "text": "hm"}]),
        told(refusal="no"),
        completion("a"),
    ],
)
def test_every_text_of_the_model_is_part_of_what_it_said(other: dict[str, Any]):
    assert enter(other).said != enter(told()).said


def test_an_answer_has_the_bytes_of_its_text_and_not_of_how_json_escapes_it():
    empty, escaped = enter(completion("")), json.dumps(completion("模型" * 50)).encode()
    assert b"\\u" in escaped
    assert admit(escaped, OFFERED, NO_KEY).size == empty.size + 2 * 50 * len("模".encode())
