"""A JWKS as somebody else wrote it: whatever one entry holds, only that entry is lost.

The document is foreign. An odd value in a key (null, a list, a number without end, half of a
character pair, a name that occurs twice, a thousand levels) makes that key unusable and no other.
"""

import json
import re
from collections import Counter
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from touchstone.gateway.errors import RefusedError

MAX_KEYS = 100
"""Usable keys of one issuer."""
_LEAST_RSA_BITS, _MOST_RSA_CHARACTERS = 2048, 1500
_MOST_NAME = 256
_MAX_DEPTH = 32
_MAX_DIGITS = 40
_PUBLIC = {"kty", "crv", "x", "y", "n", "e"}
_OTHER_NAMES = {"EdDSA": "Ed25519"}
_NUMBER = re.compile(r"[A-Za-z0-9_-]+=*")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


class _Odd:
    """Stands for what no reader can be asked to read as another does."""


ODD = _Odd()


def parse_keys(data: bytes, algorithms: tuple[str, ...]) -> dict[str, Key]:
    """The keys of a JWKS that can verify one of the algorithms, by key id.

    A key without an id gets the empty one; it serves tokens without one where it is the only key.
    Of two keys with one id neither can be meant. Raises RefusedError, and nothing else, where the
    data is no JWKS at all. A key that cannot be used is left out.
    """
    usable = [
        (entry.get("kid", ""), key)
        for entry in _entries(data)
        if (key := _usable(entry, algorithms)) is not None
    ]
    # Which of two a token means is the issuer's secret: to take either would be to guess.
    names = Counter(name for name, _ in usable)
    found = {name: key for name, key in usable if names[name] == 1}
    return dict([*found.items()][:MAX_KEYS])


def fits(key: Key, algorithm: str) -> bool:
    """Whether a key is of the kind that an algorithm uses."""
    if algorithm == "ES256":
        return isinstance(key, ECKey) and key.curve_name == "P-256"
    if algorithm == "EdDSA":
        return isinstance(key, OKPKey) and key.curve_name == "Ed25519"
    # Shorter ones can be factored, and then anybody is anybody.
    return isinstance(key, RSAKey) and key.raw_value.key_size >= _LEAST_RSA_BITS


def _entries(data: bytes) -> list[dict[str, Any]]:
    try:
        document = _decode(_shallow(data).decode())
    except (ValueError, RecursionError) as error:
        raise _no_jwks() from error
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or "keys" in document.get(ODD, ()):
        raise _no_jwks()
    return [entry for entry in entries if isinstance(entry, dict) and ODD not in entry]


def _no_jwks() -> RefusedError:
    return RefusedError(503, "no_keys", "the issuer's keys cannot be read")


def _usable(entry: dict[str, Any], algorithms: tuple[str, ...]) -> Key | None:
    name, use = entry.get("kid", ""), entry.get("use", "sig")
    if not isinstance(name, str) or len(name) > _MOST_NAME or not name.isprintable():
        return None
    if use != "sig" or not _verifies(entry):
        return None
    # The public half alone: some publish the private one by mistake, and it must not be held here.
    public = {key: value for key, value in entry.items() if key in _PUBLIC}
    if not all(isinstance(each, str) for each in public.values()):
        return None
    numbers = [value for key, value in public.items() if key not in {"kty", "crv"}]
    # A number of a megabyte would be checked with every token.
    if not all(len(each) <= _MOST_RSA_CHARACTERS and _NUMBER.fullmatch(each) for each in numbers):
        return None
    key = _imported(public)
    for algorithm in algorithms:
        if key is not None and _named(entry, algorithm) and fits(key, algorithm):
            return key
    return None


def _verifies(entry: dict[str, Any]) -> bool:
    deeds = entry.get("key_ops", ["verify"])
    return isinstance(deeds, list) and "verify" in deeds


def _named(entry: dict[str, Any], algorithm: str) -> bool:
    name = entry.get("alg", algorithm)
    return isinstance(name, str) and name in {algorithm, _OTHER_NAMES.get(algorithm)}


def _imported(public: dict[str, str]) -> Key | None:
    if public.get("kty") not in {"EC", "OKP", "RSA"}:
        return None
    try:
        return import_key({**public})
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    except Exception:  # noqa: BLE001 - of what the libraries below raise no list is kept
        return None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[Any, Any]:
    """An object; under ODD, where there are any, the names that no two readers take alike."""
    # Of a name that occurs twice one reader takes the first and another the last.
    found: dict[Any, Any] = dict(pairs)
    odd = {name for name, count in Counter(name for name, _ in pairs).items() if count > 1}
    odd |= {name for name, value in pairs if value is ODD or _is_half(name) or _is_half(value)}
    return {**found, ODD: odd} if odd else found


def _is_half(value: object) -> bool:
    return isinstance(value, str) and any("\ud800" <= each <= "\udfff" for each in value)


def _number(digits: str) -> Any:
    return int(digits) if len(digits) <= _MAX_DIGITS else ODD


_decode = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=lambda _: ODD, parse_int=_number
).decode


def _shallow(data: bytes) -> bytes:
    """The same with null in the place of whatever lies too deep for some readers."""
    kept, depth, start = bytearray(), 0, 0
    for found in _TOKEN.finditer(data):
        match found[0]:
            case b"{" | b"[":
                depth += 1
                if depth == _MAX_DEPTH:
                    kept += data[start : found.start()] + b"null"
            case b"}" | b"]":
                if depth == _MAX_DEPTH:
                    start = found.end()
                depth -= 1
    return bytes(kept) + data[start:] if depth < _MAX_DEPTH else bytes(kept)
