"""The API of OpenAI: chat completions, responses, completions, embeddings, models.

A field that reaches beyond the exchange is refused: `background` work outlives the connection that
a directive cuts, and stored prompts and conversations hold settings that no request shows.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from touchstone.gateway.adapters.base import Admitted, Ask, nothing
from touchstone.gateway.adapters.openai_shapes import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES
from touchstone.gateway.adapters.reading import (
    inner_object,
    model_of,
    one_place,
    read_ask,
    template_switch,
    word,
)
from touchstone.gateway.adapters.shapes import Table
from touchstone.gateway.adapters.strict_json import parse_object
from touchstone.gateway.errors import RefusedError

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

    def read(self, path: str, body: bytes, admitted: Admitted = nothing) -> Ask:
        """What the body of a POST asks for."""
        content = parse_object(body)
        # First, before anything else of the body is judged: see `Adapter.read`.
        admits = admitted(model_of(content))
        shape, settings = _READERS[path]
        return read_ask(content, shape, settings(content), admits)

    def error(self, refusal: RefusedError) -> bytes:
        """An error object as this API has it."""
        kind = "invalid_request_error" if refusal.status < 500 else "server_error"  # noqa: PLR2004 - HTTP's line between them
        return json.dumps(
            {
                "error": {
                    "message": str(refusal),
                    "type": kind,
                    "param": None,
                    "code": refusal.code,
                }
            }
        ).encode()

    def models(self, names: list[str], *, more: bool = False) -> bytes:
        """A list of models."""
        return json.dumps(
            {"object": "list", "data": [_model(name) for name in names]}
            | ({"has_more": True} if more else {})
        ).encode()

    def model(self, name: str) -> bytes:
        """One model."""
        return json.dumps(_model(name)).encode()


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "touchstone-gateway"}


def _reasoning(value: object) -> list[str]:
    found = inner_object(value, _REASONING, "reasoning")
    mode = word(found.get("mode"), "reasoning.mode")
    # Marked with its name, or "high" as a mode and as an effort would be one setting.
    return [f"mode={each}" for each in mode] + word(found.get("effort"), "reasoning.effort")


def _chat(body: dict[str, Any]) -> list[str]:
    return one_place(
        word(body.get("reasoning_effort"), "reasoning_effort"),
        _reasoning(body.get("reasoning")),
        template_switch(body.get("chat_template_kwargs")),
    )


def _responses(body: dict[str, Any]) -> list[str]:
    return _reasoning(body.get("reasoning"))


def _none(_: dict[str, Any]) -> list[str]:
    return []


_READERS: Mapping[str, tuple[Table, Callable[[dict[str, Any]], list[str]]]] = {
    "/v1/chat/completions": (CHAT, _chat),
    "/v1/responses": (RESPONSES, _responses),
    "/v1/completions": (COMPLETIONS, _none),
    "/v1/embeddings": (EMBEDDINGS, _none),
}
