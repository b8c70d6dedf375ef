"""A day's reads as one digest, and whether what a server tells of them later is still the same.

The reads are rows of the server's, outside the record; the record holds a digest of each day's,
made with a salt that the developer alone can read. Nothing here asks a server or a record.

    checked = check_days(digested, {"2026-12-01": [b'{"case":...}', ...]})
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from touchstone.ledger import dumps
from touchstone.review.audience_view import Entry
from touchstone.review.events.settling import ReadsDigested

_DOMAIN = b"touchstone/reads/1\x00"
READ = ("case", "first", "last", "minute", "party", "person", "route")
"""What a read consists of: who read which entries of a case, by which route, in which minute."""
Standing = Literal["as-recorded", "altered", "not-recorded", "unchecked"]
"""`not-recorded`: no digest of the day so far. `unchecked`: the salt is not to be read any more."""


@dataclass(frozen=True)
class DigestedDay:
    """What the record says of one day's reads."""

    day: str
    n: int
    """The entry."""
    reads: int
    digest: str
    salt: bytes | None
    """32 bytes; None where it was erased, or is not open to whoever reads."""


@dataclass(frozen=True)
class CheckedDay:
    """One day's reads as they are told, held against the record."""

    day: str
    told: int
    """How many reads are told."""
    recorded: int | None
    """How many the record has; None where it has none of the day."""
    n: int | None
    stands: Standing


def line_of_read(read: Mapping[str, str | int]) -> bytes:
    """A read as a canonical line, as a day's digest is made of; what else it has is left out."""
    return dumps({name: read[name] for name in READ})


def digest_of_reads(salt: bytes, lines: Iterable[bytes]) -> tuple[int, str]:
    """How many reads there are, and the digest of them: of each its canonical line, in order."""
    digest, count = sha256(_DOMAIN + salt), 0
    for line in lines:
        digest.update(line + b"\n")
        count += 1
    return count, f"sha256:{digest.hexdigest()}"


def digested_days(entries: Iterable[Entry]) -> list[DigestedDay]:
    """The days that were digested, of entries of the type `reads-digested`, as one may read them.

    By whom an entry is signed was checked before: by nobody but the installation itself.
    """
    found = []
    for entry in entries:
        event = entry.event
        if isinstance(event, ReadsDigested):
            salt = entry.content("salt")
            bare = bytes.fromhex(salt["salt"]) if salt else None
            found.append(DigestedDay(event.day, entry.n, event.reads, event.digest, bare))
    return found


def check_days(
    digested: Sequence[DigestedDay], told: Mapping[str, Sequence[bytes]]
) -> list[CheckedDay]:
    """Each day that the record or the server knows, by day; `told` are the lines of a day's reads.

    A second digest of a day is never recorded by the law; where there is one, each is checked.
    """
    days = [_check(each, told.get(each.day, ())) for each in digested]
    known = {each.day for each in digested}
    days += [
        CheckedDay(day, len(lines), None, None, "not-recorded")
        for day, lines in told.items()
        if day not in known
    ]
    return sorted(days, key=lambda each: (each.day, each.n or 0))


def _check(day: DigestedDay, lines: Sequence[bytes]) -> CheckedDay:
    stands: Standing = "unchecked"
    if day.salt is not None:
        same = digest_of_reads(day.salt, lines) == (day.reads, day.digest)
        stands = "as-recorded" if same else "altered"
    elif len(lines) != day.reads:
        stands = "altered"
    return CheckedDay(day.day, len(lines), day.reads, day.n, stands)
