"""Bundles of contract 2, both ways. The writer sends what it writes through the reader."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

from touchstone.ledger.bundlelines import BundleHeader, OlderCheckpoint, Opened, PublishedHead
from touchstone.ledger.bundles import (
    BundleReader,
    HasLine,
    check_opening,
    read_checked,
    write_checked,
)
from touchstone.ledger.canonical import loads
from touchstone.ledger.contract2.answers import RecordedAnswer, SignedAnswer, parse_answer
from touchstone.ledger.contract2.caselog import CaseLog
from touchstone.ledger.contract2.checks import (
    check_dates,
    check_deed_at,
    check_recorded_time,
)
from touchstone.ledger.contract2.keyacts import KeyAct, parse_key_act
from touchstone.ledger.contract2.lines import (
    DEED_BUNDLE,
    DeedBundleSummary,
    HiddenPart,
    parse_shown_part,
)
from touchstone.ledger.contract2.parts import (
    PARTS,
    PaddedEntry,
    parse_deed_facts,
    parse_deed_part,
    parse_padded_entry,
    parse_recorded_part,
    parse_signed_part,
)
from touchstone.ledger.contract2.statements import DeedStatement, parse_statement_envelope
from touchstone.ledger.entries import commit_part
from touchstone.ledger.errors import AlteredError
from touchstone.ledger.keylines import KeyHistory
from touchstone.ledger.merkle import HASH_SIZE
from touchstone.ledger.notes import Checkpoint
from touchstone.ledger.signing import Signer

_ANSWER_START = b'{"answer":'


def write_deed_bundle(
    signer: Signer,
    *,
    audience: str,
    at: str,
    keys: KeyHistory,
    entries: Iterable[PaddedEntry],
    parts: Iterable[Opened | HiddenPart],
    published: PublishedHead,
    older: Iterable[OlderCheckpoint] = (),
    answers: Iterable[SignedAnswer] = (),
) -> Iterator[bytes]:
    """The bundle's lines, each with its line feed.

    `signer` holds the newest key of `keys`. `parts` has one Opened or HiddenPart for each of the
    PARTS parts of every entry, ordered by (n, i): part 0, the deed part and the recorded part of an
    entry together, padding never. `answers` are the installation's to this audience. Raises
    AlteredError, in the middle of it, where the reader would: then what was written so far is no
    bundle and must be thrown away.
    """
    head = published.head
    header = BundleHeader(audience, at, head.log, head.size, DEED_BUNDLE)
    body: Iterable[HasLine] = chain(
        [header], keys.lines, entries, parts, [published], older, answers
    )
    yield from write_checked(_DeedBundleReader, body, signer)


def read_deed_bundle(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Every item of a bundle in its order, each checked, and a DeedBundleSummary as the last.

    `chunks` are the bundle's bytes in pieces of any size. Raises AlteredError with the place at the
    first thing that does not hold. Nothing is to be relied on before the summary has come.
    """
    return read_checked(_DeedBundleReader(chunks))


def check_deed_bundle(chunks: Iterable[bytes]) -> DeedBundleSummary:
    """Read a bundle to its end and return the summary; AlteredError if something does not hold."""
    return cast("DeedBundleSummary", deque(read_deed_bundle(chunks), maxlen=1).pop())


@dataclass
class _EntryParts:
    """One entry while its parts come: what is known of its deed so far."""

    entry: PaddedEntry
    facts: dict[str, Any] | None = None
    act: KeyAct | None = None
    statement: DeedStatement | None = None
    recorded_at: str | None = None


