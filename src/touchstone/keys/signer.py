"""Ed25519 keys that live in files."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from touchstone.keys.errors import KeyFileError, SealError
from touchstone.keys.files import read_secret, write_secret
from touchstone.ledger import fingerprint

Passphrase = Callable[[Path], bytes]
"""Asks for what opens a key file; it is asked only where a file is encrypted."""

_ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"


class FileSigner:
    """Signs with an Ed25519 key from a file (PKCS 8, PEM, 0600). Its repr shows the public half."""

    def __init__(self, private: Ed25519PrivateKey, public_key: bytes | None = None) -> None:
        """`public_key` (32 bytes) is its own; None: reckoned from it."""
        self._private = private
        self.public_key: bytes = public_key or _public_half(private)

    @classmethod
    def load(cls, path: Path, passphrase: Passphrase | None = None) -> Self:
        """Read a key; `passphrase` opens one that is encrypted.

        Raises KeyFileError with the fix, KeyMissingError where there is none.
        """
        data = read_secret(path)
        locked = data.startswith(_ENCRYPTED)
        if locked and passphrase is None:
            what = "is encrypted, and no passphrase can be asked for here"
            raise KeyFileError(f"{path}: {what}; fix: sign where its owner can type it")
        secret = passphrase(path) if locked and passphrase else None
        try:
            return cls(*_key_pair(data, secret))
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            if locked:
                raise KeyFileError(f"{path}: the passphrase does not open it") from error
            raise KeyFileError(f"{path}: is not an unencrypted PEM private key") from error
        except _OtherKindError as error:
            what = "is not an Ed25519 key; fix: make one with Touchstone"
            raise KeyFileError(f"{path}: {what}") from error

    @classmethod
    def create(cls, path: Path, passphrase: bytes | None = None) -> Self:
        """Make a key and write it, encrypted where there is a passphrase.

        Raises KeyExistsError: a key is never overwritten.
        """
        private = Ed25519PrivateKey.generate()
        how = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        text = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)
        write_secret(path, text)
        return cls(private)

    @property
    def fingerprint(self) -> str:
        """`SHA256:` and hex, of the public key."""
        return fingerprint(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature (64 bytes) of a message."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"FileSigner({self.fingerprint})"

    def __reduce__(self) -> str:
        raise SealError("a signing key is not pickled")


def is_encrypted(path: Path) -> bool:
    """Whether a passphrase opens the key in a file. Raises KeyFileError as `load`."""
    return read_secret(path).startswith(_ENCRYPTED)


class _OtherKindError(Exception):
    """A key of another kind."""


# By content, so that a changed file is another key.
@lru_cache(maxsize=64)
def _key_pair(data: bytes, passphrase: bytes | None) -> tuple[Ed25519PrivateKey, bytes]:
    """The key in these bytes: a file is read and checked each time, and its key made once."""
    private = load_pem_private_key(data, password=passphrase)
    # An RSA key would load as well, and fail at the first signature.
    if not isinstance(private, Ed25519PrivateKey):
        raise _OtherKindError
    return private, _public_half(private)


def _public_half(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
