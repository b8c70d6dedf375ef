"""Which key may sign for which party: the acts on keys in part 0s, and what follows from them.

A part 0 may hold one `key_act`. Reading it needs no knowledge of types: the form says all.
A party key that a log has once seen belongs to that party, in that place, for good. A signer was
named by its public key alone, which anyone may know: it gives way to whoever signs with that key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, TypeAlias

from touchstone.handin import moment_of
from touchstone.ledger import forms
from touchstone.ledger.errors import AlteredError, MalformedError
from touchstone.ledger.signing import fingerprint, has_small_order

ED25519 = "ed25519"
MAX_KINDS = 64
RECOVERY_WAIT = timedelta(hours=72)
"""How long a party has to object before it is taken by two others' word to have a new key."""
RECOVERY_VOUCHERS = 2
"""How many other parties must say so, each by itself."""
_FORMS = {
    "invited": ("act", "party", "role", "expects"),
    "joined": ("act", "party", "role", "key", "next"),
    "admitted": ("act", "key", "alg", "label", "kinds"),
    "removed": ("act", "key", "last"),
    "rotated": ("act", "key", "next", "last"),
    "reinvited": ("act", "party", "expects"),
    "objected": ("act",),
    "rejoined": ("act", "key", "next", "lasts"),
}
_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class KeyInvited:
    """A party may join in a role; `expects` is the fingerprint of its key, where it is known."""

    party: str
    role: str
    expects: str | None


@dataclass(frozen=True, slots=True)
class KeyJoined:
    """A party brings its own key (32 bytes); `next` is the fingerprint of the key after it."""

    party: str
    role: str
    key: bytes
    next: str


@dataclass(frozen=True, slots=True)
class SignerAdmitted:
    """The acting party lets another key (32 bytes) sign these kinds of deed for it."""

    key: bytes
    label: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignerRemoved:
    """The acting party ends a signer, by fingerprint.

    `last` is the last `seq` of it the party stands by, None for none; later ones are disavowed.
    """

    key: str
    last: int | None


@dataclass(frozen=True, slots=True)
class KeyRotated:
    """The acting party replaces its own key by the one announced, which signs this deed."""

    key: bytes
    next: str
    last: int | None


@dataclass(frozen=True, slots=True)
class KeyReinvited:
    """The acting party says with which key another party, which lost its own, is to go on."""

    party: str
    expects: str


@dataclass(frozen=True, slots=True)
class KeyObjection:
    """The acting party's key is not lost: what others said of a new one ends."""


@dataclass(frozen=True, slots=True)
class KeyRejoined:
    """The acting party goes on with a new key (32 bytes), by others' word; its old ones end.

    `lasts` has the last `seq` that it stands by of those of them of whose deeds it disavows some,
    None for none.
    """

    key: bytes
    next: str
    lasts: Mapping[str, int | None]


KeyAct: TypeAlias = (
    KeyInvited
    | KeyJoined
    | SignerAdmitted
    | SignerRemoved
    | KeyRotated
    | KeyReinvited
    | KeyObjection
    | KeyRejoined
)
BringsPartyKey: TypeAlias = KeyJoined | KeyRotated | KeyRejoined
"""What is signed by the very key that it brings."""


def parse_key_act(  # noqa: PLR0911 - one for each form
    facts: Mapping[str, Any],
) -> KeyAct | None:
    """The act on keys in a part 0, None if it holds none; MalformedError for another form."""
    if "key_act" not in facts:
        return None
    value = facts["key_act"]
    act = value.get("act") if isinstance(value, dict) else None
    if not isinstance(act, str) or act not in _FORMS:
        raise MalformedError("a key_act is none of " + ", ".join(_FORMS))
    found = forms.fields(value, _FORMS[act], f"a key_act {act}")
    match act:
        case "invited":
            expects = found["expects"]
            if expects is not None:
                forms.fingerprint_text(expects, "the key expected")
            return KeyInvited(*_place(found), expects)
        case "joined":
            return KeyJoined(*_place(found), _key(found), _next(found))
        case "admitted":
            return _signer(found)
        case "removed":
            key = forms.fingerprint_text(found["key"], "the key removed")
            return SignerRemoved(key, _last(found))
        case "rotated":
            return KeyRotated(_key(found), _next(found), _last(found))
        case _:
            return _recovery(found)


