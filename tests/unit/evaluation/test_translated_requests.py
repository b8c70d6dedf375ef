"""Requests of the chat format in the words of others: whatever a pack writes into them."""

import json
from typing import Any

import pytest

from support.mangled import ODD, mangled
from support.spoken import SPOKEN
from touchstone.evaluation.formats import NotTranslatableError, translate, wire_of

WIRES = [wire for name in SPOKEN if (wire := wire_of(name)) is not None]  # type: ignore[arg-type]
CALL = {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": 1}'}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}}
THOUGHTS = [
    {"type": "reasoning.text", "text": "hm", "signature": "s"},
    {"type": "reasoning.summary", "summary": "hm", "id": "r1"},
    {"type": "reasoning.encrypted", "data": "x", "id": "c1"},
]
REQUEST: dict[str, Any] = {
    "model": "tiny",
    "max_tokens": 4000,
    "temperature": 0.5,
    "stop": ["x"],
    "reasoning_effort": "low",
    "tool_choice": {"type": "function", "function": {"name": "bash"}},
    "parallel_tool_calls": True,
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "u"}, IMAGE]},
        {"role": "assistant", "content": "a", "reasoning_details": THOUGHTS, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": "bash", "description": "d", "parameters": {"type": "object"}},
        }
    ],
}


@pytest.mark.parametrize("wire", WIRES, ids=[wire.id for wire in WIRES])
def test_whatever_a_pack_writes_is_sent_or_refused_and_no_defect(wire: Any):
    place, refused, sent = 0, 0, 0
    while (first := mangled(REQUEST, place, ODD[0])) is not ODD:
        for request in (first, *(mangled(REQUEST, place, odd) for odd in ODD[1:])):
            try:
                json.dumps(translate(wire, request, 2000).body)
            except NotTranslatableError:
                refused += 1
            else:
                sent += 1
        place += 1
    assert place > 40
    assert min(refused, sent) > 50


@pytest.mark.parametrize("wire", WIRES, ids=[wire.id for wire in WIRES])
def test_each_tool_choice_has_its_words(wire: Any):
    kinds: list[Any] = ["auto", "none", "required", REQUEST["tool_choice"]]
    bodies = [translate(wire, {**REQUEST, "tool_choice": each}, None).body for each in kinds]
    names = ("tool_choice", "toolConfig")
    assert len({json.dumps([body.get(name) for name in names]) for body in bodies}) == len(kinds)


def test_arguments_that_are_no_object_go_back_as_the_model_wrote_them():
    call = {**CALL, "function": {"name": "bash", "arguments": "{broken"}}
    turn = {"role": "assistant", "content": "", "tool_calls": [call]}
    for wire in WIRES:
        body = translate(wire, {**REQUEST, "messages": [turn]}, None).body
        assert "{broken" in json.dumps(body)


def test_thoughts_without_a_seal_are_not_sent_where_they_would_be_refused():
    bare = [{"type": "reasoning.text", "text": "unsealed"}]
    turn = {"role": "assistant", "content": "a", "reasoning_details": bare}
    for wire in WIRES:
        body = translate(wire, {**REQUEST, "messages": [turn]}, None).body
        assert "unsealed" not in json.dumps(body)


@pytest.mark.parametrize(("most", "budget"), [(4000, 2000), (1500, 1499), (1000, None)])
def test_a_budget_of_thinking_stays_below_what_a_cap_leaves(most: int, budget: int | None):
    (wire,) = (each for each in WIRES if each.id == "anthropic-messages")
    request = {name: value for name, value in REQUEST.items() if name != "reasoning_effort"}
    sent = translate(wire, {**request, "max_tokens": most}, 2000)
    assert sent.body.get("thinking", {}).get("budget_tokens") == budget
    assert any("reasoning_tokens was not sent" in note for note in sent.notes) is (budget is None)
