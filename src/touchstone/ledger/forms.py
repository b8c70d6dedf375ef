"""The small forms that every structure of the record is built from: fields, hex, times, names."""

import re
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

from touchstone.ledger.errors import MalformedError

_HASH = re.compile(r"[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z")
_FINGERPRINT = re.compile(r"SHA256:[0-9a-f]{64}")
_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def fields(value: object, names: Iterable[str], what: str) -> dict[str, Any]:
    """`value` as an object that holds exactly the fields `names`."""
    found = some_fields(value, names, what)
    extra = sorted(found.keys() - set(names))
    if extra:
        raise MalformedError(f"{what} has an unknown field {extra[0]!r}")
    return found


def some_fields(value: object, names: Iterable[str], what: str) -> dict[str, Any]:
    """`value` as an object that holds at least the fields `names`."""
    if not isinstance(value, dict):
        raise MalformedError(f"{what} is not an object")
    missing = sorted(set(names) - value.keys())
    if missing:
        raise MalformedError(f"{what} has no field {missing[0]!r}")
    return value


def text(value: object, what: str) -> str:
    """Any string that is not empty."""
    if not isinstance(value, str) or not value:
        raise MalformedError(f"{what} is not a text")
    return value


def integer(value: object, what: str, least: int = 0) -> int:
    """An integer of at least `least`; true and false are no integers."""
    if type(value) is not int or value < least:
        raise MalformedError(f"{what} is not an integer of at least {least}")
    return value


def array(value: object, what: str) -> list[Any]:
    """A list of anything."""
    if not isinstance(value, list):
        raise MalformedError(f"{what} is not a list")
    return value


def hex32(value: object, what: str) -> str:
    """32 bytes as 64 lowercase hex digits."""
    return _matching(_HASH, value, f"{what} is not 64 lowercase hex digits")


def hex64(value: object, what: str) -> str:
    """64 bytes, a signature, as 128 lowercase hex digits."""
    return _matching(_SIGNATURE, value, f"{what} is not 128 lowercase hex digits")


def digest(value: object, what: str) -> str:
    """`sha256:` and 64 lowercase hex digits."""
    return _matching(_DIGEST, value, f"{what} is not sha256: and 64 lowercase hex digits")


def fingerprint_text(value: object, what: str) -> str:
    """`SHA256:` and 64 lowercase hex digits."""
    return _matching(_FINGERPRINT, value, f"{what} is not SHA256: and 64 lowercase hex digits")


def kebab(value: object, what: str) -> str:
    """Lowercase words joined by hyphens."""
    return _matching(_KEBAB, value, f"{what} is not a name in kebab-case")


def time(value: object, what: str) -> str:
    """A UTC time, `YYYY-MM-DDTHH:MM:SSZ`, that exists in the calendar."""
    bad = f"{what} is not a time of the form YYYY-MM-DDTHH:MM:SSZ"
    # The pattern first: `fromisoformat` also takes offsets, fractions and weeks.
    written = _matching(_TIME, value, bad)
    try:
        datetime.fromisoformat(written)
    except ValueError as error:
        raise MalformedError(bad) from error
    return written


def hex_digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return sha256(data).hexdigest()


def _matching(pattern: re.Pattern[str], value: object, otherwise: str) -> str:
    # Not `match` with `$`, which lets a line feed at the end pass.
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise MalformedError(otherwise)
    return value
