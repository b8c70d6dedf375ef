"""A case's log as a party's machine follows it: checked entry by entry, and folded into a state."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from touchstone.deeds.seen_case import SeenCase
from touchstone.deeds.seen_entries import Showing, nothing_shown
from touchstone.keys import RandomSource, TimeSource
from touchstone.ledger import (
    AlteredError,
    CaseHead,
    KeyHistory,
    MalformedError,
    Opened,
    PublishedHead,
    loads,
)
from touchstone.ledger.bundlelines import parse_published
from touchstone.ledger.bundles import check_published_head
from touchstone.ledger.canonical import MAX_LINE
from touchstone.ledger.contract2 import (
    CaseLog,
    FollowedLog,
    LastDeed,
    RecordedAnswer,
    SignedAnswer,
    parse_deed_facts,
    parse_padded_entry,
    parse_shown_part,
)
from touchstone.review import State, evolve, read_event
from touchstone.review.events.base import Role


@dataclass(frozen=True)
class Machine:
    """What a client has beside its folder: a clock and a source of chance."""

    clock: TimeSource
    random: RandomSource


class FollowedCase:
    """One case, from entry 0 on. After a method has raised, it is to be thrown away."""

    def __init__(self, refused: Iterable[str] = ()) -> None:
        """`refused` are the digests (hex) of deeds that the installation refused for good."""
        self.refused = set(refused)
        self._log = FollowedLog()
        self._state = State()
        self._hidden: list[int] = []

    @property
    def size(self) -> int:
        """How many entries were taken in."""
        return self._log.past.size

    def take_in(self, lines: Sequence[bytes], keys: KeyHistory) -> None:
        """The next entry: its line, and those of its parts. Raises AlteredError, MalformedError."""
        # Before anything is parsed: a line without end would be read into memory first.
        if max(map(len, lines)) > MAX_LINE:
            raise MalformedError(f"a line of more than {MAX_LINE} bytes")
        entry = parse_padded_entry(lines[0])
        self._log.begin(entry, keys)
        parts = [parse_shown_part(loads(line)) for line in lines[1:]]
        for i, part in enumerate(parts):
            self._log.take(i, part)
        self._log.end(entry.leaf)
        recorded = self._log.recorded(entry.n)
        if recorded is None or not isinstance(parts[0], Opened):
            # It counts, though nobody here knows what it did: sizes and roots go on from it.
            self._hidden.append(entry.n)
            self._state = replace(self._state, size=entry.n + 1)
            return
        digest, at = recorded
        # A refusal is for good: whoever records such a deed after all has broken its own word.
        if digest in self.refused:
            raise AlteredError(f"entry {entry.n} is a deed that was refused for good")
        self._fold(parse_deed_facts(parts[0].data, entry.n), at)

    @property
    def log(self) -> CaseLog:
        """The log as it is seen."""
        return self._log.past

    @property
    def hides(self) -> bool:
        """Whether there are entries whose events are not shown."""
        return bool(self._hidden)

    def takes_part(self, party: str) -> bool:
        """Whether a party has joined, as far as is shown."""
        return party in self._state.parties

    def root(self, size: int) -> bytes:
        """The root (32 bytes) of the log at a size from 0 to its own."""
        return self._log.past.root(size)

    def seen(
        self,
        party: str,
        machine: Machine,
        told: tuple[tuple[str, Role], ...] = (),
        showing: Showing = nothing_shown,
    ) -> SeenCase:
        """The case as the party sees it.

        `told` is who is to take part, as it was told; `showing` gives the entries that are kept.
        """
        log, hidden = self._log.past, tuple(self._hidden)
        clock, random = machine.clock, machine.random
        return SeenCase(party, log, self._state, hidden, clock, random, told, showing)

    def check_head(self, head: CaseHead) -> None:
        """Hold a published head of the case against the entries. Raises AlteredError."""
        # The log first: sizes and roots of another case would be compared in vain.
        if head.log != self._log.past.log:
            raise AlteredError("the head is of another case's log")
        if head.size > self.size:
            raise AlteredError(f"{head.size} entries are published, and {self.size} are shown")
        if self._log.past.root(head.size).hex() != head.root:
            raise AlteredError(f"other entries are published, up to {head.size}, than are shown")

    def check_answer(self, signed: SignedAnswer, by: Mapping[str, bytes]) -> None:
        """Hold the installation's word on a deed of this party against the entries; `by`: its keys.

        Raises AlteredError: what it promises is not there.
        """
        answer = signed.answer
        if answer.size > self.size:
            raise AlteredError(f"the answer is of {answer.size} entries, and {self.size} are shown")
        self._log.check_answer(signed, by)
        # A party reads what it wrote: a server that hides it may have recorded something else.
        if isinstance(answer, RecordedAnswer) and self._log.recorded(answer.n) is None:
            raise AlteredError(f"entry {answer.n} is the party's own deed, and is not shown to it")

    def _fold(self, facts: Mapping[str, Any], at: str) -> None:
        try:
            self._state = evolve(self._state, read_event(facts), at)
        except KeyError as error:
            # It speaks to what an entry brought that is not shown, or that never was.
            if not self._hidden:
                what = f"entry {self.size - 1} speaks to what never was: {error}"
                raise AlteredError(what) from error
            self._state = replace(self._state, size=self.size, recorded_at=at)


def open_head(line: bytes, keys: KeyHistory) -> PublishedHead:
    """A case's head that stands in the installation's log. Raises AlteredError, MalformedError."""
    if len(line) > MAX_LINE:
        raise MalformedError(f"a head of more than {MAX_LINE} bytes")
    published = parse_published(loads(line))
    check_published_head(published, keys)
    return published


class TopicsToldLog:
    """A log as it is seen, with what the server says of topics that hidden entries touched."""

    def __init__(self, seen: CaseLog, told: Mapping[str, int | None]) -> None:
        """`told` is for each topic the newest entry that touches it.

        Raises AlteredError: an entry that is shown would be it, and says otherwise.
        """
        self._seen = seen
        self._told = {topic: self._checked(topic, n) for topic, n in told.items()}

    @property
    def log(self) -> str | None:
        """The log's id (hex)."""
        return self._seen.log

    @property
    def size(self) -> int:
        """How many entries it has."""
        return self._seen.size

    @property
    def recorded_at(self) -> str | None:
        """When the newest entry shown was recorded (UTC)."""
        return self._seen.recorded_at

    def root(self, size: int) -> bytes:
        """The root (32 bytes) that it had at a size."""
        return self._seen.root(size)

    def newest(self, topic: str) -> int | None:
        """The newest entry that touches a topic, shown or hidden."""
        return self._told[topic] if topic in self._told else self._seen.newest(topic)

    def last_deed(self, key: str) -> LastDeed | None:
        """The newest deed of a key (fingerprint)."""
        return self._seen.last_deed(key)

    def _checked(self, topic: str, told: int | None) -> int | None:
        own = self._seen.newest(topic)
        if told is None or told == own or told >= self._seen.size:
            # What has come since may be asked for again; what is shown counts more than a silence.
            return own
        # Where an entry is shown its topics are known: only a hidden one can be a newer one.
        if (own is not None and told < own) or not self._seen.is_hidden(told):
            at = "none" if own is None else own
            raise AlteredError(f"topic {topic} is said to be at {told}, and is at {at}")
        return told
