"""An issuer's public keys, by file or from its JWKS address, kept fresh.

A key that the source no longer has is dropped with the next look. When the source cannot be
reached, the keys that were last seen stay for an hour, so that an issuer's outage is not ours.
Looks at an address or a file go on beside everything else: only a request that needs a key which
is not here waits for one, and the loop that keeps time never does.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import aiohttp
from joserfc.jwk import Key

from touchstone.gateway.config import Issuer
from touchstone.gateway.errors import GatewayConfigError, RefusedError
from touchstone.gateway.identity.jwks import parse_keys

MAX_BYTES = 1 << 20
HURRY_SECONDS = 5.0
"""At most so often does an unknown key id cause a look before its time."""
STALE_SECONDS = 3600.0
_FETCH_SECONDS = 5.0
_log = logging.getLogger(__name__)


class KeySet:
    """The keys of one issuer, as last seen."""

    def __init__(self, issuer: Issuer, clock: Callable[[], float]) -> None:
        self._issuer = issuer
        self._clock = clock
        self._keys: Mapping[str, Key] = {}
        self._data = b""
        self._seen = float("-inf")
        self._tried = float("-inf")
        self._looking: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None
        self.changes = 0
        """How often the keys became others: what was believed before is to be asked again."""

    async def key(self, name: str) -> Key | None:
        """The key with this id, after a look at the source where it is unknown or its time came.

        Raises RefusedError (503) where no keys were seen for an hour.
        """
        self.look()
        # A stranger can name any key id: each must not cost the issuer a request.
        late = self._looking is not None or self._clock() - self._tried >= HURRY_SECONDS
        if (name not in self._keys and late) or self._stale():
            await self.refresh()
        return self.known(name)

    def known(self, name: str) -> Key | None:
        """The key with this id among those that are here; it waits for nothing.

        Raises RefusedError (503) where no keys were seen for an hour.
        """
        if self._stale():
            raise RefusedError(503, "no_keys", "the issuer's keys cannot be had at the moment")
        return self._keys.get(name)

    def look(self) -> None:
        """Begin a look where it is time, or where the clock was set back; wait for nothing.

        Inside the event loop.
        """
        if not 0 <= self._clock() - self._tried < self._issuer.refresh_seconds:
            self._begin()

    async def refresh(self) -> None:
        """Look at the source now. Several who ask at once wait for one look."""
        self._begin()
        if self._looking is not None:
            await asyncio.wait([self._looking])

    async def close(self) -> None:
        """Close the connection to the source."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        if self._session is not None:
            await self._session.close()

    def _stale(self) -> bool:
        # An issuer that is out of reach could have taken a stolen key back an hour ago.
        return self._clock() - self._seen > max(STALE_SECONDS, self._issuer.refresh_seconds)

    def _begin(self) -> None:
        if self._looking is not None:
            return
        self._tried = self._clock()
        # Beside the loop that keeps time, which no hanging issuer may delay (ADR 130).
        self._looking = asyncio.create_task(self._fetch())
        self._looking.add_done_callback(self._looked)

    def _looked(self, _: "asyncio.Task[None]") -> None:
        self._looking = None

    async def _fetch(self) -> None:
        tried = self._tried
        try:
            data = await self._read()
            if data != self._data:
                # A megabyte of keys takes longer to read than a cut may be late.
                keys = await asyncio.to_thread(parse_keys, data, self._issuer.algorithms)
                self._keep(data, keys)
        except Exception as error:  # noqa: BLE001 - a stranger's answer ends nothing here
            self._not_seen(error)
        else:
            # From when it was asked: what was answered may have been old on arrival.
            self._seen = tried

    def _keep(self, data: bytes, keys: Mapping[str, Key]) -> None:
        self._keys, self._data = keys, data
        self.changes += 1

    def _not_seen(self, error: Exception) -> None:
        _log.warning("keys of an issuer not refreshed: %s", type(error).__name__)

    async def _read(self) -> bytes:
        if self._issuer.jwks_file is not None:
            return await asyncio.to_thread(read_keyset, self._issuer.jwks_file)
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_FETCH_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        url = str(self._issuer.jwks_url)
        async with self._session.get(url, allow_redirects=False) as answer:
            # The page of an error may well be JSON with keys in it.
            if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
                raise OSError("the issuer's keys were not given")
            data = bytearray()
            async for some in answer.content.iter_any():
                data += some
                if len(data) > MAX_BYTES:
                    raise OSError("the issuer's keys are too long")
            return bytes(data)


def read_keyset(path: Path, most: int = MAX_BYTES) -> bytes:
    """A file's bytes; OSError where it has more than `most`. A pipe there does not hang."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(f"{path} is longer than {most} bytes")
    return data


def check_file(path: Path, algorithms: tuple[str, ...]) -> None:
    """GatewayConfigError where a file of keys cannot be read or has no usable key."""
    try:
        if parse_keys(read_keyset(path), algorithms):
            return
    except OSError as error:
        raise GatewayConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    except RefusedError as error:
        raise GatewayConfigError(f"{path}: is no JWKS file: {error}") from error
    raise GatewayConfigError(f"{path}: holds no key for {', '.join(algorithms)}")
