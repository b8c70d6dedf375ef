"""What a party's next deeds are, who holds the ball, and until when: from what it may read.

Nobody is made to do anything by being told so here, and silence stays what the law says it is.

Begin at `touchstone.review.next_deeds.telling`: `next_deeds(framework, state, party, now)`.
"""

from touchstone.review.next_deeds.standpoint import (
    IN_THE_WINDOW,
    Deadline,
    NextDeed,
    NextReason,
    Stance,
)
from touchstone.review.next_deeds.telling import (
    deeds_of_all,
    next_deeds,
    next_of_invited,
    own_deeds,
    urgency,
)

__all__ = [
    "IN_THE_WINDOW",
    "Deadline",
    "NextDeed",
    "NextReason",
    "Stance",
    "deeds_of_all",
    "next_deeds",
    "next_of_invited",
    "own_deeds",
    "urgency",
]
