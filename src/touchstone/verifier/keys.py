"""Which key may sign for which party, as far as the part 0s that are shown tell."""

from collections.abc import Iterator
from typing import Any

from .errors import hold
from .proofs import fingerprint, is_small_order
from .strict import shaped

KINDS = 64
_ACTS = ("invited", "joined", "admitted", "removed", "rotated")


class Keys:
    """The keys that a case's log has seen. `complete` until an entry is withheld."""

    def __init__(self) -> None:
        self.complete = True
        # By fingerprint: the key, its party, what it may sign (None: all), whether it still may,
        # and whether all that led to it was shown. By party its invitation and the same of that.
        self.known = dict[str, tuple[bytes, str, frozenset[str] | None, bool, bool]]()
        self.current, self.next = dict[str, str](), dict[str, str]()
        self.invited = dict[str, tuple[Any, bool]]()

    def read(self, event: Any) -> None:
        """The form of a part 0's act on keys, if it has one."""
        if "key_act" in event:
            act = event["key_act"]
            kind = act.get("act") if isinstance(act, dict) else None
            # Of an act that there is not, any shape will do: it fits none.
            kinds = shaped(act, kind if kind in _ACTS else "joined").get("kinds", ["one"])
            sorted_once = 1 <= len(kinds) <= KINDS and kinds == sorted(set(kinds))
            hold(sorted_once, "admits a signer for kinds of deed not sorted, each once, 1 to 64")

    def signer(
        self, n: int, actor: str, deed: str, key: str, act: Any
    ) -> tuple[bytes | None, bool]:
        """The key that a deed is checked with, and whether all that led to it was shown.

        None where what brought it may be withheld.
        """
        brought, shown = self._may(n, actor, act, key) if act else (None, False)
        if act and act["act"] in ("joined", "rotated"):
            hold(fingerprint(brought or b"") == key, "brings a party's key, not signed by that key")
            return brought, shown
        own = fingerprint(brought) if brought else (act or {}).get("key")
        hold(own != key, "admits or removes the key that signs it")
        found, party, kinds, live, shown = self.known.get(key, (None, "", None, True, False))
        hold(found is not None or not self.complete, "is a deed by a key that was never admitted")
        if found is not None:
            hold(party == actor, "is a deed by another party's key")
            hold(live, "is a deed by a key that was removed or replaced before")
            within = kinds is None or (act is None and deed in kinds)
            hold(within, "is a deed of a type that its signer may not sign")
        return found, shown

    def _may(self, n: int, actor: str, act: Any, by: str) -> tuple[bytes | None, bool]:
        """Whether the act could be done here; the key that it brings, and whether that is shown."""
        kind, party = act["act"], act.get("party")
        brought = bytes.fromhex(act["key"]) if kind in ("joined", "admitted", "rotated") else None
        own, shown = fingerprint(brought or b""), self._is_shown(by)
        if brought is not None:
            hold(own not in self.known, "brings a key that the log has seen")
            hold(not is_small_order(brought), "brings a key of small order")
        if kind in ("invited", "joined"):
            hold(party not in self.current, "invites or joins a party that has joined")
        if kind == "joined":
            hold(party == actor, "joins another party than its actor")
            due, shown = self.invited.get(party, (act, True) if n == 0 else ({}, False))
            expected = (due.get("role"), due.get("expects") or own)
            shown = shown and expected == (act["role"], own)
            hold(shown or not self.complete, "joins otherwise than it was invited, or uninvited")
        if kind == "removed":
            unknown = (b"", actor, frozenset[str](), True, False)
            _key, owner, kinds, live, _shown = self.known.get(act["key"], unknown)
            known = act["key"] in self.known or not self.complete
            held = known and owner == actor and kinds is not None and live
            hold(held, "removes what is no signer of its actor")
        if kind == "rotated":
            announced = self.next.get(actor) == own
            hold(announced or not self.complete, "rotates to a key that was not announced")
            shown = announced and self._is_shown(self.current[actor])
        return brought, shown

    def _is_shown(self, key: str) -> bool:
        return key in self.known and self.known[key][4]

    def follow(self, n: int, actor: str, act: Any, by: str) -> Iterator[tuple[str, int | None]]:
        """Take in an act that may be done; give the key that it ends and the last seq stood by."""
        if not act:
            return
        brought, shown = self._may(n, actor, act, by)
        kind = act["act"]
        ended = act["key"] if kind == "removed" else self.current.get(actor, "")
        if ended and kind in ("removed", "rotated"):
            unknown = (b"", actor, frozenset[str](), True, False)
            key, party, kinds, _live, was_shown = self.known.get(ended, unknown)
            self.known[ended] = (key, party, kinds, False, was_shown)
            yield ended, act["last"]
        if kind == "invited":
            self.invited[act["party"]] = (act, shown)
        if brought is not None:
            kinds = frozenset(act["kinds"]) if kind == "admitted" else None
            self.known[fingerprint(brought)] = (brought, actor, kinds, True, shown)
        if kind in ("joined", "rotated"):
            self.current[actor], self.next[actor] = fingerprint(brought or b""), act["next"]
