"""A case's log as it is followed: entry by entry, each with those of its parts that are shown.

Whoever reads a bundle does it once, from entry 0 on; a party's own machine goes on from where it
was. What was taken in holds; an entry whose `end` was not reached leaves nothing to go on from.

    followed = FollowedLog()
    followed.begin(entry, keys)
    for i, part in enumerate(parts):
        followed.take(i, part)
    followed.end(entry.leaf)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from touchstone.ledger.bundlelines import Opened
from touchstone.ledger.bundles import check_opening
from touchstone.ledger.canonical import loads
from touchstone.ledger.contract2.answers import RecordedAnswer, SignedAnswer
from touchstone.ledger.contract2.caselog import CaseLog
from touchstone.ledger.contract2.checks import (
    check_dates,
    check_deed_at,
    check_recorded_time,
)
from touchstone.ledger.contract2.keyacts import KeyAct, KnownKey, parse_key_act
from touchstone.ledger.contract2.lines import HiddenPart
from touchstone.ledger.contract2.parts import (
    PARTS,
    PaddedEntry,
    parse_deed_facts,
    parse_deed_part,
    parse_recorded_part,
    parse_signed_part,
)
from touchstone.ledger.contract2.statements import DeedStatement, parse_statement_envelope
from touchstone.ledger.entries import commit_part
from touchstone.ledger.errors import AlteredError
from touchstone.ledger.keylines import KeyHistory


@dataclass
class _EntryParts:
    """One entry while its parts come: what is known of its deed so far."""

    entry: PaddedEntry
    keys: KeyHistory
    facts: dict[str, Any] | None = None
    act: KeyAct | None = None
    statement: DeedStatement | None = None
    signer: KnownKey | None = None
    recorded_at: str | None = None


class FollowedLog:
    """What was taken in, in `past`, and how much of it could be checked.

    `deeds` are shown; `unchecked` of them are of a signer whose admission is hidden; `after_hidden`
    stand after a hidden entry, and so were held against what is shown alone.
    """

    def __init__(self) -> None:
        self.past = CaseLog()
        self.deeds = self.unchecked = self.after_hidden = 0
        # Of each entry the digest of its deed and the time of recording, where they are shown.
        self._recorded: list[tuple[str, str] | None] = []
        # Looked up by deed: answers times entries would be minutes for a stranger's bundle.
        self._shown_deeds: set[str] = set()
        self._entry: _EntryParts | None = None

    def begin(self, entry: PaddedEntry, keys: KeyHistory) -> None:
        """The next entry, whose parts follow; `keys` is the installation's key history.

        Raises AlteredError: it is not the next one of this log.
        """
        if (entry.n, entry.log) != (self.past.size, self.past.log):
            raise AlteredError(f"is not entry {self.past.size} of this log")
        self._entry = _EntryParts(entry, keys)

    def take(self, i: int, part: Opened | HiddenPart) -> None:
        """Part i of the entry that was begun. Raises AlteredError; MalformedError."""
        found = self._begun
        entry = found.entry
        if (part.n, part.i) != (entry.n, i):
            raise AlteredError(
                f"is of entry {part.n}, part {part.i}: each part comes once, in order"
            )
        data = part.data if isinstance(part, Opened) else None
        if isinstance(part, Opened) and commit_part(part.salt, part.data) != entry.parts[i]:
            raise AlteredError("is not what the entry committed to")
        # By its place: the event, the signer's, the deed, the recorded, padding.
        if i == 0:
            if data is not None:
                found.facts = parse_deed_facts(data, entry.n)
                found.act = parse_key_act(found.facts)
                check_opening(found.facts, entry.n, found.keys)
        elif found.statement is not None:
            self._take_rest(found, i, data)
        else:
            self._take_signed(found, i, data)

    def end(self, leaf: bytes) -> None:
        """All parts of the entry were taken; `leaf` (32 bytes) is its leaf hash."""
        found, self._entry = self._begun, None
        if found.statement is not None:
            self.deeds += 1
            self.unchecked += found.signer is None or not found.signer.shown
            self.after_hidden += self.past.hidden_since(0) > 0
        if found.statement is None or found.recorded_at is None:
            self.past.append_hidden(leaf)
            self._recorded.append(None)
        else:
            dated = str((found.facts or {})["at"])
            self.past.append(leaf, found.statement, found.act, found.recorded_at, dated)
            self._recorded.append((found.statement.digest, found.recorded_at))
            self._shown_deeds.add(found.statement.digest)

    def recorded(self, n: int) -> tuple[str, str] | None:
        """The digest (hex) of the deed of entry n and when it was recorded; None: it is hidden."""
        return self._recorded[n]

    def check_answer(self, signed: SignedAnswer, by: Mapping[str, bytes]) -> None:
        """Hold the installation's word on a deed against the entries; `by`: its keys by name.

        Raises AlteredError: it is not its word, or what it says does not hold of this log.
        """
        if signed.key not in by:
            raise AlteredError("the answer is by no key of this installation")
        signed.verify(by[signed.key])
        answer = signed.answer
        if answer.log != self.past.log:
            raise AlteredError("the answer is about another log")
        size = self.past.size
        # A head beyond what is here can only be held against a newer one.
        if answer.size <= size and self.past.root(answer.size).hex() != answer.root:
            raise AlteredError("the answer's head is no past of this log")
        if isinstance(answer, RecordedAnswer):
            if answer.n >= size:
                raise AlteredError(f"the answer promises entry {answer.n}, which is not there")
            shown = self._recorded[answer.n]
            if shown not in (None, (answer.deed, answer.at)):
                raise AlteredError(f"the answer promises another deed or time at {answer.n}")
        elif answer.deed in self._shown_deeds:
            raise AlteredError("the deed that the answer refuses was recorded")

    @property
    def _begun(self) -> _EntryParts:
        if self._entry is None:
            raise TypeError("parts are taken of an entry that was begun")
        return self._entry

    def _take_signed(self, found: _EntryParts, i: int, data: bytes | None) -> None:
        """A signer's part, or the deed part that ends them."""
        # Only beside its event: alone, a deed part is refused below as none of the signer's.
        if data is not None and found.facts is not None and _kind(data) == "deed":
            self._take_deed(found, i, found.facts, parse_deed_part(data))
        elif data is not None:
            parse_signed_part(data)
        deed: DeedStatement | None = found.statement
        # Known only at the last part: a signer has one to six before the deed.
        if i == PARTS - 1 and found.facts is not None and deed is None:
            raise AlteredError("the entry shows an event and not the deed that made it")

    def _take_rest(self, found: _EntryParts, i: int, data: bytes | None) -> None:
        """What follows the deed part: the recorded part, then padding."""
        if i == len(cast("DeedStatement", found.statement).parts) + 1:
            self._take_time(found, data)
        elif data is not None:
            raise AlteredError("what comes after the recorded part is padding and opens to nothing")

    def _take_deed(
        self, found: _EntryParts, i: int, facts: dict[str, Any], part: dict[str, Any]
    ) -> None:
        _check_marking(part, facts)
        envelope = parse_statement_envelope(part["envelope"])
        key = check_deed_at(
            envelope, found.entry.parts[:i], facts, found.act, self.past, found.keys
        )
        found.statement, found.signer = envelope.statement, key

    def _take_time(self, found: _EntryParts, data: bytes | None) -> None:
        if data is None:
            raise AlteredError("the time of recording is withheld where the deed is shown")
        part = parse_recorded_part(data)
        _check_marking(part, cast("dict[str, Any]", found.facts))
        statement, facts = cast("DeedStatement", found.statement), cast("Any", found.facts)
        check_recorded_time(statement, part["at"], self.past.recorded_at)
        check_dates(statement, facts["at"], part["at"])
        found.recorded_at = part["at"]


def _kind(data: bytes) -> object:
    value = loads(data)
    return value.get("kind") if isinstance(value, dict) else None


def _check_marking(part: dict[str, Any], facts: dict[str, Any]) -> None:
    if part["marking"] != facts["marking"]:
        raise AlteredError("the part is marked otherwise than its event")
