"""Digests of values and bytes, in the one form the record uses: `sha256:` and hex."""

import hashlib

from pydantic import BaseModel, ConfigDict

from touchstone.ledger import digest_bytes, digest_value

__all__ = ["Frozen", "digest_bytes", "digest_value", "tagged"]


class Frozen(BaseModel):
    """The base of what the engine reads and writes: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def tagged(tag: str, *parts: bytes) -> bytes:
    """SHA-256 over a tag, a zero byte and the parts; callers keep the parts' lengths fixed."""
    return hashlib.sha256(tag.encode() + b"\0" + b"".join(parts)).digest()
