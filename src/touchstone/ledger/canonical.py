"""Canonical JSON: RFC 8785 held to what the standard library writes byte for byte.

Keys are printable ASCII, so that ordering by code point is ordering by UTF-16 unit; numbers are
integers below 2^53, so that no shortest-float algorithm is needed. What is read must be canonical:
a reader hashes the bytes as they came and never a rewriting of them.
"""

import base64
import binascii
import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, NoReturn

from touchstone.ledger.errors import MalformedError

# These are the format's bounds and no tuning: what one writer allows, every reader must take.
MAX_LINE = 1 << 20
MAX_DEPTH = 16
# Beyond it, readers that take JSON numbers as doubles see another number (RFC 7493).
MAX_INTEGER = (1 << 53) - 1

_MOST_DIGITS = len(f"-{MAX_INTEGER}")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_OPENING = frozenset(b"[{")
_TEXT = frozenset({str})
_LEAVES = frozenset({str, bool, type(None)})
# A circle needs no check of its own: `_check` refuses it as too deep.
_write = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":")
).encode


def dumps(value: object) -> bytes:
    """The canonical line of `value`, without a line feed.

    Takes dict, list, tuple, str, int, bool and None, and no subclass of them. Raises MalformedError
    for anything else, and for what a reader would refuse: depth, length, keys, integers.
    """
    _check(value, 0)
    return _fitting(_encode(value))


def loads(line: bytes) -> Any:
    """The value of one canonical line (without its line feed).

    Raises MalformedError if the line is not canonical JSON as this room writes it.
    """
    _fitting(line)
    _check_depth(line)
    try:
        value = _parse(line.decode())
    except UnicodeDecodeError as error:
        raise MalformedError(f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise MalformedError(f"not JSON at character {error.pos}: {error.msg}") from error
    # One comparison refuses every other spelling; no list of what may differ would be whole.
    if _encode(value) != line:
        raise MalformedError("not canonical: spacing, key order, escapes or numbers differ")
    return value


def b64encode(data: bytes) -> str:
    """Base64 in the standard alphabet with padding."""
    return base64.b64encode(data).decode()


def b64decode(text: str) -> bytes:
    """The bytes that b64encode writes as `text`; MalformedError for any other spelling."""
    try:
        data = base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise MalformedError("not standard base64") from error
    # Decoders ignore the bits of the last character that carry no data; they could be flipped.
    if b64encode(data) != text:
        raise MalformedError("not standard base64: unused bits or padding")
    return data


def _encode(value: object) -> bytes:
    try:
        return _write(value).encode()
    except UnicodeEncodeError as error:
        raise MalformedError("a string holds a lone surrogate") from error


def _fitting(line: bytes) -> bytes:
    if len(line) > MAX_LINE:
        raise MalformedError(f"a line of {len(line)} bytes; at most {MAX_LINE} are allowed")
    return line


def _check(value: object, depth: int) -> None:
    """Refuse what is not exactly representable, before the encoder coerces it in silence."""
    # Exact types: True is an int too, and a StrEnum a str, and neither would come back as it was.
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is int:
        _check_integer(value)  # type: ignore[arg-type]
        return
    if depth == MAX_DEPTH:
        raise MalformedError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict) and kind is dict:
        _check_keys(value)
        items: Iterable[Any] = value.values()
    elif isinstance(value, list | tuple) and kind in {list, tuple}:
        items = value
    else:
        raise MalformedError(f"a {kind.__name__} has no canonical form; write it as a string")
    for item in items:
        # Most are leaves: a call for each would cost as much as writing the line.
        if type(item) not in _LEAVES:
            _check(item, depth + 1)


def _check_integer(number: int) -> int:
    if not -MAX_INTEGER <= number <= MAX_INTEGER:
        raise MalformedError("an integer of 2^53 or more; write it as a string")
    return number


def _check_keys(value: dict[Any, Any]) -> None:
    # One look at all keys together: nearly all objects pass, and a call for each key is dear.
    if {*map(type, value)} <= _TEXT:
        together = "".join(value)
        if together.isascii() and together.isprintable():
            return
    for key in value:
        _check_key(key)


def _check_key(key: object) -> None:
    if type(key) is not str or not (key.isascii() and key.isprintable()):
        raise MalformedError(f"a key that is not printable ASCII: {ascii(key)[:40]}")


def _check_depth(line: bytes) -> None:
    """Refuse deep nesting before a recursive parser meets it."""
    # Brackets in strings are counted too: at worst a few lines more take the slow way.
    if line.count(b"[") + line.count(b"{") <= MAX_DEPTH:
        return
    # Pairs of backslashes first: a quote after one ends its string. What this misreads, such as a
    # backslash outside strings, the parser refuses at that very place.
    unescaped = line.replace(rb"\\", b"").replace(rb"\"", b"")
    outside_strings = b"".join(unescaped.split(b'"')[::2])
    depth = 0
    for bracket in outside_strings.translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in _OPENING else -1
        if depth > MAX_DEPTH:
            raise MalformedError(f"nested deeper than {MAX_DEPTH}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    # Of two equal keys, readers differ in which one they keep.
    if len(value) != len(pairs):
        raise MalformedError("a key occurs twice in one object")
    _check_keys(value)
    return value


def _integer(digits: str) -> int:
    # Length first: turning a million digits into a number takes quadratic time.
    if len(digits) > _MOST_DIGITS:
        raise MalformedError("an integer of 2^53 or more; write it as a string")
    return _check_integer(int(digits))


def _no_float(text: str) -> NoReturn:
    raise MalformedError(f"the number {text[:20]} is not an integer; write it as a string")


_parse = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_no_float, parse_constant=_no_float
).decode


def digest_bytes(data: bytes) -> str:
    """`sha256:` and the hex SHA-256 of bytes: how facts name what they are digests of."""
    return f"sha256:{sha256(data).hexdigest()}"


def digest_value(value: object) -> str:
    """The same of a value's canonical bytes. Raises MalformedError where it has none."""
    return digest_bytes(dumps(value))
