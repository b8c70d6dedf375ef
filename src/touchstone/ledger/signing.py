"""Ed25519 as the ledger needs it: a port for signers, and a check that raises."""

from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from touchstone.ledger.errors import AlteredError, MalformedError

KEY_SIZE = 32
SIGNATURE_SIZE = 64


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


def check_signature(public_key: bytes, message: bytes, signature: bytes, what: str) -> None:
    """Raise AlteredError, saying that `what` is not signed by the key, if it is not."""
    if len(public_key) != KEY_SIZE:
        raise MalformedError(f"a public key of {len(public_key)} bytes; Ed25519 has {KEY_SIZE}")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature as error:
        raise AlteredError(f"the signature of {what} does not hold") from error
