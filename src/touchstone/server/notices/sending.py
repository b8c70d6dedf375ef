"""Sending what is due: each notice is claimed by a row, sent, and marked; none is lost by a crash.

Between the sending and the mark a process may end. What it was sending is then sent again, with the
same id, and says that it may have arrived before: nobody can know whether it did.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from django.db.models import Q

from touchstone.editions.sentences import sentence
from touchstone.handin import moment_of, utc_text
from touchstone.server.accounts.managing import changing
from touchstone.server.accounts.models import ACCOUNTS, NoticeRow
from touchstone.server.errors import ServerError
from touchstone.server.notices.channels import may_be_told

LEASE = timedelta(minutes=10)
"""Longer than any attempt takes: then whoever was sending has ended."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
MOST_ATTEMPTS = 16
"""About two days, with the pauses between."""


@dataclass(frozen=True, slots=True)
class NoticeSent:
    """A notice as it goes out."""

    name: str
    """Its id, the same in each attempt."""
    party: str
    target: str
    waiting: int
    possible: int
    made: str
    """When it was found that something waits (UTC)."""
    repeats: bool
    """Whether an attempt before may have arrived."""


class UndeliveredError(ServerError):
    """An attempt that did not arrive, or of which nobody knows: `certain` says which."""

    def __init__(self, why: str, *, certain: bool) -> None:
        super().__init__(why)
        self.certain = certain


Deliver = Callable[[NoticeSent], None]
"""Sends a notice by one way. Raises UndeliveredError."""


@dataclass(frozen=True, slots=True)
class SendingDone:
    """What became of what was due."""

    noted: int = 0
    """Notices that were made."""
    sent: int = 0
    waiting: int = 0
    """Attempts that did not arrive, and are made again later."""
    failed: int = 0
    """Notices that are given up."""

    def lines(self) -> list[str]:
        """For people."""
        return [sentence("notice.done", **asdict(self))]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def send_due(ways: Mapping[str, Deliver], now: Callable[[], str]) -> SendingDone:
    """Send all that is due, each once; `ways` are by kind, and `now` tells the time (UTC)."""
    done, started = SendingDone(), now()
    # By when it began: what fails is tried again at another time, and not at once.
    while row := claim_next(list(ways), started, now()):
        if not may_be_told(row.account):
            _mark(row, state="replaced")
            continue
        try:
            ways[row.kind](_notice(row))
        except UndeliveredError as error:
            given_up = row.attempts >= MOST_ATTEMPTS
            state = "failed" if given_up else "due"
            repeats = row.repeats or not error.certain
            _mark(row, state=state, repeats=repeats, next_at=_later(now(), row.attempts))
            done = replace(
                done, failed=done.failed + given_up, waiting=done.waiting + (not given_up)
            )
        else:
            _mark(row, state="sent", sent_at=now())
            done = replace(done, sent=done.sent + 1)
    return done


def claim_next(kinds: list[str], started: str, now: str) -> NoticeRow | None:
    """The next notice that is due, which nobody else sends meanwhile; None: there is none."""
    with changing():
        rows = NoticeRow.objects.using(ACCOUNTS)
        due = Q(state="due", next_at__lte=started) | Q(state="sending", next_at__lte=started)
        held = rows.select_for_update(of=("self",)).select_related("account")
        row = held.filter(due, kind__in=kinds).order_by("pk").first()
        if row is None:
            return None
        # By what was read: where no database holds rows, another process may have claimed it.
        same = rows.filter(pk=row.pk, state=row.state, attempts=row.attempts)
        # Whoever claimed it before ended in between.
        row.repeats = row.repeats or row.state == "sending"
        row.attempts += 1
        claimed = same.update(
            state="sending",
            repeats=row.repeats,
            attempts=row.attempts,
            next_at=utc_text(moment_of(now) + LEASE),
        )
    return row if claimed else claim_next(kinds, started, now)


def _mark(row: NoticeRow, **changes: Any) -> None:
    with changing():
        NoticeRow.objects.using(ACCOUNTS).filter(pk=row.pk).update(**changes)


def _later(now: str, attempts: int) -> str:
    pause = min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE)
    return utc_text(moment_of(now) + pause)


def _notice(row: NoticeRow) -> NoticeSent:
    return NoticeSent(
        row.name,
        row.account.institution,
        row.target,
        row.waiting,
        row.possible,
        row.made_at,
        row.repeats,
    )
