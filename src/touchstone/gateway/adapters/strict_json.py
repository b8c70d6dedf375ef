"""JSON that every reader reads alike; anything else is refused.

Two readers that disagree about a body are how a mode is smuggled: one judges, the other serves.
"""

import json
from typing import Any, NoReturn

from touchstone.gateway.adapters.base import unreadable

MAX_DEPTH = 64
MAX_DIGITS = 40
_OPENING = frozenset(b"[{")


def parse_object(body: bytes) -> dict[str, Any]:
    """The object that a body holds.

    Raises RefusedError for what is not UTF-8 JSON, for a key that occurs twice (at any depth), for
    NaN, Infinity and numbers beyond a double, for lone surrogates and for more than 64 levels.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise unreadable(f"the body is not UTF-8 at byte {error.start}") from error
    try:
        value = _decode(text)
    except RecursionError as error:
        raise unreadable("the body is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise unreadable(f"the body is not JSON at character {error.pos}: {error.msg}") from error
    if not isinstance(value, dict):
        raise unreadable("the body is not a JSON object")
    # Half of a pair comes by an escape alone: in UTF-8 there is none.
    if b"\\u" in body:
        _refuse_surrogates(value)
    # Brackets within strings count too: at worst an allowed body is looked at once more.
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        _refuse_depth(value)
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    # By number first: to count names in every object would be felt on the data path.
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise unreadable(f"the key {twice[:40]!a} occurs twice in one object", "duplicate_key")
    return found


def _constant(name: str) -> NoReturn:
    raise unreadable(f"{name} is not JSON")


def _integer(digits: str) -> int:
    # Beyond a double, readers round it or fail, each in its way.
    if len(digits) > MAX_DIGITS:
        raise unreadable(f"a number has more than {MAX_DIGITS} digits")
    return int(digits)


def _real(digits: str) -> float:
    value = float(digits)
    if value in {float("inf"), float("-inf")}:
        raise unreadable("a number is larger than others can read")
    return value


_decode = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_constant, parse_int=_integer, parse_float=_real
).decode


def _refuse_surrogates(value: object) -> None:
    try:
        # Written once more, which walks all strings in C.
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise unreadable("a string holds half of a character pair") from error
    except RecursionError as error:
        raise unreadable("the body is nested too deeply") from error


def _refuse_depth(value: object) -> None:
    level = [value]
    # Level by level: recursion would end where Python's own bound does, and not at ours.
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)  # type: ignore[attr-defined]  # see the filter
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise unreadable(f"the body is nested more than {MAX_DEPTH} levels deep")
