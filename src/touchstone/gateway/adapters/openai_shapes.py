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
    table,
)

_CACHE = table({}, "ttl")
_SCHEMA = table({"schema": FREE}, "name", "description", "strict")
_FUNCTION = table({"parameters": FREE}, "name", "description", "strict")
_GRAMMAR = table({"grammar": table({}, "definition", "syntax")}, "syntax", "definition")
_CUSTOM = table({"format": _GRAMMAR}, "name", "description", "input")
_OPTIONS = table({}, "include_usage", "include_obfuscation", "continuous_usage_stats")
_SHARED: Mapping[str, Node] = {
    **dict.fromkeys((
        "model", "stream", "temperature", "top_p", "user", "seed", "service_tier",
        "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
    ), PLAIN),
    "stream_options": _OPTIONS, "metadata": FREE, "prompt_cache_options": ECHO,
}  # fmt: skip
_SAMPLING: Mapping[str, Node] = {
    **dict.fromkeys((
        "frequency_penalty", "presence_penalty", "logprobs", "max_tokens", "n", "stop",
    ), PLAIN),
    "logit_bias": FREE,
}  # fmt: skip
_TOOLS = ("parallel_tool_calls", "top_logprobs", "store")

# ---------------------------------------------------------------- chat completions
_CHAT_PART = Kinds({
    "text": table({"cache_control": _CACHE}, "text"),
    "refusal": table({}, "refusal"),
    "image_url": table({"image_url": table({"url": URL}, "detail", bare=URL)}),
    "video_url": table({"video_url": table({"url": URL}, "detail", bare=URL)}),
    "audio_url": table({"audio_url": table({"url": URL}, bare=URL)}),
    "input_audio": table({"input_audio": table({}, "data", "format")}),
    "file": table({"file": table({"file_id": NULL}, "file_data", "filename")}),
})  # fmt: skip
_CALL = table({"function": table({}, "name", "arguments"), "custom": _CUSTOM}, "id", "index")
_MESSAGE = table(
    {
        "content": _CHAT_PART, "tool_calls": _CALL, "annotations": ECHO, "audio": NULL,
        "function_call": table({}, "name", "arguments"), "reasoning_details": ECHO,
    },
    "role", "name", "tool_call_id", "refusal", "reasoning_content", "reasoning",
)  # fmt: skip
_CHAT_TOOL = Kinds(
    {"function": table({"function": _FUNCTION}), "custom": table({"custom": _CUSTOM})}, bare=WHOLE
)
_CHAT_CHOSEN = Kinds({
    "function": table({"function": table({}, "name")}),
    "custom": table({"custom": table({}, "name")}),
    "allowed_tools": table({"allowed_tools": table({"tools": _CHAT_TOOL}, "mode")}),
})  # fmt: skip
CHAT = Table({
    **_SHARED, **_SAMPLING,
    **dict.fromkeys(
        (*_TOOLS, "max_completion_tokens", "modalities", "reasoning_effort", "verbosity"), PLAIN
    ),
    "messages": _MESSAGE, "audio": table({}, "voice", "format"),
    "tools": _CHAT_TOOL, "tool_choice": _CHAT_CHOSEN,
    "functions": _FUNCTION, "function_call": table({}, "name", bare=PLAIN),
    "prediction": table({"content": _CHAT_PART}), "reasoning": FREE, "chat_template_kwargs": FREE,
    "response_format": table({"json_schema": _SCHEMA, "schema": FREE}),
    "web_search_options": Hosted("web_search"),
})  # fmt: skip
"""The adapter reads what stands under `reasoning` and `chat_template_kwargs`, word by word."""

# ---------------------------------------------------------------- responses
_TEXT = table({"annotations": ECHO, "logprobs": FREE}, "text")
_PART = Kinds({
    "input_text": _TEXT, "output_text": _TEXT, "text": _TEXT, "summary_text": _TEXT,
    "reasoning_text": _TEXT, "refusal": table({}, "refusal"),
    "input_image": table({"image_url": URL, "file_id": NULL}, "detail"),
    "input_file": table({"file_id": NULL, "file_url": URL}, "file_data", "filename", "detail"),
    "input_audio": table({"input_audio": table({}, "data", "format")}),
})  # fmt: skip
_OUTPUT = table({"output": _PART}, "id", "call_id", "status", whole=("output",))
_ITEM = Kinds(
    {
        "message": table(
            {"content": _PART}, "id", "role", "status", "phase", whole=("role", "content")
        ),
        "function_call": table(
            {}, "id", "call_id", "name", "arguments", "status", "namespace",
            whole=("call_id", "name"),
        ),
        "custom_tool_call": table(
            {}, "id", "call_id", "name", "input", "status", whole=("call_id", "name")
        ),
        "function_call_output": _OUTPUT, "custom_tool_call_output": _OUTPUT,
        "reasoning": table(
            {"summary": _PART, "content": _PART}, "id", "encrypted_content", "status",
            whole=("encrypted_content",),
        ),
        "compaction": table({}, "id", "encrypted_content", whole=("encrypted_content",)),
    },
    default="message",
)  # fmt: skip
_TOOL = Kinds(
    {
        "function": table({"parameters": FREE}, "name", "description", "strict"),
        "custom": _CUSTOM,
    },
    bare=WHOLE,
)
_NAMED = Kinds({"function": table({}, "name"), "custom": table({}, "name")}, bare=WHOLE)
_CHOSEN = Kinds({**_NAMED.tables, "allowed_tools": table({"tools": _NAMED}, "mode")})
RESPONSES = Table({
    **_SHARED,
    **dict.fromkeys((
        *_TOOLS, "instructions", "include", "max_output_tokens", "max_tool_calls", "truncation",
    ), PLAIN),
    "input": _ITEM, "tools": _TOOL, "tool_choice": _CHOSEN, "reasoning": FREE,
    "text": table({"format": _SCHEMA}, "verbosity"),
    "context_management": table({}, "compact_threshold"),
})  # fmt: skip

# ---------------------------------------------------------------- completions, embeddings
COMPLETIONS = Table({
    **_SHARED, **_SAMPLING, **dict.fromkeys(("prompt", "best_of", "echo", "suffix"), PLAIN),
})  # fmt: skip
EMBEDDINGS = Table(
    dict.fromkeys(("model", "input", "dimensions", "encoding_format", "user"), PLAIN)
)
