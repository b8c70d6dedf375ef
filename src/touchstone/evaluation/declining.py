"""What a refused request says of the model: its context is full, or a filter spoke."""

import re
from typing import Literal

from touchstone.evaluation.bounded_asking import READ_OF_ERROR

# Servers say in their own words, and with several codes, that the conversation no longer fits.
_CONTEXT_FULL = re.compile(
    r"context[ _](length|window|size)|maximum context|input (length|token count)|max_model_len"
    r"|too many tokens"
    r"|(prompt|input|request) is too long|exceeds? the (maximum|available) (context|sequence)"
    r"|max_new_tokens`? must be",
    re.IGNORECASE,
)
_CONTEXT_CODES = frozenset({400, 413, 422, 500})
# As Inspect knows them, of OpenAI and Azure.
_POLICY_CODES = frozenset(
    {"invalid_prompt", "content_policy_violation", "content_filter", "bio_policy", "cyber_policy"}
)


def declined_stop(
    status: int, code: object, kind: object, message: str
) -> Literal["length", "content_filter"] | None:
    """How a refusal ends the conversation; None where it is a fault of the endpoint.

    Args:
        status: The HTTP status.
        code: What the error calls its code: anything.
        kind: What it calls its type: anything.
        message: What it says.
    """
    named = code if isinstance(code, str) else ""
    # Some servers say so with 500 and words alone.
    told = f"{named} {message}"[:READ_OF_ERROR]
    full = status in _CONTEXT_CODES and _CONTEXT_FULL.search(told)
    if named == "context_length_exceeded" or full:
        return "length"
    blocked = kind == "invalid_request_error" and "blocked" in message
    return "content_filter" if named in _POLICY_CODES or blocked else None
