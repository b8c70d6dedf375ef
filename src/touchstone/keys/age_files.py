"""Files sealed for named recipients by age (X25519 and ChaCha20-Poly1305), opened in memory.

age says nothing of who sealed a file: what stands inside must, or a digest that is told aside.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from pyrage import DecryptError, IdentityError, RecipientError, decrypt, encrypt, x25519

from touchstone.keys.errors import SealError
from touchstone.keys.files import read_secret, write_secret

_IDENTITY = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{20,200}")


class AgeIdentity:
    """A secret key that opens what was sealed for it. Its repr shows nothing of it."""

    def __init__(self, text: str) -> None:
        """`text` is `AGE-SECRET-KEY-1...`. Raises SealError."""
        try:
            self._key = x25519.Identity.from_str(text)
        except IdentityError:
            raise SealError("no secret key of age: it begins AGE-SECRET-KEY-1") from None

    def __repr__(self) -> str:
        return f"AgeIdentity({self.recipient})"

    # Pickled, the secret would go wherever a job is written.
    def __reduce__(self) -> str:
        raise SealError("a secret key is not pickled")

    @classmethod
    def generate(cls) -> "AgeIdentity":
        """A new one."""
        return cls(str(x25519.Identity.generate()))

    @property
    def recipient(self) -> str:
        """`age1...`: for whom others seal."""
        return str(self._key.to_public())

    @property
    def secret(self) -> bytes:
        """What there is to keep, or to split into shares."""
        return str(self._key).encode()

    def open(self, sealed: bytes) -> bytes:
        """What was sealed for it. Raises SealError: it was for others, or was altered."""
        try:
            return bytes(decrypt(sealed, [self._key]))
        except DecryptError as error:
            if "No matching keys" in str(error):
                raise SealError(f"was not sealed for {self.recipient}") from None
            raise SealError("was altered since it was sealed, or is cut short") from None


def checked_recipient(text: str) -> str:
    """A recipient's public key, `age1...`. Raises SealError: it is none."""
    try:
        return str(x25519.Recipient.from_str(text))
    except RecipientError:
        raise SealError(
            f"{text[:80]!a}: no public key of age; give a whole one, as it is printed where it is"
            " made: age1..."
        ) from None


def seal_for(data: bytes, recipients: Sequence[str]) -> bytes:
    """Data that each of these recipients can open. Raises SealError: one is no public key."""
    named = [x25519.Recipient.from_str(checked_recipient(each)) for each in recipients]
    return bytes(encrypt(data, named))


def read_identity(path: Path) -> AgeIdentity:
    """The secret key in a file as `age-keygen` writes it, for this user alone.

    Raises:
        KeyFileError: there is none, or others may read it.
        SealError: it holds none, or several.
    """
    found = _IDENTITY.findall(read_secret(path).decode("ascii", "replace"))
    if len(found) != 1:
        raise SealError(f"{path}: holds {len(found)} secret keys of age: name a file with one")
    return AgeIdentity(found[0])


def write_identity(path: Path) -> AgeIdentity:
    """A new secret key in a new file of this user alone. Raises KeyFileError."""
    made = AgeIdentity.generate()
    write_secret(path, f"# public key: {made.recipient}\n".encode() + made.secret + b"\n")
    return made
