"""One deed's transaction on one case: what is appended stands whole, or not at all."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, TypeAlias

from touchstone.keys import DataKey
from touchstone.ledger import Entry, Frontier, digest_bytes, dumps, leaf_hash
from touchstone.ledger.contract2 import PaddedEntry
from touchstone.records.errors import (
    DamagedError,
    DestroyedError,
    PartError,
)
from touchstone.records.eventrows import read_events, read_recorded
from touchstone.records.evidence import EvidenceFiles
from touchstone.records.inserting import insert, put, update
from touchstone.records.members import read_members, write_members
from touchstone.records.membership import Membership, members_after, moved, moves_members
from touchstone.records.models import (
    CaseRow,
    CertificateRow,
    EntryRow,
    EvidenceRow,
    IndexRow,
    OutcomeRow,
    PartRow,
    Row,
    StagedRow,
)
from touchstone.records.staging import drop_staged, staged_whole
from touchstone.records.values import Destruction, Event, RecordedFacts, Summary

_listed = attrgetter("title", "model_name", "developer", "framework", "status", "updated")
"""What a row of the index holds of a summary, in its order."""
PartValues: TypeAlias = tuple[str, int, int, bytes, str, bool]
"""A row of the table of parts: case, n, i, body, label and whether it is in clear."""


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
        # The tree goes on from its frontier: a long case is not hashed anew for each deed.
        self._frontier = Frontier.from_bytes(bytes(row.frontier))
        self._stored = len(self._frontier)
        self._new = not self._stored
        self._entries: list[tuple[str, int, bytes, str]] = []
        self._parts: list[PartValues] = []
        self._events: list[Event] = []
        self._summary: Summary | None = None
        self._members: dict[str, Membership] | None = None
        self._moved_members: dict[str, Membership | None] = {}
        self.erased_now = False
        self.destroyed_now = False
        self._staged: dict[tuple[str, str], StagedRow | None] = {}
        self.used_files: list[str] = []
        """Files of bytes that were sent before and are evidence now: to be removed once it is."""

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

    def recorded_events(self, start: int = 0) -> list[RecordedFacts]:
        """The same, each with the time at which it was recorded."""
        contract = self._row.contract
        stored = read_recorded(self._alias, self.case, start, self._stored, contract)
        times = self._recorded_times()[max(0, start - self._stored) :]
        return stored + list(zip(self._events[max(0, start - self._stored) :], times, strict=True))

    def _recorded_times(self) -> list[str]:
        """When each entry of this transaction is recorded: in contract 1, as its facts say."""
        return [event["at"] for event in self._events]

    def _take_in(self, entry: Entry | PaddedEntry, rows: list[PartValues], event: Event) -> None:
        # Encoded once: a leaf is the hash of its line.
        line = entry.line
        leaf = leaf_hash(line)
        self._frontier.append(leaf)
        if self.log is None:
            self.log = self._row.log = leaf.hex()
        self._entries.append((self.case, entry.n, line, event["type"]))
        if moves_members(event):
            self._follow_members(entry.n, event)
        self._parts += rows
        self._events.append(event)

    def _follow_members(self, n: int, event: Event) -> None:
        if self._members is None:
            self._members = {} if self._new else read_members(self._alias, self.case)
        changed = members_after(self._members, n, event)
        self._members = moved(self._members, changed)
        self._moved_members |= changed

    def put_evidence(self, data: bytes, media_type: str, name: str) -> str:
        """Keep evidence bytes and give their digest, `sha256:` and hex; the same bytes once.

        Raises DestroyedError, FullError.
        """
        digest = digest_bytes(data)
        # First, so that of a destroyed case no file is written.
        key = self._open_key()
        # Under a keyed name: whoever has the bytes could otherwise look whether a case has them.
        file = key.name(digest)
        self._files.put(self.case, file, data, key)
        self._list_evidence(file, digest, media_type, name, len(data))
        return digest

    def staged_size(self, party: str, digest: str) -> int | None:
        """How many bytes of that digest this party sent before its deed; None: not all are here."""
        if (party, digest) not in self._staged:
            found = None
            if self._key is not None:
                found = staged_whole(self._alias, self.case, party, self._key.name(digest))
            # Looked up once: what is here as a deed is judged is here as it is recorded.
            self._staged[party, digest] = found
        row = self._staged[party, digest]
        return None if row is None else row.size

    def staged_bytes(self, party: str, digest: str) -> bytes:
        """Those bytes. Raises PartError where they are not all here, DamagedError."""
        row = self._staged_row(party, digest)
        whole = self._files.staged.whole(self.case, row.file, row.name, self._open_key())
        return b"".join(whole)

    def use_staged(self, party: str, digest: str, media_type: str, name: str) -> None:
        """Keep them as evidence; they wait for no other deed once this transaction stands.

        Raises PartError where they are not all here, DestroyedError, DamagedError, FullError.
        """
        row = self._staged_row(party, digest)
        # Linked and not moved: where the transaction is undone, the bytes wait as before.
        self._files.adopt(self.case, row.name, self._files.staged.path(self.case, row.file))
        self._list_evidence(row.name, digest, media_type, name, row.size)
        waiting = StagedRow.objects.using(self._alias).filter(id=row.id)
        self.used_files += drop_staged(self._alias, waiting)

    def _staged_row(self, party: str, digest: str) -> StagedRow:
        self.staged_size(party, digest)
        row = self._staged[party, digest]
        if row is None:
            raise PartError(f"{self.case}: not all bytes of {digest[:24]}... are here: send them")
        return row

    def _list_evidence(self, file: str, digest: str, media_type: str, name: str, size: int) -> None:
        key = self._open_key()
        facts = {"digest": digest, "media_type": media_type, "name": name, "size": size}
        EvidenceRow.objects.using(self._alias).bulk_create(
            [
                EvidenceRow(
                    case_id=self.case,
                    name=file,
                    facts=key.seal(dumps(facts), evidence_place(self.case, file)),
                    size=size,
                )
            ],
            ignore_conflicts=True,
        )

    def erase(self, n: int, i: int, label: str) -> None:
        """Erase the content of a stored part for good; `label` says why, to every reader.

        Raises PartError for a part 0, an unknown part, one already erased, or an empty label.
        """
        if i == 0:
            raise PartError(f"{self.case}: part 0 of entry {n} bears on the state; it stays")
        if not label:
            raise PartError(f"{self.case}: say in the label why part {i} of entry {n} is erased")
        rows = PartRow.objects.using(self._alias)
        # What stands in clear bears on the state or was said to everybody: it is not erased.
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
        # What this transaction appended is in the tables first, or it would outlive the erasing.
        self._write_entries()
        parts = PartRow.objects.using(self._alias).filter(
            case=self.case, i__gt=0, clear=False, label=""
        )
        erased = parts.update(body=None, label=label)
        evidence = EvidenceRow.objects.using(self._alias).filter(case=self.case)
        # Before they go: the certificate tells how much there was.
        sizes = list(evidence.values_list("size", flat=True))
        evidence.delete()
        OutcomeRow.objects.using(self._alias).filter(case=self.case).delete()
        drop_staged(self._alias, StagedRow.objects.using(self._alias).filter(case=self.case))
        # In the same transaction: no crash destroys a case and loses the word on it.
        CertificateRow.objects.using(self._alias).create(case_id=self.case, certificate=certificate)
        # The one copy of it: whatever sealed bytes a backup still has, nobody opens them.
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

    def flush(self) -> None:
        """Write what was appended, and the head. `Records` calls it."""
        moved = self.next_n > self._row.size
        self._write_entries()
        if moved or self.destroyed_now:
            self._row.size = self.next_n
            self._row.frontier = self._frontier.to_bytes()
            row = self._row
            changes = {"size": row.size, "frontier": row.frontier, "wrapped_key": row.wrapped_key}
            # The row was locked: that it is gone is no race, but a table that somebody changed.
            if update(self._alias, CaseRow, self.case, changes) != 1:
                raise DamagedError(f"{self.case}: its head is gone")
        if self._summary is not None:
            write_index(self._alias, self.case, self._summary)

    def _write_entries(self) -> None:
        if self._entries and self._new:
            # Entry 0 names the log, and every other row refers to the case.
            self._row.save(using=self._alias, force_insert=True)
            self._new = False
        insert(self._alias, *self._appended())
        if self._moved_members:
            write_members(self._alias, self.case, self._moved_members)
            self._moved_members = {}

    def _appended(self) -> list[tuple[type[Row], Sequence[Sequence[Any]]]]:
        """What is to be written by now, and no more thereafter."""
        entries, parts = self._entries, self._parts
        self._entries, self._parts = [], []
        return [(EntryRow, entries), (PartRow, parts)]

    def _part_row(self, n: int, i: int, body: bytes, *, sealed: bool) -> PartValues:
        if sealed:
            body = self._open_key().seal(body, part_place(self.case, n, i))
        return self.case, n, i, body, "", not sealed

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


def summary_of(row: IndexRow) -> Summary:
    """What a row of the index holds."""
    return Summary(*_listed(row))


def write_index(alias: str, case: str, summary: Summary) -> None:
    """Set a case's row in the index."""
    put(alias, IndexRow, (case, *_listed(summary)))
