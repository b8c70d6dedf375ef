"""One case as it stood at one size."""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain, groupby

from django.db.models import QuerySet

from touchstone.keys import DataKey, SealError
from touchstone.ledger import (
    Entry,
    Frontier,
    MalformedError,
    Tree,
    commit_part,
    leaf_hash,
    loads,
)
from touchstone.ledger.contract2 import PARTS, PaddedEntry, SignedAnswer, parse_answer
from touchstone.records.database import raw, translated
from touchstone.records.errors import (
    CaseMissingError,
    DamagedError,
    DestroyedError,
    EvidenceMissingError,
)
from touchstone.records.eventrows import (
    read_entry,
    read_events,
    read_events_of,
    read_recorded,
)
from touchstone.records.evidence import EvidenceFiles
from touchstone.records.models import (
    AnswerRow,
    CaseRow,
    DeedRow,
    EntryRow,
    EvidenceRow,
    PartRow,
    TopicRow,
)
from touchstone.records.values import (
    SALT_SIZE,
    Event,
    EvidenceFacts,
    RecordedFacts,
    StoredPart,
)
from touchstone.records.writer import evidence_place, part_place

PADDING = "padding"
"""The label of what was never a part; a bundle does not show it."""
_PAGE = 1000
_ASKED = 500
"""Entries by number that one statement asks for: SQLite takes no more than 999 values."""


