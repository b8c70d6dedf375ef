"""The same bytes under the name by which the upstream knows a model."""

import json
import re

_BLANK = re.compile(r"[ \t\n\r]*")
_value = json.JSONDecoder().raw_decode


def renamed(body: bytes, name: str) -> bytes:
    """A body that was read before, with only the text of its outermost `model` replaced."""
    text = body.decode()
    at = _skip(text, _skip(text, 0) + 1)
    while text[at] == '"':
        key, at = _value(text, at)
        start = _skip(text, _skip(text, at) + 1)
        _, end = _value(text, start)
        if key == "model":
            return (text[:start] + json.dumps(name) + text[end:]).encode()
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at
    raise ValueError("a body without a model is never renamed")


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
