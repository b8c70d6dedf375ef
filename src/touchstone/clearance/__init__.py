"""Markings, and who may read what carries one.

It hides nothing itself and keeps no case: it answers yes or no, with a reason, and no by default.

Begin at `touchstone.clearance.decide`: `may_read(audience, marking, author)`.

Of a whole case `may_open(audience, membership)` decides, and `sight_of(roles)` is how much of what
its party may read a person sees.

No by default::

    >>> may_read(party_audience("example-lab"), tlp("AMBER", "example-lab")).allowed
    True
    >>> may_read(PUBLIC, tlp("GREEN")).reason
    'GREEN is for the community, and public is not in it'
"""

from touchstone.clearance.audiences import COMMUNITY, PUBLIC, Audience, Ceiling, party_audience
from touchstone.clearance.decide import (
    Decision,
    MembershipState,
    may_open,
    may_open_to_join,
    may_read,
    may_take,
)
from touchstone.clearance.errors import ClearanceError, MarkingError
from touchstone.clearance.markings import (
    EVERY_PARTY,
    LABELS,
    TLP,
    Label,
    Marking,
    parse_marking,
    tlp,
)
from touchstone.clearance.sights import SIGHTS, Sight, sight_of

__all__ = [
    "COMMUNITY",
    "EVERY_PARTY",
    "LABELS",
    "PUBLIC",
    "SIGHTS",
    "TLP",
    "Audience",
    "Ceiling",
    "ClearanceError",
    "Decision",
    "Label",
    "Marking",
    "MarkingError",
    "MembershipState",
    "Sight",
    "may_open",
    "may_open_to_join",
    "may_read",
    "may_take",
    "parse_marking",
    "party_audience",
    "sight_of",
    "tlp",
]
