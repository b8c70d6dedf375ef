"""Ed25519 as the ledger needs it: a port for signers, and a check that raises."""

from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from touchstone.ledger.errors import AlteredError, MalformedError

KEY_SIZE = 32
SIGNATURE_SIZE = 64

# The y coordinates (sign bit clear, canonical or not) of the curve's eight points of small order.
# With such a key one signature holds for every message: its owner could disown every deed, and
# OpenSSL does not refuse it.
_SMALL_ORDER = frozenset(
    bytes.fromhex(y)
    for y in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


class Signer(Protocol):
    """Whoever holds an Ed25519 private key; the `keys` room has one on a file."""

    @property
    def public_key(self) -> bytes:
        """The 32 raw bytes of the public key."""

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the Ed25519 signature over `message`."""


def fingerprint(public_key: bytes) -> str:
    """`SHA256:` and the hex SHA-256 of the 32 raw bytes of a public key."""
    if len(public_key) != KEY_SIZE:
        raise MalformedError(f"a public key of {len(public_key)} bytes; Ed25519 has {KEY_SIZE}")
    return f"SHA256:{sha256(public_key).hexdigest()}"


def has_small_order(public_key: bytes) -> bool:
    """Whether anyone can sign for this key (32 bytes): such a key is never to be admitted."""
    return public_key[:-1] + bytes([public_key[-1] & 0x7F]) in _SMALL_ORDER


def check_signature(public_key: bytes, message: bytes, signature: bytes, what: str) -> None:
    """Raise AlteredError, saying that `what` is not signed by the key, if it is not."""
    if len(public_key) != KEY_SIZE:
        raise MalformedError(f"a public key of {len(public_key)} bytes; Ed25519 has {KEY_SIZE}")
    if has_small_order(public_key):
        raise AlteredError(f"the signature of {what} is by a key of small order: anyone can sign")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature as error:
        raise AlteredError(f"the signature of {what} does not hold") from error
