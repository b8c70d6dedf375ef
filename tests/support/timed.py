"""The law of the review for deeds that are recorded at the very moment that they tell."""

from collections.abc import Iterable

from touchstone import review
from touchstone.framework import Framework
from touchstone.review import Event, State


def decide(framework: Framework, state: State, proposed: Event) -> Event:
    """As `review.decide`."""
    return review.decide(framework, state, proposed, proposed.at)


def evolve(state: State, event: Event) -> State:
    """As `review.evolve`."""
    return review.evolve(state, event, event.at)


def fold(events: Iterable[Event], start: State | None = None) -> State:
    """As `review.fold`."""
    return review.fold(((event, event.at) for event in events), start)