class _DeedBundleReader(BundleReader):
    """The sections of contract 1, with other entries, parts and deeds, and answers at the end."""

    format = DEED_BUNDLE

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__(chunks)
        self._past = CaseLog()
        # Of each entry the digest of its deed and the time of recording, where they are shown.
        self._recorded: list[tuple[str, str] | None] = []
        # Looked up by deed: answers times entries would be minutes for a stranger's bundle.
        self._shown_deeds: set[str] = set()
        self._unchecked = self._after_hidden = self._answers = 0

    def _parse_entry(self, line: bytes) -> PaddedEntry:
        return parse_padded_entry(line)

    def _parts(self, header: BundleHeader, keys: KeyHistory) -> Iterator[Any]:
        for n, commitments in enumerate(self._commitments):
            hexes = commitments.hex()
            width = 2 * HASH_SIZE
            parts = tuple(hexes[at : at + width] for at in range(0, len(hexes), width))
            found = _EntryParts(PaddedEntry(header.log if n else None, n, parts))
            for i in range(PARTS):
                part = self._shown(found.entry, i)
                self._take_in(found, i, part.data if isinstance(part, Opened) else None, keys)
                yield part
            self._append(found, bytes(self._leaves[n * HASH_SIZE : (n + 1) * HASH_SIZE]))

    def _shown(self, entry: PaddedEntry, i: int) -> Opened | HiddenPart:
        line = self._take(f"part {i} of entry {entry.n}")
        self.place += f", entry {entry.n}, part {i}"
        part = parse_shown_part(loads(line))
        if (part.n, part.i) != (entry.n, i):
            raise AlteredError(
                f"is of entry {part.n}, part {part.i}: each part comes once, in order"
            )
        if isinstance(part, Opened) and commit_part(part.salt, part.data) != entry.parts[i]:
            raise AlteredError("is not what the entry committed to")
        return part

    def _take_in(self, found: _EntryParts, i: int, data: bytes | None, keys: KeyHistory) -> None:
        """One part, by its place: the event, the signer's, the deed, the recorded, padding."""
        if i == 0:
            if data is not None:
                found.facts = parse_deed_facts(data, found.entry.n)
                found.act = parse_key_act(found.facts)
                check_opening(found.facts, found.entry.n, keys)
        elif found.statement is not None:
            self._take_rest(found, i, data)
        else:
            # Only beside its event: alone, a deed part is refused below as none of the signer's.
            if data is not None and found.facts is not None and _kind(data) == "deed":
                self._take_deed(found, i, parse_deed_part(data))
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

    def _take_deed(self, found: _EntryParts, i: int, part: dict[str, Any]) -> None:
        facts = cast("dict[str, Any]", found.facts)
        _check_marking(part, facts)
        envelope = parse_statement_envelope(part["envelope"])
        key = check_deed_at(envelope, found.entry.parts[:i], facts, found.act, self._past)
        self._deeds += 1
        self._unchecked += key is None or not key.shown
        self._after_hidden += self._past.hidden_since(0) > 0
        found.statement = envelope.statement

    def _take_time(self, found: _EntryParts, data: bytes | None) -> None:
        if data is None:
            raise AlteredError("the time of recording is withheld where the deed is shown")
        part = parse_recorded_part(data)
        _check_marking(part, cast("dict[str, Any]", found.facts))
        statement, facts = cast("DeedStatement", found.statement), cast("Any", found.facts)
        check_recorded_time(statement, part["at"], self._past.recorded_at)
        check_dates(statement, facts["at"], part["at"])
        found.recorded_at = part["at"]

    def _append(self, found: _EntryParts, leaf: bytes) -> None:
        if found.statement is None or found.recorded_at is None:
            self._past.append_hidden(leaf)
            self._recorded.append(None)
        else:
            self._past.append(leaf, found.statement, found.act, found.recorded_at)
            self._recorded.append((found.statement.digest, found.recorded_at))
            self._shown_deeds.add(found.statement.digest)

    def _before_seal(self, keys: KeyHistory) -> Iterator[SignedAnswer]:
        """The answers that the installation gave: each must hold of these entries."""
        by = {line.fingerprint: bytes.fromhex(line.public_key) for line in keys.lines}
        while self._peek("its seal").startswith(_ANSWER_START):
            signed = parse_answer(self._take("its seal"))
            self._check_answer(signed, by)
            self._answers += 1
            yield signed

    def _check_answer(self, signed: SignedAnswer, by: Mapping[str, bytes]) -> None:
        if signed.key not in by:
            raise AlteredError("the answer is by no key of this installation")
        signed.verify(by[signed.key])
        answer = signed.answer
        if answer.log != self._past.log:
            raise AlteredError("the answer is about another log")
        size = self._past.size
        # A head beyond this bundle can only be held against a newer one.
        if answer.size <= size and self._past.root(answer.size).hex() != answer.root:
            raise AlteredError("the answer's head is no past of this log")
        if isinstance(answer, RecordedAnswer):
            if answer.n >= size:
                raise AlteredError(f"the answer promises entry {answer.n}, which is not there")
            shown = self._recorded[answer.n]
            if shown not in (None, (answer.deed, answer.at)):
                raise AlteredError(f"the answer promises another deed or time at {answer.n}")
        elif answer.deed in self._shown_deeds:
            raise AlteredError("the deed that the answer refuses was recorded")

    def _summary(
        self,
        header: BundleHeader,
        keys: KeyHistory,
        published: PublishedHead,
        checkpoint: Checkpoint,
    ) -> DeedBundleSummary:
        past = self._past
        return DeedBundleSummary(
            header,
            keys,
            published,
            checkpoint,
            self._deeds,
            self._unchecked,
            past.hidden_since(0),
            self._after_hidden,
            past.disavowed,
            past.seen_by_party,
            self._answers,
        )


def _kind(data: bytes) -> object:
    value = loads(data)
    return value.get("kind") if isinstance(value, dict) else None


def _check_marking(part: dict[str, Any], facts: dict[str, Any]) -> None:
    if part["marking"] != facts["marking"]:
        raise AlteredError("the part is marked otherwise than its event")
