"""Who read which entries that are not open to all, when: kept outside the record, day by day.

A day's digest is what goes into the record, under the installation's key: whoever changes the table
afterwards is found out by it.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256

from django.db.models import QuerySet

from touchstone.handin import day_written
from touchstone.ledger import dumps
from touchstone.records.database import translated
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


@dataclass(frozen=True, slots=True)
class DayOfReads:
    """How many reads a day has, and the digest (`sha256:` and hex) of all of them in order."""

    day: str
    reads: int
    digest: str


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


def reads_of_case(case: str, after: int = 0, most: int = MOST_READS) -> tuple[NumberedRead, ...]:
    """What was read of a case, in the order it was noted; so many after a number."""
    with translated(ACCOUNTS):
        found = SensitiveRead.objects.using(ACCOUNTS).filter(case=case, pk__gt=after)
        rows = found.order_by("pk")[: min(max(most, 1), MOST_READS)]
        return tuple(NumberedRead(n=row.pk, **asdict(_as_seen(row))) for row in rows)


def digest_of_day(day: str) -> DayOfReads:
    """A day's reads as one digest: SHA-256 over a canonical line of each, and a line feed.

    Only of a day that is over: reads may still come to one that is not.
    """
    digest, count = sha256(), 0
    for read in reads_of_day(day):
        digest.update(line_of(read) + b"\n")
        count += 1
    return DayOfReads(day, count, f"sha256:{digest.hexdigest()}")


def line_of(read: SeenEntries) -> bytes:
    """A read as a canonical line, as a day's digest is made of."""
    return dumps(asdict(read))


def _seen(found: "QuerySet[SensitiveRead]") -> Iterator[SeenEntries]:
    with translated(ACCOUNTS):
        for row in found.order_by("pk").iterator(chunk_size=_AT_A_TIME):
            yield _as_seen(row)


def _as_seen(row: SensitiveRead) -> SeenEntries:
    return SeenEntries(row.minute, row.person, row.party, row.case, row.route, row.first, row.last)
