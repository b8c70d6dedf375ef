"""The digest by which a JSON value is named in the record."""

from hashlib import sha256
from typing import Any

from touchstone.ledger import dumps


def digest_of(value: Any) -> str:
    """`sha256:` and the hex SHA-256 of the canonical JSON of a value."""
    return f"sha256:{sha256(dumps(value)).hexdigest()}"
