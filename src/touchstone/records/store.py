"""The record of one installation, opened."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from django.db import IntegrityError, connections, transaction

from touchstone.keys import DataKey, Keyring, MasterKey, RandomSource, SealError, SystemRandom
from touchstone.ledger import CaseHead, Frontier
from touchstone.records import preparation
from touchstone.records.database import translated
from touchstone.records.errors import (
    CaseExistsError,
    CaseMissingError,
    OtherInstallationError,
    PartError,
)
from touchstone.records.evidence import EvidenceFiles
from touchstone.records.installation import InstallationLog
from touchstone.records.jobs import JobTable
from touchstone.records.models import (
    CaseRow,
    EvidenceRow,
    IndexRow,
    InstallationRow,
)
from touchstone.records.reader import CaseReader, frontier_at
from touchstone.records.refusals import RefusalLog
from touchstone.records.settings import connect, from_environment, is_postgresql
from touchstone.records.values import Destruction, Listing, Summarise, Summary
from touchstone.records.writer import INSTALLATION, CaseWriter, write_index

_CASE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class Records:
    """Everything that is kept. Safe to use from several threads and several processes.

    `installation` signs and proves, `jobs` is the job table, `refusals` the side log.
    """

    def __init__(
        self, home: Path, alias: str, keyring: Keyring, random: RandomSource | None = None
    ) -> None:
        self._alias = alias
        self._keyring = keyring
        self._random = random or SystemRandom()
        self._files = EvidenceFiles(home / "evidence")
        self.installation = InstallationLog(alias, keyring, self._random)
        self.jobs = JobTable(alias)
        self.refusals = RefusalLog(alias)

    @classmethod
    def open(cls, home: Path, keyring: Keyring, database: str | None = None) -> Self:
        """Open the record of the installation at `home`.

        `database` is a `postgresql://` address; None means the environment's setting or SQLite
        under `home`, which is prepared where it is new. Raises DatabaseSettingError,
        NotPreparedError, OtherInstallationError, UnreachableError; DamagedError where the database
        was put back to a state before the newest checkpoint.
        """
        alias = connect(home, database or from_environment())
        if is_postgresql(alias):
            preparation.check(alias)
        else:
            preparation.prepare_file(home, alias)
        records = cls(home, alias, keyring)
        records._check_master(keyring.master)
        records.installation.check_size()
        records._finish_destructions()
        return records

    def close(self) -> None:
        """Close this thread's connection."""
        connections[self._alias].close()

    @contextlib.contextmanager
    def open_case(self, case: str) -> Iterator[CaseWriter]:
        """Open a case: like `transaction`, with no entry yet; the first entry names its log.

        Raises CaseExistsError; PartError where nothing was appended or summarised.
        """
        if not _CASE.fullmatch(case):
            raise PartError(f"{case[:70]!r} is no name of a case: lowercase, digits, hyphens")
        key, wrapped = self._keyring.master.new_case_key(case)
        row = CaseRow(
            case=case, log="", size=0, frontier=Frontier().to_bytes(), wrapped_key=wrapped
        )
        with self._atomic():
            if CaseRow.objects.using(self._alias).filter(case=case).exists():
                raise CaseExistsError(f"{case}: there is a case of that name already")
            writer = CaseWriter(self._alias, row, key, self._files)
            yield writer
            if not (writer.next_n and writer.summarised):
                raise PartError(f"{case}: a case is opened with an entry and a summary")
            try:
                writer.flush(self._keyring.history.keyset, self._random)
            except IntegrityError as error:
                raise CaseExistsError(f"{case}: another process opened it meanwhile") from error
        self._after(writer)

    @contextlib.contextmanager
    def transaction(self, case: str) -> Iterator[CaseWriter]:
        """Lock a case and change it; leaving the context commits everything or nothing.

        What leaving has returned from is durable. Raises CaseMissingError, BusyError, FullError,
        UnreachableError.
        """
        with self._atomic():
            row = CaseRow.objects.using(self._alias).select_for_update().filter(case=case).first()
            if row is None:
                raise CaseMissingError(f"{case}: there is no such case")
            writer = CaseWriter(self._alias, row, self._case_key(row), self._files)
            yield writer
            writer.flush(self._keyring.history.keyset, self._random)
        self._after(writer)

    def destroy_case(self, case: str) -> Destruction:
        """Destroy a case's key, content and evidence; entries, facts and proofs stay."""
        with self.transaction(case) as writer:
            return writer.destroy()

    def case(self, case: str, size: int | None = None) -> CaseReader:
        """Read a case as it stands now, or its first `size` entries, as when it had no more.

        Raises CaseMissingError.
        """
        row = self._row(case)
        if size is not None:
            row.frontier = frontier_at(self._alias, row, size).to_bytes()
            row.size = size
        return CaseReader(self._alias, row, self._case_key(row), self._files)

    def put_evidence(self, case: str, data: bytes, media_type: str, name: str) -> str:
        """Keep evidence outside of a deed, in a transaction of its own; gives its digest."""
        with self.transaction(case) as writer:
            return writer.put_evidence(data, media_type, name)

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
            return [Listing(r.case_id, _summary(r)) for r in rows.order_by("-updated", "case_id")]

    def rebuild(self, summarise: Summarise) -> list[str]:
        """Make the index again from the entries; gives the cases whose row was not as it is now."""
        with translated(self._alias):
            names = list(
                CaseRow.objects.using(self._alias).order_by("case").values_list("case", flat=True)
            )
        return [case for case in names if self._rebuild_one(case, summarise)]

    def sweep(self) -> int:
        """Delete evidence files that a crash left without a row; gives how many."""
        swept = 0
        for listing in self.cases():
            with self.transaction(listing.case):
                rows = EvidenceRow.objects.using(self._alias).filter(case=listing.case)
                names = list(rows.values_list("name", flat=True))
                swept += self._files.remove_left_over(listing.case, names)
        return swept

    @contextlib.contextmanager
    def _atomic(self) -> Iterator[None]:
        with translated(self._alias), transaction.atomic(using=self._alias, durable=True):
            yield

    def _after(self, writer: CaseWriter) -> None:
        """Once a transaction stands: let what it erased be gone from the disk too."""
        if writer.erased_now and not is_postgresql(self._alias):
            # Older pages would outlive it in SQLite's journal.
            with translated(self._alias), connections[self._alias].cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._files.remove(writer.case, writer.erased_files)
        if writer.destroyed_now:
            self._files.remove_case(writer.case)

    def _row(self, case: str) -> CaseRow:
        with translated(self._alias):
            row = CaseRow.objects.using(self._alias).filter(case=case).first()
        if row is None:
            raise CaseMissingError(f"{case}: there is no such case")
        return row

    def _case_key(self, row: CaseRow) -> DataKey | None:
        if row.wrapped_key is None:
            return None
        try:
            return self._keyring.master.case_key(row.case, bytes(row.wrapped_key))
        except SealError as error:
            raise OtherInstallationError(
                f"{row.case}: its key does not open under this installation's master key;"
                " mend: restore keys/master.key from the backup of this record"
            ) from error

    def _check_master(self, master: MasterKey) -> None:
        """Refuse another installation's master key at once, and not at the first case."""
        rows = InstallationRow.objects.using(self._alias)
        with translated(self._alias):
            lock = rows.get(pk=INSTALLATION).lock
        if lock is None:
            with self._atomic():
                row = rows.select_for_update().get(pk=INSTALLATION)
                if row.lock is None:
                    _, row.lock = master.new_case_key("")
                    row.save(using=self._alias, update_fields=["lock"])
                lock = row.lock
        try:
            master.case_key("", bytes(lock))
        except SealError as error:
            raise OtherInstallationError(
                "the record belongs to another installation: keys/master.key does not open"
                " it; mend: restore that key from the backup of this record"
            ) from error

    def _finish_destructions(self) -> None:
        """Delete evidence whose destruction a crash interrupted after its transaction stood."""
        with translated(self._alias):
            rows = CaseRow.objects.using(self._alias).filter(wrapped_key=None)
            destroyed = list(rows.values_list("case", flat=True))
        for case in destroyed:
            self._files.remove_case(case)

    def _rebuild_one(self, case: str, summarise: Summarise) -> bool:
        with self.transaction(case) as writer:
            summary = summarise(case, writer.events())
            row = IndexRow.objects.using(self._alias).filter(case=case).first()
            if row is not None and _summary(row) == summary:
                return False
            write_index(self._alias, case, summary)
            return True


def _summary(row: IndexRow) -> Summary:
    return Summary(row.title, row.model_name, row.developer, row.framework, row.status, row.updated)
