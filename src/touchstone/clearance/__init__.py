"""Markings, and who may read what carries one.

It hides nothing itself and knows no case: it answers yes or no, with a reason, and no by default.

Begin at `touchstone.clearance.decide`: `may_read(audience, marking, author)`.

No by default::

    >>> may_read(party_audience("example-lab"), tlp("AMBER", "example-lab")).allowed
    True
    >>> may_read(PUBLIC, tlp("GREEN")).reason
    'GREEN is for the community, and public is not in it'
"""

from touchstone.clearance.audiences import COMMUNITY, PUBLIC, Audience, Ceiling, party_audience
from touchstone.clearance.decide import Decision, may_read
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

__all__ = [
    "COMMUNITY",
    "EVERY_PARTY",
    "LABELS",
    "PUBLIC",
    "TLP",
    "Audience",
    "Ceiling",
    "ClearanceError",
    "Decision",
    "Label",
    "Marking",
    "MarkingError",
    "may_read",
    "parse_marking",
    "party_audience",
    "tlp",
]
