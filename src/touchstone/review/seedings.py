"""What the deeds on a battery's seed change of a case."""

from dataclasses import replace
from functools import singledispatch

from touchstone.review.events import seeding
from touchstone.review.events.base import Event
from touchstone.review.state import Seed, State, with_item


@singledispatch
def seeded(event: Event, _state: State, _recorded: str) -> State:
    """The state after an event of `seeding` that may happen, recorded at a time (UTC)."""
    raise TypeError(f"{type(event).__name__} is about no seed")


@seeded.register
def _(event: seeding.SeedCommitted, state: State, _recorded: str) -> State:
    return replace(state, seeds=with_item(state.seeds, event.battery, Seed(event)))


@seeded.register
def _(event: seeding.SeedContributed, state: State, _recorded: str) -> State:
    answered = replace(state.seeds[event.battery], contributed=event)
    return replace(state, seeds=with_item(state.seeds, event.battery, answered))


@seeded.register
def _(event: seeding.SeedRevealed, state: State, _recorded: str) -> State:
    return replace(state, seeds_revealed=state.seeds_revealed | {event.battery})
