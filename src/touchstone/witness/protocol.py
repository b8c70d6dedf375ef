"""The bodies of C2SP tlog-witness, both ways, and of `add-keys`, our own call beside it.

Source: c2sp.org/tlog-witness, 1.1.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.ledger import (
    MAX_INTEGER,
    Checkpoint,
    MalformedError,
    SignedNote,
    parse_checkpoint,
    parse_note,
)
from touchstone.ledger.canonical import b64decode, b64encode
from touchstone.ledger.merkle import HASH_SIZE

ADD_CHECKPOINT, ADD_KEYS = "add-checkpoint", "add-keys"
SIZE_TYPE = "text/x.tlog.size"
# As tlog-witness bounds it: no tree that there can be needs more.
MAX_PROOF = 63
MAX_BODY = 1 << 16
"""Bytes of a request or an answer; a checkpoint with its signatures has a few hundred."""
MAX_KEYS = 1 << 20
"""Bytes of a key history."""
TIMES_END = 253_402_300_800
"""Unix seconds of the year 10000, which no time of ours can say."""
_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")


@dataclass(frozen=True, slots=True)
class CheckpointRequest:
    """A checkpoint that is to be cosigned, and that it extends the tree of an older size."""

    old: int
    proof: tuple[bytes, ...]
    note: SignedNote
    checkpoint: Checkpoint

    @property
    def body(self) -> bytes:
        """As a request carries it."""
        return request_body(self.old, self.proof, str(self.note))


def request_body(old: int, proof: Sequence[bytes], note: str) -> bytes:
    """The body of add-checkpoint; hashes are of 32 bytes."""
    lines = [f"old {old}", *map(b64encode, proof), "", ""]
    return ("\n".join(lines) + note).encode()


def parse_checkpoint_request(body: bytes) -> CheckpointRequest:
    """The submission that a body is, with nothing in it checked against anything yet.

    Raises MalformedError, also where the checkpoint is smaller than the older size.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise MalformedError("not UTF-8") from error
    # The first empty line: a note has one of its own, between text and signatures.
    head, blank, note = text.partition("\n\n")
    first, *hashes = head.split("\n")
    if not blank or not first.startswith("old "):
        raise MalformedError("not an old size line, proof lines, an empty line and a checkpoint")
    old = parse_size(first.removeprefix("old "))
    if len(hashes) > MAX_PROOF:
        raise MalformedError(f"more than {MAX_PROOF} lines of proof")
    proof = tuple(map(b64decode, hashes))
    if any(len(each) != HASH_SIZE for each in proof):
        raise MalformedError(f"a line of proof is not of {HASH_SIZE} bytes")
    signed = parse_note(note)
    checkpoint = parse_checkpoint(signed.text)
    if old > checkpoint.size:
        raise MalformedError("the old size is larger than the checkpoint's")
    return CheckpointRequest(old, proof, signed, checkpoint)


def parse_size(text: str) -> int:
    """A tree's size in decimal; MalformedError for anything else."""
    if not _SIZE.fullmatch(text) or int(text) > MAX_INTEGER:
        raise MalformedError("not a size: decimal, without leading zeros, below 2^53")
    return int(text)
