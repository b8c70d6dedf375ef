"""Which key may sign for which party: the acts on keys in part 0s, and what follows from them.

A part 0 may hold one `key_act`. Reading it needs no knowledge of types: the form says all.
A key that a log has once seen belongs to that party, in that place, for good.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeAlias

from touchstone.ledger import forms
from touchstone.ledger.errors import AlteredError, MalformedError
from touchstone.ledger.signing import fingerprint, has_small_order

ED25519 = "ed25519"
MAX_KINDS = 64
_FORMS = {
    "invited": ("act", "party", "role", "expects"),
    "joined": ("act", "party", "role", "key", "next"),
    "admitted": ("act", "key", "alg", "label", "kinds"),
    "removed": ("act", "key", "last"),
    "rotated": ("act", "key", "next", "last"),
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


KeyAct: TypeAlias = KeyInvited | KeyJoined | SignerAdmitted | SignerRemoved | KeyRotated


def parse_key_act(facts: Mapping[str, Any]) -> KeyAct | None:
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
        case _:
            return KeyRotated(_key(found), _next(found), _last(found))


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
class CaseKeys:
    """The keys of a case at one size of its log; `after` gives those of the next.

    `known` is by fingerprint; `current` and `next` are the fingerprints of each party's own key and
    of the one to follow; `invited` holds standing invitations, and whether who made them was shown.
    `complete` is False once an entry was not shown: it may have held any act, and what that could
    explain is then let pass.
    """

    known: Mapping[str, KnownKey] = field(default_factory=lambda: _NONE)
    current: Mapping[str, str] = field(default_factory=lambda: _NONE)
    next: Mapping[str, str] = field(default_factory=lambda: _NONE)
    invited: Mapping[str, tuple[KeyInvited, bool]] = field(default_factory=lambda: _NONE)
    complete: bool = True

    def knows(self, party: str) -> bool:
        """Whether it has joined, or is invited to."""
        return party in self.current or party in self.invited

    def hidden(self) -> "CaseKeys":
        """The keys after an entry whose part 0 is not shown."""
        return replace(self, complete=False) if self.complete else self

    def after(self, actor: str, act: KeyAct | None, by: str, *, first: bool = False) -> "CaseKeys":
        """The keys once `actor` did this, `by` a key; AlteredError if it could not.

        `first`: in entry 0.
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

    def check_signer(self, actor: str, deed: str, key: str, act: KeyAct | None) -> KnownKey | None:
        """The key with which to check a deed, None if the entry that brought it is hidden.

        These are the keys *after* the deed's own act: who joins or rotates signs with what it
        brings. Raises AlteredError if the key may not sign this.
        """
        # Else a party could bring, as its own, a key that somebody else holds.
        if isinstance(act, KeyJoined | KeyRotated) and fingerprint(act.key) != key:
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
            raise AlteredError(f"{actor!r} joins uninvited, in another role or with another key")
        party_key = KnownKey(act.key, actor, None, shown=shown)
        return replace(
            self,
            known=self._with(party_key),
            current={**self.current, actor: fingerprint(act.key)},
            next={**self.next, actor: act.next},
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
        )

    def _with(self, added: KnownKey) -> dict[str, KnownKey]:
        name = fingerprint(added.public_key)
        # Once ended it stays ended, and it never speaks for two parties (ADR 227).
        if name in self.known:
            raise AlteredError("a key is brought that the log has seen before")
        if has_small_order(added.public_key):
            raise AlteredError("a key of small order is brought: anyone can sign for it")
        return {**self.known, name: added}


def key_topics(actor: str, act: KeyAct | None) -> frozenset[str]:
    """The topics that an act on keys touches and must name, whatever its deed's type."""
    if act is None:
        return frozenset()
    party = act.party if isinstance(act, KeyInvited | KeyJoined) else actor
    return frozenset({f"keys:{party}"})


def _place(found: dict[str, Any]) -> tuple[str, str]:
    return forms.text(found["party"], "a key_act's party"), forms.text(found["role"], "its role")


def _key(found: dict[str, Any]) -> bytes:
    return bytes.fromhex(forms.hex32(found["key"], "a key_act's key"))


def _next(found: dict[str, Any]) -> str:
    return forms.fingerprint_text(found["next"], "a key_act's next")


def _last(found: dict[str, Any]) -> int | None:
    last = found["last"]
    return None if last is None else forms.integer(last, "a key_act's last")


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
