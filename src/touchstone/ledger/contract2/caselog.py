"""A case's log in memory, as the checks ask of it: nothing is rewritten, all past roots answer."""

from bisect import bisect_left
from dataclasses import dataclass

from touchstone.ledger.contract2.checks import LastDeed
from touchstone.ledger.contract2.keyacts import CaseKeys, KeyAct, KeyRejoined
from touchstone.ledger.contract2.own_deeds import INSTALLATION
from touchstone.ledger.contract2.statements import DeedStatement
from touchstone.ledger.merkle import Tree


@dataclass(frozen=True, slots=True)
class DisavowedDeed:
    """A recorded deed by a key after the last one that its party stood by: entry, party, type."""

    n: int
    party: str
    type: str


@dataclass(frozen=True, slots=True)
class KeyRecovery:
    """That a party goes on with a new key at entry `n`, by the word of other parties."""

    n: int
    party: str
    by: tuple[str, ...]


class CaseLog:
    """Meets `PastLog`; about 64 bytes an entry and one record a key and a topic."""

    def __init__(self) -> None:
        self.log: str | None = None
        self.keys = CaseKeys()
        self.recorded_at: str | None = None
        self.disavowed = 0
        """How many deeds stand by a key after the last one that its party stood by."""
        self.disavowed_deeds: list[DisavowedDeed] = []
        """Those of them that are shown, in the order in which they were disavowed."""
        self.recoveries: list[KeyRecovery] = []
        self._by_key: dict[str, list[tuple[int, int, str]]] = {}
        self._tree = Tree()
        self._newest: dict[str, int] = {}
        self._last: dict[str, LastDeed] = {}
        self._seen: dict[str, int] = {}
        self._hidden: list[int] = []

    @property
    def size(self) -> int:
        """How many entries were taken in."""
        return len(self._tree)

    @property
    def seen_by_party(self) -> dict[str, int]:
        """The largest size of the log that each party is known to have seen."""
        return dict(self._seen)

    def root(self, size: int) -> bytes:
        """The root (32 bytes) at a size from 0 to the log's own."""
        return self._tree.root(size)

    def newest(self, topic: str) -> int | None:
        """The newest entry, of those shown, that touches a topic."""
        return self._newest.get(topic)

    def last_deed(self, key: str) -> LastDeed | None:
        """The newest deed of a key, of those shown."""
        return self._last.get(key)

    def hidden_since(self, n: int) -> int:
        """How many entries from n on are not shown."""
        return len(self._hidden) - bisect_left(self._hidden, n)

    def is_hidden(self, n: int) -> bool:
        """Whether entry n is not shown."""
        at = bisect_left(self._hidden, n)
        return at < len(self._hidden) and self._hidden[at] == n

    def append(
        self,
        leaf: bytes,
        statement: DeedStatement,
        act: KeyAct | None,
        recorded_at: str,
        dated: str = "",
    ) -> int:
        """Take in an entry that was checked, part 0 of which is `dated`; return its n."""
        n, actor = self.size, statement.actor
        # Counted here for good: a key that has ended signs nothing more.
        for old, last in self.keys.ended_by(actor, act).items():
            self._disavow(actor, old, -1 if last is None else last)
        if isinstance(act, KeyRejoined):
            by = self.keys.vouchers(actor, statement.key)
            self.recoveries.append(KeyRecovery(n, actor, by))
        self.keys = self.keys.after(
            actor, act, statement.key, first=n == 0, dated=dated, recorded=recorded_at
        )
        self._by_key.setdefault(statement.key, []).append((statement.seq, n, statement.deed))
        if self.log is None:
            self.log = leaf.hex()
        self._tree.append(leaf)
        for topic in statement.touches:
            self._newest[topic] = n
        seen = statement.seen.size
        self._last[statement.key] = LastDeed(n, statement.seq, statement.digest, seen)
        # The largest, since one of a party's keys may lag behind another.
        # Of the installation nobody asks what it saw: it shows all to itself.
        if actor != INSTALLATION:
            self._seen[actor] = max(seen, self._seen.get(actor, 0))
        self.recorded_at = recorded_at
        return n

    def _disavow(self, party: str, key: str, stands_by: int) -> None:
        newest = self._last.get(key)
        # A `last` beyond its newest deed disavows nothing (ADR 225).
        self.disavowed += max(0, newest.seq - stands_by) if newest else 0
        self.disavowed_deeds += [
            DisavowedDeed(n, party, deed)
            for seq, n, deed in self._by_key.get(key, ())
            if seq > stands_by
        ]

    def append_hidden(self, leaf: bytes) -> int:
        """Take in an entry of which nothing is shown; return its n."""
        if self.log is None:
            self.log = leaf.hex()
        self._hidden.append(self.size)
        self.keys = self.keys.hidden()
        return self._tree.append(leaf)
