"""What each place of OpenAI's requests may hold. What is stored at the endpoint stands nowhere."""

from collections.abc import Mapping

from touchstone.gateway.adapters.shapes import (
    ECHO,
    FREE,
    NULL,
    PLAIN,
    URL,
    WHOLE,
    Hosted,
    Kinds,
    Node,
    Table,
    object_shape,
)

_CACHE = object_shape({}, "ttl")
_SCHEMA = object_shape({"schema": FREE}, "name", "description", "strict")
_FUNCTION = object_shape({"parameters": FREE}, "name", "description", "strict")
_GRAMMAR = object_shape(
    {"grammar": object_shape({}, "definition", "syntax")}, "syntax", "definition"
)
_CUSTOM = object_shape({"format": _GRAMMAR}, "name", "description", "input")
_OPTIONS = object_shape({}, "include_usage", "include_obfuscation", "continuous_usage_stats")
_SHARED: Mapping[str, Node] = {
    **dict.fromkeys(
        (
            "model",
            "stream",
            "temperature",
            "top_p",
            "user",
            "seed",
            "service_tier",
            "safety_identifier",
            "prompt_cache_key",
            "prompt_cache_retention",
        ),
        PLAIN,
    ),
    "stream_options": _OPTIONS,
    "metadata": FREE,
    "prompt_cache_options": ECHO,
}
_SAMPLING: Mapping[str, Node] = {
    **dict.fromkeys(
        (
            "frequency_penalty",
            "presence_penalty",
            "logprobs",
            "max_tokens",
            "n",
            "stop",
        ),
        PLAIN,
    ),
    "logit_bias": FREE,
}
_TOOLS = ("parallel_tool_calls", "top_logprobs", "store")

# ---------------------------------------------------------------- chat completions
_CHAT_PART = Kinds(
    {
        "text": object_shape({"cache_control": _CACHE}, "text"),
        "refusal": object_shape({}, "refusal"),
        "image_url": object_shape({"image_url": object_shape({"url": URL}, "detail", bare=URL)}),
        "video_url": object_shape({"video_url": object_shape({"url": URL}, "detail", bare=URL)}),
        "audio_url": object_shape({"audio_url": object_shape({"url": URL}, bare=URL)}),
        "input_audio": object_shape({"input_audio": object_shape({}, "data", "format")}),
        "file": object_shape({"file": object_shape({"file_id": NULL}, "file_data", "filename")}),
    }
)
_CALL = object_shape(
    {"function": object_shape({}, "name", "arguments"), "custom": _CUSTOM}, "id", "index"
)
_MESSAGE = object_shape(
    {
        "content": _CHAT_PART,
        "tool_calls": _CALL,
        "annotations": ECHO,
        "audio": NULL,
        "function_call": object_shape({}, "name", "arguments"),
        "reasoning_details": ECHO,
    },
    "role",
    "name",
    "tool_call_id",
    "refusal",
    "reasoning_content",
    "reasoning",
)
_CHAT_TOOL = Kinds(
    {
        "function": object_shape({"function": _FUNCTION}),
        "custom": object_shape({"custom": _CUSTOM}),
    },
    bare=WHOLE,
)
_CHAT_CHOSEN = Kinds(
    {
        "function": object_shape({"function": object_shape({}, "name")}),
        "custom": object_shape({"custom": object_shape({}, "name")}),
        "allowed_tools": object_shape(
            {"allowed_tools": object_shape({"tools": _CHAT_TOOL}, "mode")}
        ),
    }
)
CHAT = Table(
    {
        **_SHARED,
        **_SAMPLING,
        **dict.fromkeys(
            (*_TOOLS, "max_completion_tokens", "modalities", "reasoning_effort", "verbosity"), PLAIN
        ),
        "messages": _MESSAGE,
        "audio": object_shape({}, "voice", "format"),
        "tools": _CHAT_TOOL,
        "tool_choice": _CHAT_CHOSEN,
        "functions": _FUNCTION,
        "function_call": object_shape({}, "name", bare=PLAIN),
        "prediction": object_shape({"content": _CHAT_PART}),
        "reasoning": FREE,
        "chat_template_kwargs": FREE,
        "response_format": object_shape({"json_schema": _SCHEMA, "schema": FREE}),
        "web_search_options": Hosted("web_search"),
    }
)
"""The adapter reads what stands under `reasoning` and `chat_template_kwargs`, word by word."""

# ---------------------------------------------------------------- responses
_TEXT = object_shape({"annotations": ECHO, "logprobs": FREE}, "text")
_PART = Kinds(
    {
        "input_text": _TEXT,
        "output_text": _TEXT,
        "text": _TEXT,
        "summary_text": _TEXT,
        "reasoning_text": _TEXT,
        "refusal": object_shape({}, "refusal"),
        "input_image": object_shape({"image_url": URL, "file_id": NULL}, "detail"),
        "input_file": object_shape(
            {"file_id": NULL, "file_url": URL}, "file_data", "filename", "detail"
        ),
        "input_audio": object_shape({"input_audio": object_shape({}, "data", "format")}),
    }
)
_OUTPUT = object_shape({"output": _PART}, "id", "call_id", "status", whole=("output",))
_ITEM = Kinds(
    {
        "message": object_shape(
            {"content": _PART}, "id", "role", "status", "phase", whole=("role", "content")
        ),
        "function_call": object_shape(
            {},
            "id",
            "call_id",
            "name",
            "arguments",
            "status",
            "namespace",
            whole=("call_id", "name"),
        ),
        "custom_tool_call": object_shape(
            {}, "id", "call_id", "name", "input", "status", whole=("call_id", "name")
        ),
        "function_call_output": _OUTPUT,
        "custom_tool_call_output": _OUTPUT,
        "reasoning": object_shape(
            {"summary": _PART, "content": _PART},
            "id",
            "encrypted_content",
            "status",
            whole=("encrypted_content",),
        ),
        "compaction": object_shape({}, "id", "encrypted_content", whole=("encrypted_content",)),
    },
    default="message",
)
_TOOL = Kinds(
    {
        "function": object_shape({"parameters": FREE}, "name", "description", "strict"),
        "custom": _CUSTOM,
    },
    bare=WHOLE,
)
_NAMED = Kinds(
    {"function": object_shape({}, "name"), "custom": object_shape({}, "name")}, bare=WHOLE
)
_CHOSEN = Kinds({**_NAMED.tables, "allowed_tools": object_shape({"tools": _NAMED}, "mode")})
RESPONSES = Table(
    {
        **_SHARED,
        **dict.fromkeys(
            (
                *_TOOLS,
                "instructions",
                "include",
                "max_output_tokens",
                "max_tool_calls",
                "truncation",
            ),
            PLAIN,
        ),
        "input": _ITEM,
        "tools": _TOOL,
        "tool_choice": _CHOSEN,
        "reasoning": FREE,
        "text": object_shape({"format": _SCHEMA}, "verbosity"),
        "context_management": object_shape({}, "compact_threshold"),
    }
)

# ---------------------------------------------------------------- completions, embeddings
COMPLETIONS = Table(
    {
        **_SHARED,
        **_SAMPLING,
        **dict.fromkeys(("prompt", "best_of", "echo", "suffix"), PLAIN),
    }
)
EMBEDDINGS = Table(
    dict.fromkeys(("model", "input", "dimensions", "encoding_format", "user"), PLAIN)
)
