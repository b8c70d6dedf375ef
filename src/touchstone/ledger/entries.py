"""Entries, the lines of a case's log, and the salted commitments that stand in them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from touchstone.ledger import forms
from touchstone.ledger.canonical import MAX_INTEGER, dumps, loads
from touchstone.ledger.errors import AlteredError, MalformedError
from touchstone.ledger.merkle import Frontier, leaf_hash

MAX_PARTS = 64
# A part travels as a JSON string in a bundle line. Escaping doubles canonical bytes at most, and
# 512 bytes hold the line's other fields: every part that can be committed can be bundled.
MAX_PART = (1 << 19) - 512
SALT_SIZE = 32

# The canonical form of an entry is a regular language, so that this is its strict parser and its
# canonical check in one. The log's id and the order of n are checked beside it.
_ENTRY = re.compile(
    rb'\{"log":(?:null|"([0-9a-f]{64})"),"n":(0|[1-9][0-9]{0,15}),'
    rb'"parts":\["([0-9a-f]{64}(?:","[0-9a-f]{64}){0,63})"\],"v":1\}'
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a case's log.

    `log` is the log's id (hex), None in entry 0 alone, whose leaf is that id; `n` counts from 0;
    `parts` are 1 to 64 part commitments (hex).
    """

    log: str | None
    n: int
    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        forms.integer(self.n, "an entry's n")
        if (self.log is None) != (self.n == 0):
            raise MalformedError("entry 0, and no other, has no log id")
        if self.log is not None:
            forms.hex32(self.log, "an entry's log")
        if not 1 <= len(self.parts) <= MAX_PARTS:
            raise MalformedError(f"an entry of {len(self.parts)} parts; it has 1 to {MAX_PARTS}")
        for part in self.parts:
            forms.hex32(part, "a part commitment")

    @property
    def line(self) -> bytes:
        """The canonical line, as it is stored and hashed, without a line feed."""
        return dumps({"log": self.log, "n": self.n, "parts": self.parts, "v": 1})

    @property
    def leaf(self) -> bytes:
        """SHA-256(0x00 || line)."""
        return leaf_hash(self.line)


@dataclass(frozen=True, slots=True)
class LogState:
    """Where a log stands: its id (hex), its size in entries and its root (32 bytes)."""

    log: str
    size: int
    root: bytes


def commit_part(salt: bytes, data: bytes) -> str:
    """The commitment (hex) to a part: SHA-256("touchstone/part/1" 0x00 salt32 bytes).

    The 32-byte salt must be fresh and secret for each part: without it nobody can test a guess
    of the part's content. Raises MalformedError for a wrong salt or a part over MAX_PART bytes.
    """
    if len(salt) != SALT_SIZE:
        raise MalformedError(f"a salt of {len(salt)} bytes; it has {SALT_SIZE}")
    if len(data) > MAX_PART:
        raise MalformedError(
            f"a part of {len(data)} bytes; at most {MAX_PART} fit, keep larger data as evidence"
        )
    # The name in front keeps a commitment from being taken for any other hash of the format.
    return forms.hex_digest(b"touchstone/part/1\x00" + salt + data)


def parse_entry(line: bytes) -> Entry:
    """The entry that `line` (without a line feed) is; MalformedError if it is not canonical."""
    match = _ENTRY.fullmatch(line)
    if match is None:
        loads(line)  # says more exactly what is wrong, where it is not JSON or not canonical
        raise MalformedError("not an entry: exactly log, n, parts (1 to 64 hashes) and v 1")
    log, n, parts = match.groups()
    if int(n) > MAX_INTEGER:
        raise MalformedError("an entry's n is 2^53 or more")
    return Entry(log.decode() if log else None, int(n), tuple(parts.decode().split('","')))


def verify_lines(lines: Iterable[bytes]) -> LogState:
    """Check a whole log, one entry line (without its line feed) at a time, and fold its root.

    Strict, canonical, of one log and in order; constant memory. Raises AlteredError with the entry
    as its place, or MalformedError if there is no entry at all.
    """
    frontier = Frontier()
    match = _ENTRY.fullmatch
    log = None
    n = -1
    for n, line in enumerate(lines):
        # On bytes, with no Entry made: a million lines take little more than a second (ADR 10).
        found = match(line)
        if found is None or found[1] != log or found[2] != b"%d" % n:
            raise AlteredError(_entry_defect(line, n, log), place=f"entry {n}")
        leaf = leaf_hash(line)
        frontier.append(leaf)
        if n == 0:
            log = leaf.hex().encode()
    if log is None:
        raise MalformedError("a log without entries")
    return LogState(log.decode(), n + 1, frontier.root)


def _entry_defect(line: bytes, n: int, log: bytes | None) -> str:
    try:
        entry = parse_entry(line)
    except MalformedError as error:
        return str(error)
    if entry.n != n:
        return f"says n {entry.n}"
    return f"belongs to log {entry.log}, not to {log.decode() if log else 'a new one'}"
