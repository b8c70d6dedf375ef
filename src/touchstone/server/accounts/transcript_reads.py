"""That somebody looked at a transcript, or at what is quoted of it, or took its log: a read.

note_look(principal, "case-1", "17-3-1", 17, 17, now=now)
"""

from touchstone.server.accounts.reads import note_read
from touchstone.server.principal import Principal

LISTED = "list"
OPERATOR = "operator"
"""Who looks where the record is: no person of a party is called so."""
_ROUTE = "v1/cases/<case>/transcripts"
_FLAGS = "v1/cases/<case>/oversight"


def note_look(
    principal: Principal, case: str, what: str, first: int, last: int, *, now: str
) -> None:
    """Write down, before it is answered, which transcript is looked at, or that they are listed."""
    # By its name and not by the route's pattern: entry 17 alone would not say whose words they are.
    route = _ROUTE if what == LISTED else f"{_ROUTE}/{what}"
    note_read(principal, case, route, first, last, now=now)


def note_flags(
    principal: Principal, case: str, what: str, first: int, last: int, *, now: str
) -> None:
    """The same of what detectors quote: of which transcript it is read, or that it is listed."""
    route = _FLAGS if what == LISTED else f"{_FLAGS}/{what}"
    note_read(principal, case, route, first, last, now=now)


def operator_for(party: str) -> Principal:
    """Who operates the machine on which the record is, looking for a party."""
    return Principal(OPERATOR, party, frozenset(), frozenset(), "")