def _recovery(found: dict[str, Any]) -> KeyReinvited | KeyObjection | KeyRejoined:
    """The acts by which a party that lost its keys gets new ones, or says that it did not."""
    if found["act"] == "objected":
        return KeyObjection()
    if found["act"] == "rejoined":
        return KeyRejoined(_key(found), _next(found), _lasts(found))
    party = forms.text(found["party"], "a key_act's party")
    return KeyReinvited(party, forms.fingerprint_text(found["expects"], "the key expected"))


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that the log has seen.

    `kinds` are the types of deed that it may sign, None for a party key, which may sign all;
    `ended` says that it was removed or replaced; `shown` that all acts which led to it were shown,
    and so checked, from entry 0 on.
    """

    public_key: bytes
    party: str
    kinds: frozenset[str] | None
    ended: bool = False
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Vouched:
    """That a party is to go on with a key: its fingerprint, when that was recorded (UTC).

    `shown` says whether the key that signed it was.
    """

    expects: str
    at: str
    shown: bool


@dataclass(frozen=True, slots=True)
class CaseKeys:
    """The keys of a case at one size of its log; `after` gives those of the next.

    `known` is by fingerprint; `current` and `next` are the fingerprints of each party's own key and
    of the one to follow; `invited` holds standing invitations, and whether who made them was shown.
    `vouched` holds, by a party that is to get a new key, what each other party said of it.
    `complete` is False once an entry was not shown: it may have held any act, and what that could
    explain is then let pass.
    """

    known: Mapping[str, KnownKey] = field(default_factory=lambda: _NONE)
    current: Mapping[str, str] = field(default_factory=lambda: _NONE)
    next: Mapping[str, str] = field(default_factory=lambda: _NONE)
    invited: Mapping[str, tuple[KeyInvited, bool]] = field(default_factory=lambda: _NONE)
    vouched: Mapping[str, Mapping[str, Vouched]] = field(default_factory=lambda: _NONE)
    complete: bool = True

    def knows(self, party: str) -> bool:
        """Whether it has joined, or is invited to."""
        return self.has_joined(party) or party in self.invited

    def has_joined(self, party: str) -> bool:
        """Whether it has: who is only invited to it is told of the keys, and of nothing else."""
        return party in self.current

    def hidden(self) -> "CaseKeys":
        """The keys after an entry whose part 0 is not shown."""
        return replace(self, complete=False) if self.complete else self

    def after(  # noqa: PLR0911 - one for each act
        self,
        actor: str,
        act: KeyAct | None,
        by: str,
        *,
        first: bool = False,
        dated: str = "",
        recorded: str = "",
    ) -> "CaseKeys":
        """The keys once `actor` did this, `by` a key; AlteredError if it could not.

        `first`: in entry 0. `dated` is part 0's own time, `recorded` that of recording, where it
        is known yet (UTC).
        """
        signed_by = self.known.get(by)
        # What rests on a key that only a hidden entry could explain counts as unchecked (ADR 228).
        shown = signed_by is not None and signed_by.shown
        match act:
            case None:
                return self
            case KeyInvited():
                return self._invite(act, shown=shown)
            case KeyJoined():
                return self._join(actor, act, first=first)
            case SignerAdmitted():
                signer = KnownKey(act.key, actor, frozenset(act.kinds), shown=shown)
                return replace(self, known=self._with(signer))
            case SignerRemoved():
                return self._remove(actor, act)
            case KeyRotated():
                return self._rotate(actor, act)
            case KeyReinvited():
                return self._vouch(actor, act, Vouched(act.expects, recorded, shown))
            case KeyObjection():
                return replace(self, vouched=self._unvouched(actor))
            case KeyRejoined():
                return self._rejoin(actor, act, dated)

    def ended_by(self, actor: str, act: KeyAct | None) -> Mapping[str, int | None]:
        """The keys that an act ends whose last deeds it may disavow, with the `seq` stood by."""
        match act:
            case SignerRemoved():
                return {act.key: act.last}
            case KeyRotated():
                return {self.current[actor]: act.last} if actor in self.current else {}
            case KeyRejoined():
                return act.lasts
            case _:
                return {}

    def vouchers(self, party: str, key: str) -> tuple[str, ...]:
        """The other parties by whose standing word a party is to go on with a key, in order."""
        told = self.vouched.get(party, _NONE)
        return tuple(sorted(name for name, each in told.items() if each.expects == key))

    def check_signer(self, actor: str, deed: str, key: str, act: KeyAct | None) -> KnownKey | None:
        """The key with which to check a deed, None if the entry that brought it is hidden.

        These are the keys *after* the deed's own act: who joins or rotates signs with what it
        brings. Raises AlteredError if the key may not sign this.
        """
        # Else a party could bring, as its own, a key that somebody else holds.
        if isinstance(act, BringsPartyKey) and fingerprint(act.key) != key:
            raise AlteredError("a key joins or replaces another by its own signature alone")
        # A reader's `known` already has what the act brings: it must not vouch for itself.
        own = fingerprint(act.key) if isinstance(act, SignerAdmitted) else None
        if key == (act.key if isinstance(act, SignerRemoved) else own):
            raise AlteredError("a key is neither admitted nor removed by itself")
        found = self.known.get(key)
        if found is None:
            if self.complete:
                raise AlteredError(f"the deed's key was not admitted for {actor!r}")
            return None
        if found.party != actor:
            raise AlteredError(f"the deed's key was not admitted for {actor!r}")
        if found.ended:
            raise AlteredError("the deed's key was removed or replaced before")
        # Acts on keys are for the party key: a stolen signer lets nobody else in (ADR 227).
        if found.kinds is not None and (act is not None or deed not in found.kinds):
            raise AlteredError(f"the deed's key may not sign a deed of type {deed}")
        return found

    def _invite(self, act: KeyInvited, *, shown: bool) -> "CaseKeys":
        if act.party in self.current:
            raise AlteredError(f"{act.party!r} is invited, and has joined before")
        return replace(self, invited={**self.invited, act.party: (act, shown)})

    def _join(self, actor: str, act: KeyJoined, *, first: bool) -> "CaseKeys":
        if act.party != actor:
            raise AlteredError("a party joins by its own deed")
        if act.party in self.current:
            raise AlteredError(f"{act.party!r} joins, and has joined before")
        # The actor of entry 0 has nobody before it who could have invited it.
        shown = first or self._fits(actor, act)
        if not shown and self.complete:
            raise AlteredError(self._not_so_invited(actor, act))
        party_key = KnownKey(act.key, actor, None, shown=shown)
        return replace(
            self,
            known=self._with(party_key),
            current={**self.current, actor: fingerprint(act.key)},
            next={**self.next, actor: act.next},
        )

    def _not_so_invited(self, actor: str, act: KeyJoined) -> str:
        anew = "the developer or the centre invites it anew"
        if actor not in self.invited:
            return f"{actor!r} joins uninvited; {anew}"
        invitation, _ = self.invited[actor]
        own = fingerprint(act.key)
        named = f" with the key {invitation.expects}" if invitation.expects else ""
        return (
            f"{actor!r} is invited as {invitation.role}{named}, and joins as {act.role} with {own};"
            f" join as invited, or {anew}"
        )

    def _fits(self, actor: str, act: KeyJoined) -> bool:
        """Whether a shown key invited the party so; in a complete log every key is shown."""
        if actor not in self.invited:
            return False
        invitation, shown = self.invited[actor]
        own = fingerprint(act.key)
        return shown and (act.role, own) == (invitation.role, invitation.expects or own)

    def _remove(self, actor: str, act: SignerRemoved) -> "CaseKeys":
        found = self.known.get(act.key)
        if found is None:
            if self.complete:
                raise AlteredError("a signer is removed that was not admitted")
            # Nothing is known of it but that it may sign no more.
            found = KnownKey(b"", actor, frozenset())
        # A party's own key is replaced and never removed: it would be left without one.
        if found.party != actor or found.kinds is None or found.ended:
            raise AlteredError("what is removed is no signer of the party, or not any more")
        return replace(self, known={**self.known, act.key: replace(found, ended=True)})

    def _rotate(self, actor: str, act: KeyRotated) -> "CaseKeys":
        # Announced by hash beforehand: who steals the current key cannot rotate its owner out.
        announced = self.next.get(actor) == fingerprint(act.key)
        if self.complete and not announced:
            raise AlteredError("the new key is not the one that the party announced before")
        old = self.current.get(actor)
        shown = announced and old is not None and self.known[old].shown
        known = self._with(KnownKey(act.key, actor, None, shown=shown))
        if old is not None:
            known[old] = replace(known[old], ended=True)
        return replace(
            self,
            known=known,
            current={**self.current, actor: fingerprint(act.key)},
            next={**self.next, actor: act.next},
            # Who still has the next key has lost nothing. And what was said by the old one of
            # others' keys may be a thief's word: the party says it anew if it stands by it.
            vouched=self._unvouched(actor, by=True),
        )

    def _vouch(self, actor: str, act: KeyReinvited, told: Vouched) -> "CaseKeys":
        if act.party == actor:
            raise AlteredError("a party vouches for a new key of its own")
        if act.party not in self.current and self.complete:
            raise AlteredError(f"{act.party!r} is invited anew, and has not joined")
        others = self.vouched.get(act.party, _NONE)
        vouched = {**self.vouched, act.party: {**others, actor: told}}
        return replace(self, vouched=vouched)

    def _unvouched(self, party: str, *, by: bool = False) -> dict[str, Mapping[str, Vouched]]:
        """What stands without what was said of a party; `by`: nor what it said of others."""
        left = {name: each for name, each in self.vouched.items() if name != party}
        if by:
            left = {
                name: {one: told for one, told in each.items() if one != party}
                for name, each in left.items()
            }
        return left

    def _rejoin(self, actor: str, act: KeyRejoined, dated: str) -> "CaseKeys":
        own = fingerprint(act.key)
        if actor not in self.current and self.complete:
            raise AlteredError(f"{actor!r} joins anew, and has not joined")
        told = [each for each in self.vouched.get(actor, _NONE).values() if each.expects == own]
        due = [each for each in told if _waited(each.at, dated)]
        if len(due) < RECOVERY_VOUCHERS and self.complete:
            raise AlteredError("two other parties have not said so, or not long enough ago")
        shown = sum(each.shown for each in due) >= RECOVERY_VOUCHERS
        known = self._with(KnownKey(act.key, actor, None, shown=shown))
        for name in act.lasts:
            found = known.setdefault(name, KnownKey(b"", actor, frozenset()))
            unknown = name not in self.known and self.complete
            if unknown or name == own or found.party != actor or found.ended:
                raise AlteredError("what is disavowed is no key of the party that ends with this")
        # All that the lost key let in goes with it: nobody can tell who holds what.
        for name, found in known.items():
            if found.party == actor and name != own:
                known[name] = replace(found, ended=True)
        return replace(
            self,
            known=known,
            current={**self.current, actor: own},
            next={**self.next, actor: act.next},
            vouched=self._unvouched(actor, by=True),
        )

    def _with(self, added: KnownKey) -> dict[str, KnownKey]:
        name = fingerprint(added.public_key)
        # Once ended it stays ended, and it never speaks for two parties (ADR 227). Only, a key that
        # was no more than admitted must not keep out its owner, who signs with it (ADR 286).
        found = self.known.get(name)
        if found is not None and (found.kinds is None or added.kinds is not None):
            raise AlteredError("a key is brought that the log has seen before")
        if has_small_order(added.public_key):
            raise AlteredError("a key of small order is brought: anyone can sign for it")
        return {**self.known, name: added}


def _waited(since: str, dated: str) -> bool:
    return bool(since and dated) and moment_of(dated) - moment_of(since) >= RECOVERY_WAIT


def key_topics(actor: str, act: KeyAct | None) -> tuple[frozenset[str], frozenset[str]]:
    """The topics that an act on keys touches, and those that it must name, whatever its type."""
    if act is None:
        return frozenset(), frozenset()
    party = act.party if isinstance(act, KeyInvited | KeyJoined | KeyReinvited) else actor
    named = frozenset({f"keys:{party}"})
    # What others say again and again must not make a party's own acts stale, its objection above
    # all; what they said before it acted is stale.
    touched = frozenset({f"recovery:{party}"}) if isinstance(act, KeyReinvited) else named
    return touched, named


def _place(found: dict[str, Any]) -> tuple[str, str]:
    return forms.text(found["party"], "a key_act's party"), forms.text(found["role"], "its role")


def _key(found: dict[str, Any]) -> bytes:
    return bytes.fromhex(forms.hex32(found["key"], "a key_act's key"))


def _next(found: dict[str, Any]) -> str:
    return forms.fingerprint_text(found["next"], "a key_act's next")


def _last(found: dict[str, Any]) -> int | None:
    last = found["last"]
    return None if last is None else forms.integer(last, "a key_act's last")


def _lasts(found: dict[str, Any]) -> Mapping[str, int | None]:
    lasts = found["lasts"]
    if not isinstance(lasts, dict):
        raise MalformedError("a key_act's lasts is an object of keys")
    for key in lasts:
        forms.fingerprint_text(key, "a key disavowed")
    return MappingProxyType({key: _last({"last": last}) for key, last in lasts.items()})


def _signer(found: dict[str, Any]) -> SignerAdmitted:
    if found["alg"] != ED25519:
        raise MalformedError(f"a signer's alg is {ED25519}; there is no other yet")
    kinds = forms.array(found["kinds"], "a signer's kinds")
    for kind in kinds:
        forms.kebab(kind, "a kind of deed")
    # One spelling of a set, as everywhere in what is hashed.
    if not 1 <= len(kinds) <= MAX_KINDS or sorted(set(kinds)) != kinds:
        raise MalformedError(f"a signer's kinds are 1 to {MAX_KINDS}, sorted, each once")
    return SignerAdmitted(_key(found), forms.text(found["label"], "a label"), tuple(kinds))
