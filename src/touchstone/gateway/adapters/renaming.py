"""The same bytes, with the values of some outermost fields put in place of others."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BLANK = re.compile(r"[ \t\n\r]*")
_value = json.JSONDecoder().raw_decode


def renamed(body: bytes, name: str) -> bytes:
    """A body that was read before, with only the text of its outermost `model` replaced."""
    return with_fields(body, {"model": name})


def with_fields(body: bytes, fields: Mapping[str, Any]) -> bytes:
    """A body that was read before, in which these outermost fields have these values.

    Each stands where it stood, or at the beginning where it stood nowhere. Raises ValueError for
    an empty object: a body without a model is never changed.
    """
    # Spliced and not written anew, so that the caller's numbers and escapes go on as they came.
    text, left = body.decode(), dict(fields)
    parts, at = [], 0
    for key, start, end in _members(text):
        # Keys are compared as they are read, so that one with escapes in it is found too.
        if key in left:
            parts += [text[at:start], json.dumps(left.pop(key))]
            at = end
    whole = "".join([*parts, text[at:]])
    if left:
        begin = _skip(whole, 0) + 1
        new = "".join(f"{json.dumps(key)}:{json.dumps(value)}," for key, value in left.items())
        whole = whole[:begin] + new + whole[begin:]
    return whole.encode()


def _members(text: str) -> Iterator[tuple[str, int, int]]:
    """Each outermost key, with where its value begins and ends."""
    at = _skip(text, _skip(text, 0) + 1)
    if text[at] == "}":
        raise ValueError("a body without a model is never changed")
    while text[at] == '"':
        key, at = _value(text, at)
        start = _skip(text, _skip(text, at) + 1)
        _, end = _value(text, start)
        yield key, start, end
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
