"""Strict canonical JSON, and the shapes of its objects. Nothing nearly right is accepted."""

import json
import re
from base64 import b64decode, b64encode
from contextlib import suppress
from datetime import date
from functools import lru_cache
from typing import Any

from .errors import AlteredError, hold

MAX_LINE, MAX_DEPTH, INTEGERS_END, SHOWN = 2**20, 16, 2**53, 80
# Only a text with one of these can hold a key beyond printable ASCII or too large an integer.
_SUSPECT = re.compile(r"[^ -~]|\\|[0-9]{16}")
_DAY, _CLOCK = "[0-9]{4}-[0-9]{2}-[0-9]{2}", "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_FORMS = {
    "text": r'"(?:[^"\\]++|\\.)++"',
    "hex32": '"[0-9a-f]{64}"',
    "hex64": '"[0-9a-f]{128}"',
    "sha256": '"sha256:[0-9a-f]{64}"',
    "fingerprint": '"SHA256:[0-9a-f]{64}"',
    "kebab": '"[a-z][a-z0-9]*+(-[a-z0-9]++)*+"',
    "time": f'"{_DAY}T{_CLOCK}Z"',
    "integer": "(0|[1-9][0-9]*+)",
    "positive": "[1-9][0-9]*+",
    "null": "null",
    "any": "(?s:.+)",
}
# A float becomes true, so that it is not written again as it stood.
_decode = json.JSONDecoder(parse_float=bool, parse_constant=bool).decode
dumps = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def shown(text: str) -> str:
    """What may be echoed of a hostile text: printable, and short."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[:SHOWN])


def parse(line: bytes) -> Any:
    """The value of one canonical line; AlteredError for anything but RFC 8785 within bounds."""
    try:
        text = line.decode()
        value = _decode(text)
        hold(dumps(value) == text, "is not canonical JSON (order, a key twice, space, a decimal)")
    except (ValueError, RecursionError) as error:
        raise AlteredError(f"is not strict JSON in UTF-8: {shown(str(error))}") from None
    if _SUSPECT.search(text) or text.count("[") + text.count("{") > MAX_DEPTH:
        _bound(value, MAX_DEPTH)
    return value


def _bound(value: Any, depth: int) -> None:
    if isinstance(value, (dict, list)):
        hold(depth > 0, "is nested too deeply")
        for key in value if isinstance(value, dict) else ():
            hold(key.isascii() and key.isprintable(), "has a key that is not printable ASCII")
        for inner in value.values() if isinstance(value, dict) else value:
            _bound(inner, depth - 1)
    elif isinstance(value, int):
        hold(abs(value) < INTEGERS_END, "holds an integer of 2^53 or beyond")


def unbase64(text: str) -> bytes:
    """The bytes of a standard base64 text; none where it is not the one text for them."""
    with suppress(ValueError):
        data = b64decode(text, validate=True)
        return data if b64encode(data).decode() == text else b""
    return b""


@lru_cache(maxsize=1024)
def _in_calendar(day: str) -> bool:
    with suppress(ValueError):
        return bool(date.fromisoformat(day))
    return False


@lru_cache(maxsize=64)
def _shape(shape: str) -> tuple[re.Pattern[str], list[str]]:
    """A shape as an expression; `<text|null>` may be null, `<text*>` is a list. And its names."""

    def form(match: re.Match[str]) -> str:
        one = "|".join(_FORMS[name] for name in match[1].split("|"))
        return rf"\[(({one})(,({one}))*+)?\]" if match[2] else f"({one})"

    expression = re.sub(
        r"<([a-z0-9|]+)(\*?)>", form, re.escape(shape).replace(r"\*", "*").replace(r"\|", "|")
    )
    return re.compile(expression), re.findall('[{,]"([a-z_]+)":', shape)


def shaped(value: Any, shape: str, *, more: bool = False) -> Any:
    """The object, if its canonical text has the shape; with `more`, it may have other fields."""
    expression, names = _shape(shape)
    if more and isinstance(value, dict):
        text = dumps({name: value[name] for name in names if name in value})
    else:
        text = dumps(value)
    hold(expression.fullmatch(text) is not None, f"is not of the form {shape}")
    hold("at" not in names or _in_calendar(value["at"][:10]), "has a time not in the calendar")
    return value
