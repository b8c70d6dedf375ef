"""The installation's key history: each line names a key and is signed by the key before it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from touchstone.ledger import forms
from touchstone.ledger.canonical import dumps, loads
from touchstone.ledger.errors import AlteredError, MalformedError
from touchstone.ledger.signing import Signer, check_signature, fingerprint

_DOMAIN = b"touchstone/key/1\x00"
REVOKED = "revoked "
"""How the reason of a key line begins that names a key of the history as revoked."""
# A reason is free text and may have several lines.
_REVOKES = re.compile(rf"{REVOKED}(SHA256:[0-9a-f]{{64}}): (.*)", re.DOTALL)
_FIELDS = ("line", "v", "seq", "public_key", "previous", "at", "reason", "signature")


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key of the installation.

    `seq` counts from 0; `public_key` is hex; `previous` is the SHA-256 (hex) of the line before,
    None in line 0; `at` is UTC; `signature` (hex) is by the key of the line before, and in line 0
    by the key itself.
    """

    seq: int
    public_key: str
    previous: str | None
    at: str
    reason: str
    signature: str

    def __post_init__(self) -> None:
        forms.integer(self.seq, "a key line's seq")
        forms.hex32(self.public_key, "a key line's public_key")
        if self.previous is not None:
            forms.hex32(self.previous, "a key line's previous")
        forms.time(self.at, "a key line's at")
        forms.text(self.reason, "a key line's reason")
        forms.hex64(self.signature, "a key line's signature")

    @property
    def line(self) -> bytes:
        """The canonical line without a line feed."""
        return dumps(_unsigned(self) | {"signature": self.signature})

    @property
    def message(self) -> bytes:
        """What is signed: "touchstone/key/1" 0x00 and the line without its signature."""
        return _DOMAIN + dumps(_unsigned(self))

    @property
    def fingerprint(self) -> str:
        """`SHA256:` and the hex SHA-256 of the key."""
        return fingerprint(bytes.fromhex(self.public_key))


def parse_key_line(line: bytes) -> KeyLine:
    """The key line that `line` (without a line feed) is. Its signature is KeyHistory's concern."""
    value = forms.fields(loads(line), _FIELDS, "a key line")
    if (value["line"], value["v"]) != ("key", 1) or type(value["v"]) is not int:
        raise MalformedError("a key line says line key and v 1")
    return KeyLine(**{name: value[name] for name in _FIELDS[2:]})


def follow_key_lines(lines: Iterable[KeyLine]) -> Iterator[KeyLine]:
    """Each line, once it was checked against those before it; AlteredError if it does not hold."""
    before: KeyLine | None = None
    seen: set[str] = set()
    for seq, line in enumerate(lines):
        _check_link(line, seq, before)
        # A key that came back would undo its revocation: what counts is the place after it (ADR
        # 198).
        if line.public_key in seen:
            raise AlteredError("names a key that the history had before", f"key line {seq}")
        seen.add(line.public_key)
        yield line
        before = line


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """All key lines, oldest first, each checked against the one before it.

    Raises AlteredError, with the key line as its place, if the chain does not hold.
    """

    lines: tuple[KeyLine, ...]

    def __post_init__(self) -> None:
        if not self.lines:
            raise MalformedError("a key history without a key")
        for _ in follow_key_lines(self.lines):
            pass

    @classmethod
    def start(cls, signer: Signer, at: str, reason: str) -> "KeyHistory":
        """A history of one key, signed by itself."""
        return cls((_signed(signer, signer.public_key, (), at, reason),))

    @classmethod
    def parse(cls, lines: Iterable[bytes]) -> "KeyHistory":
        """The history that the lines (without line feeds) are."""
        return cls(tuple(parse_key_line(line) for line in lines))

    def rotate(self, signer: Signer, public_key: bytes, at: str, reason: str) -> "KeyHistory":
        """This history with `public_key` as its newest, signed by `signer`, the current key."""
        return KeyHistory((*self.lines, _signed(signer, public_key, self.lines, at, reason)))

    @property
    def current(self) -> bytes:
        """The newest key (32 bytes): it signs checkpoints and bundles."""
        return self.public_keys[-1]

    @property
    def public_keys(self) -> tuple[bytes, ...]:
        """All keys, oldest first."""
        return tuple(bytes.fromhex(line.public_key) for line in self.lines)

    @property
    def origin(self) -> str:
        """The installation's name on checkpoints; a rotation does not change it."""
        return f"touchstone/{self.lines[0].fingerprint.removeprefix('SHA256:')[:16]}"

    @property
    def keyset(self) -> str:
        """SHA-256 (hex) of all key lines, each followed by LF."""
        return self.keysets[-1]

    @property
    def keysets(self) -> tuple[str, ...]:
        """The keyset after each line: what a head of that time names."""
        digest = sha256()
        found = []
        for line in self.lines:
            digest.update(line.line + b"\n")
            found.append(digest.hexdigest())
        return tuple(found)

    @property
    def revoked(self) -> dict[str, str]:
        """The fingerprints that a line names as revoked, each with the reason."""
        named = (_REVOKES.fullmatch(line.reason) for line in self.lines)
        return {match[1]: match[2] for match in named if match}


def _unsigned(line: KeyLine) -> dict[str, Any]:
    return {
        "line": "key",
        "v": 1,
        "seq": line.seq,
        "public_key": line.public_key,
        "previous": line.previous,
        "at": line.at,
        "reason": line.reason,
    }


def _signed(
    signer: Signer, public_key: bytes, before: tuple[KeyLine, ...], at: str, reason: str
) -> KeyLine:
    previous = forms.hex_digest(before[-1].line) if before else None
    # Only to have the form: the message leaves the signature out.
    draft = KeyLine(len(before), public_key.hex(), previous, at, reason, "0" * 128)
    return replace(draft, signature=signer.sign(draft.message).hex())


def _check_link(line: KeyLine, seq: int, before: KeyLine | None) -> None:
    place = f"key line {seq}"
    if line.seq != seq:
        raise AlteredError(f"says seq {line.seq}", place)
    if line.previous != (forms.hex_digest(before.line) if before else None):
        raise AlteredError("does not follow the line before it", place)
    signer = bytes.fromhex((before or line).public_key)
    try:
        check_signature(signer, line.message, bytes.fromhex(line.signature), "the line")
    except AlteredError as error:
        raise AlteredError(error.what, place) from error
