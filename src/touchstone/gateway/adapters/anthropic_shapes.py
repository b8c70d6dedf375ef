"""What each place of Anthropic's requests may hold. What is stored there stands nowhere."""

from touchstone.gateway.adapters.shapes import (
    ECHO,
    FREE,
    PLAIN,
    URL,
    WHOLE,
    Kinds,
    Table,
    object_shape,
)

_CACHE = {"cache_control": object_shape({}, "ttl")}
_TEXT = object_shape({**_CACHE, "citations": ECHO}, "text")
_IMAGE = object_shape(
    {
        **_CACHE,
        "source": Kinds(
            {"base64": object_shape({}, "media_type", "data"), "url": object_shape({"url": URL})},
            bare=URL,
        ),
    }
)
_FOUND = object_shape(
    {**_CACHE, "content": Kinds({"text": _TEXT}), "citations": ECHO}, "source", "title"
)
_DOCUMENT = object_shape(
    {
        **_CACHE,
        "source": Kinds(
            {
                "base64": object_shape({}, "media_type", "data"),
                "text": object_shape({}, "media_type", "data"),
                "content": object_shape({"content": Kinds({"text": _TEXT, "image": _IMAGE})}),
                "url": object_shape({"url": URL}),
            },
            bare=URL,
        ),
        "citations": ECHO,
    },
    "title",
    "context",
)
_SHOWN = Kinds({"text": _TEXT, "image": _IMAGE, "document": _DOCUMENT, "search_result": _FOUND})
_BLOCK = Kinds(
    {
        **_SHOWN.tables,
        "thinking": object_shape({}, "thinking", "signature"),
        "redacted_thinking": object_shape({}, "data"),
        "tool_use": object_shape({**_CACHE, "input": FREE, "caller": ECHO}, "id", "name"),
        "tool_result": object_shape({**_CACHE, "content": _SHOWN}, "tool_use_id", "is_error"),
    }
)
_TOOL = Kinds(
    {
        "custom": object_shape(
            {**_CACHE, "input_schema": FREE, "input_examples": FREE},
            "name",
            "description",
            "strict",
            "eager_input_streaming",
            "defer_loading",
            "allowed_callers",
        )
    },
    default="custom",
    bare=WHOLE,
)
MESSAGES = Table(
    {
        **dict.fromkeys(
            (
                "model",
                "max_tokens",
                "service_tier",
                "stop_sequences",
                "stream",
                "temperature",
                "top_k",
                "top_p",
                "inference_geo",
                "speed",
            ),
            PLAIN,
        ),
        **_CACHE,
        "messages": object_shape({"content": _BLOCK}, "role"),
        "system": Kinds({"text": _TEXT}),
        "metadata": object_shape({}, "user_id"),
        "thinking": FREE,
        "output_config": object_shape({"format": object_shape({"schema": FREE}), "effort": PLAIN}),
        "tool_choice": object_shape({}, "name", "disable_parallel_tool_use"),
        "tools": _TOOL,
    }
)
"""What stands under `thinking` is read, word by word, by the adapter."""
