"""A case's log in memory, as the checks ask of it: nothing is rewritten, all past roots answer."""

from bisect import bisect_left

from touchstone.ledger.contract2.checks import LastDeed
from touchstone.ledger.contract2.keyacts import CaseKeys, KeyAct, KeyRotated, SignerRemoved
from touchstone.ledger.contract2.statements import DeedStatement
from touchstone.ledger.merkle import Tree


class CaseLog:
    """Meets `PastLog`; about 64 bytes an entry and one record a key and a topic."""

    def __init__(self) -> None:
        self.log: str | None = None
        self.keys = CaseKeys()
        self.recorded_at: str | None = None
        self.disavowed = 0
        """How many deeds stand by a key after the last one that its party stood by."""
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
        self, leaf: bytes, statement: DeedStatement, act: KeyAct | None, recorded_at: str
    ) -> int:
        """Take in an entry that was checked; return its n."""
        n = self.size
        # Counted here for good: a key that has ended signs nothing more.
        if isinstance(act, SignerRemoved | KeyRotated):
            old = (
                act.key
                if isinstance(act, SignerRemoved)
                else self.keys.current.get(statement.actor)
            )
            newest = self._last.get(old or "")
            stands_by = -1 if act.last is None else act.last
            # A `last` beyond its newest deed disavows nothing (ADR 225).
            self.disavowed += max(0, newest.seq - stands_by) if newest else 0
        self.keys = self.keys.after(statement.actor, act, statement.key, first=n == 0)
        if self.log is None:
            self.log = leaf.hex()
        self._tree.append(leaf)
        for topic in statement.touches:
            self._newest[topic] = n
        seen = statement.seen.size
        self._last[statement.key] = LastDeed(n, statement.seq, statement.digest, seen)
        # The largest, since one of a party's keys may lag behind another.
        self._seen[statement.actor] = max(seen, self._seen.get(statement.actor, 0))
        self.recorded_at = recorded_at
        return n

    def append_hidden(self, leaf: bytes) -> int:
        """Take in an entry of which nothing is shown; return its n."""
        if self.log is None:
            self.log = leaf.hex()
        self._hidden.append(self.size)
        self.keys = self.keys.hidden()
        return self._tree.append(leaf)
