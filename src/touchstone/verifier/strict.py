"""Strict canonical JSON, and the shapes of its objects. Nothing nearly right is accepted."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date
from functools import cache, lru_cache
from typing import Any, NoReturn

from .errors import AlteredError, hold

MAX_LINE, MAX_DEPTH, INTEGERS_END, SHOWN = 2**20, 16, 2**53, 80
# Only a text with one of these can hold a key beyond printable ASCII or too large an integer.
_SUSPECT = re.compile(r"[^ -~]|\\|[0-9]{16}")


def shown(text: str) -> str:
    """What may be echoed of a hostile text: printable, and short."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[:SHOWN])


def _no_number(text: str) -> NoReturn:
    raise AlteredError(f"holds {shown(text)}, but numbers are integers (a decimal is a string)")


_decode = json.JSONDecoder(parse_float=_no_number, parse_constant=_no_number).decode
dumps = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":")
).encode


def parse(line: bytes) -> Any:
    """The value of one canonical line; AlteredError for anything but RFC 8785 within bounds."""
    try:
        text = line.decode()
        value = _decode(text)
        hold(dumps(value) == text, "is not canonical JSON (key order, a key twice, space, escape)")
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
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return b""
    return data if b64encode(data).decode() == text else b""


@lru_cache(maxsize=1024)
def _in_calendar(time: str) -> bool:
    try:
        return bool(date.fromisoformat(time[:10]))
    except ValueError:
        return False


_TEXTS = {
    "text": r"(?s:.+)",
    "hex32": "[0-9a-f]{64}",
    "hex64": "[0-9a-f]{128}",
    "sha256": "sha256:[0-9a-f]{64}",
    "fingerprint": "SHA256:[0-9a-f]{64}",
    "kebab": "[a-z][a-z0-9]*(-[a-z0-9]+)*",
    "time": "[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z",
}
_OTHERS: dict[str, Callable[[Any], bool]] = {
    "any": lambda _value: True,
    "object": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
    "integer": lambda value: type(value) is int and value >= 0,
    "positive": lambda value: type(value) is int and value > 0,
    "base64": lambda value: isinstance(value, str) and unbase64(value) != b"",
}


def _test(form: str) -> Callable[[Any], bool]:
    """The test of a form: `*` after it is a list, `?` lets it be null, `=1` is that JSON alone."""
    if form[0] == "=":
        return lambda value: dumps(value) == form[1:]
    if form[-1] in "*?":
        one = _test(form[:-1])
        if form[-1] == "?":
            return lambda value: value is None or one(value)
        return lambda value: isinstance(value, list) and all(map(one, value))
    if form in _OTHERS:
        return _OTHERS[form]
    match, more = re.compile(_TEXTS[form]).fullmatch, _in_calendar if form == "time" else bool
    return lambda value: isinstance(value, str) and match(value) is not None and more(value)


@cache
def _tests(shape: str) -> list[tuple[str, Callable[[Any], bool], str]]:
    pairs = [field.split(":", 1) for field in shape.split()]
    return [(name, _test(form), form) for name, form in pairs]


def fields(value: Any, shape: str, *, more: bool = False) -> Any:
    """The object, if it has the fields `name:form ...` and (without `more`) no others."""
    hold(isinstance(value, dict), "is not an object where one must be")
    for name, fits, form in _tests(shape):
        if name not in value or not fits(value[name]):
            raise AlteredError(f"needs a field `{name}` of the form {form}")
    hold(more or len(value) == len(_tests(shape)), "has a field that does not belong there")
    return value
