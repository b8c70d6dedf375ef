"""What must hold of a deed at its place, for the server that appends and for whoever reads later.

Each check raises AlteredError. Where entries were not shown, it lets pass what one of them could
explain, and nothing else: the server, which sees all, gets the whole check.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from touchstone.handin import moment_of
from touchstone.ledger.contract2.keyacts import CaseKeys, KeyAct, KnownKey
from touchstone.ledger.contract2.own_deeds import INSTALLATION, own_key
from touchstone.ledger.contract2.statements import DeedEnvelope, DeedStatement
from touchstone.ledger.errors import AlteredError
from touchstone.ledger.keylines import KeyHistory

MAX_AHEAD = timedelta(minutes=5)
"""How far a deed's own time may lie ahead of its recording: clocks differ."""
MAX_VALIDITY = timedelta(days=7)
"""How long after its own time a deed with an `until` may wait to be recorded."""


@dataclass(frozen=True, slots=True)
class LastDeed:
    """The newest deed of one key that is shown: entry, `seq`, digest (hex) and the size seen."""

    n: int
    seq: int
    digest: str
    seen: int


class PastLog(Protocol):
    """What the checks ask of a case's log; `CaseLog` answers from memory, a store from tables."""

    @property
    def log(self) -> str | None:
        """The log's id (hex), None while it is empty."""

    @property
    def size(self) -> int:
        """How many entries it has."""

    @property
    def keys(self) -> CaseKeys:
        """Who may sign next."""

    @property
    def recorded_at(self) -> str | None:
        """When the newest entry shown was recorded (UTC), None if there is none."""

    def root(self, size: int) -> bytes:
        """The root (32 bytes) that the log had at a size from 0 to its own."""

    def newest(self, topic: str) -> int | None:
        """The newest entry, of those shown, that touches a topic."""

    def last_deed(self, key: str) -> LastDeed | None:
        """The newest deed of a key, of those shown."""

    def hidden_since(self, n: int) -> int:
        """How many entries from n on are not shown: 0 in a server's own log."""

    def is_hidden(self, n: int) -> bool:
        """Whether entry n is not shown."""


def check_deed_at(
    envelope: DeedEnvelope,
    parts: Sequence[str],
    facts: Mapping[str, Any],
    act: KeyAct | None,
    past: PastLog,
    history: KeyHistory,
) -> KnownKey | None:
    """All that must hold of a recorded deed but its time; gives its key, None if that is hidden.

    `parts` are the commitments (hex) of its entry that come before it, `facts` and `act` part 0,
    `history` the keys of the installation, which signs its own deeds.
    """
    statement = envelope.statement
    check_log_id(statement, past)
    # All parts before it: none can be added, taken away or put in another's place.
    if statement.parts != tuple(parts):
        raise AlteredError("the deed was signed for other parts")
    if (statement.deed, statement.actor) != (facts["type"], facts["actor"]):
        raise AlteredError("the deed is of another type or actor than its event")
    for check in (check_chain, check_seen, check_exact, check_topics):
        check(statement, past)
    if statement.actor == INSTALLATION:
        own = own_key(statement, act, history.public_keys)
        envelope.verify(own.public_key)
        return own
    first, dated = past.size == 0, str(facts["at"])
    keys = past.keys.after(statement.actor, act, statement.key, first=first, dated=dated)
    key = keys.check_signer(statement.actor, statement.deed, statement.key, act)
    if key is not None:
        envelope.verify(key.public_key)
    return key


def check_log_id(statement: DeedStatement, past: PastLog) -> None:
    """The deed is for this log."""
    if statement.log != past.log:
        raise AlteredError("the deed is for another log")


def check_chain(statement: DeedStatement, past: PastLog) -> None:
    """The deed follows the key's last one: no `seq` left out, none used twice, none forgotten."""
    last = past.last_deed(statement.key)
    due, since = (last.seq + 1, last.n + 1) if last else (0, 0)
    missing = statement.seq - due
    if missing < 0:
        raise AlteredError(f"the deed has seq {statement.seq} of its key, which was used before")
    # Each hidden entry may be one of the missing deeds, and only one.
    if missing > past.hidden_since(since):
        raise AlteredError(f"the deed has seq {statement.seq} of its key, where {due} is due")
    # Where any is missing, the deed before is hidden, and its digest with it.
    if missing == 0 and statement.before != (last.digest if last else None):
        raise AlteredError("the deed follows another deed of its key than the one before it")


def check_seen(statement: DeedStatement, past: PastLog) -> None:
    """What the signer has seen is a past of this log, and not behind what it had seen before."""
    seen = statement.seen
    if seen.size > past.size:
        raise AlteredError("the deed's signer has seen more entries than come before it")
    if past.root(seen.size).hex() != seen.root:
        raise AlteredError("what the deed's signer has seen is no past of this log")
    last = past.last_deed(statement.key)
    if last is not None and seen.size < last.seen:
        raise AlteredError("the deed's signer has seen less than in the key's last deed")


def check_exact(statement: DeedStatement, past: PastLog) -> None:
    """A deed that is exact stands right after what its signer has seen."""
    if statement.exact and statement.seen.size != past.size:
        raise AlteredError(f"the deed is exact at {statement.seen.size}, the log at {past.size}")


def check_topics(statement: DeedStatement, past: PastLog) -> None:
    """Each topic that the deed is on has not moved since the signer saw it."""
    for topic, n in sorted(statement.on.items()):
        newest = past.newest(topic)
        if n == newest:
            continue
        # Only an entry that is not shown can be newer than the newest that is.
        behind = n is None or (newest is not None and n < newest)
        if behind or n is None or n >= past.size or not past.is_hidden(n):
            # Not where it is: the signer may not be shown the entry that touched it.
            since = "it was seen" if n is None else f"entry {n}"
            raise AlteredError(f"topic {topic} has moved since {since}")


def check_recorded_time(statement: DeedStatement, at: str, before: str | None) -> None:
    """The time of recording `at` does not go back behind the one `before` it, nor past `until`."""
    # Texts of one width, in UTC: they are in order as the times are.
    if before is not None and at < before:
        raise AlteredError(f"the entry is recorded at {at}, the one before it at {before}")
    if statement.until is not None and at > statement.until:
        raise AlteredError(f"the entry is recorded at {at}, past the deed's until")


def check_dates(statement: DeedStatement, said: str, at: str) -> None:
    """Part 0's own time `said` is not ahead of the time of recording `at`, nor long behind it.

    One bound for how long a deed may wait: its own time is at most MAX_VALIDITY before its `until`,
    and so before it is recorded. A deed without an `until` may wait for ever.
    """
    dated = moment_of(said)
    if dated - moment_of(at) > MAX_AHEAD:
        raise AlteredError(f"the deed is dated {said}, and recorded at {at}, before that")
    if statement.until and moment_of(statement.until) - dated > MAX_VALIDITY:
        raise AlteredError("the deed asks to stay valid for too long after its own time")
