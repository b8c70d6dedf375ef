"""Which key may sign for which party, as far as the part 0s that are shown tell."""

from collections.abc import Iterator
from typing import Any

from .errors import hold
from .proofs import fingerprint, has_small_order
from .strict import shaped

KINDS = 64
_ACTS = ("invited", "joined", "admitted", "removed", "rotated")


class Keys:
    """The keys that a case's log has seen. `complete` until an entry is withheld."""

    def __init__(self) -> None:
        self.complete = True
        # By fingerprint: the key, its party, what it may sign (None: all), whether it still may.
        self.known = dict[str, tuple[bytes, str, frozenset[str] | None, bool]]()
        self.current, self.next = dict[str, str](), dict[str, str]()
        self.invited = dict[str, Any]()

    def read(self, event: Any) -> None:
        """The form of a part 0's act on keys, if it has one."""
        if "key_act" in event:
            act = event["key_act"]
            kind = act.get("act") if isinstance(act, dict) else None
            kinds = shaped(act, kind if kind in _ACTS else "joined").get("kinds", ["one"])
            sorted_once = 1 <= len(kinds) <= KINDS and kinds == sorted(set(kinds))
            hold(sorted_once, "admits a signer for kinds of deed not sorted, each once, 1 to 64")

    def signer(self, n: int, actor: str, deed: str, key: str, act: Any) -> bytes | None:
        """The key that a deed is checked with, None where what brought it may be withheld."""
        brought = self._may(n, actor, act) if act else None
        if act and act["act"] in ("joined", "rotated"):
            hold(fingerprint(brought or b"") == key, "brings a party's key, not signed by that key")
            return brought
        found, party, kinds, live = self.known.get(key, (None, "", None, True))
        hold(found is not None or not self.complete, "is a deed by a key that was never admitted")
        if found is not None:
            hold(party == actor, "is a deed by another party's key")
            hold(live, "is a deed by a key that was removed or replaced before")
            within = kinds is None or (act is None and deed in kinds)
            hold(within, "is a deed of a type that its signer may not sign")
        return found

    def _may(self, n: int, actor: str, act: Any) -> bytes | None:
        """Whether the act could be done here; the key that it brings."""
        kind, party = act["act"], act.get("party")
        brought = bytes.fromhex(act["key"]) if kind in ("joined", "admitted", "rotated") else None
        if brought is not None:
            hold(fingerprint(brought) not in self.known, "brings a key that the log has seen")
            hold(not has_small_order(brought), "brings a key of small order")
        if kind in ("invited", "joined"):
            hold(party not in self.current, "invites or joins a party that has joined")
        if kind == "joined":
            hold(party == actor, "joins another party than its actor")
            due = self.invited.get(party) or (None if n else act)
            hold(due is not None or not self.complete, "joins a party that was not invited")
            own = fingerprint(brought or b"")
            expects = (due or {}).get("expects") or own
            same = due is None or (due["role"], expects) == (act["role"], own)
            hold(same or not self.complete, "joins otherwise than it was invited")
        if kind == "removed":
            unknown = (b"", actor, frozenset[str](), True)
            _key, owner, kinds, live = self.known.get(act["key"], unknown)
            known = act["key"] in self.known or not self.complete
            held = known and owner == actor and kinds is not None and live
            hold(held, "removes what is no signer of its actor")
        if kind == "rotated":
            announced = self.next.get(actor) == fingerprint(brought or b"")
            hold(announced or not self.complete, "rotates to a key that was not announced")
        return brought

    def follow(self, actor: str, act: Any) -> Iterator[tuple[str, int | None]]:
        """Take in an act that may be done; give the key that it ends and the last seq stood by."""
        if not act:
            return
        kind = act["act"]
        ended = act["key"] if kind == "removed" else self.current.get(actor, "")
        if kind in ("removed", "rotated"):
            key, party, kinds, _live = self.known.get(ended, (b"", actor, frozenset(), True))
            if ended:
                self.known[ended] = (key, party, kinds, False)
                yield ended, act["last"]
        if kind == "invited":
            self.invited[act["party"]] = act
        elif kind != "removed":
            key = bytes.fromhex(act["key"])
            own = kind != "admitted"
            kinds = None if own else frozenset(act["kinds"])
            self.known[fingerprint(key)] = (key, actor, kinds, True)
            if own:
                self.current[actor], self.next[actor] = fingerprint(key), act["next"]