class CaseReader:
    """A case at a size that does not move while it is read. `Records.case` gives one.

    `log` is the case log's id in hex, `size` the number of entries, `destroyed` whether its key
    is gone, `contract` the record contract of its log.
    """

    def __init__(
        self,
        alias: str,
        row: CaseRow,
        root: str,
        key: Callable[[], DataKey] | None,
        files: EvidenceFiles,
        last: int | None = None,
    ) -> None:
        """`root` (hex) is that of the row's size.

        `last` is the last entry whose parts are read: of later ones there are lines, and parts that
        open to nothing. `key` opens the case's key when content is read, which may be never; None:
        it is gone.
        """
        self.case: str = row.case
        self.log: str = row.log
        self.size: int = row.size
        self.root: str = root
        self.destroyed: bool = key is None
        self.contract: int = row.contract
        self._alias = alias
        # So far it is read: the whole of it, but by who has left.
        self._stop = row.size if last is None else min(row.size, last + 1)
        self._key = key
        self._opened: DataKey | None = None
        self._files = files

    def events(self, start: int = 0) -> list[Event]:
        """Part 0 of each entry from `start` on."""
        with translated(self._alias):
            return read_events(self._alias, self.case, start, self._stop, self.contract)

    def recorded_events(self, start: int = 0) -> list[RecordedFacts]:
        """The same, each with the time at which it was recorded."""
        with translated(self._alias):
            return read_recorded(self._alias, self.case, start, self._stop, self.contract)

    def events_of(self, types: Collection[str]) -> list[tuple[int, Event]]:
        """Part 0 of each entry of these types, with its n, in order; nothing else is read."""
        with translated(self._alias):
            return read_events_of(self._alias, self.case, types, self._stop, self.contract)

    def lines(self, start: int = 0) -> Iterator[bytes]:
        """Each entry's line from `start` on, as hashed, without a line feed."""
        rows = EntryRow.objects.using(self._alias).filter(case=self.case).order_by("n")
        for low in range(start, self.size, _PAGE):
            with translated(self._alias):
                page = list(
                    rows.filter(n__gte=low, n__lt=min(low + _PAGE, self.size)).values_list(
                        "line", flat=True
                    )
                )
            yield from map(raw, page)

    def entries(self, start: int = 0) -> Iterator[Entry | PaddedEntry]:
        """Each entry from `start` on: PaddedEntry in a log of contract 2. Raises DamagedError."""
        for n, line in enumerate(self.lines(start), start=start):
            yield self._entry(n, line)

    def parts(self, start: int = 0) -> Iterator[StoredPart]:
        """Every part of every entry from `start` on, ordered by (n, i).

        In a log of contract 2 these are eight an entry: those that open to nothing for anybody are
        labelled PADDING.
        """
        stored = self._stored_parts(start)
        if self.contract == 1:
            return stored
        return chain(_padded(stored), _closed(range(max(start, self._stop), self.size)))

    def parts_of(self, types: Collection[str]) -> Iterator[StoredPart]:
        """The same of the entries of these types; nothing else is read."""
        rows = PartRow.objects.using(self._alias).filter(case=self.case).order_by("n", "i")
        numbers = [n for n in self.places_of(types) if n < self._stop]
        stored = chain.from_iterable(
            self._page(rows.filter(n__in=numbers[low : low + _ASKED]))
            for low in range(0, len(numbers), _ASKED)
        )
        return stored if self.contract == 1 else _padded(stored)

    def places_of(self, types: Collection[str]) -> list[int]:
        """The entries of these types, by n, in order, be they closed or not."""
        with translated(self._alias):
            return list(self._types().filter(type__in=types).values_list("n", flat=True))

    def _types(self) -> QuerySet[EntryRow]:
        rows = EntryRow.objects.using(self._alias).filter(case=self.case, n__lt=self.size)
        return rows.order_by("n")

    def _page(self, rows: QuerySet[PartRow]) -> Iterator[StoredPart]:
        with translated(self._alias):
            page = list(rows)
        return map(self._part, page)

    def _stored_parts(self, start: int) -> Iterator[StoredPart]:
        rows = PartRow.objects.using(self._alias).filter(case=self.case).order_by("n", "i")
        for low in range(start, self._stop, _PAGE):
            yield from self._page(rows.filter(n__gte=low, n__lt=min(low + _PAGE, self._stop)))

    def entry_parts(self, n: int) -> tuple[StoredPart, ...]:
        """The parts of one entry, in order, without padding."""
        rows = PartRow.objects.using(self._alias).filter(case=self.case, n=n, n__lt=self._stop)
        with translated(self._alias):
            return tuple(map(self._part, rows.order_by("i")))

    def touching(self, topic: str) -> list[int]:
        """The entries that touch a topic, by n, newest first."""
        rows = TopicRow.objects.using(self._alias).filter(
            case=self.case, topic=topic, n__lt=self._stop
        )
        with translated(self._alias):
            return list(rows.order_by("-n").values_list("n", flat=True))

    def evidence(self, digest: str) -> bytes:
        """The bytes of `sha256:` and hex.

        Raises EvidenceMissingError (a KeyError too), DestroyedError, DamagedError.
        """
        return read_evidence(self._alias, self.case, self._open_key(), self._files, digest)

    def evidence_pieces(self, digest: str) -> Iterator[bytes]:
        """The same piece by piece, for what is larger than the memory. Raises as `evidence`."""
        key = self._open_key()
        require_evidence(self._alias, self.case, key, digest)
        return self._files.pieces(self.case, key.name(digest), key)

    def evidence_index(self) -> list[EvidenceFacts]:
        """What evidence the case has, by digest. Raises DestroyedError."""
        key = self._open_key()
        with translated(self._alias):
            rows = list(EvidenceRow.objects.using(self._alias).filter(case=self.case))
        facts = [
            loads(key.open(bytes(row.facts), evidence_place(self.case, row.name))) for row in rows
        ]
        return sorted((EvidenceFacts(**fact) for fact in facts), key=lambda fact: fact.digest)

    def answers(self, party: str) -> list[SignedAnswer]:
        """The installation's answers to deeds of a party in this log, by the deeds' digests.

        What its bundle carries: those that were given by this size. Raises DamagedError.
        """
        rows = AnswerRow.objects.using(self._alias).filter(case=self.case, party=party)
        with translated(self._alias):
            lines = list(rows.order_by("digest").values_list("line", flat=True))
        answers = [kept_answer(self.case, raw(line)) for line in lines]
        # What was refused before the case began is about no log.
        known = (signed for signed in answers if signed.answer.log == self.log)
        return [signed for signed in known if signed.answer.size <= self.size]

    def consistency(self, old: int, size: int | None = None) -> list[bytes]:
        """The proof (hashes) that the tree at a size extends the one at `old`; reads all lines.

        `size` is the reader's own where none is given.
        """
        return Tree(leaf_hash(line) for line in self.lines()).consistency(old, size)

    def check(self) -> None:
        """Recompute everything: lines, order, types, root, and each open part's commitment.

        Raises DamagedError with the place.
        """
        frontier = Frontier()
        parts = self.parts()
        with translated(self._alias):
            types = list(self._types().values_list("type", flat=True))
        for n, line in enumerate(self.lines()):
            entry = self._entry(n, line)
            if entry.n != n or entry.log != (self.log if n else None):
                raise DamagedError(f"{self.case}: entry {n} says n {entry.n} of another place")
            frontier.append(leaf_hash(line))
            for i, commitment in enumerate(entry.parts):
                part = next(parts, None)
                if part is None or (part.n, part.i) != (n, i):
                    raise DamagedError(f"{self.case}: part {i} of entry {n} is missing")
                if part.clear and part.data is None:
                    raise DamagedError(f"{self.case}: part {i} of entry {n} is never erased")
                if _commitment(part) not in {None, commitment}:
                    raise DamagedError(f"{self.case}: part {i} of entry {n} was altered")
                if not i and loads(part.data or b"").get("type") != types[n]:
                    raise DamagedError(f"{self.case}: the index of types is wrong at entry {n}")
        if len(frontier) != self.size or frontier.root.hex() != self.root:
            raise DamagedError(
                f"{self.case}: the entries' Merkle root differs from the head's: they were changed"
            )

    def _entry(self, n: int, line: bytes) -> Entry | PaddedEntry:
        try:
            return read_entry(line, self.contract)
        except MalformedError as error:
            raise DamagedError(f"{self.case}: entry {n} was altered: {error}") from error

    def _part(self, row: PartRow) -> StoredPart:
        if row.body is None:
            return StoredPart(row.n, row.i, None, None, row.label, row.clear)
        body = raw(row.body)
        if row.i and not row.clear:
            try:
                body = self._open_key().open(body, part_place(self.case, row.n, row.i))
            except SealError as error:
                raise DamagedError(
                    f"{self.case}: part {row.i} of entry {row.n} was altered"
                ) from error
        return StoredPart(row.n, row.i, body[:SALT_SIZE], body[SALT_SIZE:], "", row.clear)

    def _open_key(self) -> DataKey:
        if self._key is None:
            raise DestroyedError(f"{self.case}: was destroyed; its content is gone for good")
        if self._opened is None:
            self._opened = self._key()
        return self._opened


