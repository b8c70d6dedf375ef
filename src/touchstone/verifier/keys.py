"""Which key may sign for which party, as far as the part 0s that are shown tell."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from .errors import hold
from .proofs import fingerprint, is_small_order
from .strict import shaped

KINDS, VOUCHERS, WAIT = 64, 2, 72 * 3600  # kinds, parties, seconds
_BRING = ("joined", "admitted", "rotated", "rejoined")
_ACTS = (*_BRING, "invited", "removed", "reinvited", "objected")
_UNKNOWN = (b"", "", frozenset[str](), True, False)
INSTALLATION, OWN_DEEDS = "installation", ("reads-digested",)


class Keys:
    """The keys that a case's log has seen. `complete` until an entry is withheld.

    `issuers` are the installation's, which sign what it says itself: by key its fingerprint.
    """

    def __init__(self, issuers: dict[bytes, str]) -> None:
        self.complete, self.issuers = True, issuers
        # By fingerprint: the key, its party, what it may sign (None: all), whether it still may,
        # and whether all that led to it was shown. By party its invitation and the same of that.
        self.known = dict[str, tuple[bytes, str, frozenset[str] | None, bool, bool]]()
        self.current, self.next = dict[str, str](), dict[str, str]()
        self.invited = dict[str, tuple[Any, bool]]()
        # By a party that is to get a new key, by who says so: the key, when, and whether shown.
        self.vouched = dict[str, dict[str, tuple[str, str, bool]]]()
        self.recovered = list[tuple[int, str, tuple[str, ...]]]()

    def read(self, event: Any) -> None:
        """The form of a part 0's act on keys, if it has one."""
        if "key_act" in event:
            act = event["key_act"]
            kind = act.get("act") if isinstance(act, dict) else None
            # Of an act that there is not, any shape will do: it fits none.
            kinds = shaped(act, kind if kind in _ACTS else "joined").get("kinds", ["one"])
            sorted_once = 1 <= len(kinds) <= KINDS and kinds == sorted(set(kinds))
            hold(sorted_once, "admits a signer for kinds of deed not sorted, each once, 1 to 64")

    def signer(self, n: int, bound: Any, event: Any) -> tuple[bytes | None, bool]:
        """The key that a deed is checked with, and whether all that led to it was shown.

        None where what brought it may be withheld.
        """
        actor, deed, key, act = bound["actor"], bound["deed"], bound["key"], event.get("key_act")
        if actor == INSTALLATION:
            hold(act is None and deed in OWN_DEEDS, "is a deed that no installation signs itself")
            issuer = next((each for each, name in self.issuers.items() if name == key), None)
            hold(issuer is not None, "is the installation's, by no key of its history")
            return issuer, True
        brought, shown = self._may(n, event, key) if act else (None, False)
        if act and act["act"] in ("joined", "rotated", "rejoined"):
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

    def _may(self, n: int, event: Any, by: str) -> tuple[bytes | None, bool]:
        """Whether the act could be done here; the key that it brings, and whether that is shown."""
        actor, act = event["actor"], event["key_act"]
        kind, party = act["act"], act.get("party")
        brought = bytes.fromhex(act["key"]) if kind in _BRING else None
        own, shown = fingerprint(brought or b""), self._is_shown(by)
        if brought is not None:
            # What was only admitted, by whoever knew it, gives way to who signs with it.
            taken = own in self.known and (kind == "admitted" or self._kinds(own) is None)
            hold(not taken, "brings a key that the log has seen")
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
            held = self._ends(actor, act["key"]) and self._kinds(act["key"]) is not None
            hold(held, "removes what is no signer of its actor")
        if kind == "reinvited":
            joined = party != actor and (party in self.current or not self.complete)
            hold(joined, "invites anew its actor, or a party that has not joined")
        if kind == "rejoined":
            shown = self._vouched(actor, own, event["at"]) and actor in self.current
            hold(shown or not self.complete, "joins anew, not by two others' word of 72 hours ago")
            shown = self._vouched(actor, own, event["at"], shown=True)
            held = all(name != own and self._ends(actor, name) for name in act["lasts"])
            hold(held, "disavows what is no key of its actor that ends with it")
        if kind == "rotated":
            announced = self.next.get(actor) == own
            hold(announced or not self.complete, "rotates to a key that was not announced")
            shown = announced and self._is_shown(self.current[actor])
        return brought, shown

    def _is_shown(self, key: str) -> bool:
        return key in self.known and self.known[key][4]

    def _kinds(self, key: str) -> frozenset[str] | None:
        return self.known.get(key, _UNKNOWN)[2]

    def _ends(self, actor: str, key: str) -> bool:
        """Whether a key is the actor's, and not ended; one that a hidden entry brought may be."""
        _key, owner, _kinds, live, _shown = self.known.get(key, _UNKNOWN)
        return (owner == actor and live) if key in self.known else not self.complete

    def _vouched(self, party: str, key: str, at: str, *, shown: bool = False) -> bool:
        """Whether two others said long enough before that the party goes on with the key."""
        told = self.vouched.get(party, {}).values()
        due = [one for one in told if one[0] == key and seconds_after(one[1], at) >= WAIT]
        return sum(one[2] or not shown for one in due) >= VOUCHERS

    def follow(
        self, n: int, event: Any, by: str, recorded: str
    ) -> Iterator[tuple[str, int | None]]:
        """Take in an act that may be done; give the keys that it ends and the last seq stood by."""
        actor, act = event["actor"], event.get("key_act")
        if not act:
            return
        (brought, shown), kind = self._may(n, event, by), act["act"]
        for name, last in self._ended(actor, act).items():
            yield self._end(actor, name), last
        if kind == "rejoined":
            self._recover(n, actor, by)
        self._unsay(kind, actor)
        if kind == "reinvited":
            self.vouched.setdefault(act["party"], {})[actor] = (act["expects"], recorded, shown)
        if kind == "invited":
            self.invited[act["party"]] = (act, shown)
        if brought is not None:
            kinds = frozenset(act["kinds"]) if kind == "admitted" else None
            self.known[fingerprint(brought)] = (brought, actor, kinds, True, shown)
        if kind in ("joined", "rotated", "rejoined"):
            self.current[actor], self.next[actor] = fingerprint(brought or b""), act["next"]

    def _ended(self, actor: str, act: Any) -> dict[str, int | None]:
        """The keys that an act names or replaces, with the last seq of each that is stood by."""
        if act["act"] == "rotated":
            return {self.current[actor]: act["last"]} if actor in self.current else {}
        return {act["key"]: act["last"]} if act["act"] == "removed" else act.get("lasts", {})

    def _recover(self, n: int, actor: str, key: str) -> None:
        """All old keys of a party end."""
        for name in [name for name, known in self.known.items() if known[1] == actor]:
            self._end(actor, name)
        told = sorted(self.vouched.get(actor, {}).items())
        self.recovered.append((n, actor, tuple(party for party, one in told if one[0] == key)))

    def _unsay(self, kind: str, actor: str) -> None:
        """What an act ends of what was said of its actor's keys, or by its old one of others'."""
        self.vouched.pop(actor if kind in ("rotated", "objected", "rejoined") else "", None)
        for others in self.vouched.values() if kind in ("rotated", "rejoined") else ():
            others.pop(actor, None)

    def _end(self, actor: str, name: str) -> str:
        key, _party, kinds, _live, shown = self.known.get(name, _UNKNOWN)
        self.known[name] = (key, actor, kinds, False, shown)
        return name


def seconds_after(one: str, other: str) -> float:
    """How many seconds the other time lies after the one."""
    return (datetime.fromisoformat(other) - datetime.fromisoformat(one)).total_seconds()
