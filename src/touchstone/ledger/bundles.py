"""Bundles: a case's whole log for one audience, as lines that anyone can check offline.

The writer sends what it writes through the reader, so that no bundle leaves that would be refused.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import chain
from typing import Any, Protocol, cast

from touchstone.ledger.bundlelines import (
    FORMAT,
    BundleHeader,
    BundleItem,
    BundleSummary,
    Erased,
    OlderCheckpoint,
    Opened,
    Part,
    PublishedHead,
    make_seal,
    parse_header,
    parse_older,
    parse_part,
    parse_published,
    parse_seal,
    seal_message,
)
from touchstone.ledger.canonical import MAX_LINE, loads
from touchstone.ledger.entries import Entry, commit_part, parse_entry
from touchstone.ledger.errors import AlteredError, MalformedError
from touchstone.ledger.heads import blind_head
from touchstone.ledger.keylines import KeyHistory, KeyLine, follow_key_lines, parse_key_line
from touchstone.ledger.merkle import (
    HASH_SIZE,
    Frontier,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from touchstone.ledger.notes import Checkpoint, open_checkpoint
from touchstone.ledger.parts import PartyKeys, check_deed_place, parse_content, parse_facts
from touchstone.ledger.signing import Signer, check_signature, fingerprint

# Canonical order puts these first in their lines, so that a section's end is seen before parsing.
_ENTRY_START = b'{"log":'
_OLDER_START = b'{"checkpoint":'


class HasLine(Protocol):
    """Whatever stands in a bundle."""

    @property
    def line(self) -> bytes:
        """Its canonical line, without a line feed."""


def write_bundle(
    signer: Signer,
    *,
    audience: str,
    at: str,
    keys: KeyHistory,
    entries: Iterable[Entry],
    parts: Iterable[Part],
    published: PublishedHead,
    older: Iterable[OlderCheckpoint] = (),
) -> Iterator[bytes]:
    """The bundle's lines, each with its line feed.

    `signer` holds the newest key of `keys`. `parts` has one Opened, Withheld or Erased for every
    part of every entry, ordered by (n, i). Raises AlteredError, in the middle of it, where the
    reader would: then what was written so far is no bundle and must be thrown away.
    """
    header = BundleHeader(audience, at, published.head.log, published.head.size)
    body: Iterable[HasLine] = chain([header], keys.lines, entries, parts, [published], older)
    yield from write_checked(BundleReader, body, signer)


def write_checked(
    reader: "type[BundleReader]", body: Iterable[HasLine], signer: Signer
) -> Iterator[bytes]:
    """The lines of the body and their seal, each once the reader has taken it."""
    # Drawn by the reader and not yet taken by it: a line goes out only after that (ADR 12).
    unchecked: deque[bytes] = deque()

    def lines() -> Iterator[bytes]:
        digest = sha256()
        for item in body:
            unchecked.append(item.line + b"\n")
            digest.update(unchecked[-1])
            yield unchecked[-1]
        unchecked.append(make_seal(digest.digest(), signer, reader.format).line + b"\n")
        yield unchecked[-1]

    for _ in read_checked(reader(lines())):
        while unchecked:
            yield unchecked.popleft()


def read_bundle(chunks: Iterable[bytes]) -> Iterator[BundleItem]:
    """Every item of a bundle in its order, each checked, and a BundleSummary as the last.

    `chunks` are the bundle's bytes in pieces of any size (from a file, read blocks and not lines:
    a line may be longer than memory). Raises AlteredError with the place at the first thing that
    does not hold. Nothing is to be relied on before the summary has come: the head, the checkpoint
    and the seal stand at the end. It does not know whom to trust: ask the summary's keys.
    """
    return read_checked(BundleReader(chunks))


def read_checked(reader: "BundleReader") -> Iterator[Any]:
    """The reader's items; whatever does not hold is an AlteredError with its place."""
    try:
        yield from reader.items()
    except MalformedError as error:
        raise AlteredError(str(error), reader.place) from error
    except AlteredError as error:
        place = f"{reader.place}, {error.place}" if error.place else reader.place
        raise AlteredError(error.what, place) from error


