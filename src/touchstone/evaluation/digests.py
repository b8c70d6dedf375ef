"""Digests of values and bytes, in the one form the record uses: `sha256:` and hex."""

import hashlib

from pydantic import BaseModel, ConfigDict

from touchstone.ledger import dumps


class Frozen(BaseModel):
    """The base of what the engine reads and writes: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def digest_bytes(data: bytes) -> str:
    """`sha256:` and the hex SHA-256 of the bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_value(value: object) -> str:
    """`sha256:` and the hex SHA-256 of the value's canonical bytes."""
    return digest_bytes(dumps(value))


def tagged(tag: str, *parts: bytes) -> bytes:
    """SHA-256 over a tag, a zero byte and the parts; callers keep the parts' lengths fixed."""
    return hashlib.sha256(tag.encode() + b"\0" + b"".join(parts)).digest()
