"""Bundles of contract 2, both ways. The writer sends what it writes through the reader."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, cast

from touchstone.ledger.bundlelines import BundleHeader, OlderCheckpoint, Opened, PublishedHead
from touchstone.ledger.bundles import (
    BundleReader,
    HasLine,
    read_checked,
    write_checked,
)
from touchstone.ledger.canonical import loads
from touchstone.ledger.contract2.answers import SignedAnswer, parse_answer
from touchstone.ledger.contract2.following import FollowedLog
from touchstone.ledger.contract2.lines import (
    DEED_BUNDLE,
    DeedBundleSummary,
    HiddenPart,
    parse_shown_part,
)
from touchstone.ledger.contract2.parts import PARTS, PaddedEntry, parse_padded_entry
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


class _DeedBundleReader(BundleReader):
    """The sections of contract 1, with other entries, parts and deeds, and answers at the end."""

    format = DEED_BUNDLE

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__(chunks)
        self._followed = FollowedLog()
        self._answers = 0

    def _parse_entry(self, line: bytes) -> PaddedEntry:
        return parse_padded_entry(line)

    def _parts(self, header: BundleHeader, keys: KeyHistory) -> Iterator[Any]:
        width = 2 * HASH_SIZE
        for n, commitments in enumerate(self._commitments):
            hexes = commitments.hex()
            parts = tuple(hexes[at : at + width] for at in range(0, len(hexes), width))
            self._followed.begin(PaddedEntry(header.log if n else None, n, parts), keys)
            for i in range(PARTS):
                line = self._take(f"part {i} of entry {n}")
                self.place += f", entry {n}, part {i}"
                part = parse_shown_part(loads(line))
                self._followed.take(i, part)
                yield part
            self._followed.end(bytes(self._leaves[n * HASH_SIZE : (n + 1) * HASH_SIZE]))

    def _before_seal(self, keys: KeyHistory) -> Iterator[SignedAnswer]:
        """The answers that the installation gave: each must hold of these entries."""
        by = {line.fingerprint: bytes.fromhex(line.public_key) for line in keys.lines}
        while self._peek("its seal").startswith(_ANSWER_START):
            signed = parse_answer(self._take("its seal"))
            self._followed.check_answer(signed, by)
            self._answers += 1
            yield signed

    def _summary(
        self,
        header: BundleHeader,
        keys: KeyHistory,
        published: PublishedHead,
        checkpoint: Checkpoint,
    ) -> DeedBundleSummary:
        followed, past = self._followed, self._followed.past
        return DeedBundleSummary(
            header,
            keys,
            published,
            checkpoint,
            followed.deeds,
            followed.unchecked,
            past.hidden_since(0),
            followed.after_hidden,
            past.disavowed,
            past.seen_by_party,
            self._answers,
            tuple(past.disavowed_deeds),
            tuple(past.recoveries),
        )
