"""Sending what is due: each notice is claimed by a row, sent, and marked; none is lost by a crash.

Between the sending and the mark a process may end. What it was sending is then sent again, with the
same id, and says that it may have arrived before: nobody can know whether it did.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db.models import Q

from touchstone.editions.sentences import sentence
from touchstone.handin import moment_of, utc_text
from touchstone.records.database import translated
from touchstone.server.accounts.managing import changing
from touchstone.server.accounts.models import ACCOUNTS, NoticeRow
from touchstone.server.errors import ServerError
from touchstone.server.notices.channels import may_be_told, still_named

LEASE = timedelta(minutes=10)
"""Longer than any attempt takes: then whoever was sending has ended."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
MOST_ATTEMPTS = 16
"""About two days, with the pauses between."""
AT_ONCE = 8
"""Places to which something is sent at the same time, one notice to each."""
MOST_FAULT = 200
"""Characters that are kept of why an attempt failed."""


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
    """An attempt that did not arrive, or of which nobody knows: `certain` says which.

    `reached`: the place answered, and said no; else it may well not answer the next one either.
    """

    def __init__(self, why: str, *, certain: bool, reached: bool = False) -> None:
        super().__init__(why)
        self.certain = certain
        self.reached = reached


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


def send_due(
    ways: Mapping[str, Deliver], now: Callable[[], str], stopping: Callable[[], bool] | None = None
) -> SendingDone:
    """Send all that is due, each once; `ways` are by kind, and `now` tells the time (UTC).

    To each place one after the other, to several places at once: one that is slow holds up
    nobody else's, and one that does not answer is not asked again here. `stopping`: whether nothing
    more is to be begun.
    """
    started, stops = now(), stopping or (lambda: False)
    # By when it began: what fails is tried again at another time, and not at once.
    places, done = deque(_places(list(ways), started)), SendingDone()
    under_way: dict[Future[None], tuple[NoticeRow, deque[int]]] = {}
    with ThreadPoolExecutor(AT_ONCE, "notices") as pool:
        while places or under_way:
            while places and len(under_way) < AT_ONCE and not stops():
                rows = places.popleft()
                if row := _next_of(rows, started, now):
                    under_way[pool.submit(ways[row.kind], _notice(row))] = row, rows
            if not under_way:
                # Of what is left each was claimed by somebody else, or this is to stop.
                if stops():
                    break
                continue
            for ended in wait(under_way, return_when=FIRST_COMPLETED).done:
                row, rows = under_way.pop(ended)
                done, reached = _after(row, ended, now(), done)
                if reached and rows:
                    places.append(rows)
    return done


def _places(kinds: list[str], started: str) -> Iterable[deque[int]]:
    """The notices that are due, by their place, those first that failed least often."""
    due = NoticeRow.objects.using(ACCOUNTS).filter(_due(started), kind__in=kinds)
    places: dict[str, deque[int]] = {}
    with translated(ACCOUNTS):
        for key, kind, target in due.order_by("attempts", "pk").values_list("pk", "kind", "target"):
            places.setdefault(_place(kind, target), deque()).append(key)
    return places.values()


def _place(kind: str, target: str) -> str:
    """Where a notice goes: mail all to one server, and webhooks by host, whatever their paths."""
    return "" if kind == "email" else urlsplit(target).hostname or target


def _due(started: str) -> Q:
    return Q(state__in=("due", "sending"), next_at__lte=started)


def _next_of(rows: deque[int], started: str, now: Callable[[], str]) -> NoticeRow | None:
    """The next of these that is claimed and may be sent; None: there is none."""
    while rows:
        row = claim_notice(rows.popleft(), started, now())
        if row is None:
            continue
        if may_be_told(row.account) and still_named(row.account, row.kind, row.target):
            return row
        _mark(row, state="replaced")
    return None


def claim_notice(key: int, started: str, now: str) -> NoticeRow | None:
    """A notice that nobody else sends meanwhile; None: it is not due, or somebody else does."""
    with changing():
        rows = NoticeRow.objects.using(ACCOUNTS)
        held = rows.select_for_update(of=("self",)).select_related("account")
        row = held.filter(_due(started), pk=key).first()
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
    return row if claimed else None


def _after(
    row: NoticeRow, ended: Future[None], now: str, done: SendingDone
) -> tuple[SendingDone, bool]:
    """Mark what came of an attempt; whether its place answers."""
    try:
        ended.result()
    except UndeliveredError as error:
        given_up = row.attempts >= MOST_ATTEMPTS
        _mark(
            row,
            state="failed" if given_up else "due",
            repeats=row.repeats or not error.certain,
            next_at=_later(now, row.attempts),
            fault=str(error)[:MOST_FAULT],
        )
        failed, waiting = done.failed + given_up, done.waiting + (not given_up)
        return replace(done, failed=failed, waiting=waiting), error.reached
    _mark(row, state="sent", sent_at=now, fault="")
    return replace(done, sent=done.sent + 1), True


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