def check_bundle(chunks: Iterable[bytes]) -> BundleSummary:
    """Read a bundle to its end and return the summary; AlteredError if something does not hold."""
    # All but the last item are let go: a bundle may be larger than memory.
    last = deque(read_bundle(chunks), maxlen=1).pop()
    return cast("BundleSummary", last)


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines (without line feeds) of bytes in pieces, holding at most a line and a piece.

    Raises MalformedError for a line over MAX_LINE and for a last line without a line feed.
    """
    pending = bytearray()
    for chunk in chunks:
        first, *rest = chunk.split(b"\n")
        pending += first
        for piece in rest:
            yield _fitting(pending)
            pending = bytearray(piece)
        # Before the line has ended, too: bytes without a line feed must not fill the memory.
        _fitting(pending)
    # A file that was cut off must not end in something that reads as a line.
    if pending:
        raise MalformedError("the last line has no line feed")


def _fitting(line: bytearray) -> bytes:
    if len(line) > MAX_LINE:
        raise MalformedError(f"a line of more than {MAX_LINE} bytes")
    return bytes(line)


class BundleReader:
    """One pass over a bundle, section by section as the format's table lists them."""

    format = FORMAT

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.place = "line 1"
        self._lines = split_lines(chunks)
        self._number = 0
        self._ahead: bytes | None = None
        self._digest = sha256()
        self._root = b""
        # Of each entry: its leaf, and its commitments one after another.
        self._leaves = bytearray()
        self._commitments: list[bytes] = []
        self._party_keys = PartyKeys()
        self._deeds = self._unchecked_deeds = 0

    def items(self) -> Iterator[Any]:
        """Every item, each checked; the summary is the last."""
        header = parse_header(loads(self._take("its first line")), self.format)
        yield header
        keys = self._key_history()
        yield from keys.lines
        yield from self._entries(header)
        yield from self._parts(header, keys)
        published = parse_published(loads(self._take("its head")))
        checkpoint = self._check_published(published, header, keys)
        yield published
        while self._peek("its seal").startswith(_OLDER_START):
            older = parse_older(loads(self._take("its seal")))
            _check_older(older, checkpoint, keys)
            yield older
        yield from self._before_seal(keys)
        self._check_seal(keys)
        yield self._summary(header, keys, published, checkpoint)

    def _before_seal(self, keys: KeyHistory) -> Iterator[Any]:  # noqa: ARG002 - some need it
        """What a format has between the checkpoints and the seal."""
        return iter(())

    def _summary(
        self,
        header: BundleHeader,
        keys: KeyHistory,
        published: PublishedHead,
        checkpoint: Checkpoint,
    ) -> Any:
        return BundleSummary(
            header, keys, published, checkpoint, self._deeds, self._unchecked_deeds
        )

    def _peek(self, what: str) -> bytes:
        """The next line, which is still to be taken; `what` the bundle lacks if there is none."""
        if self._ahead is None:
            self.place = f"line {self._number + 1}"
            self._ahead = next(self._lines, None)
            if self._ahead is None:
                raise AlteredError(f"the bundle ends before {what}")
        return self._ahead

    def _take(self, what: str) -> bytes:
        line = self._peek(what)
        self._ahead = None
        self._number += 1
        self.place = f"line {self._number}"
        self._digest.update(line + b"\n")
        return line

    def _key_history(self) -> KeyHistory:
        lines = tuple(follow_key_lines(self._key_lines()))
        return KeyHistory(lines)

    def _key_lines(self) -> Iterator[KeyLine]:
        while not self._peek("its first entry").startswith(_ENTRY_START):
            yield parse_key_line(self._take("its first entry"))

    def _parse_entry(self, line: bytes) -> Any:
        return parse_entry(line)

    def _entries(self, header: BundleHeader) -> Iterator[Entry]:
        frontier = Frontier()
        for n in range(header.size):
            line = self._take(f"entry {n}")
            self.place += f", entry {n}"
            entry = self._parse_entry(line)
            leaf = leaf_hash(line)
            if entry.n != n:
                raise AlteredError(f"says n {entry.n}")
            # Entry 0 names no log: its own leaf is the log's id.
            if (entry.log or leaf.hex()) != header.log:
                raise AlteredError("belongs to another log than the bundle says")
            frontier.append(leaf)
            self._leaves += leaf
            # All are held until the parts come; as hex texts they would take three times the room.
            self._commitments.append(bytes.fromhex("".join(entry.parts)))
            yield entry
        self._root = frontier.root

    def _parts(self, header: BundleHeader, keys: KeyHistory) -> Iterator[Any]:
        past = Frontier()
        for n, commitments in enumerate(self._commitments):
            hashes = [
                commitments[at : at + HASH_SIZE] for at in range(0, len(commitments), HASH_SIZE)
            ]
            entry = Entry(header.log if n else None, n, tuple(part.hex() for part in hashes))
            facts = None
            for i in range(len(entry.parts)):
                part = self._part(entry, i)
                if i == 0:
                    facts = self._facts(part, keys)
                elif isinstance(part, Opened):
                    self._content(part, entry, past, facts)
                yield part
            # After its parts: a deed is signed over the root that does not yet hold its own entry.
            past.append(bytes(self._leaves[n * HASH_SIZE : (n + 1) * HASH_SIZE]))

    def _part(self, entry: Entry, i: int) -> Part:
        line = self._take(f"part {i} of entry {entry.n}")
        self.place += f", entry {entry.n}, part {i}"
        part = parse_part(loads(line))
        if (part.n, part.i) != (entry.n, i):
            raise AlteredError(
                f"is of entry {part.n}, part {part.i}: each part comes once, in order"
            )
        if isinstance(part, Opened) and commit_part(part.salt, part.data) != entry.parts[i]:
            raise AlteredError("is not what the entry committed to")
        if isinstance(part, Erased) and i == 0:
            raise AlteredError("part 0 is never erased")
        return part

    def _facts(self, part: Part, keys: KeyHistory) -> dict[str, Any] | None:
        facts = parse_facts(part.data, part.n) if isinstance(part, Opened) else None
        check_opening(facts, part.n, keys)
        self._party_keys.follow(facts)
        return facts

    def _content(
        self, part: Opened, entry: Entry, past: Frontier, facts: dict[str, Any] | None
    ) -> None:
        content = parse_content(part.data)
        if content["kind"] != "deed":
            return
        # What stood after the deed part would be under nobody's signature.
        if part.i != len(entry.parts) - 1:
            raise AlteredError("a deed is the last part of its entry")
        signed = check_deed_place(content, entry, past.root, facts)
        self._deeds += 1
        self._unchecked_deeds += not self._party_keys.verify(signed)

    def _check_published(
        self, published: PublishedHead, header: BundleHeader, keys: KeyHistory
    ) -> Checkpoint:
        head = published.head
        if head.log != header.log:
            raise AlteredError("the head is of another log")
        if head.size != header.size:
            raise AlteredError(f"the head says size {head.size}, the bundle has {header.size}")
        if head.root != self._root.hex():
            raise AlteredError("the head's root is not the entries' root")
        return check_published_head(published, keys)

    def _check_seal(self, keys: KeyHistory) -> None:
        digest = self._digest.digest()
        seal = parse_seal(loads(self._take("its seal")))
        if seal.digest != digest.hex():
            raise AlteredError("the seal is not over the bytes before it")
        if seal.key != fingerprint(keys.current):
            raise AlteredError("the seal is not by the installation's newest key")
        signature = bytes.fromhex(seal.signature)
        check_signature(keys.current, seal_message(digest, self.format), signature, "the seal")
        self.place = f"line {self._number + 1}"
        # Bytes after the seal would be read by people and vouched for by nobody.
        if next(self._lines, None) is not None:
            raise AlteredError("the bundle goes on after its seal")


