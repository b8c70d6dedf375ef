"""Logs of record contract 1 as the store of earlier versions wrote them: only tests still do."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from touchstone.ledger import Entry, Frontier, MalformedError, loads
from touchstone.ledger.entries import commit_part
from touchstone.records import CaseExistsError, CaseWriter, PartError, Records
from touchstone.records.models import CaseRow


@dataclass(frozen=True, slots=True)
class NewPart:
    """A part to be kept: its salt (32 bytes, drawn by the caller) and its bytes."""

    salt: bytes
    data: bytes

    @property
    def commitment(self) -> str:
        """Hex, as it stands in the entry."""
        return commit_part(self.salt, self.data)


FACTS = ("type", "schema", "actor", "at", "marking")


def append(writer: CaseWriter, parts: Sequence[NewPart]) -> int:
    """Add one entry of these parts and give its n."""
    event = _event(parts)
    entry = Entry(writer.log, writer.next_n, tuple(part.commitment for part in parts))
    rows = [
        # None of its parts says that it is kept in clear: there was no such column.
        (*writer._part_row(entry.n, i, part.salt + part.data, sealed=i > 0)[:-1], False)
        for i, part in enumerate(parts)
    ]
    writer._take_in(entry, rows, event)
    return entry.n


@contextmanager
def opening(records: Records, case: str) -> Iterator[CaseWriter]:
    """Open a case: its first entry names its log."""
    key, wrapped = records._keyring.master.new_case_key(case)
    frontier = Frontier().to_bytes()
    row = CaseRow(case=case, log="", size=0, frontier=frontier, wrapped_key=wrapped)
    with records._atomic():
        if case in records.names():
            raise CaseExistsError(f"{case}: there is a case of that name already")
        writer = CaseWriter(records._alias, row, key, records._files)
        yield writer
        writer.flush()
    records._after(writer)
    records._keep_mark()


def _event(parts: Sequence[NewPart]) -> dict[str, Any]:
    if not parts:
        raise PartError("an entry has at least its part 0")
    try:
        event = loads(parts[0].data)
    except MalformedError as error:
        raise PartError(f"part 0: {error}") from error
    missed = [name for name in FACTS if not isinstance(event, dict) or name not in event]
    if missed or not isinstance(event, dict):
        raise PartError(f"part 0 has no field {missed[0]!r}")
    return event
