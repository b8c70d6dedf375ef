"""What a deed of contract 2 moves, and what its signer must have seen the newest of.

A deed may be signed elsewhere while others go on, and be held back by whoever records it. It is
refused where a topic that it must name has moved since. What stops something or leaves must name
none: a stop or an exit is never refused because it is old.
"""

from dataclasses import dataclass

from touchstone.ledger.contract2 import DeedTopics
from touchstone.review.events.base import Event

PEOPLE = "people"
"""The topic of every deed but those that measuring makes by itself, which would never let a deed
pass that waits for them to end."""


@dataclass(frozen=True)
class Topic:
    """A topic of the whole case, or of the one thing that a fact of the event names."""

    name: str
    fact: str | None = None

    def of(self, event: Event) -> str:
        """The topic of one event, as `halt` or `finding:f1`."""
        return self.name if self.fact is None else f"{self.name}:{getattr(event, self.fact)}"

    @property
    def pattern(self) -> str:
        """As a page says it: `halt` or `finding:<finding>`."""
        return self.name if self.fact is None else f"{self.name}:<{self.fact}>"


@dataclass(frozen=True)
class Topics:
    """The topics of one type of event; `moves`, `speaks_to` and `by_machine` make it."""

    touches: tuple[Topic, ...] = ()
    """What a deed of this type moves."""
    must_name: tuple[Topic, ...] = ()
    """What it must be on: the newest entry that touches it is one that the signer has seen."""
    by_people: bool = True
    """Whether it touches `people` too."""
    ends: bool = True
    """Whether it must say until when it may be recorded."""
    exact: bool = False
    """Whether nothing at all may come between what its signer has seen and it."""

    def of(self, event: Event) -> DeedTopics:
        """The topics of one event of the type."""
        touches = {each.of(event) for each in self.touches}
        named = frozenset(each.of(event) for each in self.must_name)
        people = {PEOPLE} if self.by_people else set()
        return DeedTopics(frozenset(touches | people), named, self.exact, self.ends)


def moves(*topics: Topic) -> Topics:
    """A deed that moves these and speaks to nothing that may move: it begins or asks."""
    return Topics(topics)


def never_stale(*topics: Topic) -> Topics:
    """A deed that moves these and is never too old, however long it waits: it leaves or stops."""
    return Topics(topics, ends=False)


def speaks_to(*topics: Topic) -> Topics:
    """A deed that speaks to what stands, or replaces it: it moves these and must name them."""
    return Topics(topics, topics)


def by_machine(*topics: Topic) -> Topics:
    """What measuring and gateways bring about by themselves, as often as they do."""
    return Topics(topics, by_people=False)
