"""One deed's transaction on one case: what is appended stands whole, or not at all."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict

from touchstone.keys import DataKey, RandomSource
from touchstone.ledger import (
    CaseHead,
    Entry,
    Frontier,
    MalformedError,
    blind_head,
    commit_part,
    dumps,
    leaf_hash,
    loads,
    parse_entry,
)
from touchstone.ledger.contract2 import PaddedEntry, parse_padded_entry
from touchstone.records.database import raw
from touchstone.records.errors import (
    DamagedError,
    DestroyedError,
    PartError,
)
from touchstone.records.evidence import EvidenceFiles
from touchstone.records.models import (
    INSTALLATION,
    CaseRow,
    CertificateRow,
    EntryRow,
    EvidenceRow,
    IndexRow,
    InstallationRow,
    LeafRow,
    PartRow,
)
from touchstone.records.values import SALT_SIZE, Destruction, Event, NewPart, Summary

BLIND_SIZE = 32
_FACTS = ("type", "schema", "actor", "at", "marking")


class CaseWriter:
    """What may be done to a case while its head is locked. `Records.transaction` gives one.

    `log` is the case log's id in hex (None before entry 0), `next_n` the n of the next entry,
    `root` the hex root of the tree at that size: what a signed deed must name.
    """

    def __init__(self, alias: str, row: CaseRow, key: DataKey | None, files: EvidenceFiles) -> None:
        self.case: str = row.case
        self.log: str | None = row.log or None
        self._alias = alias
        self._row = row
        self._key = key
        self._files = files
        self._frontier = Frontier.from_bytes(bytes(row.frontier))
        self._stored = len(self._frontier)
        self._new = not self._stored
        self._entries: list[EntryRow] = []
        self._parts: list[PartRow] = []
        self._events: list[Event] = []
        self._summary: Summary | None = None
        self.erased_now = False
        self.destroyed_now = False

    @property
    def next_n(self) -> int:
        """The n of the next entry."""
        return len(self._frontier)

    @property
    def root(self) -> str:
        """Hex root of the case's tree at `next_n`."""
        return self._frontier.root.hex()

    def events(self, start: int = 0) -> list[Event]:
        """Part 0 of each entry from `start` on, those of this transaction included."""
        contract = self._row.contract
        stored = read_events(self._alias, self.case, start, self._stored, contract)
        return stored + self._events[max(0, start - self._stored) :]

    def append(self, parts: Sequence[NewPart]) -> int:
        """Add one entry of these parts and give its n.

        Raises PartError if part 0 lacks what every part 0 has or the case is not of contract 1,
        DestroyedError for content in a destroyed case, MalformedError for what the format refuses.
        """
        if self._row.contract != 1:
            raise PartError(f"{self.case}: its log is of contract 2, which takes signed deeds only")
        event = _event(parts)
        entry = Entry(self.log, self.next_n, tuple(part.commitment for part in parts))
        rows = [
            self._part_row(entry.n, i, part.salt + part.data, sealed=i > 0)
            for i, part in enumerate(parts)
        ]
        self._take_in(entry, rows, event)
        return entry.n

    def _take_in(self, entry: Entry | PaddedEntry, rows: list[PartRow], event: Event) -> None:
        self._frontier.append(entry.leaf)
        if self.log is None:
            self.log = self._row.log = entry.leaf.hex()
        self._entries.append(EntryRow(case_id=self.case, n=entry.n, line=entry.line))
        self._parts += rows
        self._events.append(event)

    def put_evidence(self, data: bytes, media_type: str, name: str) -> str:
        """Keep evidence bytes and give their digest, `sha256:` and hex; the same bytes once.

        Raises DestroyedError, FullError.
        """
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        key = self._open_key()
        file = key.name(digest)
        self._files.put(self.case, file, data, key)
        facts = {"digest": digest, "media_type": media_type, "name": name, "size": len(data)}
        EvidenceRow.objects.using(self._alias).bulk_create(
            [
                EvidenceRow(
                    case_id=self.case,
                    name=file,
                    facts=key.seal(dumps(facts), evidence_place(self.case, file)),
                    size=len(data),
                )
            ],
            ignore_conflicts=True,
        )
        return digest

    def erase(self, n: int, i: int, label: str) -> None:
        """Erase the content of a stored part for good; `label` says why, to every reader.

        Raises PartError for a part 0, an unknown part, one already erased, or an empty label.
        """
        if i == 0:
            raise PartError(f"{self.case}: part 0 of entry {n} bears on the state; it stays")
        if not label:
            raise PartError(f"{self.case}: say in the label why part {i} of entry {n} is erased")
        rows = PartRow.objects.using(self._alias)
        stored = rows.filter(case=self.case, n=n, i=i, label="", clear=False)
        if not stored.update(body=None, label=label):
            raise PartError(f"{self.case}: entry {n} has no stored part {i} that could be erased")
        self.erased_now = True

    def destroy(self, certificate: str = "", label: str = "destroyed with the case") -> Destruction:
        """Destroy the case's key, and erase all content and evidence; facts and proofs stay.

        `certificate` is kept with it, so that no crash can lose it. The evidence files go once the
        transaction stands. Content appended in this transaction must come before; afterwards
        entries have no part that would be sealed. Raises DestroyedError.
        """
        self._open_key()
        self._write_entries()
        parts = PartRow.objects.using(self._alias).filter(
            case=self.case, i__gt=0, clear=False, label=""
        )
        erased = parts.update(body=None, label=label)
        evidence = EvidenceRow.objects.using(self._alias).filter(case=self.case)
        sizes = list(evidence.values_list("size", flat=True))
        evidence.delete()
        CertificateRow.objects.using(self._alias).create(case_id=self.case, certificate=certificate)
        self._key = self._row.wrapped_key = None
        self.erased_now = self.destroyed_now = True
        return Destruction(
            self.case, self.log or "", self.next_n, self.root, erased, len(sizes), sum(sizes)
        )

    def summarise(self, summary: Summary) -> None:
        """Set what lists show of this case."""
        self._summary = summary

    @property
    def summarised(self) -> bool:
        """Whether this transaction sets what lists show."""
        return self._summary is not None

    def flush(self, keyset: str, random: RandomSource) -> None:
        """Write what was appended, the head and its installation leaf. `Records` calls it."""
        moved = self.next_n > self._row.size
        self._write_entries()
        if moved or self.destroyed_now:
            self._row.size = self.next_n
            self._row.frontier = self._frontier.to_bytes()
            self._row.save(using=self._alias, force_update=True)
        if self._summary is not None:
            write_index(self._alias, self.case, self._summary)
        if moved:
            add_leaf(self._alias, self.case, self.head(keyset), random)

    def head(self, keyset: str) -> CaseHead:
        """The case head at `next_n`."""
        return CaseHead(self.log or "", self.next_n, self.root, keyset)

    def _write_entries(self) -> None:
        if self._entries and self._new:
            # Entry 0 names the log, and every other row refers to the case.
            self._row.save(using=self._alias, force_insert=True)
            self._new = False
        EntryRow.objects.using(self._alias).bulk_create(self._entries)
        PartRow.objects.using(self._alias).bulk_create(self._parts)
        self._entries, self._parts = [], []

    def _part_row(self, n: int, i: int, body: bytes, *, sealed: bool) -> PartRow:
        if sealed:
            body = self._open_key().seal(body, part_place(self.case, n, i))
        clear = self._row.contract != 1 and not sealed
        return PartRow(case_id=self.case, n=n, i=i, body=body, clear=clear)

    def _open_key(self) -> DataKey:
        if self._key is None:
            raise DestroyedError(f"{self.case}: was destroyed; it takes no more content")
        return self._key


