"""What changes of a case when a party takes part in it no more: all it did stands."""

from collections.abc import Mapping
from dataclasses import replace
from functools import singledispatch
from types import MappingProxyType

from touchstone.review.events import parting
from touchstone.review.events.base import Event
from touchstone.review.state import Departure, Reinvitation, State, Terms, with_item


@singledispatch
def parted(event: Event, _state: State, _recorded: str) -> State:
    """The state after an event of `parting` that may happen, recorded at a time (UTC)."""
    raise TypeError(f"{type(event).__name__} ends nobody's part")


@parted.register
def _(event: parting.PartyUninvited, state: State, _recorded: str) -> State:
    others = {name: each for name, each in state.invitations.items() if name != event.party}
    return replace(state, invitations=MappingProxyType(others))


@parted.register
def _(event: parting.PartyRemoved, state: State, recorded: str) -> State:
    return _without(state, event.party, event.actor, recorded)


@parted.register
def _(event: parting.PartyLeft, state: State, recorded: str) -> State:
    return _without(state, event.actor, event.actor, recorded)


def _without(state: State, party: str, by: str, recorded: str) -> State:
    gone = Departure(state.parties[party].role, by, recorded, state.size)
    parties = {name: each for name, each in state.parties.items() if name != party}
    after = replace(
        state,
        parties=MappingProxyType(parties),
        left=with_item(state.left, party, gone),
        reinvitations=_unsaid(state, party),
    )
    # An offer that nobody has agreed to goes with who made it: nobody could tell it of an answer.
    if state.terms.offered_by == party and state.agreed_terms is None:
        return replace(after, terms=Terms())
    return after


def _unsaid(state: State, party: str) -> Mapping[str, Mapping[str, Reinvitation]]:
    """What was said of new keys, without what the party said, and without what was said of it."""
    return MappingProxyType(
        {
            of: MappingProxyType({name: each for name, each in told.items() if name != party})
            for of, told in state.reinvitations.items()
            if of != party
        }
    )
