"""Who read what of a developer's case, as a server tells it, held against the record.

The record is what this machine followed itself; the reads are the server's word, until they give
the digest that the installation recorded of their day.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from touchstone.client.errors import UnheardError
from touchstone.handin import moment_of
from touchstone.review.read_digests import (
    READ,
    CheckedDay,
    DigestedDay,
    check_days,
    line_of_read,
)

Read = Mapping[str, str | int]
_NUMBERS = frozenset({"first", "last"})


@dataclass(frozen=True)
class ToldReads:
    """What was read of a case, by whom, and how each day of it stands to the record."""

    case: str
    reads: tuple[Read, ...]
    days: tuple[CheckedDay, ...]

    @property
    def altered(self) -> int:
        """How many days are told otherwise than they were recorded."""
        return sum(each.stands == "altered" for each in self.days)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "case": self.case,
            "days": [asdict(each) for each in self.days],
            "reads": [dict(each) for each in self.reads],
        }


def told_reads(
    case: str, digested: Sequence[DigestedDay], told: Iterable[Mapping[str, Any]], day: str = ""
) -> ToldReads:
    """What is told of a case's reads, checked; of one day (`YYYY-MM-DD`, UTC) where it is given.

    Raises UnheardError where what is told does not tell of reads.
    """
    reads, lines = list[Read](), dict[str, list[bytes]]()
    for each in map(_read, told):
        reads.append(each)
        lines.setdefault(str(each["minute"])[: len("2026-12-01")], []).append(line_of_read(each))
    due = [each for each in digested if day in ("", each.day)]
    return ToldReads(case, tuple(reads), tuple(check_days(due, lines)))


def _read(told: Mapping[str, Any]) -> Read:
    """One read as a server tells it, of the form that digests are made of."""
    values: dict[str, Any] = {name: told.get(name) for name in READ}
    numbers = all(type(values[name]) is int for name in _NUMBERS)
    texts = all(isinstance(values[name], str) for name in READ if name not in _NUMBERS)
    try:
        # Else a day that there is not would stand in the answer.
        moment_of(f"{values['minute']}:00Z")
    except ValueError:
        texts = False
    if not numbers or not texts:
        raise UnheardError("what came does not tell who read what")
    return values
