"""Nothing that reaches beyond a request and its answer is taken, wherever in it that stands."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.gateway.adapters import (
    Adapter,
    Admits,
    Anthropic,
    Ask,
    OpenAI,
    RefusedError,
    anthropic_shapes,
    openai_shapes,
    shapes,
)

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
OPENAI, ANTHROPIC = OpenAI(), Anthropic()


def read(path: str, body: Any, admits: Admits | None = None) -> Ask:
    adapter: Adapter = ANTHROPIC if path == MESSAGES else OPENAI
    data = json.dumps({"model": "m", **body}).encode()
    return adapter.read(path, data, lambda _: admits or Admits())


def code(path: str, body: Any, admits: Admits | None = None) -> str:
    try:
        read(path, body, admits)
    except RefusedError as error:
        assert error.status == 400  # noqa: PT017 - either is right, and nothing else
        return error.code
    return "taken"


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": [*parts]}


PICTURE = "data:image/png;base64,AAAA"
CHATTED: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "be brief"},
        user(
            {"type": "text", "text": "hi"},
            {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}},
            {"type": "file", "file": {"file_data": "AAAA", "filename": "a.pdf", "file_id": None}},
        ),
        {
            "role": "assistant",
            "content": None,
            "audio": None,
            "annotations": [],
            "refusal": None,
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": "42"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "f",
                "parameters": {"type": "object", "properties": {"file_id": {}}},
            },
        }
    ],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"a": {}}}},
}
RESPONDED: dict[str, Any] = {
    "input": [
        {"role": "user", "content": "hi"},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "ho", "annotations": []}],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "AAAA"},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "42"},
        user({"type": "input_image", "image_url": PICTURE, "file_id": None}),
    ],
    "tools": [{"type": "function", "name": "f", "parameters": {"vector_store_ids": {}}}],
    "text": {"format": {"type": "json_schema", "name": "s", "schema": {"type": "object"}}},
    "reasoning": {"effort": "high"},
}
MESSAGED: dict[str, Any] = {
    "max_tokens": 9,
    "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        user(
            {"type": "text", "text": "hi"},
            {"type": "image", "source": {"type": "base64", "media_type": "x", "data": "AAAA"}},
            {
                "type": "document",
                "source": {"type": "content", "content": [{"type": "text", "text": "inside"}]},
            },
        ),
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "...", "signature": "s"},
                {"type": "tool_use", "id": "t", "name": "f", "input": {"file_id": "free"}},
            ],
        },
        user(
            {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "42"}]}
        ),
    ],
    "tools": [{"name": "f", "input_schema": {"type": "object"}}],
}
WHOLE = [(CHAT, CHATTED), (RESPONSES, RESPONDED), (MESSAGES, MESSAGED)]


@pytest.mark.parametrize(("path", "body"), WHOLE, ids=["chat", "responses", "messages"])
def test_what_clients_send_is_taken(path: str, body: Any):
    assert read(path, body).content == {"model": "m", **body}


REACHES: list[tuple[str, Any]] = [
    (RESPONSES, {"input": [{"type": "item_reference", "id": "msg_of_bea"}]}),
    (RESPONSES, {"input": [{"id": "msg_of_bea"}]}),
    (RESPONSES, {"input": {"id": "msg_of_bea"}}),
    (RESPONSES, {"input": [[{"id": "msg_of_bea"}]]}),
    (RESPONSES, {"input": [{"type": None, "id": "msg_of_bea"}]}),
    (RESPONSES, {"input": [{"type": "message", "id": "m", "role": "assistant", "content": []}]}),
    (RESPONSES, {"input": [{"type": "reasoning", "id": "rs_of_bea", "summary": []}]}),
    (RESPONSES, {"input": [{"type": "function_call", "id": "fc_of_bea"}]}),
    (
        RESPONSES,
        {
            "input": [
                {
                    "type": "function_call_output",
                    "call_id": "c",
                    "output": [{"type": "input_file", "file_id": "file-of-bea"}],
                }
            ]
        },
    ),
    (RESPONSES, {"input": [user({"type": "input_file", "file_id": "file-of-bea"})]}),
    (RESPONSES, {"input": [user({"type": "input_image", "image_url": "file-of-bea"})]}),
    (
        RESPONSES,
        {
            "input": [
                {
                    "role": "assistant",
                    "content": [
                        {
                            "type": "output_text",
                            "text": "x",
                            "annotations": [{"type": "file_citation", "file_id": "file-of-bea"}],
                        }
                    ],
                }
            ]
        },
    ),
    (RESPONSES, {"tools": [{"type": "file_search", "vector_store_ids": ["vs_of_bea"]}]}),
    (RESPONSES, {"tools": [{"type": "code_interpreter", "container": "cntr_of_bea"}]}),
    (RESPONSES, {"tools": [{"type": "mcp", "server_url": "https://x.example"}]}),
    (RESPONSES, {"tools": [{"type": "web_search"}]}),
    (RESPONSES, {"tool_choice": {"type": "mcp", "server_label": "x"}}),
    (RESPONSES, {"tool_choice": {"type": "allowed_tools", "tools": [{"type": "mcp"}]}}),
    (CHAT, {"messages": [user({"type": "file", "file": {"file_id": "file-of-bea"}})]}),
    (
        CHAT,
        {
            "messages": {
                "role": "user",
                "content": {"type": "file", "file": {"file_id": "file-of-bea"}},
            }
        },
    ),
    (CHAT, {"messages": [{"role": "assistant", "audio": {"id": "audio_of_bea"}}]}),
    (CHAT, {"messages": [user({"type": "image_url", "image_url": {"url": "file:///etc/x"}})]}),
    (
        CHAT,
        {
            "prediction": {
                "type": "content",
                "content": [{"type": "file", "file": {"file_id": "file-of-bea"}}],
            }
        },
    ),
    (CHAT, {"tools": [{"type": "mcp"}]}),
    (CHAT, {"web_search_options": {}}),
    (
        CHAT,
        {
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {"tools": [{"type": "code_interpreter"}]},
            }
        },
    ),
    (
        MESSAGES,
        {
            "messages": [
                user({"type": "document", "source": {"type": "file", "file_id": "file_of_bea"}})
            ]
        },
    ),
    (MESSAGES, {"messages": [user({"type": "container_upload", "file_id": "file_of_bea"})]}),
    (
        MESSAGES,
        {
            "messages": [
                user(
                    {
                        "type": "tool_result",
                        "tool_use_id": "t",
                        "content": [
                            {"type": "image", "source": {"type": "file", "file_id": "file_of_bea"}}
                        ],
                    }
                )
            ]
        },
    ),
    (MESSAGES, {"system": [{"type": "document", "source": {"type": "file", "file_id": "f"}}]}),
    (MESSAGES, {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
    (MESSAGES, {"tools": [{"type": "code_execution_20250825", "name": "code_execution"}]}),
    (MESSAGES, {"tools": [{"type": "mcp_toolset", "mcp_server_name": "x"}]}),
]


@pytest.mark.parametrize(("path", "body"), REACHES)
def test_what_reaches_beyond_is_refused(path: str, body: Any):
    assert code(path, body) == "beyond_the_exchange"


@pytest.mark.parametrize(("path", "body"), REACHES)
def test_twin_without_the_shapes_it_goes_on(path: str, body: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shapes.Table, "check", lambda *_: None)
    assert code(path, body) == "taken"


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a body but those that the model alone reads."""
    if isinstance(value, list):
        for each in value:
            yield from objects(each)
    if isinstance(value, dict):
        yield value
        for name, inner in value.items():
            if name not in ("parameters", "schema", "input_schema", "properties") and not (
                name == "input" and value.get("type") == "tool_use"
            ):
                yield from objects(inner)


