"""What executions of jobs gave, sealed under the case's key, until it stands in the case's log.

The first outcome of a sample stands; the same one sent again changes nothing. Each method is one
transaction. A lease is not asked for, so that what comes late is not lost.
"""

from collections.abc import Callable, Collection

from django.db import transaction

from touchstone.keys import DataKey, SealError
from touchstone.records.database import raw, translated
from touchstone.records.errors import DamagedError
from touchstone.records.models import OutcomeRow
from touchstone.records.values import Leased

KeyOf = Callable[[str], DataKey | None]
"""A case's key; None: it was destroyed."""


class OutcomeTable:
    """Outcomes by case and job; what they say only the caller understands."""

    def __init__(self, alias: str, key_of: KeyOf) -> None:
        self._alias = alias
        self._key_of = key_of

    def keep(self, lease: Leased, index: int, outcome: bytes) -> bool:
        """Keep one sample's outcome, durable when this returns.

        Gives whether it stands: false where another does, or the case was destroyed.
        """
        key = self._key_of(lease.case)
        if key is None:
            return False
        with translated(self._alias), transaction.atomic(using=self._alias, durable=True):
            row, made = OutcomeRow.objects.using(self._alias).get_or_create(
                case=lease.case,
                job=lease.job,
                index=index,
                defaults={
                    "token": lease.token,
                    "body": key.seal(outcome, _place(lease.case, lease.job, index)),
                },
            )
        return made or _opened(row, key) == outcome

    def kept(self, case: str, job: str) -> dict[int, bytes]:
        """The outcomes that are kept of a job, by position; none of a case that was destroyed."""
        key = self._key_of(case)
        if key is None:
            return {}
        with translated(self._alias):
            rows = OutcomeRow.objects.using(self._alias).filter(case=case, job=job)
            return {row.index: _opened(row, key) for row in rows.order_by("index")}

    def unrecorded(self, case: str) -> set[str]:
        """The jobs of which something is kept."""
        with translated(self._alias):
            rows = OutcomeRow.objects.using(self._alias).filter(case=case)
            return set(rows.values_list("job", flat=True).distinct())

    def forget(self, case: str, job: str, indices: Collection[int]) -> None:
        """Let go of what stands in the case's log by now."""
        with translated(self._alias):
            rows = OutcomeRow.objects.using(self._alias).filter(case=case, job=job)
            rows.filter(index__in=indices).delete()


def _opened(row: OutcomeRow, key: DataKey) -> bytes:
    try:
        return key.open(raw(row.body), _place(row.case, row.job, row.index))
    except SealError as error:
        raise DamagedError(
            f"{row.case}: the outcome of a sample was altered before it was recorded; fix: restore"
            " a backup"
        ) from error


def _place(case: str, job: str, index: int) -> bytes:
    return f"touchstone/outcome/1\x00{case}\x00{job}\x00{index}".encode()
