"""The digest of a day's reads put into a case's record, by the installation's own key."""

from collections.abc import Callable, Sequence

from touchstone.deeds.deed import Deed
from touchstone.deeds.known_case import participants_of
from touchstone.deeds.reporting import reads_digested
from touchstone.deeds.signing import SALT
from touchstone.review import State
from touchstone.review.audience_view import stored_entry
from touchstone.review.read_digests import DigestedDay, digested_days
from touchstone.service.case_context import Case
from touchstone.service.frameworks import pinned_framework
from touchstone.service.installation import Installation

Digesting = Callable[[bytes], tuple[int, str]]
"""Of a salt (32 bytes), how many reads there are and their digest."""


def record_day_of_reads(
    installation: Installation, case: str, day: str, digesting: Digesting
) -> bool:
    """Record the digest of a case's reads on a day (UTC) that is over, unless it stands there.

    `case` is its whole id. Whether it was recorded now: of several processes that try, by one.

    Raises:
        CaseMissingError: there is no such case.
        EarlierContractError: it is of record contract 1, which nothing is added to.
        MissingPartError: no centre has joined it yet, so that nobody could be told.
        RefusedDeed: it holds events of a newer version, say; it is tried again.
    """
    state = installation.state(case)
    if day in state.days_digested or state.status == "destroyed":
        return False
    found = Case(
        installation, case, pinned_framework(installation, case), None, participants_of(state)
    )
    found.require_growing()
    salt = installation.random.draw(SALT)
    reads, digest = digesting(salt)
    made: list[Deed] = []

    def unless_it_stands(now: State) -> Sequence[Deed]:
        # Under the lock: another process may have been quicker.
        if day not in now.days_digested:
            made.append(reads_digested(found, day, reads, digest, salt))
        return made

    found.record(unless_it_stands)
    return bool(made)


def days_digested(installation: Installation, case: str) -> list[DigestedDay]:
    """The days of a case whose reads were digested, with their salts, as the store holds them."""
    reader = installation.records.case(case)
    places = [n for n, _ in reader.events_of(["reads-digested"])]
    return digested_days(stored_entry(reader, n) for n in places)