NAMES = [
    "file_id",
    "file_ids",
    "vector_store_ids",
    "container",
    "container_id",
    "item_reference",
    "previous_response_id",
    "conversation",
    "server_url",
    "mcp_servers",
    "model_id",
    "thread_id",
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(WHOLE), st.sampled_from(NAMES), st.integers(0, 99), st.booleans())
def test_no_object_at_any_depth_may_name_what_lies_elsewhere(
    case: tuple[str, Any], name: str, place: int, listed: bool
):
    path, body = case[0], copy.deepcopy(case[1])
    found = [*objects(body)]
    found[place % len(found)][name] = ["of_bea"] if listed else "of_bea"
    assert code(path, body) in {"beyond_the_exchange", "unknown_field", "unreadable_request"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "id", "content", "role", "text", "name", "tools", "function"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
FIELDS = {
    CHAT: [
        "messages",
        "tools",
        "tool_choice",
        "stream",
        "stream_options",
        "max_tokens",
        "n",
        "response_format",
        "prediction",
        "reasoning",
        "store",
        "metadata",
        "logit_bias",
    ],
    RESPONSES: ["input", "tools", "tool_choice", "reasoning", "text", "include", "store"],
    MESSAGES: ["messages", "system", "tools", "tool_choice", "thinking", "output_config"],
}


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*FIELDS]), st.data())
def test_any_json_in_any_field_is_taken_or_refused(path: str, data: st.DataObject):
    field = data.draw(st.sampled_from(FIELDS[path]))
    assert code(path, {field: data.draw(JSON)})