def root_at(alias: str, row: CaseRow, size: int) -> str | None:
    """The root (hex) that a case's log had at a size, where the tables know it by heart."""
    if size == row.size:
        return Frontier.from_bytes(raw(row.frontier)).root.hex()
    root = deed_root(alias, row.case, size)
    return None if root is None else root.hex()


def deed_root(alias: str, case: str, size: int) -> bytes | None:
    """The root (32 bytes) of a case's first `size` entries; None where no deed ends them."""
    rows = DeedRow.objects.using(alias).filter(case=case, n=size - 1)
    with translated(alias):
        root = rows.values_list("root", flat=True).first()
    return None if root is None else raw(root)


def lines_root(alias: str, case: str, size: int) -> bytes:
    """The same root, from the lines. Raises CaseMissingError where the case has fewer."""
    rows = EntryRow.objects.using(alias).filter(case=case, n__lt=size).order_by("n")
    with translated(alias):
        found = Frontier(leaf_hash(raw(line)) for line in rows.values_list("line", flat=True))
    if len(found) != size:
        raise CaseMissingError(f"{case}: has no {size} entries")
    return found.root


def frontier_at(alias: str, row: CaseRow, size: int) -> Frontier:
    """The frontier of a case's first `size` entries. Raises CaseMissingError where it has fewer."""
    if not 1 <= size <= row.size:
        raise CaseMissingError(f"{row.case}: has {row.size} entries, not {size}")
    if size == row.size:
        return Frontier.from_bytes(raw(row.frontier))
    rows = EntryRow.objects.using(alias).filter(case=row.case, n__lt=size).order_by("n")
    with translated(alias):
        return Frontier(leaf_hash(raw(line)) for line in rows.values_list("line", flat=True))


def read_evidence(alias: str, case: str, key: DataKey, files: EvidenceFiles, digest: str) -> bytes:
    """The bytes of a piece of evidence; see `CaseReader.evidence`."""
    require_evidence(alias, case, key, digest)
    return files.get(case, key.name(digest), key)


def require_evidence(alias: str, case: str, key: DataKey, digest: str) -> None:
    """Raise EvidenceMissingError where the case keeps no evidence of a digest."""
    with translated(alias):
        known = EvidenceRow.objects.using(alias).filter(case=case, name=key.name(digest)).exists()
    if not known:
        raise EvidenceMissingError(f"{case}: no evidence {digest[:24]}... is kept")


def kept_answer(case: str, line: bytes) -> SignedAnswer:
    """The answer that a stored line is. Raises DamagedError."""
    try:
        return parse_answer(line)
    except MalformedError as error:
        raise DamagedError(f"{case}: a stored answer was altered: {error}") from error


def _padded(parts: Iterator[StoredPart]) -> Iterator[StoredPart]:
    """The same with padding up to PARTS in each entry."""
    for n, found in groupby(parts, key=lambda part: part.n):
        stored = list(found)
        yield from stored
        for i in range(len(stored), PARTS):
            yield StoredPart(n, i, None, None, PADDING, padding=True)


def _closed(places: Iterable[int]) -> Iterator[StoredPart]:
    """Entries of which nothing is read: all their parts open to nothing."""
    for n in places:
        for i in range(PARTS):
            yield StoredPart(n, i, None, None, PADDING, clear=i == 0, padding=True)


def _commitment(part: StoredPart) -> str | None:
    if part.salt is None or part.data is None:
        return None
    return commit_part(part.salt, part.data)
