"""One line of an audit: canonical JSON that names the digest of the line before."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from touchstone.ledger import MalformedError, dumps, loads

START = "0" * 64
"""What the first line of a worker names as the one before."""
_KEYS = {"n", "previous", "at", "event"}


@dataclass(frozen=True, slots=True)
class AuditLine:
    """What happened, in its place. `n` counts a worker's lines from 0; `at` is ms since 1970."""

    n: int
    previous: str
    at: int
    event: Mapping[str, Any]

    @property
    def data(self) -> bytes:
        """The line, without its line feed. Raises MalformedError for what has no canonical form."""
        return dumps(
            {"n": self.n, "previous": self.previous, "at": self.at, "event": dict(self.event)}
        )


def digest(data: bytes) -> str:
    """What the next line names."""
    return sha256(data).hexdigest()


def parse_line(data: bytes) -> AuditLine:
    """The line that bytes hold; MalformedError if none."""
    # Canonical JSON alone: of two spellings of a line only one has the digest that the next names.
    value = loads(data)
    if not isinstance(value, dict) or value.keys() != _KEYS or not isinstance(value["event"], dict):
        raise MalformedError(f"an audit line has exactly {', '.join(sorted(_KEYS))}")
    if type(value["n"]) is not int or type(value["at"]) is not int:
        raise MalformedError("an audit line's number or time is not a whole number")
    return AuditLine(value["n"], str(value["previous"]), value["at"], value["event"])
