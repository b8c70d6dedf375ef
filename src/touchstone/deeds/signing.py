"""The client's half of a deed: what a party signs, from the log as it sees it.

It holds the party's key and asks nothing of the record but what the log tells everybody in the
case, so that it can stand on another machine. The server's half is `taking`.

    sent = prepare_deed(deed, log, keyring.party("example-lab"), SystemRandom(), now)
    answer = take_deed(installation, case, sent.submitted, asker="example-lab", now=now,
                       evidence=sent.evidence)
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from touchstone.deeds.deed import Deed, attached
from touchstone.handin import moment_of, utc_text
from touchstone.keys import RandomSource
from touchstone.ledger import dumps, fingerprint
from touchstone.ledger.contract2 import (
    DeedStatement,
    LastDeed,
    SeenHead,
    SentPart,
    SubmittedDeed,
    sign_statement,
)
from touchstone.ledger.entries import commit_part
from touchstone.ledger.signing import Signer
from touchstone.review import Event, State, topics_of
from touchstone.review.events.joining import PartyJoined, PartyKeyRotated, PartyRejoined
from touchstone.review.events.opening import CaseOpened

SALT = 32
VALID = timedelta(hours=1)
"""How long a deed may be recorded after it was signed; what leaves or stops, at any time."""


@dataclass(frozen=True)
class Unsigned:
    """What is to be signed, with the parts that it commits to and the bytes of its evidence."""

    statement: DeedStatement
    parts: tuple[SentPart, ...]
    evidence: tuple[bytes, ...]


@dataclass(frozen=True)
class Outgoing:
    """A signed deed as it is sent: envelope and parts, and the bytes of its evidence."""

    submitted: SubmittedDeed
    evidence: tuple[bytes, ...]


class SeenLog(Protocol):
    """What a party sees of a case's log: its own copy of the heads, or the log itself."""

    @property
    def log(self) -> str | None:
        """The log's id (hex), None while it is empty."""

    @property
    def size(self) -> int:
        """How many entries it has."""

    @property
    def recorded_at(self) -> str | None:
        """When the newest entry was recorded (UTC), None if there is none."""

    def root(self, size: int) -> bytes:
        """The root (32 bytes) that it had at a size."""

    def newest(self, topic: str) -> int | None:
        """The newest entry that touches a topic."""

    def last_deed(self, key: str) -> LastDeed | None:
        """The newest deed of a key (fingerprint)."""


def prepare_deed(
    deed: Deed, log: SeenLog, signer: Signer, random: RandomSource, now: str
) -> Outgoing:
    """The deed under its party's key, on the log as it is seen; `now` is the signer's time (UTC).

    Raises as `state_deed`.
    """
    made = state_deed(deed, log, fingerprint(signer.public_key), random, now)
    submitted = SubmittedDeed(sign_statement(made.statement, signer).value, made.parts)
    return Outgoing(submitted, made.evidence)


def state_deed(deed: Deed, log: SeenLog, key: str, random: RandomSource, now: str) -> Unsigned:
    """What a key (fingerprint) is to sign, where whoever drafts does not have it.

    Raises:
        BadEventError: this version knows no such type.
        MalformedError: something of it is not in the form of the record.
    """
    event = deed.event
    beside = [attached(each) for each in deed.attachments]
    parts = tuple(
        # Each has a salt of its own, or whoever is shown one could guess another of few values.
        SentPart(random.draw(SALT), dumps(value))
        for value in (event.facts(), *(each.value for each in beside))
    )
    asked, last = topics_of(event), log.last_deed(key)
    statement = DeedStatement(
        log=log.log,
        key=key,
        actor=event.actor,
        deed=event.type,
        parts=tuple(commit_part(part.salt, part.data) for part in parts),
        # A key's deeds are a chain: one that is left out, or put in another place, is missed.
        seq=last.seq + 1 if last else 0,
        before=last.digest if last else None,
        seen=SeenHead(log.size, log.root(log.size).hex()),
        until=_until(log, now) if asked.ends else None,
        touches=tuple(sorted(asked.touches)),
        on={topic: log.newest(topic) for topic in asked.must_name},
        exact=asked.exact,
    )
    return Unsigned(statement, parts, tuple(each.data for each in beside if each.data is not None))


def _until(log: SeenLog, now: str) -> str:
    """Not before the record's own time, which does not go back where a clock was set back."""
    return utc_text(moment_of(max(now, log.recorded_at or now)) + VALID)


def key_of(state: State, event: Event) -> bytes | None:
    """The public key that signs the event: the one it brings, or the one its actor has.

    None of an actor that is not in the case.
    """
    # Signed by the key that it brings, which shows that whoever names it also holds it.
    if isinstance(event, PartyJoined | PartyKeyRotated | PartyRejoined):
        return bytes.fromhex(event.key_act.key)
    if isinstance(event, CaseOpened) and event.key_act is not None:
        return bytes.fromhex(event.key_act.key)
    party = state.parties.get(event.actor)
    return None if party is None else bytes.fromhex(party.key)
