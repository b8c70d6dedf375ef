"""Case heads, and the blinded commitments that the installation's own log holds of them."""

from dataclasses import dataclass
from hashlib import sha256

from touchstone.ledger import forms
from touchstone.ledger.canonical import dumps
from touchstone.ledger.errors import MalformedError

BLIND_SIZE = 32
_FIELDS = ("keyset", "log", "root", "size", "v")


@dataclass(frozen=True, slots=True)
class CaseHead:
    """A case's log at one size; `log`, `root` and `keyset` are hex."""

    log: str
    size: int
    root: str
    keyset: str

    def __post_init__(self) -> None:
        forms.hex32(self.log, "a head's log")
        forms.integer(self.size, "a head's size", least=1)
        forms.hex32(self.root, "a head's root")
        forms.hex32(self.keyset, "a head's keyset")

    @property
    def value(self) -> dict[str, str | int]:
        """The head as a JSON value."""
        return {
            "keyset": self.keyset,
            "log": self.log,
            "root": self.root,
            "size": self.size,
            "v": 1,
        }

    @property
    def line(self) -> bytes:
        """The canonical bytes of the head."""
        return dumps(self.value)


def parse_head(value: object) -> CaseHead:
    """The case head that a JSON value is; MalformedError if it is none."""
    found = forms.fields(value, _FIELDS, "a head")
    if type(found["v"]) is not int or found["v"] != 1:
        raise MalformedError("a head says v 1")
    return CaseHead(found["log"], found["size"], found["root"], found["keyset"])


def blind_head(blind: bytes, head: CaseHead) -> bytes:
    """The installation commitment (32 bytes): SHA-256("touchstone/head/1" 0x00 blind32 head).

    It is the *data* of a leaf of the installation log: that leaf is leaf_hash(commitment). The
    blind must be fresh and secret for each head: the installation log then tells nobody which
    case moved.
    """
    if len(blind) != BLIND_SIZE:
        raise MalformedError(f"a blind of {len(blind)} bytes; it has {BLIND_SIZE}")
    return sha256(b"touchstone/head/1\x00" + blind + head.line).digest()
