"""The side log of refused deeds, and how many signed refusals are kept.

The log is outside every case, limited for each actor, and capped.
"""

from django.db import connections, transaction
from django.db.models import F, Sum

from touchstone.handin import printable_line
from touchstone.records.database import clock_seconds, translated
from touchstone.records.models import RefusalRow, RefusedSignerRow
from touchstone.records.values import Refusal

PER_ACTOR = 20
WINDOW_SECONDS = 60
MOST = 10_000
MOST_KEPT = 100
"""Signed refusals of one signer."""
MOST_BEGINNINGS = 1000
"""Signed refusals of what was to begin a case, of all parties."""
DAY_SECONDS = 24 * 3600
"""After so long both count anew, or a signer who is refused once too often could never go on."""
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
            # Cut before it is counted by: else a longer name would be another actor each time.
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
    """How many signed refusals are kept of a signer that has nothing recorded meanwhile, in a day.

    Each is for good and so kept for good: without a bound a signer could fill the record with them,
    and leave no entry by which anybody would see it. All processes count together, in the
    transaction that would keep the refusal: what is not kept is not counted.
    """

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def take(self, case: str, key: str, last: int) -> bool:
        """Count one refusal of a key in its case; false where it is one too many.

        `last` is the `seq` of its newest recorded deed there, -1 for none: with another it begins
        anew.
        """
        return self._counted(case, key, last, clock_seconds(self._alias)) <= MOST_KEPT

    def take_beginning(self, party: str) -> bool:
        """Count one refusal of what was to begin a case; false where it is one too many.

        Names cost nothing: of all parties together there are so many a day and no more.
        """
        now = clock_seconds(self._alias)
        rows = RefusedSignerRow.objects.using(self._alias).filter(case="")
        rows.filter(since__lte=now - DAY_SECONDS).delete()
        kept = self._counted("", party, -1, now)
        together: int = rows.aggregate(kept=Sum("kept"))["kept"]
        return kept <= MOST_KEPT and together <= MOST_BEGINNINGS

    def forget_beginning(self, party: str) -> None:
        """Begin anew for a party: a case that it opened is recorded."""
        RefusedSignerRow.objects.using(self._alias).filter(case="", signer=party).delete()

    def _counted(self, case: str, signer: str, last: int, now: int) -> int:
        # One statement: two processes that read and then write would both find the last place free.
        with connections[self._alias].cursor() as cursor:
            cursor.execute(_COUNTED, [case, signer, last, now])
            return int(cursor.fetchone()[0])


_ANEW = (
    "records_refusedsignerrow.last <> excluded.last"
    f" OR records_refusedsignerrow.since <= excluded.since - {DAY_SECONDS}"
)
_COUNTED = (
    'INSERT INTO records_refusedsignerrow ("case", signer, last, kept, since)'  # noqa: S608 our own
    ' VALUES (%s, %s, %s, 1, %s) ON CONFLICT ("case", signer) DO UPDATE SET'
    f" kept = CASE WHEN {_ANEW} THEN 1 ELSE records_refusedsignerrow.kept + 1 END,"
    f" since = CASE WHEN {_ANEW} THEN excluded.since ELSE records_refusedsignerrow.since END,"
    " last = excluded.last RETURNING kept"
)


def _clear(text: str, length: int) -> str:
    return printable_line(text, length)
