"""What a deed of contract 2 asks of its topics, by the rules: what `admit_deed` is told."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from touchstone.ledger import MalformedError, RefusedDeedError
from touchstone.ledger.contract2 import DeedTopics, key_topics, parse_key_act
from touchstone.review.errors import BadEventError
from touchstone.review.events import Event, opening, parse_event
from touchstone.review.rules import OPENING, RULES


def topics_of(event: Event) -> DeedTopics:
    """What a deed of contract 2 touches, must name and whether it is exact.

    An act on keys touches and must name the keys of its party, whatever its type. Raises
    BadEventError for a type that this version does not know.
    """
    rule = RULES.get(type(event))
    if rule is None and not isinstance(event, opening.CaseOpened):
        raise BadEventError(f"no rule knows the event {event.type}: use a type of this version")
    asked = (rule.topics if rule else OPENING).of(event)
    if not hasattr(event, "key_act"):
        return asked
    keys = key_topics(event.actor, parse_key_act(event.facts()))
    return replace(asked, touches=asked.touches | keys, must_name=asked.must_name | keys)


def topics_of_facts(facts: Mapping[str, Any]) -> DeedTopics:
    """`topics_of` a part 0, for `admit_deed`. Raises RefusedDeedError where it is no event."""
    try:
        return topics_of(parse_event(facts))
    except (BadEventError, MalformedError) as error:
        raise RefusedDeedError("event", str(error)) from error
