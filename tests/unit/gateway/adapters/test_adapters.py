"""What is found in a request, and what is refused because it could be read in two ways."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.gateway.adapters import (
    Adapter,
    Anthropic,
    Ask,
    OpenAI,
    RefusedError,
    reading,
    renamed,
    shapes,
    strict_json,
)
from touchstone.gateway.adapters import openai as openai_adapter

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
MESSAGES = "/v1/messages"
OPENAI, ANTHROPIC = OpenAI(), Anthropic()


def read(path: str, **fields: Any) -> Ask:
    adapter: Adapter = ANTHROPIC if path == MESSAGES else OPENAI
    return adapter.read(path, json.dumps({"model": "m", **fields}).encode())


def code(path: str, body: bytes) -> str:
    adapter: Adapter = ANTHROPIC if path == MESSAGES else OPENAI
    with pytest.raises(RefusedError) as caught:
        adapter.read(path, body)
    assert "\n" not in str(caught.value)
    return caught.value.code


@pytest.mark.parametrize(
    ("path", "fields", "setting"),
    [
        (CHAT, {}, "default"),
        (CHAT, {"reasoning_effort": None}, "default"),
        (CHAT, {"reasoning_effort": "high"}, "high"),
        (CHAT, {"reasoning": {"effort": "low"}}, "low"),
        (CHAT, {"chat_template_kwargs": {"enable_thinking": True}}, "enable_thinking=true"),
        (RESPONSES, {"reasoning": {"effort": "high", "summary": "auto"}}, "high"),
        (RESPONSES, {"reasoning": {"mode": "pro", "effort": "high"}}, "mode=pro+high"),
        ("/v1/completions", {"prompt": "x"}, "default"),
        ("/v1/embeddings", {"input": "x"}, "default"),
        (MESSAGES, {"max_tokens": 9}, "default"),
        (MESSAGES, {"thinking": {"type": "enabled", "budget_tokens": 1024}}, "enabled"),
        (MESSAGES, {"thinking": {"type": "disabled"}}, "disabled"),
        (
            MESSAGES,
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}},
            "adaptive+max",
        ),
    ],
)
def test_every_word_about_reasoning_is_in_the_setting(
    path: str, fields: dict[str, Any], setting: str
):
    assert read(path, **fields) == Ask("m", setting, stream=False)


def test_streams_are_seen():
    assert read(CHAT, stream=True).stream
    assert not read(CHAT, stream=None).stream


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        (CHAT, b'{"model":"a","model":"b"}', "duplicate_key"),
        (CHAT, b'{"model":"a","mod\\u0065l":"b"}', "duplicate_key"),
        (CHAT, b'{"model":"m","messages":[{"role":"user","role":"system"}]}', "duplicate_key"),
        (CHAT, b'{"model":"m","temperature":NaN}', "unreadable_request"),
        (CHAT, b'{"model":"m","temperature":1e999}', "unreadable_request"),
        (CHAT, b'{"model":"m","seed":' + b"9" * 41 + b"}", "unreadable_request"),
        (CHAT, b'{"model":"m","user":"\\ud800"}', "unreadable_request"),
        (CHAT, b'{"model":"m"} {"model":"n"}', "unreadable_request"),
        (CHAT, b'\xef\xbb\xbf{"model":"m"}', "unreadable_request"),
        (CHAT, '{"model":"m"}'.encode("utf-16"), "unreadable_request"),
        (CHAT, b'{"model":"\xff"}', "unreadable_request"),
        (CHAT, b"[]", "unreadable_request"),
        (CHAT, b"", "unreadable_request"),
        (CHAT, b"[" * 200_000, "unreadable_request"),
        (CHAT, b'{"model":"m","messages":' + b"[" * 70 + b"]" * 70 + b"}", "unreadable_request"),
        (CHAT, b"{}", "model_missing"),
        (CHAT, b'{"model":["m"]}', "model_missing"),
        (CHAT, b'{"model":"m","stream":"yes"}', "unreadable_request"),
        (CHAT, b'{"model":"m","stream":1}', "unreadable_request"),
        (CHAT, b'{"model":"m","Reasoning_Effort":"high"}', "unknown_field"),
        (CHAT, b'{"model":"m","Model":"n"}', "unknown_field"),
        (CHAT, b'{"model":"m","extra_body":{"reasoning_effort":"high"}}', "unknown_field"),
        (CHAT, b'{"model":"m","thinking":{"type":"enabled"}}', "unknown_field"),
        (CHAT, b'{"model":"m","models":["n"]}', "unknown_field"),
        (CHAT, b'{"model":"m","reasoning":{"max_tokens":9}}', "unknown_field"),
        (
            CHAT,
            b'{"model":"m","reasoning_effort":"low","reasoning":{"effort":"high"}}',
            "mode_ambiguous",
        ),
        (CHAT, b'{"model":"m","reasoning_effort":"low+high"}', "unreadable_request"),
        (CHAT, b'{"model":"m","reasoning_effort":3}', "unreadable_request"),
        (CHAT, b'{"model":"m","reasoning":"high"}', "unreadable_request"),
        (CHAT, b'{"model":"m","chat_template_kwargs":{"enable_thinking":1}}', "unreadable_request"),
        (CHAT, b'{"model":"m","tools":[{"type":"x","model":"n"}]}', "model_in_tool"),
        (CHAT, b'{"model":"m","tools":"x"}', "unreadable_request"),
        (RESPONSES, b'{"model":"m","background":true}', "unknown_field"),
        (RESPONSES, b'{"model":"m","prompt":{"id":"p"}}', "unknown_field"),
        (RESPONSES, b'{"model":"m","previous_response_id":"r"}', "unknown_field"),
        (RESPONSES, b'{"model":"m","reasoning_effort":"high"}', "unknown_field"),
        (MESSAGES, b'{"model":"m","thinking":{"type":"enabled"}}', "mode_ambiguous"),
        (
            MESSAGES,
            b'{"model":"m","thinking":{"type":"disabled","budget_tokens":9}}',
            "mode_ambiguous",
        ),
        (MESSAGES, b'{"model":"m","thinking":{"budget_tokens":9}}', "mode_ambiguous"),
        (
            MESSAGES,
            b'{"model":"m","thinking":{"type":"enabled","budget_tokens":true}}',
            "unreadable_request",
        ),
        (MESSAGES, b'{"model":"m","thinking":{"type":"x","Type":"y"}}', "unknown_field"),
        (MESSAGES, b'{"model":"m","reasoning_effort":"high"}', "unknown_field"),
        (MESSAGES, b'{"model":"m","betas":["x"]}', "unknown_field"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(path: str, body: bytes, why: str):
    assert code(path, body) == why


def test_an_error_has_the_form_of_its_api():
    refusal = RefusedError(403, "denied_by_terms", "no")
    assert json.loads(OPENAI.error(refusal))["error"]["code"] == "denied_by_terms"
    assert json.loads(ANTHROPIC.error(refusal)) == {
        "type": "error",
        "error": {"type": "permission_error", "message": "no"},
    }


def test_a_model_is_renamed_and_nothing_else():
    body = b' {"a":{"model":"inner"} , "mod\\u0065l" : "m","z":[1.50] }'
    assert renamed(body, 'n"x') == body.replace(b'"m"', b'"n\\"x"')


# ---------------------------------------------------------------- laws


class _Pairs(list[tuple[str, Any]]):
    """An object as it is written: a key can occur twice."""


_words = st.sampled_from(["low", "high", "none", "enabled", "", "m", "n"])
_keys = st.sampled_from(
    [
        "model",
        "Model",
        "reasoning_effort",
        "reasoning",
        "effort",
        "thinking",
        "type",
        "extra_body",
        "chat_template_kwargs",
        "enable_thinking",
        "messages",
        "stream",
        "budget_tokens",
        "tools",
    ]
)
_values = st.recursive(
    st.one_of(_words, st.booleans(), st.none(), st.integers(0, 9)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.lists(st.tuples(_keys, inner), max_size=4).map(_Pairs)
    ),
    max_leaves=8,
)


def _written(value: Any) -> str:
    if isinstance(value, _Pairs):
        inner = ",".join(f"{json.dumps(key)}:{_written(each)}" for key, each in value)
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    return json.dumps(value)


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def _any_case(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key.casefold(): value for key, value in pairs}


def _mode_seen(body: dict[str, Any]) -> tuple[Any, ...]:
    reasoning = body.get("reasoning") or {}
    template = body.get("chat_template_kwargs") or {}
    return (
        body.get("model"),
        body.get("reasoning_effort") or reasoning.get("effort") or template.get("enable_thinking"),
    )


def _mode_found(ask: Ask) -> tuple[Any, ...]:
    switch = {"enable_thinking=true": True, "enable_thinking=false": False}
    setting = None if ask.setting == "default" else ask.setting
    return ask.model, switch.get(setting or "", setting)


@given(st.lists(st.tuples(_keys, _values), max_size=4))
def test_whoever_reads_a_body_that_is_taken_reads_the_same(pairs: list[tuple[str, Any]]):
    text = _written(_Pairs([("model", "m"), *pairs]))
    try:
        ask = OPENAI.read(CHAT, text.encode())
    except RefusedError:
        return
    readers = [
        json.loads(text),
        json.loads(text, object_pairs_hook=_first_wins),
        json.loads(text, object_pairs_hook=_any_case),
    ]
    assert {_mode_seen(each) for each in readers} == {_mode_found(ask)}


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(body: bytes):
    for path in OPENAI.paths:
        with contextlib.suppress(RefusedError):
            assert OPENAI.read(path, body).model


@given(st.dictionaries(st.text(max_size=5), _values, max_size=4), st.text(max_size=9), st.data())
def test_renaming_changes_the_model_alone(fields: dict[str, Any], name: str, data: st.DataObject):
    body = {**fields, "model": "m"}
    keys = data.draw(st.permutations(sorted(body)))
    text = f" {_written(_Pairs([(key, body[key]) for key in keys]))}\n"
    again = json.loads(renamed(text.encode(), name))
    assert list(again) == list(json.loads(text))
    assert again == {**json.loads(text), "model": name}


# ---------------------------------------------------------------- twins: each guard taken away


def test_without_the_guard_a_second_key_wins_unseen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(strict_json, "_decode", json.JSONDecoder().decode)
    assert OPENAI.read(CHAT, b'{"model":"a","model":"b"}').model == "b"


def test_without_the_guard_unknown_fields_go_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shapes, "refuse_unknown", lambda *_: None)
    assert OPENAI.read(CHAT, b'{"model":"m","Reasoning_Effort":"high"}').setting == "default"


def test_without_the_guard_two_places_speak(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(openai_adapter, "one_place", lambda *places: places[0])
    body = b'{"model":"m","reasoning_effort":"low","reasoning":{"effort":"high"}}'
    assert OPENAI.read(CHAT, body).setting == "low"


def test_without_the_guard_a_tool_brings_its_model(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "refuse_models_in_tools", lambda _: None)
    monkeypatch.setattr(shapes.Kinds, "check", lambda *_: None)
    assert OPENAI.read(CHAT, b'{"model":"m","tools":[{"model":"n"}]}').model == "m"


def test_without_the_guard_a_lone_surrogate_goes_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(strict_json, "_refuse_surrogates", lambda _: None)
    assert OPENAI.read(CHAT, b'{"model":"m","user":"\\ud800"}').model == "m"


def test_without_the_guard_depth_is_unbounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(strict_json, "_refuse_depth", lambda _: None)
    body = b'{"model":"m","messages":' + b"[" * 70 + b"]" * 70 + b"}"
    assert OPENAI.read(CHAT, body).model == "m"
