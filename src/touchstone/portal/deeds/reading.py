"""A case as a person may draft in it here: what its party sees, folded from what it may read."""

from collections.abc import Iterator
from dataclasses import dataclass

from touchstone.clearance import Sight
from touchstone.client.party_case import PartyCase
from touchstone.deeds.seen_case import SeenCase
from touchstone.deeds.signing import SeenLog
from touchstone.ledger.contract2 import LastDeed
from touchstone.review.audience_view import Entry
from touchstone.server.principal import Principal
from touchstone.service.installation import Installation
from touchstone.service.reporting.feed import newest_of, own_case, size_for


@dataclass(frozen=True)
class ToldLog:
    """A case's log as its party is told of it; meets `SeenLog`."""

    here: Installation
    case: str
    party: str
    sight: Sight
    whole: SeenLog

    @property
    def log(self) -> str | None:
        """The log's id (hex)."""
        return self.whole.log

    @property
    def size(self) -> int:
        """How many entries it has."""
        return self.whole.size

    @property
    def recorded_at(self) -> str | None:
        """When the newest entry was recorded (UTC)."""
        return self.whole.recorded_at

    def root(self, size: int) -> bytes:
        """The root (32 bytes) that it had at a size."""
        return self.whole.root(size)

    def newest(self, topic: str) -> int | None:
        """The newest entry that touches a topic, as the API tells it to the party."""
        # Of things of which the party may read nothing, a draft must not tell that they are there.
        (told,) = newest_of(self.here, self.case, self.party, [topic], sight=self.sight)
        # And no more than there was when the case was read: what moved since, its signer has not
        # seen, and the deed is to be refused for it.
        return None if told is None else self.whole.newest(topic)

    def last_deed(self, key: str) -> LastDeed | None:
        """The newest deed of a key (fingerprint)."""
        return self.whole.last_deed(key)


def drafting_case(here: Installation, case: str, who: Principal) -> PartyCase:
    """The case to draft in, as it is now.

    Raises:
        UnpromisedError: there is no such case that the person's party has joined.
    """
    # Whether there is such a case is asked of the party's own, and of nothing else.
    size_for(here, case, who.party, sight=who.sight)
    # Before the entries are read: a deed may not name more than its signer has seen.
    log = here.records.deeds.log(case)
    read = own_case(here, case, who.party, sight=who.sight)
    told = ToldLog(here, case, who.party, who.sight, log)
    state, hidden = read.followed
    seen = SeenCase(who.party, told, state, hidden, here.clock, here.random)

    def entries(*types: str) -> Iterator[Entry]:
        return (each for each in read.case.entries if each.visible and each.kind in types)

    return PartyCase(case, who.party, seen, read.case.framework, entries)
