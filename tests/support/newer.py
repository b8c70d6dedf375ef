"""Entries as a newer version would write them: signed, in their place, of a type not known here."""

from typing import Any

import pytest

from touchstone import review
from touchstone.deeds import signing
from touchstone.deeds.deed import Attachment, Content, Deed, attached
from touchstone.deeds.signing import prepare_deed
from touchstone.editions.case_summary import summarise
from touchstone.ledger.contract2 import DeedTopics
from touchstone.records import DeedTaking
from touchstone.review import Event, State, UnknownEvent, read_event
from touchstone.service.installation import Installation

NEWER = "weights-escrowed"
ASKED = DeedTopics(frozenset({"people"}))
"""What the newer version's rules ask of its type."""


def unknown(state: State, at: str, kind: str = NEWER, **facts: Any) -> UnknownEvent:
    """An event of the centre's that this version does not know."""
    assert state.opened
    given = {"marking": state.opened.marking, "schema": 1, **facts}
    return UnknownEvent(type=kind, actor=state.having("centre")[0], at=at, **given)


def add_newer(here: Installation, case: str, kind: str = NEWER, **facts: Any) -> int:
    """Add such an event as an entry, with a part beside its facts; gives its n."""
    event = unknown(here.state(case), here.now(), kind, **facts)
    return add_event(here, case, event, Content({"new": [1]}, event.marking))


def add_event(here: Installation, case: str, event: Event, *beside: Attachment) -> int:
    """Add an event whatever the rules say, signed by its actor; gives its n."""
    state, now = here.state(case), here.now()

    def judge(taking: DeedTaking) -> None:
        for each in map(attached, beside):
            if each.data is not None:
                taking.writer.put_evidence(each.data, "text/plain", "evidence")
        taking.record()
        read = read_event(taking.admitted.facts)
        taking.writer.summarise(summarise(case, review.evolve(state, read, taking.admitted.at)))

    with here.records.deeds.together(case) as batch, pytest.MonkeyPatch.context() as patch:
        patch.setattr(signing, "topics_of", lambda _: ASKED)
        signer = here.keyring.party(event.actor)
        sent = prepare_deed(Deed(event, beside), batch.writer.past, signer, here.random, now)
        batch.take(sent.submitted, asker=event.actor, now=now, topics=lambda _: ASKED, judge=judge)
    return state.size
