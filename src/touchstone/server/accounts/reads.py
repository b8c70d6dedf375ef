"""Who read which entries that are not open to all, when: kept outside the record, day by day.

A day's digest is what goes into the record, under the installation's key: whoever changes the table
afterwards is found out by it.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Substr

from touchstone.handin import day_written
from touchstone.records.database import translated
from touchstone.review.read_digests import digest_of_reads, line_of_read
from touchstone.server.accounts.models import ACCOUNTS, MINUTE_LENGTH, SensitiveRead
from touchstone.server.principal import Principal

MOST_READS = 500
"""Reads of a page."""
_AT_A_TIME = 2_000


@dataclass(frozen=True, slots=True)
class SeenEntries:
    """Somebody read entries `first` to `last` of a case by a route, in a minute (UTC)."""

    minute: str
    person: str
    party: str
    case: str
    route: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedRead(SeenEntries):
    """The same, with the number after which the next ones come."""

    n: int


def note_read(
    principal: Principal, case: str, route: str, first: int, last: int, *, now: str
) -> None:
    """Write down, before it is answered, that somebody reads entries `first` to `last`."""
    with translated(ACCOUNTS):
        SensitiveRead.objects.using(ACCOUNTS).create(
            minute=now[:MINUTE_LENGTH],
            person=principal.person,
            party=principal.party,
            case=case,
            route=route,
            first=first,
            last=last,
        )


def reads_of_day(day: str, case: str | None = None) -> Iterator[SeenEntries]:
    """What was read on a day (`YYYY-MM-DD`, UTC), of one case or of all, in the order it was noted.

    Raises ValueError where it is no day.
    """
    day_written(day)
    found = SensitiveRead.objects.using(ACCOUNTS).filter(minute__startswith=f"{day}T")
    return _seen(found if case is None else found.filter(case=case))


def reads_of_case(
    case: str, after: int = 0, most: int = MOST_READS, day: str = ""
) -> tuple[NumberedRead, ...]:
    """What was read of a case, in the order it was noted; so many after a number.

    `day` (`YYYY-MM-DD`, UTC): on that day alone; empty: on any.
    """
    with translated(ACCOUNTS):
        found = SensitiveRead.objects.using(ACCOUNTS).filter(case=case, pk__gt=after)
        found = found.filter(minute__startswith=day)
        rows = found.order_by("pk")[: min(max(most, 1), MOST_READS)]
        return tuple(NumberedRead(n=row.pk, **asdict(_as_seen(row))) for row in rows)


def every_read(case: str, day: str = "") -> Iterator[dict[str, Any]]:
    """What `reads_of_case` gives, all of it: each as the API tells it."""
    after = 0
    while page := reads_of_case(case, after, day=day):
        yield from map(asdict, page)
        after = page[-1].n


def days_read(since: str, before: str) -> Iterator[tuple[str, str]]:
    """By day and case, where something was read from one day on to before another (UTC).

    Raises ValueError where one of them is no day.
    """
    for each in (since, before):
        day_written(each)
    with translated(ACCOUNTS):
        found = SensitiveRead.objects.using(ACCOUNTS).filter(minute__gte=since, minute__lt=before)
        days = found.annotate(day=Substr("minute", 1, len(since))).values_list("day", "case")
        yield from sorted(days.distinct().order_by())


def digest_of_day(day: str, case: str, salt: bytes) -> tuple[int, str]:
    """How many reads of a case a day has, and their digest, as `review.read_digests` makes it.

    Only of a day that is over: reads may still come to one that is not.
    """
    return digest_of_reads(salt, map(line_of, reads_of_day(day, case)))


def line_of(read: SeenEntries) -> bytes:
    """A read as a canonical line, without its number: as a day's digest is made of."""
    return line_of_read(asdict(read))


def _seen(found: "QuerySet[SensitiveRead]") -> Iterator[SeenEntries]:
    with translated(ACCOUNTS):
        for row in found.order_by("pk").iterator(chunk_size=_AT_A_TIME):
            yield _as_seen(row)


def _as_seen(row: SensitiveRead) -> SeenEntries:
    return SeenEntries(row.minute, row.person, row.party, row.case, row.route, row.first, row.last)