# ---------------------------------------------------------------- a bare name for an object
def bare(name: Any) -> list[tuple[str, Any]]:
    """Bodies with a bare value where an object says what something is and where it lies."""
    said = user({"type": "document", "source": name})
    return [
        *(
            (CHAT, {"messages": [user({"type": kind, kind: name})]})
            for kind in ("image_url", "video_url", "audio_url", "file", "input_audio")
        ),
        (CHAT, {"prediction": {"type": "content", "content": [{"type": "file", "file": name}]}}),
        (CHAT, {"audio": name}),
        (RESPONSES, {"input": [user({"type": "input_audio", "input_audio": name})]}),
        (MESSAGES, {"messages": [user({"type": "image", "source": name})]}),
        (MESSAGES, {"messages": [said]}),
        (
            MESSAGES,
            {
                "messages": [
                    user(
                        {
                            "type": "document",
                            "source": {
                                "type": "content",
                                "content": [{"type": "image", "source": name}],
                            },
                        }
                    )
                ]
            },
        ),
        (
            MESSAGES,
            {
                "messages": [
                    user({"type": "tool_result", "content": [{"type": "image", "source": name}]})
                ]
            },
        ),
    ]


LIES_ELSEWHERE = [
    "file-abc",
    "file_abc",
    "file:///etc/x",
    "",
    "ftp://x.example/a",
    " data:,x",
    "s3:",
]


@pytest.mark.parametrize("name", LIES_ELSEWHERE)
@pytest.mark.parametrize("within", [lambda x: x, lambda x: [x], lambda x: [[x]]])
def test_a_bare_name_stands_for_nothing_stored(name: str, within: Callable[[Any], Any]):
    for path, body in bare(within(name)):
        assert code(path, body) == "beyond_the_exchange", body


def test_twin_without_the_look_at_what_is_bare_a_name_goes_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shapes, "_check_bare", lambda *_: None)
    assert {code(path, body) for path, body in bare("file-abc")} == {"taken"}


def test_a_bare_address_says_what_is_fetched():
    for name in (PICTURE, "https://images.example/a.png", "HTTP://images.example/a.png"):
        for kind in ("image_url", "video_url", "audio_url"):
            assert code(CHAT, {"messages": [user({"type": kind, kind: name})]}) == "taken"


WORDS: list[tuple[str, Any]] = [
    (
        CHAT,
        {
            "messages": [user("hi", {"type": "text", "text": "ho"})],
            "tool_choice": "auto",
            "function_call": "none",
            "functions": [{"name": "f"}],
        },
    ),
    (
        CHAT,
        {
            "messages": [{"role": "assistant", "content": "hi"}],
            "prediction": {"type": "content", "content": "hi"},
        },
    ),
    (RESPONSES, {"input": "hi", "tool_choice": "required"}),
    (RESPONSES, {"input": ["hi", {"role": "user", "content": "ho"}]}),
    (RESPONSES, {"input": [{"type": "function_call_output", "call_id": "c", "output": "42"}]}),
    (MESSAGES, {"system": "be brief", "messages": [{"role": "user", "content": "hi"}]}),
    (
        MESSAGES,
        {
            "messages": [
                user({"type": "document", "source": {"type": "content", "content": "inside"}})
            ]
        },
    ),
    (MESSAGES, {"messages": [user({"type": "tool_result", "content": "42"})]}),
]


