"""What each place of Anthropic's requests may hold. What is stored there stands nowhere."""

from touchstone.gateway.adapters.shapes import ECHO, FREE, PLAIN, URL, WHOLE, Kinds, Table, table

_CACHE = {"cache_control": table({}, "ttl")}
_TEXT = table({**_CACHE, "citations": ECHO}, "text")
_IMAGE = table({
    **_CACHE,
    "source": Kinds(
        {"base64": table({}, "media_type", "data"), "url": table({"url": URL})}, bare=URL
    ),
})  # fmt: skip
_FOUND = table({**_CACHE, "content": Kinds({"text": _TEXT}), "citations": ECHO}, "source", "title")
_DOCUMENT = table(
    {
        **_CACHE,
        "source": Kinds(
            {
                "base64": table({}, "media_type", "data"),
                "text": table({}, "media_type", "data"),
                "content": table({"content": Kinds({"text": _TEXT, "image": _IMAGE})}),
                "url": table({"url": URL}),
            },
            bare=URL,
        ),
        "citations": ECHO,
    },
    "title", "context",
)  # fmt: skip
_SHOWN = Kinds({"text": _TEXT, "image": _IMAGE, "document": _DOCUMENT, "search_result": _FOUND})
_BLOCK = Kinds({
    **_SHOWN.tables,
    "thinking": table({}, "thinking", "signature"),
    "redacted_thinking": table({}, "data"),
    "tool_use": table({**_CACHE, "input": FREE, "caller": ECHO}, "id", "name"),
    "tool_result": table({**_CACHE, "content": _SHOWN}, "tool_use_id", "is_error"),
})  # fmt: skip
_TOOL = Kinds(
    {"custom": table(
        {**_CACHE, "input_schema": FREE, "input_examples": FREE},
        "name", "description", "strict", "eager_input_streaming", "defer_loading",
        "allowed_callers",
    )},
    default="custom",
    bare=WHOLE,
)  # fmt: skip
MESSAGES = Table({
    **dict.fromkeys((
        "model", "max_tokens", "service_tier", "stop_sequences", "stream", "temperature", "top_k",
        "top_p", "inference_geo", "speed",
    ), PLAIN),
    **_CACHE,
    "messages": table({"content": _BLOCK}, "role"),
    "system": Kinds({"text": _TEXT}),
    "metadata": table({}, "user_id"),
    "thinking": FREE,
    "output_config": table({"format": table({"schema": FREE}), "effort": PLAIN}),
    "tool_choice": table({}, "name", "disable_parallel_tool_use"),
    "tools": _TOOL,
})  # fmt: skip
"""What stands under `thinking` is read, word by word, by the adapter."""
