"""The API of OpenAI: chat completions, responses, completions, embeddings, models.

A field that reaches beyond the exchange is refused: `background` work outlives the connection that
a directive cuts, and stored prompts and conversations hold settings that no request shows.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from touchstone.gateway.adapters.base import Ask
from touchstone.gateway.adapters.reading import one_place, read_ask, table, template_switch, word
from touchstone.gateway.adapters.strict_json import parse_object
from touchstone.gateway.errors import RefusedError

_SHARED = frozenset({
    "model", "stream", "stream_options", "temperature", "top_p", "user", "seed", "metadata",
    "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_options",
    "prompt_cache_retention",
})  # fmt: skip
_SAMPLING = frozenset({
    "frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "max_tokens", "n", "stop",
})  # fmt: skip
_TOOLS = frozenset({"tools", "tool_choice", "parallel_tool_calls", "top_logprobs", "store"})
CHAT = _SHARED | _SAMPLING | _TOOLS | {
    "messages", "audio", "function_call", "functions", "max_completion_tokens", "modalities",
    "prediction", "reasoning_effort", "reasoning", "response_format", "verbosity",
    "web_search_options", "chat_template_kwargs",
}  # fmt: skip
RESPONSES = _SHARED | _TOOLS | {
    "input", "instructions", "include", "max_output_tokens", "max_tool_calls", "reasoning", "text",
    "truncation", "context_management",
}  # fmt: skip
COMPLETIONS = _SHARED | _SAMPLING | {"prompt", "best_of", "echo", "suffix"}
EMBEDDINGS = frozenset({"model", "input", "dimensions", "encoding_format", "user"})
_REASONING = frozenset({"effort", "mode", "summary", "generate_summary", "context"})


class OpenAI:
    """Requests as the `openai` clients send them."""

    name = "openai"
    paths: Mapping[str, str] = {
        "/v1/chat/completions": "/chat/completions",
        "/v1/responses": "/responses",
        "/v1/completions": "/completions",
        "/v1/embeddings": "/embeddings",
    }

    def read(self, path: str, body: bytes) -> Ask:
        """What the body of a POST asks for."""
        return _READERS[path](parse_object(body))

    def error(self, refusal: RefusedError) -> bytes:
        """An error object as this API has it."""
        kind = "invalid_request_error" if refusal.status < 500 else "server_error"  # noqa: PLR2004 - HTTP's line between them
        return json.dumps(
            {"error": {
                "message": str(refusal), "type": kind, "param": None, "code": refusal.code,
            }}
        ).encode()  # fmt: skip

    def models(self, names: list[str]) -> bytes:
        """A list of models."""
        return json.dumps({"object": "list", "data": [_model(name) for name in names]}).encode()

    def model(self, name: str) -> bytes:
        """One model."""
        return json.dumps(_model(name)).encode()


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "touchstone-gateway"}


def _reasoning(value: object) -> list[str]:
    found = table(value, _REASONING, "reasoning")
    mode = word(found.get("mode"), "reasoning.mode")
    return [f"mode={each}" for each in mode] + word(found.get("effort"), "reasoning.effort")


def _chat(body: dict[str, Any]) -> Ask:
    settings = one_place(
        word(body.get("reasoning_effort"), "reasoning_effort"),
        _reasoning(body.get("reasoning")),
        template_switch(body.get("chat_template_kwargs")),
    )
    return read_ask(body, CHAT, settings)


def _responses(body: dict[str, Any]) -> Ask:
    return read_ask(body, RESPONSES, _reasoning(body.get("reasoning")))


def _completions(body: dict[str, Any]) -> Ask:
    return read_ask(body, COMPLETIONS, [])


def _embeddings(body: dict[str, Any]) -> Ask:
    return read_ask(body, EMBEDDINGS, [])


_READERS: Mapping[str, Callable[[dict[str, Any]], Ask]] = {
    "/v1/chat/completions": _chat,
    "/v1/responses": _responses,
    "/v1/completions": _completions,
    "/v1/embeddings": _embeddings,
}
