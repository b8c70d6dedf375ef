"""Digests of values and bytes, in the one form the record uses: `sha256:` and hex."""

import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from touchstone.ledger import digest_bytes, digest_value

__all__ = ["Frozen", "digest_bytes", "digest_value", "tagged", "without_defaults"]


class Frozen(BaseModel):
    """The base of what the engine reads and writes: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def without_defaults(record: BaseModel, written: Mapping[str, Any]) -> dict[str, Any]:
    """A record as it is written, without what may be left out and equals its default.

    So what was written before a field was there has the digest that it had.
    """
    fields = type(record).model_fields
    return {
        name: value
        for name, value in written.items()
        if fields[name].is_required() or getattr(record, name) != fields[name].default
    }


def tagged(tag: str, *parts: bytes) -> bytes:
    """SHA-256 over a tag, a zero byte and the parts; callers keep the parts' lengths fixed."""
    return hashlib.sha256(tag.encode() + b"\0" + b"".join(parts)).digest()
