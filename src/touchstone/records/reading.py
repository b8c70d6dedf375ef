"""What is read for one party, behind the wall that PostgreSQL holds (`records.walls`).

    with records.reading_as("example-lab") as reading:
        page = reading.cases()
        reader = reading.case(page.cases[0].case)

Nothing of it may be used once the context is left: on PostgreSQL there is then nothing to see.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cached_property

from touchstone.keys import DataKey
from touchstone.ledger.contract2 import CaseKeys, SignedAnswer
from touchstone.records.deedlog import CONTRACT, NOTHING_KNOWN, LogKnown, StoredLog
from touchstone.records.deeds import MOST_KNOWN
from touchstone.records.errors import CaseMissingError
from touchstone.records.evidence import EvidenceFiles
from touchstone.records.inserting import OPEN_HEAD, case_head
from touchstone.records.members import (
    InvitationPage,
    Members,
    Page,
    is_member,
    last_read,
)
from touchstone.records.models import CaseRow
from touchstone.records.reader import CaseReader, deed_root, lines_root
from touchstone.records.remembered import Remembered
from touchstone.records.values import Event, StoredPart
from touchstone.records.walls import PartyConnection

PAGE = 500
"""Entries that are read at once, and are in memory until they are sent."""
ContentKey = Callable[[str], Callable[[], DataKey] | None]
"""What opens a case's key when content is read; None: it was destroyed."""


class PartyReading:
    """The cases of one party, of record contract 2, as they stand now.

    `Records.reading_as` gives one. Whether the party is of a case is the caller's to ask, as if
    there were no wall: on SQLite there is none.
    """

    def __init__(
        self,
        alias: str,
        party: str,
        files: EvidenceFiles,
        content_key: ContentKey,
        folded: Remembered[LogKnown],
    ) -> None:
        """`folded` holds what was folded of logs that were read so, by case, and nothing else."""
        self._alias = alias
        self._party = party
        self._files = files
        self._content_key = content_key
        self._folded = folded

    def cases(
        self, *, after: str | None = None, most: int = 50, framework: str | None = None
    ) -> Page:
        """The cases that it has joined; see `Members.visible_to`. Raises PageError."""
        members = Members(self._alias)
        return members.visible_to(self._party, after=after, most=most, framework=framework)

    def count(self, *, framework: str | None = None) -> int:
        """How many those are."""
        return Members(self._alias).count(self._party, framework=framework)

    def invitations(self, *, after: str | None = None, most: int = 50) -> InvitationPage:
        """To what it is invited; see `Members.invitations`. Raises PageError."""
        return Members(self._alias).invitations(self._party, after=after, most=most)

    def moved(self, since: str) -> dict[str, int]:
        """Its cases that moved since a moment (UTC); see `Members.moved`."""
        return Members(self._alias).moved(self._party, since)

    def is_member(self, case: str) -> bool:
        """Whether it is of a case, or invited to it: found out alike where there is none."""
        return is_member(self._alias, case, self._party)

    def log(self, case: str) -> StoredLog:
        """A case's log as it stands now. Raises CaseMissingError where none is seen.

        To who has left, as it stood when it left.
        """
        row, last = self._row(case), last_read(self._alias, case, self._party)
        if last is not None:
            row.size = min(row.size, last + 1)
        root = self._root(row, row.size)
        known = self._folded.get(case) or NOTHING_KNOWN
        log = StoredLog(self._alias, case, row.log, row.size, root, known)
        # Not what whoever records knows: that was folded from rows that nobody here may see.
        self._folded.keep(case, LogKnown(row.size, root, log.keys))
        return log

    def keys(self, case: str) -> CaseKeys:
        """Who may sign next, and so who is of a case. Raises CaseMissingError."""
        return self.log(case).keys

    def case(self, case: str, size: int | None = None) -> CaseReader:
        """Read a case as it stands now, or its first `size` entries. Raises CaseMissingError.

        Who has left reads nothing of what came after but that there are so many entries.
        """
        row, last = self._row(case), last_read(self._alias, case, self._party)
        row.size = row.size if size is None else size
        root = self._root(row, row.size, last).hex()
        # The wrapped key is no reader's to see: whoever records opens it, for a case that is shown.
        key = self._content_key(case)
        return CaseReader(self._alias, row, root, key, self._files, last)

    def _row(self, case: str) -> CaseRow:
        row = case_head(self._alias, case, columns=OPEN_HEAD)
        if row is None or row.contract != CONTRACT:
            raise CaseMissingError(f"{case}: there is no such case of contract 2")
        return row

    def _root(self, row: CaseRow, size: int, last: int | None = None) -> bytes:
        if last is not None and size > last + 1:
            # The deeds after its leaving, with their roots, are not shown to it; the lines are.
            return lines_root(self._alias, row.case, size)
        root = deed_root(self._alias, row.case, size)
        if root is None:
            raise CaseMissingError(f"{row.case}: has no {size} entries")
        return root


