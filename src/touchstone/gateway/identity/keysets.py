"""An issuer's public keys, by file or from its JWKS address, kept fresh.

A key that the source no longer has is dropped with the next look. When the source cannot be
reached, the keys that were last seen stay for an hour, so that an issuer's outage is not ours.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import aiohttp
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from touchstone.gateway.adapters.strict_json import parse_object
from touchstone.gateway.config import Issuer
from touchstone.gateway.errors import GatewayConfigError, RefusedError

MAX_BYTES = 1 << 20
MAX_KEYS = 100
HURRY_SECONDS = 5.0
"""At most so often does an unknown key id cause a look before its time."""
STALE_SECONDS = 3600.0
_FETCH_SECONDS = 5.0
_LEAST_RSA_BITS = 2048
_log = logging.getLogger(__name__)


def parse_keys(data: bytes, algorithms: tuple[str, ...]) -> dict[str, Key]:
    """The keys of a JWKS that can verify one of the algorithms, by key id.

    A key without an id gets the empty one; it serves tokens without one where it is the only key.
    Raises RefusedError where the data is no JWKS. A key that cannot be used is left out.
    """
    entries = parse_object(data).get("keys")
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise RefusedError(503, "no_keys", "the issuer's keys cannot be read")
    found: dict[str, Key] = {}
    for entry in entries:
        key = _usable(entry, algorithms)
        if key is None:
            continue
        name = entry.get("kid", "")
        # Two keys of one id: neither can be meant.
        if not isinstance(name, str) or name in found:
            raise RefusedError(503, "no_keys", "the issuer has two keys with the same id")
        found[name] = key
    return found


def fits(key: Key, algorithm: str) -> bool:
    """Whether the key is of the kind that the algorithm takes; a public key is never a secret."""
    if algorithm == "ES256":
        return isinstance(key, ECKey) and key.curve_name == "P-256"
    if algorithm == "EdDSA":
        return isinstance(key, OKPKey) and key.curve_name == "Ed25519"
    return isinstance(key, RSAKey) and key.raw_value.key_size >= _LEAST_RSA_BITS


def _usable(entry: object, algorithms: tuple[str, ...]) -> Key | None:
    if not isinstance(entry, dict) or entry.get("kty") not in {"EC", "OKP", "RSA"}:
        return None
    if entry.get("use", "sig") != "sig" or "verify" not in entry.get("key_ops", ["verify"]):
        return None
    public = {name: value for name, value in entry.items() if name in _PUBLIC}
    try:
        key = import_key(public)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    for algorithm in algorithms:
        named = entry.get("alg", algorithm) in {algorithm, _OTHER_NAMES.get(algorithm)}
        if named and fits(key, algorithm):
            return key
    return None


_PUBLIC = {"kty", "crv", "x", "y", "n", "e"}
_OTHER_NAMES = {"EdDSA": "Ed25519"}


class KeySet:
    """The keys of one issuer, as last seen."""

    def __init__(self, issuer: Issuer, clock: Callable[[], float]) -> None:
        self._issuer = issuer
        self._clock = clock
        self._keys: Mapping[str, Key] = {}
        self._data = b""
        self._seen = float("-inf")
        self._tried = float("-inf")
        self._lock = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None
        self.changes = 0
        """How often the keys became others: what was believed before is to be asked again."""

    async def key(self, name: str) -> Key | None:
        """The key with this id, after a look at the source where it is unknown or its time came.

        Raises RefusedError (503) where no keys were seen for an hour.
        """
        await self.look()
        late = self._lock.locked() or self._clock() - self._tried >= HURRY_SECONDS
        if name not in self._keys and late:
            await self.refresh()
        if self._clock() - self._seen > max(STALE_SECONDS, self._issuer.refresh_seconds):
            raise RefusedError(503, "no_keys", "the issuer's keys cannot be had at the moment")
        return self._keys.get(name)

    async def look(self) -> None:
        """Refresh where it is time, or where the clock was set back."""
        if not 0 <= self._clock() - self._tried < self._issuer.refresh_seconds:
            await self.refresh()

    async def refresh(self) -> None:
        """Look at the source. Several who ask at once wait for one look."""
        waits = self._lock.locked()
        async with self._lock:
            if waits:
                return
            self._tried = self._clock()
            try:
                data = await self._read()
                if data != self._data:
                    self._keys = parse_keys(data, self._issuer.algorithms)
                    self._data = data
                    self.changes += 1
            except (OSError, aiohttp.ClientError, TimeoutError, RefusedError) as error:
                _log.warning("keys of an issuer not refreshed: %s", type(error).__name__)
                return
            self._seen = self._tried

    async def close(self) -> None:
        """Close the connection to the source."""
        if self._session is not None:
            await self._session.close()

    async def _read(self) -> bytes:
        if self._issuer.jwks_file is not None:
            return read_bounded(self._issuer.jwks_file)
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_FETCH_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        url = str(self._issuer.jwks_url)
        async with self._session.get(url, allow_redirects=False) as answer:
            if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
                raise OSError("the issuer's keys were not given")
            data = b""
            async for some in answer.content.iter_any():
                data += some
                if len(data) > MAX_BYTES:
                    raise OSError("the issuer's keys are too long")
            return data


def read_bounded(path: Path) -> bytes:
    """A small file's bytes; OSError where it is longer than 1 MiB."""
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise OSError(f"{path} is longer than {MAX_BYTES} bytes")
    return data


def check_file(path: Path, algorithms: tuple[str, ...]) -> None:
    """GatewayConfigError where a file of keys cannot be read or has no usable key."""
    try:
        if parse_keys(read_bounded(path), algorithms):
            return
    except OSError as error:
        raise GatewayConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    except RefusedError as error:
        raise GatewayConfigError(f"{path}: is no JWKS file: {error}") from error
    raise GatewayConfigError(f"{path}: holds no key for {', '.join(algorithms)}")
