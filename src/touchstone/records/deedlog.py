"""What the checks of contract 2 ask of a case's log, answered from the tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from touchstone.ledger import EMPTY_ROOT, MalformedError
from touchstone.ledger.contract2 import (
    CaseKeys,
    LastDeed,
    RecordedDeed,
    SignedAnswer,
    parse_key_act,
)
from touchstone.ledger.errors import AlteredError
from touchstone.records.database import raw
from touchstone.records.errors import DamagedError
from touchstone.records.eventrows import read_events_at
from touchstone.records.inserting import first, newest_row
from touchstone.records.models import AnswerRow, DeedRow, TopicRow
from touchstone.records.reader import kept_answer

CONTRACT = 2
KEYS = ("keys:", "recovery:")
"""How the topics begin, one of which every act on keys touches."""
_LAST = ("n", "seq", "digest", "seen")


@dataclass(frozen=True, slots=True)
class LogKnown:
    """What was found out of a log at one size; the root (32 bytes) says of which log.

    `last` and `newest` hold what was asked for: by key its newest deed, by topic its newest entry,
    None where there is none.
    """

    size: int
    root: bytes
    keys: CaseKeys
    recorded_at: str | None = None
    last: Mapping[str, LastDeed | None] = field(default_factory=dict)
    newest: Mapping[str, int | None] = field(default_factory=dict)


NOTHING_KNOWN = LogKnown(0, EMPTY_ROOT, CaseKeys())


class StoredLog:
    """A log as it stands in the tables, and what this transaction appends; meets `AnsweredLog`.

    Nobody else may append meanwhile: whoever asks holds the case's lock. `log` is None and `size` 0
    for a case that is to begin. Methods raise DamagedError where the tables disagree.
    """

    def __init__(
        self, alias: str, case: str, log: str | None, size: int, root: bytes, known: LogKnown
    ) -> None:
        """`root` (32 bytes) is that of the head, `known` what was found at some earlier size."""
        self.log = log
        self.size = size
        self._alias = alias
        self._case = case
        self._stored = size
        self._roots = {size: root}
        self._known = known
        # By root as well: a record that was put back has another log of the same size.
        current = (known.size, known.root) == (size, root)
        self._last = dict(known.last) if current else {}
        self._newest = dict(known.newest) if current else {}
        self._recorded_at = known.recorded_at if current else None
        self._keys: CaseKeys | None = known.keys if current else None
        # Of this transaction, which the tables do not show yet.
        self._answers: dict[str, SignedAnswer] = {}
        self._digests: dict[tuple[str, int], str] = {}

    @property
    def recorded_at(self) -> str | None:
        """When the newest entry was recorded (UTC), None if there is none."""
        if self._recorded_at is None and self.size:
            (self._recorded_at,) = self._deed(self.size - 1, "at")
        return self._recorded_at

    @property
    def keys(self) -> CaseKeys:
        """Who may sign next."""
        if self._keys is None:
            known = self._known
            if known.size > self.size or self.root(known.size) != known.root:
                # The record was put back to an earlier day.
                known = NOTHING_KNOWN
            self._keys = self._followed(known) if known.size < self.size else known.keys
        return self._keys

    @property
    def known(self) -> LogKnown:
        """What was found out by now: another `StoredLog` may go on from there."""
        at = self.recorded_at
        root = self.root(self.size)
        return LogKnown(self.size, root, self.keys, at, dict(self._last), dict(self._newest))

    def root(self, size: int) -> bytes:
        """The root (32 bytes) that the log had at a size from 0 to its own."""
        if size in self._roots:
            return self._roots[size]
        return raw(*self._deed(size - 1, "root")) if size else EMPTY_ROOT

    def newest(self, topic: str) -> int | None:
        """The newest entry that touches a topic."""
        if topic not in self._newest:
            # Without the lock others append meanwhile: this log does not grow by it.
            where, before = {"case_id": self._case, "topic": topic}, ("n", self._stored)
            row = newest_row(self._alias, TopicRow, ("n",), where, by="n", before=before)
            self._newest[topic] = row[0] if row else None
        return self._newest[topic]

    def last_deed(self, key: str) -> LastDeed | None:
        """The newest deed of a key (fingerprint)."""
        if key not in self._last:
            where, before = {"case_id": self._case, "key": key}, ("n", self._stored)
            row = newest_row(self._alias, DeedRow, _LAST, where, by="seq", before=before)
            self._last[key] = LastDeed(*row) if row else None
        return self._last[key]

    def hidden_since(self, n: int) -> int:
        """0: a store shows all to itself."""
        del n
        return 0

    def is_hidden(self, n: int) -> bool:
        """False, likewise."""
        del n
        return False

    def recorded_digest(self, key: str, seq: int) -> str | None:
        """The digest (hex) of the key's deed that was recorded with this `seq`."""
        last = self.last_deed(key)
        if last is None or seq > last.seq:
            return None
        # The usual question, whether this deed came before, costs no look at the tables.
        if seq == last.seq:
            return last.digest
        if (key, seq) in self._digests:
            return self._digests[key, seq]
        row = self._of_key(key, seq, ("digest",))
        return row[0] if row else None

    def recorded_place(self, key: str, seq: int) -> tuple[int, str] | None:
        """Entry and time of the key's stored deed with this `seq`."""
        row = self._of_key(key, seq, ("n", "at"))
        return (row[0], row[1]) if row else None

    def answer(self, digest: str) -> SignedAnswer | None:
        """The stored answer to a deed, by its digest (hex), whatever case it was sent to.

        A deed that begins a log names none: it must not begin a second one.
        """
        return self._answers.get(digest) or stored_answer(self._alias, digest)

    def append(self, recorded: RecordedDeed, root: bytes, answer: SignedAnswer) -> None:
        """Take in a deed of this transaction: the next one is held against it.

        `root` (32 bytes) is the log's with the deed's entry.
        """
        admitted, statement = recorded.admitted, recorded.admitted.statement
        n, key, digest = recorded.entry.n, statement.key, statement.digest
        self._keys = self.keys.after(
            statement.actor,
            admitted.act,
            key,
            first=n == 0,
            dated=str(admitted.facts["at"]),
            recorded=admitted.at,
        )
        # A log is called by the leaf of its entry 0, which nobody can choose.
        self.log = self.log or recorded.entry.leaf.hex()
        self.size = n + 1
        self._roots[self.size] = root
        self._recorded_at = admitted.at
        self._last[key] = LastDeed(n, statement.seq, digest, statement.seen.size)
        self._newest.update(dict.fromkeys(statement.touches, n))
        self._digests[key, statement.seq] = digest
        self._answers[digest] = answer

    def _followed(self, known: LogKnown) -> CaseKeys:
        """The keys at this size, from those at an earlier one: by the entries that touch any."""
        rows = TopicRow.objects.using(self._alias).filter(
            reduce(or_, (Q(topic__startswith=each) for each in KEYS)),
            case=self._case,
            n__gte=known.size,
            n__lt=self.size,
        )
        keys = known.keys
        places = [*rows.order_by("n").values_list("n", flat=True).distinct()]
        try:
            for n, event in read_events_at(self._alias, self._case, places, CONTRACT):
                signed_by, at = self._deed(n, "key", "at")
                keys = keys.after(
                    event["actor"],
                    parse_key_act(event),
                    signed_by,
                    first=n == 0,
                    dated=event["at"],
                    recorded=at,
                )
        except (AlteredError, MalformedError) as error:
            raise DamagedError(f"{self._case}: its keys do not follow: {error}") from error
        return keys

    def _deed(self, n: int, *columns: str) -> tuple[Any, ...]:
        row = first(self._alias, DeedRow, columns, {"case_id": self._case, "n": n})
        if row is None:
            raise DamagedError(f"{self._case}: there is no deed of entry {n}")
        return row

    def _of_key(self, key: str, seq: int, columns: tuple[str, ...]) -> tuple[Any, ...] | None:
        where = {"case_id": self._case, "key": key, "seq": seq}
        return first(self._alias, DeedRow, columns, where)


def answer_row(case: str, party: str, answer: SignedAnswer) -> tuple[str, str, str, bytes]:
    """What is stored of an answer to a party's deed, as `insert` takes it."""
    return answer.answer.deed, case, party, answer.line


def stored_answer(alias: str, digest: str) -> SignedAnswer | None:
    """The answer to a deed, by its digest (hex). Raises DamagedError."""
    row = first(alias, AnswerRow, ("case", "line"), {"digest": digest})
    return kept_answer(row[0], raw(row[1])) if row else None
