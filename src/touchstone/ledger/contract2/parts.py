"""Entries of contract 2 and the forms of their parts.

An entry is the signer's parts, then the deed part and the recorded part that the server adds, then
padding: commitments to nothing, so that all entries are of one shape to whom no part is shown.
"""

import re
from dataclasses import dataclass
from typing import Any

from touchstone.ledger import forms
from touchstone.ledger.canonical import MAX_INTEGER, dumps, loads
from touchstone.ledger.errors import MalformedError
from touchstone.ledger.merkle import leaf_hash
from touchstone.ledger.parts import check_marking, parse_content, parse_event

# In the format and not chosen for a log: such a number would tell logs apart (ADR 226).
PARTS = 8
"""Commitments in every entry."""
MAX_SIGNED_PARTS = PARTS - 2
"""Parts of a signer, at most: the deed part and the recorded part follow them."""

# A regular language, so that this is parser and canonical check in one (ADR 10).
_ENTRY = re.compile(
    rb'\{"log":(?:null|"([0-9a-f]{64})"),"n":(0|[1-9][0-9]{0,15}),'
    rb'"parts":\["([0-9a-f]{64}(?:","[0-9a-f]{64}){7})"\],"v":2\}'
)


@dataclass(frozen=True, slots=True)
class PaddedEntry:
    """One line of a case's log of contract 2.

    `log` is the log's id (hex), None in entry 0 alone, whose leaf is that id; `n` counts from 0;
    `parts` are PARTS commitments (hex), some of them to nothing.
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
        if len(self.parts) != PARTS:
            raise MalformedError(f"an entry of {len(self.parts)} parts; it has {PARTS}")
        for part in self.parts:
            forms.hex32(part, "a part commitment")

    @property
    def line(self) -> bytes:
        """The canonical line, as it is stored and hashed, without a line feed."""
        return dumps({"log": self.log, "n": self.n, "parts": self.parts, "v": 2})

    @property
    def leaf(self) -> bytes:
        """SHA-256(0x00 || line)."""
        return leaf_hash(self.line)


def parse_padded_entry(line: bytes) -> PaddedEntry:
    """The entry that `line` (without a line feed) is; MalformedError if it is not canonical."""
    match = _ENTRY.fullmatch(line)
    if match is None:
        loads(line)  # says more exactly what is wrong, where it is not JSON or not canonical
        raise MalformedError(f"not an entry: exactly log, n, parts ({PARTS} hashes) and v 2")
    log, n, parts = match.groups()
    if int(n) > MAX_INTEGER:
        raise MalformedError("an entry's n is 2^53 or more")
    return PaddedEntry(log.decode() if log else None, int(n), tuple(parts.decode().split('","')))


def parse_deed_facts(data: bytes, n: int) -> dict[str, Any]:
    """Part 0 of entry n; MalformedError if a required field is missing or misshapen.

    A fact `key_act` is left as it is: `parse_key_act` reads it.
    """
    return parse_event(data, n)


def parse_signed_part(data: bytes) -> dict[str, Any]:
    """A signer's part other than part 0: content, or evidence by digest."""
    part = parse_content(data)
    if part["kind"] == "deed":
        raise MalformedError("a signer's part is content or evidence, never a deed")
    return part


def parse_deed_part(data: bytes) -> dict[str, Any]:
    """The part with the envelope: exactly kind, marking and envelope."""
    part = forms.fields(loads(data), ("kind", "marking", "envelope"), "a deed part")
    if part["kind"] != "deed":
        raise MalformedError("a deed part is of kind deed")
    check_marking(part["marking"])
    return part


def parse_recorded_part(data: bytes) -> dict[str, Any]:
    """The part with the time of recording: exactly kind, marking and at (UTC)."""
    part = forms.fields(loads(data), ("kind", "marking", "at"), "a recorded part")
    if part["kind"] != "recorded":
        raise MalformedError("the part after a deed is of kind recorded")
    check_marking(part["marking"])
    forms.time(part["at"], "the time of recording")
    return part