class SentCase:
    """A case at one size, read for a party while it is sent: by pages, each of them a reading.

    `Records.sent_to` gives one. No transaction is open in between: a slow line holds nothing up.
    """

    def __init__(self, readings: "PartyReadings", party: str, case: str, size: int) -> None:
        self.case = case
        self.size = size
        self.contract = CONTRACT
        self._readings = readings
        self._party = party

    @cached_property
    def log(self) -> str:
        """The case log's id in hex. This and all others raise CaseMissingError."""
        with self._reader() as reader:
            return reader.log

    @cached_property
    def root(self) -> str:
        """The root of the log at this size, in hex."""
        with self._reader() as reader:
            return reader.root

    def lines(self, start: int = 0) -> Iterator[bytes]:
        """As `CaseReader.lines`."""
        for low in range(start, self.size, PAGE):
            with self._reader(low + PAGE) as reader:
                page = list(reader.lines(low))
            yield from page

    def parts(self, start: int = 0) -> Iterator[StoredPart]:
        """As `CaseReader.parts`."""
        for low in range(start, self.size, PAGE):
            with self._reader(low + PAGE) as reader:
                page = list(reader.parts(low))
            yield from page

    def parts_of(self, types: Collection[str]) -> Iterator[StoredPart]:
        """As `CaseReader.parts_of`; all of them are read at once."""
        with self._reader() as reader:
            found = list(reader.parts_of(types))
        return iter(found)

    def entry_parts(self, n: int) -> tuple[StoredPart, ...]:
        """As `CaseReader.entry_parts`."""
        with self._reader() as reader:
            return reader.entry_parts(n)

    def events_of(self, types: Collection[str]) -> list[tuple[int, Event]]:
        """As `CaseReader.events_of`."""
        with self._reader() as reader:
            return reader.events_of(types)

    def answers(self, party: str) -> list[SignedAnswer]:
        """As `CaseReader.answers`; to whom it is sent has none but its own."""
        with self._reader() as reader:
            return reader.answers(party)

    @contextmanager
    def _reader(self, stop: int | None = None) -> Iterator[CaseReader]:
        size = self.size if stop is None else min(stop, self.size)
        with self._readings.of(self._party) as reading:
            yield reading.case(self.case, size)


class PartyReadings:
    """Gives what is read for each party; `Records` has one."""

    def __init__(
        self, connection: PartyConnection, files: EvidenceFiles, content_key: ContentKey
    ) -> None:
        self._connection = connection
        self._files = files
        self._content_key = content_key
        self._folded: Remembered[LogKnown] = Remembered(MOST_KNOWN)

    @contextmanager
    def of(self, party: str) -> Iterator[PartyReading]:
        """See `Records.reading_as`."""
        with self._connection.of(party) as alias:
            yield PartyReading(alias, party, self._files, self._content_key, self._folded)

    def sent(self, party: str, case: str, size: int) -> SentCase:
        """See `Records.sent_to`."""
        return SentCase(self, party, case, size)

    def close(self) -> None:
        """Close this thread's connection."""
        self._connection.close()
