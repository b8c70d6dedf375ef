"""Early verdicts made again from a record's entries alone."""

from collections.abc import Iterable, Mapping

from touchstone.review import RunKey
from touchstone.review.audience_view import Entry
from touchstone.verdicts.sequential_verdicts import EarlyVerdict, standings_from_record


def verdicts_from_record(entries: Iterable[Entry], battery: str) -> Mapping[RunKey, EarlyVerdict]:
    """Every early verdict that the entries carry, with its evidence; open runs are left out."""
    found = standings_from_record(entries, battery)
    return {key: early for key, early in found.items() if early.progress.decided}
