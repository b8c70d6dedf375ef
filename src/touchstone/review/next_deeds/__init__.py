"""What a party's next deeds are, who holds the ball, and until when: from what it may read.

Nobody is made to do anything by being told so here, and silence stays what the law says it is.

Begin at `touchstone.review.next_deeds.telling`: `next_deeds(framework, state, party, now)`.
"""

from touchstone.review.next_deeds.standpoint import Deadline, NextDeed, NextReason, Stance
from touchstone.review.next_deeds.telling import next_deeds, next_of_invited, urgency

__all__ = [
    "Deadline",
    "NextDeed",
    "NextReason",
    "Stance",
    "next_deeds",
    "next_of_invited",
    "urgency",
]
