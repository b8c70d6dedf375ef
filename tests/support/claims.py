"""Claims of further signers, as the machine that holds a key makes them."""

from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from touchstone.ledger.claims import claim_of


class SomeKey(NamedTuple):
    """A key in memory, always the same for a seed."""

    private: Ed25519PrivateKey

    @property
    def public_key(self) -> bytes:
        """Its 32 bytes."""
        return self.private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The signature of a message."""
        return self.private.sign(message)


def some_claim(party: str, seed: int = 7) -> str:
    """The claim of a key that exists, for a party."""
    return claim_of(party, SomeKey(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)))