@pytest.mark.parametrize(("path", "body"), WORDS)
def test_words_stand_where_words_are_meant(path: str, body: Any):
    assert code(path, body) == "taken"


def tables(node: Any, seen: set[int]) -> Iterator[shapes.Table]:
    """Every table below a node, once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, shapes.Table):
        yield node
    below = getattr(node, "fields", {}) | getattr(node, "tables", {}) | getattr(node, "also", {})
    for inner in below.values():
        yield from tables(inner, seen)


def test_no_table_takes_a_bare_name_but_those_of_plain_words():
    """So that a table that is added takes none: the choice of a function alone is a word."""
    roots = (openai_shapes.CHAT, openai_shapes.RESPONSES, anthropic_shapes.MESSAGES)
    seen: set[int] = set()
    found = [each for root in roots for each in tables(root, seen)]
    assert len(found) > 50
    taking = []
    for each in found:
        try:
            each.check("file-abc", "x.", Admits())
        except RefusedError:
            continue
        taking.append(each)
    assert taking == [openai_shapes.CHAT.fields["function_call"]]


NO_OPTIONS = ["x", "", 7, 0, True, False, [], [1], [{"include_usage": True}]]


@pytest.mark.parametrize("options", NO_OPTIONS)
@pytest.mark.parametrize("path", [CHAT, RESPONSES, "/v1/completions", MESSAGES])
def test_options_of_a_stream_are_an_object_or_null(path: str, options: Any):
    """The gateway writes into them: whatever the API, and where an administrator admits them."""
    body = {"stream": True, "stream_options": options}
    admits = Admits(fields=frozenset({"stream_options"}))
    assert code(path, body, admits) == "unreadable_request"
    assert code(path, {**body, "stream_options": None}, admits) == "taken"
    assert code(path, {**body, "stream_options": {}}, admits) == "taken"


# ---------------------------------------------------------------- what administrators admit
ADMITTED: list[tuple[str, Any, Admits]] = [
    (CHAT, {"top_k": 5, "min_p": 0.1}, Admits(fields=frozenset({"top_k", "min_p"}))),
    (
        CHAT,
        {"messages": [{"role": "user", "content": "x", "prefix": True}]},
        Admits(fields=frozenset({"messages.prefix"})),
    ),
    (CHAT, {"web_search_options": {}}, Admits(tools=frozenset({"web_search"}))),
    (
        RESPONSES,
        {
            "tools": [{"type": "web_search_preview"}],
            "input": [{"type": "web_search_call", "id": "ws_1", "status": "completed"}],
        },
        Admits(tools=frozenset({"web_search"})),
    ),
    (
        RESPONSES,
        {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},
        Admits(tools=frozenset({"code_interpreter"})),
    ),
    (
        MESSAGES,
        {
            "tools": [{"type": "web_search_20250305", "name": "web_search"}],
            "messages": [
                {
                    "role": "assistant",
                    "content": [
                        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
                        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
                    ],
                }
            ],
        },
        Admits(tools=frozenset({"web_search"})),
    ),
]


@pytest.mark.parametrize(("path", "body", "admits"), ADMITTED)
def test_what_is_admitted_goes_on_and_only_for_that_model(path: str, body: Any, admits: Admits):
    assert code(path, body, admits) == "taken"
    assert code(path, body) in {"beyond_the_exchange", "unknown_field"}


@pytest.mark.parametrize(
    ("body", "admits"),
    [
        ({"tools": [{"type": "code_interpreter", "container": "cntr_of_bea"}]}, "code_interpreter"),
        (
            {
                "tools": [
                    {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["f"]}}
                ]
            },
            "code_interpreter",
        ),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["vs"]}]}, "file_search"),
        ({"tools": [{"type": "image_generation", "model": "n"}]}, "image_generation"),
        ({"tools": [{"type": "image_generation", "mask": {"file_id": "f"}}]}, "image_generation"),
        ({"tools": [{"type": "webs"}]}, "web"),
    ],
)
def test_a_tool_that_is_admitted_reaches_nothing_stored(body: Any, admits: str):
    found = code(RESPONSES, body, Admits(tools=frozenset({admits})))
    assert found in {"beyond_the_exchange", "model_in_tool"}


def test_a_field_that_is_admitted_names_nothing_stored():
    admits = Admits(fields=frozenset({"extra"}))
    assert code(CHAT, {"extra": {"a": [{"file_id": "f"}]}}, admits) == "beyond_the_exchange"
    assert code(CHAT, {"extra": {"a": [{"b": "f"}]}}, admits) == "taken"


MODES: list[Any] = [
    {"reasoning_effort": "high"},
    {"enable_thinking": True},
    {"thinking": {"type": "enabled"}},
    {"chat_template_kwargs": {"enable_thinking": True}},
    {"store": True},
    {"background": True},
    {"Reasoning_Effort": "high"},
    {"reasoning-effort": "high"},
    {"reasoningEffort": "high"},
    {"thinkingConfig": {"thinkingBudget": 9}},
    {"thinking_token_budget": 9},
    {"Store": True},
    {"lora_path": "other"},
    {"adapter_id": "other"},
    {"loraRequest": {}},
    {"ENABLE THINKING": 1},
    {"\uff52easoning_effort": "high"},
    {"options.store": True},
    {"prompt": {"id": "pmpt"}},
    {"extra_body": {}},
    {"stream": True},
    {"mode": "pro"},
    {"store": None},
    {"properties": {"enable_thinking": True}},
    {"properties": {"a": {"store": True}}},
]


@pytest.mark.parametrize("found", MODES)
@pytest.mark.parametrize("within", [lambda x: x, lambda x: [x], lambda x: {"a": [{"b": x}]}])
@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
def test_an_admitted_field_is_judged_for_the_mode_at_any_depth(
    path: str, found: Any, within: Callable[[Any], Any]
):
    admits = Admits(fields=frozenset({"options"}))
    assert code(path, {"options": within(found)}, admits) == "unknown_field"
    assert code(path, {"options": within({"top_k": 5})}, admits) == "taken"


def test_twin_without_the_look_at_modes_an_admitted_field_sets_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shapes, "ADMITTED", shapes.ECHO)
    admits = Admits(fields=frozenset({"options"}))
    for found in MODES:
        assert code(CHAT, {"options": found}, admits) == "taken"


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["reasoning_effort", "enable_thinking", "chat_template_kwargs", "lora_path"]),
    st.data(),
)
def test_a_judged_name_is_known_in_every_spelling(name: str, data: st.DataObject):
    words = name.split("_")
    joint = data.draw(st.sampled_from(["", "_", "-", " ", "__"]))
    cases = st.sampled_from([str.lower, str.upper, str.title])
    spelt = joint.join(data.draw(cases)(word) for word in words)
    admits = Admits(fields=frozenset({"options"}))
    assert code(CHAT, {"options": {spelt: "x"}}, admits) == "unknown_field"


def test_a_schema_in_an_admitted_field_names_what_it_likes():
    """What an answer is to hold: its names are the caller's, and set nothing."""
    schema = {
        "type": "object",
        "required": ["reasoning", "store"],
        "properties": {"reasoning": {"type": "string"}, "store": {"properties": {"mode": {}}}},
        "$defs": {"thinking": {"type": "string"}},
    }
    admits = Admits(fields=frozenset({"guided_json"}))
    assert code(CHAT, {"guided_json": schema}, admits) == "taken"


def test_a_model_is_looked_up_before_anything_else_is_judged():
    asked: list[str] = []

    def admitted(model: str) -> Admits:
        asked.append(model)
        raise RefusedError(404, "model_not_found", "no")

    look: Callable[[str], Admits] = admitted
    with pytest.raises(RefusedError, match="no"):
        OPENAI.read(CHAT, b'{"unknown":1,"model":"n","reasoning_effort":3}', look)
    assert asked == ["n"]
