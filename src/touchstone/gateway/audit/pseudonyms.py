"""Names that tell one caller from another and nobody who they are."""

import hmac
import re
from functools import lru_cache
from pathlib import Path
from typing import Self

from touchstone.gateway.errors import StateError
from touchstone.keys import RandomSource, SystemRandom, read_secret, write_secret
from touchstone.keys.errors import KeyExistsError, KeyMissingError

_CONTEXT = b"touchstone/audit-caller/1\x00"
_REMEMBERED = 65_536
_FILE = re.compile(rb"touchstone-audit-key/1 ([0-9a-f]{64})\n")


class Pseudonyms:
    """A keyed hash of subjects. Whoever deletes the key makes all names nobody's for good.

    A hash without a key would be no pseudonym: subjects can be guessed and tried.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        # Hashing lets other threads run in between, which under load costs more than the hash.
        self._known = lru_cache(_REMEMBERED)(self._hash)

    @classmethod
    def load_or_create(cls, path: Path, random: RandomSource | None = None) -> Self:
        """The installation's key, made at the first start. Raises KeyFileError, StateError."""
        try:
            text = read_secret(path)
        except KeyMissingError:
            text = (
                b"touchstone-audit-key/1 %s\n" % (random or SystemRandom()).draw(32).hex().encode()
            )
            try:
                write_secret(path, text)
            # Another worker of this gateway made it in the same moment.
            except KeyExistsError:
                text = read_secret(path)
        match = _FILE.fullmatch(text)
        if not match:
            raise StateError(f"{path}: is no audit key; fix: restore it from a backup")
        return cls(bytes.fromhex(match[1].decode()))

    def name(self, subject: str) -> str:
        """32 hex digits, the same for the same subject under this key."""
        return self._known(subject)

    def _hash(self, subject: str) -> str:
        return hmac.digest(self._key, _CONTEXT + subject.encode(), "sha256").hex()[:32]

    def __repr__(self) -> str:
        return "Pseudonyms(...)"
