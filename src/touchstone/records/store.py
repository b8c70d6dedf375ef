"""The record of one installation, opened."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from django.db import connections, transaction

from touchstone.keys import DataKey, Keyring, RandomSource, SealError, SystemRandom
from touchstone.ledger import CaseHead, Frontier
from touchstone.records import preparation
from touchstone.records.checking import (
    Fault,
    check_case,
    check_database,
    check_evidence,
    check_installation_log,
    check_members,
    check_waiting,
)
from touchstone.records.database import begin_with_file, raw, translated
from touchstone.records.deeds import Deeds, Lent
from touchstone.records.destructions import Destructions
from touchstone.records.endpointkeys import EndpointKeyFiles
from touchstone.records.errors import (
    CaseMissingError,
    DamagedError,
    OtherInstallationError,
    ReadOnlyError,
)
from touchstone.records.evidence import EvidenceFiles
from touchstone.records.inserting import case_head
from touchstone.records.installation import InstallationLog
from touchstone.records.jobs import JobTable
from touchstone.records.kept import KeptFiles
from touchstone.records.members import Members, recorded_members, rewrite_members
from touchstone.records.models import (
    INSTALLATION,
    CaseRow,
    EvidenceRow,
    IndexRow,
    InstallationRow,
)
from touchstone.records.outcomes import OutcomeTable
from touchstone.records.reader import CaseReader, frontier_at, root_at
from touchstone.records.reading import PartyReading, PartyReadings, SentCase
from touchstone.records.refusals import RefusalBound, RefusalLog
from touchstone.records.settings import (
    FILE,
    connect,
    from_environment,
    reader_from_environment,
)
from touchstone.records.soundness import amiss, is_used, mark_of, may_write
from touchstone.records.staging import StagingAccess, StagingArea
from touchstone.records.values import Listing, Summarise
from touchstone.records.walls import PartyConnection
from touchstone.records.writer import CaseWriter, summary_of, write_index


class Records:
    """Everything that is kept. Safe to use from several threads and several processes.

    `installation` signs and proves, `jobs` is the job table, `outcomes` what its executions gave,
    `refusals` the side log; `deeds` takes deeds into logs of contract 2, `staging` the bytes that
    come before them; `members` says whose cases there are; `endpoint_keys` are those of the labs;
    `destructions` what became of the cases that were destroyed.
    """

    def __init__(
        self,
        home: Path,
        alias: str,
        keyring: Keyring,
        random: RandomSource | None = None,
        reader: str | None = None,
    ) -> None:
        self._home = home
        self._alias = alias
        self._keyring = keyring
        self._random = random or SystemRandom()
        self._files = EvidenceFiles(home / "evidence", home / "staging")
        self._kept = KeptFiles(home / "kept")
        self._readings = PartyReadings(
            PartyConnection(home, alias, reader),
            self._files,
            lambda case: self._content_key(self._row(case)),
        )
        self.destructions = Destructions(alias, self._kept, self.check_writable, self._folders)
        self._copy: TemporaryDirectory[str] | None = None
        self.amiss: tuple[str, ...] = ()
        """What does not fit together here, each with its fix; while there is any, nothing is
        written."""
        self.read_only = False
        """Whether the home folder cannot be written."""
        self.installation = InstallationLog(alias, keyring, self._random, self.check_writable)
        self.refusals = RefusalLog(alias)
        self.members = Members(alias)
        self._jobs = JobTable(alias)
        self._outcomes = OutcomeTable(alias, lambda case: self._case_key(self._row(case)))
        self.deeds = Deeds(
            Lent(
                alias,
                keyring,
                self._random,
                self._files,
                self._atomic,
                self._case_key,
                self._after,
                self._keep_mark,
                self.refusals,
                RefusalBound(alias),
            )
        )
        access = StagingAccess(
            alias, self._files.staged, self._atomic, self._case_key, self.deeds.takes_part
        )
        self._staging = StagingArea(access)
        self.endpoint_keys = EndpointKeyFiles(
            home / "endpoint-keys", alias, self._atomic, self._case_key
        )

    @classmethod
    def open(
        cls, home: Path, keyring: Keyring, database: str | None = None, reader: str | None = None
    ) -> Self:
        """Open the record of the installation at `home`.

        `database` is a `postgresql://` address, or `SQLITE` for SQLite under `home` in any case;
        None means the environment's setting or SQLite, which is prepared where it is new. `reader`
        is the address by which PostgreSQL is read for parties; None: the environment's. What is
        amiss stands in `amiss`, and can be read. Raises DatabaseSettingError, NotPreparedError,
        UnreachableError; DamagedError where there was a record and no file is left.
        """
        named = from_environment() if database is None else database or None
        if named is None:
            records = cls._open_file(home, keyring)
        else:
            alias = connect(home, named)
            preparation.check(alias)
            records = cls(home, alias, keyring, reader=reader or reader_from_environment())
        # Before anything is written: a record that does not fit is not tied to these keys.
        records.amiss = amiss(records._alias, keyring)
        if not records.amiss and not records.read_only:
            records._bind()
            records.destructions.go_on()
        return records

    @classmethod
    def _open_file(cls, home: Path, keyring: Keyring) -> Self:
        file = home / FILE
        if not file.exists() and is_used(keyring):
            raise DamagedError(
                f"{file}: is gone, and these keys were used with it; fix: restore it from a backup"
            )
        if may_write(home):
            alias = connect(home, None)
            begin_with_file(alias)
            preparation.prepare_file(home, alias)
            return cls(home, alias, keyring)
        alias, copied = preparation.connect_to_read(home)
        records = cls(home, alias, keyring)
        records.read_only, records._copy = True, copied
        return records

    @property
    def jobs(self) -> JobTable:
        """The job table. Raises ReadOnlyError where nothing may be written."""
        self.check_writable()
        return self._jobs

    @property
    def working(self) -> set[str]:
        """The cases that somebody measures now, also where nothing may be written."""
        return self._jobs.working()

    @property
    def outcomes(self) -> OutcomeTable:
        """What executions gave and is not in a log yet. Raises ReadOnlyError as `jobs` does."""
        self.check_writable()
        return self._outcomes

    @property
    def staging(self) -> StagingArea:
        """What parties send before their deeds. Raises ReadOnlyError as `jobs` does."""
        self.check_writable()
        return self._staging

    def check_writable(self) -> None:
        """Raise ReadOnlyError where something is amiss or the home cannot be written."""
        if self.amiss:
            more = f" (and {len(self.amiss) - 1} more: touchstone check)" * (len(self.amiss) > 1)
            raise ReadOnlyError(f"nothing is written, only read: {self.amiss[0]}{more}")
        if self.read_only:
            raise ReadOnlyError(
                f"{self._home}: cannot be written, only read; fix: write from where it can be"
            )

    def close(self) -> None:
        """Close this thread's connection."""
        connections[self._alias].close()
        self._readings.close()
        if self._copy is not None:
            self._copy.cleanup()

    @contextlib.contextmanager
    def transaction(self, case: str) -> Iterator[CaseWriter]:
        """Lock a case and change it; leaving the context commits everything or nothing.

        What leaving has returned from is durable. Raises CaseMissingError, BusyError, FullError,
        UnreachableError.
        """
        with self._atomic():
            row = case_head(self._alias, case, lock=True)
            if row is None:
                raise CaseMissingError(f"{case}: there is no such case")
            writer = CaseWriter(self._alias, row, self._case_key(row), self._files)
            yield writer
            writer.flush()
        self._after(writer)

    def publish(self) -> None:
        """Let the installation's log have the heads of cases that moved while this was open.

        Whoever keeps a record open calls this now and then, as often as heads are to be proved by
        others without asking: no deed does it. From any thread, and it asks nothing of the
        database where no deed was recorded since. What moves meanwhile is the next call's.
        """
        if not self.deeds.moved:
            return
        # Before the heads are read: a deed that is recorded from here on sets it again.
        self.deeds.moved = False
        try:
            self.installation.publish()
        except BaseException:
            self.deeds.moved = True
            raise

    def work(self, case: str) -> Path:
        """The folder of a case's work in progress, which is kept in the clear until it is done."""
        return self._home / "chunks" / case

    def case(self, case: str, size: int | None = None) -> CaseReader:
        """Read a case as it stands now, or its first `size` entries, as when it had no more.

        Raises CaseMissingError.
        """
        row = self._row(case)
        if size is not None:
            row.frontier = frontier_at(self._alias, row, size).to_bytes()
            row.size = size
        root = Frontier.from_bytes(raw(row.frontier)).root.hex()
        return CaseReader(self._alias, row, root, self._content_key(row), self._files)

    def reading_as(self, party: str) -> AbstractContextManager[PartyReading]:
        """Read for a party, on PostgreSQL by a role that sees the rows of its cases alone.

        One transaction: what waits for others, as sending a page does, comes after it. Raises
        DatabaseSettingError where PostgreSQL does not hold that wall, UnreachableError.
        """
        return self._readings.of(party)

    def sent_to(self, party: str, case: str, size: int) -> SentCase:
        """The first `size` entries of a case to send to a party, read as `reading_as` reads."""
        return self._readings.sent(party, case, size)

    def kept(self, case: str) -> bytes | None:
        """What `keep` kept of a case, if the case has gone on from there since; else None.

        It may be missing at any time, and is where something is amiss. Raises CaseMissingError.
        """
        row = self._row(case)
        key = None if self.amiss else self._case_key(row)
        if key is None:
            return None
        return self._kept.read(case, key, lambda size: root_at(self._alias, row, size))

    def keep(self, reader: CaseReader, data: bytes) -> None:
        """Keep what was reckoned from all that a reader shows.

        Where nothing may be written, or the case is destroyed, nothing is kept.
        """
        if self.amiss or self.read_only:
            return
        key = self._case_key(self._row(reader.case))
        if key is not None:
            self._kept.write(reader.case, key, reader.size, reader.root, data)

    def kept_folder(self, case: str) -> Path:
        """Where `keep` keeps it: nothing is lost where it is removed."""
        return self._kept.folder(case)

    def head(self, case: str) -> CaseHead:
        """A case's head as it stands now, under the newest keys. Raises CaseMissingError."""
        row = self._row(case)
        root = Frontier.from_bytes(bytes(row.frontier)).root.hex()
        return CaseHead(row.log, row.size, root, self._keyring.history.keyset)

    def cases(
        self, developer: str | None = None, framework: str | None = None, status: str | None = None
    ) -> list[Listing]:
        """Cases by index, last updated first; each filter that is given must match."""
        wanted = {"developer": developer, "framework": framework, "status": status}
        filters = {name: value for name, value in wanted.items() if value is not None}
        with translated(self._alias):
            rows = IndexRow.objects.using(self._alias).filter(**filters)
            return [Listing(r.case_id, summary_of(r)) for r in rows.order_by("-updated", "case_id")]

    def check(self) -> Iterator[Fault]:
        """What is amiss with the database and the installation log, each recomputed."""
        yield from check_database(self._alias)
        yield from check_installation_log(self._alias, self._keyring)

    def check_case(self, case: str, summarise: Summarise) -> Iterator[Fault]:
        """What is amiss with one case: its entries, its evidence, its row in the index."""
        row = self._row(case)
        reader = self.case(case)
        yield from check_case(self._alias, reader, self._keyring.history)
        key = None if row.wrapped_key is None else self._key_of(row)
        yield from check_evidence(self._alias, case, key, self._files)
        yield from check_waiting(self._alias, case, key, self._files.staged)
        recorded = reader.recorded_events()
        yield from check_members(self._alias, case, recorded)
        index = IndexRow.objects.using(self._alias).filter(case=case).first()
        summary = summarise(case, recorded)
        if index is None or (summary.whole and summary_of(index) != summary):
            yield Fault(f"case {case}", "its line in the list is wrong; fix: touchstone rebuild")

    def names(self) -> list[str]:
        """The ids of all cases, whatever the index says."""
        with translated(self._alias):
            rows = CaseRow.objects.using(self._alias).order_by("case")
            return list(rows.values_list("case", flat=True))

    def rebuild(self, summarise: Summarise) -> list[str]:
        """Make the index again from the entries; gives the cases whose row was not as it is now."""
        return [case for case in self.names() if self._rebuild_one(case, summarise)]

    def sweep(self) -> int:
        """Delete files that a crash left and what waited too long for a deed; gives how many."""
        swept = 0
        for case in self.names():
            with self.transaction(case):
                rows = EvidenceRow.objects.using(self._alias).filter(case=case)
                swept += self._files.remove_left_over(case, rows.values_list("name", flat=True))
            swept += self.staging.sweep(case)
        return swept

    @contextlib.contextmanager
    def _atomic(self) -> Iterator[None]:
        self.check_writable()
        with translated(self._alias), transaction.atomic(using=self._alias, durable=True):
            yield

    def _after(self, writer: CaseWriter) -> None:
        """Once a transaction stands: let what it erased be gone from the disk too."""
        self._files.staged.remove(writer.case, writer.used_files)
        if writer.destroyed_now:
            self.destructions.finish(writer.case)
        elif writer.erased_now:
            self.destructions.overwrite_erased()

    def _folders(self, case: str) -> tuple[Path, ...]:
        """Where something of a case lies outside of the database."""
        sealed = self._files.folder(case), self._files.staged.folder(case)
        beside = self._kept.folder(case), self.endpoint_keys.folder(case)
        return self.work(case), *sealed, *beside

    def _row(self, case: str) -> CaseRow:
        with translated(self._alias):
            row = case_head(self._alias, case)
        if row is None:
            raise CaseMissingError(f"{case}: there is no such case")
        return row

    def _content_key(self, row: CaseRow) -> Callable[[], DataKey] | None:
        return None if row.wrapped_key is None else lambda: self._key_of(row)

    def _case_key(self, row: CaseRow) -> DataKey | None:
        return None if row.wrapped_key is None else self._key_of(row)

    def _key_of(self, row: CaseRow) -> DataKey:
        try:
            return self._keyring.master.case_key(row.case, raw(row.wrapped_key))
        except SealError as error:
            raise OtherInstallationError(
                f"{row.case}: its key does not open under this installation's master key;"
                " fix: restore keys/master.key from the backup of this record"
            ) from error

    def _bind(self) -> None:
        """Tie the record to the master key, so that another installation's is noticed at once."""
        rows = InstallationRow.objects.using(self._alias)
        with translated(self._alias):
            found = rows.get(pk=INSTALLATION)
        if found.lock is None:
            with self._atomic():
                row = rows.select_for_update().get(pk=INSTALLATION)
                # Looked at again, now that it is locked: another process may have bound it.
                if row.lock is None:
                    _, row.lock = self._keyring.master.new_case_key("")
                    row.save(using=self._alias, update_fields=["lock"])
        if found.size:
            self._keep_mark()

    def _keep_mark(self) -> None:
        """Let the keys know which record they are used with, from its first case on."""
        if self._keyring.record_mark is None:
            with translated(self._alias):
                lock = InstallationRow.objects.using(self._alias).get(pk=INSTALLATION).lock
            self._keyring.keep_record_mark(mark_of(raw(lock)))

    def _rebuild_one(self, case: str, summarise: Summarise) -> bool:
        with self.transaction(case) as writer:
            recorded = writer.recorded_events()
            moved = rewrite_members(self._alias, case, recorded_members(recorded))
            summary = summarise(case, recorded)
            row = IndexRow.objects.using(self._alias).filter(case=case).first()
            if row is not None and (summary_of(row) == summary or not summary.whole):
                return moved
            write_index(self._alias, case, summary)
            return True
