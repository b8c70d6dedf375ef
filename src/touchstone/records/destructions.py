"""What became of destroyed cases: the certificate kept, and what of a case is still to go."""

from collections.abc import Callable, Sequence
from pathlib import Path

from touchstone.records.database import empty_journal, rewrite_heads, translated
from touchstone.records.errors import CaseMissingError, FullError
from touchstone.records.inserting import case_head
from touchstone.records.kept import KeptFiles
from touchstone.records.models import CertificateRow
from touchstone.records.removal import is_left, remove_folder
from touchstone.records.settings import is_postgresql

FINISH_SECONDS = 5
"""How long a destruction waits for readers of what it destroyed."""


class Destructions:
    """Certificates of destruction, and the files and keys that go once a destruction stands.

    `folders` names where something of a case lies outside of the database at `alias`;
    `check_writable` raises where nothing may be written.
    """

    def __init__(
        self,
        alias: str,
        kept: KeptFiles,
        check_writable: Callable[[], None],
        folders: Callable[[str], tuple[Path, ...]],
    ) -> None:
        self._alias = alias
        self._kept = kept
        self._check_writable = check_writable
        self._folders = folders

    def certificate(self, case: str) -> str:
        """What was kept with a case's destruction; empty where it was not destroyed."""
        rows = CertificateRow.objects.using(self._alias)
        with translated(self._alias):
            return rows.filter(case=case).values_list("certificate", flat=True).first() or ""

    def draft(self, case: str) -> str | None:
        """The certificate that was drafted last for a case; None where there is none any more."""
        return self._kept.draft(case)

    def keep_draft(self, case: str, certificate: str) -> None:
        """Keep the draft of a certificate until its case is destroyed, or another is drafted.

        Raises CaseMissingError; FullError where it cannot be kept.
        """
        self._check_writable()
        with translated(self._alias):
            known = case_head(self._alias, case) is not None
        if not known:
            raise CaseMissingError(f"{case}: there is no such case")
        try:
            self._kept.keep_draft(case, certificate)
        except OSError as error:
            why = f"{self._kept.folder(case)}: the certificate cannot be kept: {error.strerror}"
            raise FullError(why) from error

    def unfinished(self) -> list[str]:
        """Destroyed cases of which something may still lie in a file or a folder."""
        with translated(self._alias):
            rows = CertificateRow.objects.using(self._alias).filter(finished=False)
            return list(rows.values_list("case_id", flat=True))

    def left_of(self, case: str) -> list[Path]:
        """The folders that still lie there of a destroyed case; empty once they are deleted."""
        return [folder for folder in self._folders(case) if is_left(folder)]

    def finish(self, case: str, seconds: int = FINISH_SECONDS) -> bool:
        """Let a destroyed case be gone from the disk too; false where something of it stays.

        Its work and evidence are deleted: `left_of` names what could not be. Of a link nothing is.

        SQLite keeps older pages in its journal, and PostgreSQL older rows in its tables, as long as
        anybody reads them; waits that long for readers. What a PostgreSQL server keeps beside its
        tables is not in our hands: see docs/how-to/postgresql.md.
        """
        return self._finish([case], seconds)

    def go_on(self) -> None:
        """Go on with what a crash interrupted after its transaction stood, without waiting."""
        if cases := self.unfinished():
            self._finish(cases, 0)

    def overwrite_erased(self) -> None:
        """Let what one transaction erased of a case that stays be gone from the file of SQLite."""
        if not is_postgresql(self._alias):
            empty_journal(self._alias, FINISH_SECONDS)

    def _finish(self, cases: Sequence[str], seconds: int) -> bool:
        self._check_writable()
        removed = {case: self._remove_folders(case) for case in cases}
        # One for all: each would write the whole table anew.
        if not self._overwritten(seconds):
            return False
        clear = [case for case in cases if removed[case]]
        with translated(self._alias):
            rows = CertificateRow.objects.using(self._alias).filter(case__in=clear, finished=False)
            rows.update(finished=True)
        return len(clear) == len(cases)

    def _overwritten(self, seconds: int) -> bool:
        """Let no key that was destroyed be in a file of the record; false where one is held."""
        if is_postgresql(self._alias):
            return rewrite_heads(self._alias, seconds)
        return empty_journal(self._alias, seconds)

    def _remove_folders(self, case: str) -> bool:
        removed = [remove_folder(folder) for folder in self._folders(case)]
        return all(removed)
