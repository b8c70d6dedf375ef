"""What acts on keys change of a case: who takes part, by which keys, and who goes on anew."""

from dataclasses import replace
from functools import singledispatch
from types import MappingProxyType
from typing import Any

from touchstone.ledger import fingerprint
from touchstone.review.events import joining
from touchstone.review.events.base import Event
from touchstone.review.state import Party, Reinvitation, State, empty, with_item


@singledispatch
def changed(event: Event, _state: State, _recorded: str) -> State:
    """The state after an act on keys that may happen, recorded at a time (UTC)."""
    raise TypeError(f"{type(event).__name__} is no act on keys")


def joined(state: State, act: joining.JoinedAct) -> State:
    """The state with one more party, no longer invited."""
    parties = with_item(state.parties, act.party, Party(act.role, act.key, act.next))
    others = {name: each for name, each in state.invitations.items() if name != act.party}
    keys = state.seen_keys | {act.key}
    return replace(state, parties=parties, invitations=MappingProxyType(others), seen_keys=keys)


def _keyed(state: State, party: str, brought: str | None = None, **changes: Any) -> State:
    after = replace(state.parties[party], **changes)
    keys = state.seen_keys | ({brought} if brought else set())
    return replace(state, parties=with_item(state.parties, party, after), seen_keys=keys)


def _unvouched(state: State, party: str) -> State:
    """Without what was said of a new key for a party."""
    left = {name: each for name, each in state.reinvitations.items() if name != party}
    return replace(state, reinvitations=MappingProxyType(left))


@changed.register
def _(event: joining.PartyInvited, state: State, _recorded: str) -> State:
    act = event.key_act
    return replace(state, invitations=with_item(state.invitations, act.party, act))


@changed.register
def _(event: joining.PartyJoined, state: State, _recorded: str) -> State:
    return joined(state, event.key_act)


@changed.register
def _(event: joining.PartySignerAdmitted, state: State, _recorded: str) -> State:
    act, signers = event.key_act, state.parties[event.actor].signers
    name = fingerprint(bytes.fromhex(act.key))
    return _keyed(state, event.actor, act.key, signers=with_item(signers, name, act))


@changed.register
def _(event: joining.PartySignerRemoved, state: State, _recorded: str) -> State:
    signers = state.parties[event.actor].signers
    left = {name: each for name, each in signers.items() if name != event.key_act.key}
    return _keyed(state, event.actor, signers=MappingProxyType(left))


@changed.register
def _(event: joining.PartyKeyRotated, state: State, _recorded: str) -> State:
    act = event.key_act
    after = _keyed(state, event.actor, act.key, key=act.key, next=act.next)
    return _unvouched(after, event.actor)


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
    after = _unvouched(_keyed(state, party, act.key, **fresh), party)
    # What was said in its name, by whoever had its key, of others' keys counts no more.
    left = {
        name: MappingProxyType({by: said for by, said in each.items() if by != party})
        for name, each in after.reinvitations.items()
    }
    return replace(after, reinvitations=MappingProxyType(left))
