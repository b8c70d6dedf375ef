"""What a deed of contract 2 asks of its topics, by the rules: what `admit_deed` is told."""

from touchstone.ledger.contract2 import DeedTopics, parse_key_act
from touchstone.review.events import Event, opening
from touchstone.review.grounds import Ground
from touchstone.review.rules import OPENING, RULES


def topics_of(event: Event) -> DeedTopics:
    """What a deed of contract 2 touches, must name and whether it is exact.

    An act on keys touches and must name the keys of its party, whatever its type. Raises
    BadEventError for a type that this version does not know.
    """
    rule = RULES.get(type(event))
    if rule is None and not isinstance(event, opening.CaseOpened):
        raise Ground("type-unknown", deed=event.type).fault
    asked = (rule.topics if rule else OPENING).of(event)
    if not hasattr(event, "key_act"):
        return asked
    return asked.with_keys(event.actor, parse_key_act(event.facts()))
