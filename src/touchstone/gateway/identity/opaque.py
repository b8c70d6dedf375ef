"""Opaque keys: looked up by their SHA-256 in a file, which holds no key itself.

The file is looked at again whenever it changed, so that a key that was taken out stops within a
second at every worker, and however long the file takes to read: that goes on beside everything
else, since the loop that keeps time waits for no file.
"""

import asyncio
import hmac
import logging
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from touchstone.gateway.errors import GatewayConfigError
from touchstone.gateway.identity.callers import Caller, unknown_caller
from touchstone.gateway.identity.claims import MAX_PERSON
from touchstone.gateway.identity.countries import two_letters
from touchstone.gateway.identity.keysets import read_keyset
from touchstone.handin.shown_ids import short_digest
from touchstone.terms.document.reading import Text, read_toml
from touchstone.terms.errors import TermsFileError

LOOK_SECONDS = 1.0
READ_SECONDS = 300.0
"""A file that takes longer to read makes nobody known, and is tried again."""
MAX_CHARACTERS = 32 << 20
_MOST_BYTES = 4 * MAX_CHARACTERS
_log = logging.getLogger(__name__)


def _digest(text: str) -> str:
    """The same text.

    Other threads go on between two steps in Python. Thousands of keys that are checked in a single
    step would hold up the loop as though they were read there.
    """
    return text


class _Key(Text):
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$"), AfterValidator(_digest)]
    person: Annotated[str, Field(min_length=1, max_length=MAX_PERSON)]
    nationalities: tuple[str, ...] = ()
    residence: str | None = None
    verified: bool = False
    expires: datetime | None = None


class _Keys(Text):
    keys: tuple[_Key, ...] = ()


class OpaqueKeys:
    """Who somebody is, by key."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        """Read the file; GatewayConfigError where it cannot be used."""
        self._path = path
        self._clock = clock
        self._looked = clock()
        # Before the file is read: a change in between is found with the next look.
        self._stamp = _stamp(path)
        self._callers = read_keys(path)
        self._reading: asyncio.Task[None] | None = None
        self.changes = 1
        """How often the file became another: what was believed before is to be asked again."""

    def look(self) -> None:
        """Begin to read the file again where it changed; wait for nothing. Inside the event loop.

        What was read last holds until then. A file that cannot be read makes nobody known.
        """
        now = self._clock()
        if self._reading is not None or 0 <= now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            self._reading = asyncio.create_task(self._read())

    async def close(self) -> None:
        """Wait for no reading any more."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def _read(self) -> None:
        try:
            reading = asyncio.to_thread(read_keys, self._path)
            self._callers = await asyncio.wait_for(reading, READ_SECONDS)
        except TimeoutError:
            _log.warning("nobody is known by key: %s cannot be read in time", self._path)
            # Without a stamp, so that the next look reads it again.
            self._callers, self._stamp = {}, None
        except Exception as error:  # noqa: BLE001 - a file that somebody broke ends nothing here
            _log.warning("nobody is known by key: %s", error)
            self._callers = {}
        finally:
            self._reading = None
        self.changes += 1

    def find(self, key: str) -> Caller:
        """The caller to whom a key was given; RefusedError otherwise."""
        digest = sha256(key.encode()).digest()
        caller = self._callers.get(digest)
        # In constant time, though the digest was found by a lookup: nothing of it is to be
        # measured.
        if caller is None or not hmac.compare_digest(caller.digest, digest):
            raise unknown_caller("the key is not known here")
        if caller.expires is not None and caller.expires <= self._clock():
            raise unknown_caller("the key has expired")
        return caller


def read_keys(path: Path) -> dict[bytes, Caller]:
    """The callers in a file of keys, by the key's SHA-256. Raises GatewayConfigError."""
    try:
        text = read_keyset(path, _MOST_BYTES).decode()
        content = read_toml(text, str(path), _Keys, {"keys": _Key}, MAX_CHARACTERS)
    except OSError as error:
        raise GatewayConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise GatewayConfigError(f"{path}: is not UTF-8 text: save it as UTF-8") from error
    except TermsFileError as error:
        raise GatewayConfigError(str(error)) from error
    found: dict[bytes, Caller] = {}
    for each in content.keys:
        digest = bytes.fromhex(each.sha256)
        # Whose of the two it is would depend on their order in the file.
        if digest in found:
            raise GatewayConfigError(f"{path}: the key {short_digest(each.sha256)}... stands twice")
        # A time without its offset would end at another moment on another machine.
        if each.expires is not None and each.expires.tzinfo is None:
            raise GatewayConfigError(f"{path}: expires needs its offset, such as ...T00:00:00Z")
        found[digest] = Caller(
            each.person,
            digest,
            frozenset(map(two_letters, each.nationalities)),
            None if each.residence is None else two_letters(each.residence),
            each.verified,
            None if each.expires is None else each.expires.timestamp(),
        )
    return found


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
