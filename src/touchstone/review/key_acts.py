"""What acts on keys change of a case: who takes part, by which keys, and who goes on anew."""

from collections.abc import Mapping
from dataclasses import replace
from functools import singledispatch
from types import MappingProxyType
from typing import Any, TypeVar

from touchstone.ledger import fingerprint
from touchstone.review.events import joining
from touchstone.review.events.base import Event
from touchstone.review.state import Party, Reinvitation, State, empty, with_item

T = TypeVar("T")


@singledispatch
def changed(event: Event, _state: State, _recorded: str) -> State:
    """The state after an act on keys that may happen, recorded at a time (UTC)."""
    raise TypeError(f"{type(event).__name__} is no act on keys")


def joined(state: State, act: joining.JoinedAct) -> State:
    """The state with one more party, no longer invited."""
    others = {name: each for name, each in state.invitations.items() if name != act.party}
    after = _brought(state, act.key)
    parties = with_item(after.parties, act.party, Party(act.role, act.key, act.next))
    return replace(after, parties=parties, invitations=MappingProxyType(others))


def _brought(state: State, key: str) -> State:
    """With a party key (hex) that signs for itself: whoever had admitted it has it no more."""
    if key in state.seen_keys:
        name = fingerprint(bytes.fromhex(key))
        parties = {
            party: replace(each, signers=_without(each.signers, name))
            for party, each in state.parties.items()
        }
        state = replace(state, parties=MappingProxyType(parties))
    seen, own = state.seen_keys | {key}, state.party_keys | {key}
    return replace(state, seen_keys=seen, party_keys=own)


def _without(held: Mapping[str, T], name: str) -> Mapping[str, T]:
    return MappingProxyType({one: each for one, each in held.items() if one != name})


def _keyed(state: State, party: str, **changes: Any) -> State:
    after = replace(state.parties[party], **changes)
    return replace(state, parties=with_item(state.parties, party, after))


def _unvouched(state: State, party: str) -> State:
    """Without what was said of a new key for a party."""
    return replace(state, reinvitations=_without(state.reinvitations, party))


def _replaced(state: State, party: str, **changes: Any) -> State:
    """With a new key of a party: what was said of one ends, and what its old one said of others.

    Whoever had the old key may have said that; the party says it anew if it stands by it.
    """
    after = _unvouched(_keyed(_brought(state, changes["key"]), party, **changes), party)
    left = {name: _without(each, party) for name, each in after.reinvitations.items()}
    return replace(after, reinvitations=MappingProxyType(left))


@changed.register
def _(event: joining.PartyInvited, state: State, _recorded: str) -> State:
    act = event.key_act
    return replace(
        state,
        invitations=with_item(state.invitations, act.party, act),
        invited_by=with_item(state.invited_by, act.party, event.actor),
    )


@changed.register
def _(event: joining.PartyJoined, state: State, _recorded: str) -> State:
    return joined(state, event.key_act)


@changed.register
def _(event: joining.PartySignerAdmitted, state: State, _recorded: str) -> State:
    act, signers = event.key_act, state.parties[event.actor].signers
    name = fingerprint(bytes.fromhex(act.key))
    after = _keyed(state, event.actor, signers=with_item(signers, name, act))
    return replace(after, seen_keys=state.seen_keys | {act.key})


@changed.register
def _(event: joining.PartySignerRemoved, state: State, _recorded: str) -> State:
    signers = state.parties[event.actor].signers
    return _keyed(state, event.actor, signers=_without(signers, event.key_act.key))


@changed.register
def _(event: joining.PartyKeyRotated, state: State, _recorded: str) -> State:
    act = event.key_act
    return _replaced(state, event.actor, key=act.key, next=act.next)


@changed.register
def _(event: joining.PartyReinvited, state: State, recorded: str) -> State:
    act, told = event.key_act, state.reinvitations.get(event.key_act.party, {})
    said = with_item(told, event.actor, Reinvitation(act.expects, recorded))
    return replace(state, reinvitations=with_item(state.reinvitations, act.party, said))


@changed.register
def _(event: joining.RecoveryObjected, state: State, _recorded: str) -> State:
    return _unvouched(state, event.actor)


@changed.register
def _(event: joining.PartyRejoined, state: State, _recorded: str) -> State:
    act, party = event.key_act, event.actor
    by = state.vouchers(party, fingerprint(bytes.fromhex(act.key)))
    fresh = {"key": act.key, "next": act.next, "signers": empty(), "recovered_by": by}
    return _replaced(state, party, **fresh)
