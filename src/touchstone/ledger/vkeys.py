"""C2SP vkeys: a log's or a witness's name and public key, as one word that others configure.

Source: c2sp.org/signed-note, Verifier keys.
"""

import re
from dataclasses import dataclass

from touchstone.ledger.canonical import b64decode, b64encode
from touchstone.ledger.errors import MalformedError
from touchstone.ledger.notes import COSIGNATURE_V1, ED25519, key_id
from touchstone.ledger.signing import KEY_SIZE, has_small_order

_VKEY = re.compile(r"([^\s+\x00-\x1f\x7f]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")
_OF = {ED25519: "a log's key (type 0x01)", COSIGNATURE_V1: "a witness's key (type 0x04)"}


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A name and the Ed25519 key (32 bytes) that signs under it.

    `kind` is ED25519 for logs, COSIGNATURE_V1 for witnesses.
    """

    name: str
    kind: int
    public_key: bytes

    def __str__(self) -> str:
        """`<name>+<key id>+<base64(kind || key)>`."""
        identity = key_id(self.name, self.kind, self.public_key).hex()
        return f"{self.name}+{identity}+{b64encode(bytes([self.kind]) + self.public_key)}"


def parse_vkey(text: str, kind: int) -> VerifierKey:
    """The vkey that a text is, of this kind; MalformedError if it is none, or nobody's own."""
    match = _VKEY.fullmatch(text)
    data = b64decode(match[3]) if match else b""
    if match is None or not data or not text.isprintable():
        raise MalformedError("not a vkey: <name>+<8 hex digits>+<base64>")
    if data[0] != kind:
        raise MalformedError(f"a vkey of type 0x{data[0]:02x}, not {_OF[kind]}")
    key = VerifierKey(match[1], kind, data[1:])
    if len(key.public_key) != KEY_SIZE:
        raise MalformedError(f"a vkey of {len(key.public_key)} bytes; Ed25519 has {KEY_SIZE}")
    if str(key) != text:
        raise MalformedError("a vkey whose key id is of another name or key")
    if has_small_order(key.public_key):
        raise MalformedError("a vkey of small order: anyone can sign for it")
    return key