def part_place(case: str, n: int, i: int) -> bytes:
    """What a sealed part is bound to."""
    return f"touchstone/part/1\x00{case}\x00{n}\x00{i}".encode()


def evidence_place(case: str, name: str) -> bytes:
    """What the sealed facts of evidence are bound to."""
    return f"touchstone/evidence-facts/1\x00{case}\x00{name}".encode()


def read_entry(line: bytes, contract: int) -> Entry | PaddedEntry:
    """The entry of a log of that contract that a line is. Raises MalformedError."""
    return parse_entry(line) if contract == 1 else parse_padded_entry(line)


def read_events(alias: str, case: str, start: int, stop: int, contract: int) -> list[Event]:
    """Part 0 of entries start to stop - 1, each as its entry committed to it. Raises DamagedError.

    A state is decided on these facts: what somebody changed in the table must not pass for them.
    """
    lines = (
        EntryRow.objects.using(alias)
        .filter(case=case, n__gte=start, n__lt=stop)
        .order_by("n")
        .values_list("line", flat=True)
    )
    bodies = (
        PartRow.objects.using(alias)
        .filter(case=case, i=0, n__gte=start, n__lt=stop)
        .order_by("n")
        .values_list("body", flat=True)
    )
    facts = [raw(body) for body in bodies]
    entries = [raw(line) for line in lines]
    if not len(facts) == len(entries) == max(0, stop - start):
        raise DamagedError(f"{case}: an entry or its facts are missing")
    try:
        return [
            _fact(case, read_entry(line, contract), body)
            for line, body in zip(entries, facts, strict=True)
        ]
    except MalformedError as error:
        raise DamagedError(f"{case}: a fact was altered: {error}") from error


def _fact(case: str, entry: Entry | PaddedEntry, body: bytes) -> Event:
    data = body[SALT_SIZE:]
    if commit_part(body[:SALT_SIZE], data) != entry.parts[0]:
        raise DamagedError(f"{case}: a fact of entry {entry.n} was altered; fix: restore a backup")
    event: Event = loads(data)
    return event


def write_index(alias: str, case: str, summary: Summary) -> None:
    """Set a case's row in the index."""
    row = asdict(summary)
    del row["whole"]
    IndexRow.objects.using(alias).bulk_create(
        [IndexRow(case_id=case, **row)],
        update_conflicts=True,
        unique_fields=["case"],
        update_fields=[*row],
    )


def add_leaf(alias: str, case: str, head: CaseHead, random: RandomSource) -> None:
    """Append a blinded head to the installation log; the caller holds the case's lock."""
    row = InstallationRow.objects.using(alias).select_for_update().get(pk=INSTALLATION)
    frontier = Frontier.from_bytes(bytes(row.frontier))
    blind = random.draw(BLIND_SIZE)
    commitment = blind_head(blind, head)
    LeafRow.objects.using(alias).create(
        index=frontier.append(leaf_hash(commitment)),
        commitment=commitment,
        case_id=case,
        size=head.size,
        keyset=head.keyset,
        blind=blind,
    )
    row.size, row.frontier = len(frontier), frontier.to_bytes()
    row.save(using=alias, update_fields=["size", "frontier"])


def _event(parts: Sequence[NewPart]) -> Event:
    if not parts:
        raise PartError("an entry has at least its part 0")
    try:
        event = loads(parts[0].data)
    except MalformedError as error:
        raise PartError(f"part 0: {error}") from error
    missing = [name for name in _FACTS if not isinstance(event, dict) or name not in event]
    if missing or not isinstance(event, dict):
        raise PartError(f"part 0 has no field {missing[0]!r}")
    return event
