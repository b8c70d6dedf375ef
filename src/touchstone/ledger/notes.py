"""C2SP signed notes, the checkpoints that they carry, and witnesses' cosignatures.

Sources: c2sp.org/signed-note, c2sp.org/tlog-checkpoint and c2sp.org/tlog-cosignature. A checkpoint
here has no extension lines.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from touchstone.ledger.canonical import MAX_INTEGER, b64decode, b64encode
from touchstone.ledger.errors import AlteredError, MalformedError
from touchstone.ledger.merkle import HASH_SIZE
from touchstone.ledger.signing import SIGNATURE_SIZE, Signer, check_signature

ED25519 = 0x01
COSIGNATURE_V1 = 0x04

_KEY_ID_SIZE = 4
_TIME_SIZE = 8
# C2SP signed-note: a name has neither white space nor a plus.
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
# C2SP signed-note: no control characters but the line feed.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_CHECKPOINT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: the signer's name, its key id (4 bytes) and what follows it."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """`— <name> <base64(key id || signature)>` and a line feed."""
        return f"— {self.name} {b64encode(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text that ends in a line feed, and its signature lines."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(signature.line for signature in self.signatures)

    def signature(self, name: str, kind: int, public_key: bytes) -> bytes | None:
        """What the key signed under that name, unchecked; None if it did not."""
        wanted = (name, key_id(name, kind, public_key))
        for signature in self.signatures:
            if (signature.name, signature.key_id) == wanted:
                return signature.signature
        return None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's origin, its size in leaves and its root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The body of the signed note."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root)}\n"


def key_id(name: str, kind: int, public_key: bytes) -> bytes:
    """The first 4 bytes of SHA-256(name || LF || kind || public key)."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public_key).digest()[:_KEY_ID_SIZE]


def parse_note(text: str) -> SignedNote:
    """The signed note that `text` is, unchecked; MalformedError if it is none."""
    # The last blank line: the text may have blank lines of its own.
    body, blank, lines = text.rpartition("\n\n")
    if not blank or not body or not lines.endswith("\n") or _CONTROL.search(text):
        raise MalformedError("not a signed note: text, a blank line, then signature lines")
    signatures: list[NoteSignature] = []
    for line in lines[:-1].split("\n"):
        match = _SIGNATURE_LINE.fullmatch(line)
        data = b64decode(match[2]) if match else b""
        if match is None or len(data) <= _KEY_ID_SIZE:
            raise MalformedError(f"signature line {len(signatures) + 1} of a note has another form")
        signatures.append(NoteSignature(match[1], data[:_KEY_ID_SIZE], data[_KEY_ID_SIZE:]))
    # Which of two signatures counts would depend on the reader.
    if len({(signature.name, signature.key_id) for signature in signatures}) < len(signatures):
        raise MalformedError("a note is signed twice by the same key")
    return SignedNote(body + "\n", tuple(signatures))


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a note's text is; MalformedError if it is none."""
    match = _CHECKPOINT.fullmatch(text)
    if match is None or int(match[2]) > MAX_INTEGER:
        raise MalformedError("not a checkpoint: exactly origin, size and base64 root, a line each")
    return Checkpoint(match[1], int(match[2]), b64decode(match[3]))


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """The checkpoint as a note signed by the log itself, under the name of its origin."""
    if len(checkpoint.root) != HASH_SIZE:
        raise MalformedError(f"a root of {len(checkpoint.root)} bytes; it has {HASH_SIZE}")
    key = key_id(checkpoint.origin, ED25519, signer.public_key)
    signature = NoteSignature(checkpoint.origin, key, signer.sign(checkpoint.text.encode()))
    note = str(SignedNote(checkpoint.text, (signature,)))
    # Read back: an origin with a space or a plus makes a note that nobody can open.
    parse_checkpoint(parse_note(note).text)
    return note


def open_checkpoint(note: str, origin: str, public_keys: Iterable[bytes]) -> Checkpoint:
    """The checkpoint of `origin` in a note that one of the keys signed.

    Raises MalformedError for another form, AlteredError for another origin or signer.
    """
    signed = parse_note(note)
    checkpoint = parse_checkpoint(signed.text)
    if checkpoint.origin != origin:
        raise AlteredError(f"the checkpoint is of {checkpoint.origin}, not of {origin}")
    failed = AlteredError("the checkpoint is not signed by the installation's key")
    for public_key in public_keys:
        signature = signed.signature(origin, ED25519, public_key)
        if signature is None:
            continue
        # The 4 bytes of a key id only find the line; they prove nothing, and two keys may share
        # them.
        try:
            check_signature(public_key, signed.text.encode(), signature, "the checkpoint")
        except AlteredError as error:
            failed = error
        else:
            return checkpoint
    raise failed


def cosign(note: str, name: str, signer: Signer, time: int) -> str:
    """The note with a witness's `cosignature/v1` line; `time` is in Unix seconds.

    A witness calls it after it has checked the note and its consistency with all it saw before.
    """
    signed = parse_note(note)
    if not 0 <= time <= MAX_INTEGER:
        raise MalformedError(f"a cosignature's time is in Unix seconds, not {time}")
    signature = time.to_bytes(_TIME_SIZE, "big") + signer.sign(_cosigned(signed.text, time))
    key = key_id(name, COSIGNATURE_V1, signer.public_key)
    cosigned = str(
        SignedNote(signed.text, (*signed.signatures, NoteSignature(name, key, signature)))
    )
    # Read back: refuses a name that no note may hold, and a second signature of one witness.
    parse_note(cosigned)
    return cosigned


def verify_cosignature(note: str, name: str, public_key: bytes) -> int:
    """The time (Unix seconds) at which the witness cosigned; AlteredError if it did not."""
    signed = parse_note(note)
    data = signed.signature(name, COSIGNATURE_V1, public_key)
    if data is None or len(data) != _TIME_SIZE + SIGNATURE_SIZE:
        raise AlteredError(f"the checkpoint is not cosigned by {name}")
    time = int.from_bytes(data[:_TIME_SIZE], "big")
    message = _cosigned(signed.text, time)
    check_signature(public_key, message, data[_TIME_SIZE:], f"the witness {name}")
    return time


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()
