"""The side log of refused deeds, and how many signed refusals are kept.

The log is outside every case, limited for each actor, and capped.
"""

import threading
from collections.abc import Iterable

from django.db import transaction
from django.db.models import F

from touchstone.handin import printable_line
from touchstone.records.database import translated
from touchstone.records.models import RefusalRow
from touchstone.records.values import Refusal

PER_ACTOR = 20
WINDOW_SECONDS = 60
MOST = 10_000
MOST_KEPT = 100
_NAME_LENGTH = 200
_REASON_LENGTH = 500


class RefusalLog:
    """Keeps what was refused, and can be neither flooded nor used to write into a case."""

    def __init__(
        self, alias: str, per_actor: int = PER_ACTOR, window: int = WINDOW_SECONDS, most: int = MOST
    ) -> None:
        self._alias = alias
        self._per_actor = per_actor
        self._window = window
        self._most = most

    def note(self, now: int, actor: str, case: str, deed: str, reason: str) -> bool:
        """Keep a refusal at `now` (seconds since the epoch); false where it was only counted.

        An actor has so many lines a window; what is beyond is counted on the newest of them. The
        oldest lines give way to new ones past the cap. Texts are cut and cleared of control
        characters.
        """
        with translated(self._alias), transaction.atomic(using=self._alias, durable=True):
            rows = RefusalRow.objects.using(self._alias)
            name = _clear(actor, _NAME_LENGTH)
            recent = list(
                rows.filter(actor=name, second__gt=now - self._window)
                .order_by("-id")
                .values_list("id", flat=True)[: self._per_actor]
            )
            if len(recent) >= self._per_actor:
                rows.filter(id=recent[0]).update(unlisted=F("unlisted") + 1)
                return False
            row = rows.create(
                second=now,
                actor=name,
                case=_clear(case, _NAME_LENGTH),
                deed=_clear(deed, _NAME_LENGTH),
                reason=_clear(reason, _REASON_LENGTH),
            )
            # Ids only grow, so this caps the count and costs one range delete.
            rows.filter(id__lte=row.id - self._most).delete()
        return True

    def newest(self, count: int = 100) -> list[Refusal]:
        """The newest refusals, newest first."""
        with translated(self._alias):
            rows = RefusalRow.objects.using(self._alias).order_by("-id")[:count]
            return [Refusal(r.second, r.actor, r.case, r.deed, r.reason, r.unlisted) for r in rows]


class RefusalBound:
    """How many signed refusals this process keeps of a signer that has nothing recorded meanwhile.

    Each is for good and so kept for good: without a bound a signer could fill the record with them,
    and leave no entry by which anybody would see it.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], int] = {}
        self._counting = threading.Lock()

    def take(self, signer: tuple[str, str]) -> bool:
        """Count one refusal of a signer, by case and key; false where it is one too many."""
        with self._counting:
            kept = self._kept.get(signer, 0)
            if kept >= MOST_KEPT:
                return False
            self._kept[signer] = kept + 1
        return True

    def forget(self, signers: Iterable[tuple[str, str]]) -> None:
        """Begin anew for these: a deed of theirs was recorded."""
        with self._counting:
            for each in signers:
                self._kept.pop(each, None)


def _clear(text: str, length: int) -> str:
    return printable_line(text, length)
