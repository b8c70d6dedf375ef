"""The Messages API of Anthropic."""

import json
from collections.abc import Mapping
from typing import Any

from touchstone.gateway.adapters.anthropic_shapes import MESSAGES
from touchstone.gateway.adapters.base import Admitted, Ask, nothing, unreadable
from touchstone.gateway.adapters.reading import inner_object, model_of, read_ask, word
from touchstone.gateway.adapters.strict_json import parse_object
from touchstone.gateway.errors import RefusedError

_THINKING = frozenset({"type", "budget_tokens", "display"})
_OUTPUT = frozenset({"effort", "format"})
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


class Anthropic:
    """Requests as the `anthropic` clients send them."""

    name = "anthropic"
    paths: Mapping[str, str] = {"/v1/messages": "/messages"}

    def read(self, path: str, body: bytes, admitted: Admitted = nothing) -> Ask:  # noqa: ARG002 - the one path of this API
        """What the body of a POST asks for."""
        content = parse_object(body)
        admits = admitted(model_of(content))
        settings = _thinking(content.get("thinking"))
        output = inner_object(content.get("output_config"), _OUTPUT, "output_config")
        settings += word(output.get("effort"), "output_config.effort")
        return read_ask(content, MESSAGES, settings, admits)

    def error(self, refusal: RefusedError) -> bytes:
        """An error object as this API has it."""
        default = "invalid_request_error" if refusal.status < 500 else "api_error"  # noqa: PLR2004 - HTTP's line between them
        kind = _KINDS.get(refusal.status, default)
        return json.dumps(
            {"type": "error", "error": {"type": kind, "message": str(refusal)}}
        ).encode()

    def models(self, names: list[str], *, more: bool = False) -> bytes:
        """A list of models."""
        data = [_model(name) for name in names]
        ends = {"first_id": names[0] if names else None, "last_id": names[-1] if names else None}
        return json.dumps({"data": data, "has_more": more, **ends}).encode()

    def model(self, name: str) -> bytes:
        """One model."""
        return json.dumps(_model(name)).encode()


def _model(name: str) -> dict[str, object]:
    return {
        "id": name,
        "type": "model",
        "display_name": name,
        "created_at": "1970-01-01T00:00:00Z",
    }


def _thinking(value: object) -> list[str]:
    found: Mapping[str, Any] = inner_object(value, _THINKING, "thinking")
    kind = word(found.get("type"), "thinking.type")
    budget = found.get("budget_tokens")
    if budget is not None and (type(budget) is not int or not budget > 0):
        raise unreadable("thinking.budget_tokens is not a whole number above 0")
    # Without a type one server takes it for on and another for off.
    if found and not kind:
        raise unreadable("thinking has no type", "mode_ambiguous")
    # A budget beside "disabled" switches thinking on where only the number is read.
    if (kind == ["enabled"]) != (budget is not None):
        raise unreadable(
            "thinking.budget_tokens goes with type enabled, and only with it", "mode_ambiguous"
        )
    return kind