def check_published_head(published: PublishedHead, keys: KeyHistory) -> Checkpoint:
    """The checkpoint under which a case head stands in the installation log of these keys.

    Raises AlteredError: it does not stand there, or the newest key did not sign that.
    """
    head = published.head
    # A head names the key lines of its time: rotations do not spoil that of a quiet case (ADR 12).
    if head.keyset not in keys.keysets:
        raise AlteredError("the head's keyset is not of this key history")
    # The newest key alone: an older one may have been replaced because it was stolen.
    checkpoint = open_checkpoint(published.checkpoint, keys.origin, [keys.current])
    verify_inclusion(
        leaf_hash(blind_head(published.blind, head)),
        published.index,
        checkpoint.size,
        published.inclusion,
        checkpoint.root,
    )
    return checkpoint


def check_opening(facts: dict[str, Any] | None, n: int, keys: KeyHistory) -> None:
    """Entry 0 names a key of this installation, where its part 0 is opened."""
    # That leaf is the log's id, so that no installation can show another's case as its own.
    if facts and n == 0 and bytes.fromhex(facts["installation_key"]) not in keys.public_keys:
        raise AlteredError("the case was opened by another installation's key")


def _check_older(older: OlderCheckpoint, checkpoint: Checkpoint, keys: KeyHistory) -> None:
    # By any key of the history, even a revoked one: it binds the issuer and nobody else (ADR 198).
    old = open_checkpoint(older.checkpoint, keys.origin, keys.public_keys)
    verify_consistency(old.size, checkpoint.size, older.consistency, old.root, checkpoint.root)
