"""Every row of RULES, in every status that it names, through the server's half.

What the law of the review takes can be recorded by who signs elsewhere: `take_deed` holds no
party's key. Also where the content of the case was destroyed.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from support.every_deed import Before
from support.sending import deliver, destroying, recorded, send, signed, taken_back
from touchstone.deeds.deed import Content, Deed
from touchstone.evaluation.digests import digest_value
from touchstone.framework import Framework
from touchstone.ledger import UnpromisedError
from touchstone.ledger.contract2 import RefusedAnswer
from touchstone.review.events.base import Event
from touchstone.review.events.settling import CaseClosed, CaseDestroyed, ReviewWithdrawn
from touchstone.review.rules import RULES
from touchstone.service import frameworks
from touchstone.service.installation import Installation

TYPES = {str(event.model_fields["type"].default): event for event in RULES}
REFUSED = {"party-admitted": "of records of contract 1 alone"}
"""Rows that no case of this store takes, and why."""
TEXT = {"directive-issued"}
"""Rows that ask more of a framework than its id, which need its text also once a case is destroyed.
"""
OVER = {"case-destroyed": ("closed",)}
"""Of deeds that are done in a case that is over, the status that it had."""


@pytest.fixture(autouse=True)
def keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a case be destroyed whatever it carries: here orders are older, and would keep it."""
    destruction: type[Event] = CaseDestroyed
    monkeypatch.setitem(RULES, destruction, replace(RULES[destruction], guards=()))


def withdrawn(here: Installation, before: Before) -> Deed:
    (lab,) = here.state(before.case).having("developer")
    return Deed(ReviewWithdrawn(actor=lab, at=here.now(), marking=before.deed.event.marking))


def closed(here: Installation, before: Before) -> Deed:
    (centre,) = here.state(before.case).having("centre")
    marking, why = before.deed.event.marking, {"text": "over", "salt": "00" * 32}
    reason = digest_value(why)
    event = CaseClosed(actor=centre, reason=reason, at=here.now(), marking=marking)
    return Deed(event, (Content(why, marking),))


def destroyed(here: Installation, before: Before) -> Deed:
    return destroying(here, before.case)


Step = Callable[[Installation, Before], Deed]
WAYS: Mapping[str, tuple[Step, ...]] = {
    "open": (),
    "withdrawn": (withdrawn,),
    "closed": (closed,),
    "destroyed": (closed, destroyed),
}


def bring(here: Installation, before: Before, status: str) -> None:
    """Do what comes first, and then what brings an open or closed case to a status."""
    for deed in before.before:
        recorded(send(here, before.case, deed))
    for step in WAYS[status][len(WAYS[here.state(before.case).status]) :]:
        recorded(send(here, before.case, step(here, before)))
    assert here.state(before.case).status == status


def take_in(here: Installation, before: Before, status: str) -> None:
    """The deed is taken in a case of that status."""
    bring(here, before, status)
    # Of a destroyed case the facts go on, without what they are digests of.
    deed = replace(before.deed, attachments=()) if status == "destroyed" else before.deed
    recorded(send(here, before.case, deed))


def ship(patch: pytest.MonkeyPatch, framework: Framework) -> None:
    """Let a framework of somebody's own be one of the shipped."""
    patch.setattr(frameworks, "shipped_ids", lambda: (framework.id,))
    patch.setattr(frameworks, "load_framework", lambda _named: framework)


@pytest.mark.parametrize("kind", sorted(set(TYPES) - set(REFUSED)))
def test_what_a_row_allows_is_taken_in_every_status_that_it_names(
    kind: str, deeds: Mapping[str, Before], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = deeds[kind]
    if kind in TEXT:
        ship(monkeypatch, before.framework)
    statuses = OVER.get(kind, RULES[TYPES[kind]].when)
    final = {"destroyed"} if kind != "case-destroyed" else {"closed"}
    with before.store() as here:
        stands = here.state(before.case).status
        assert stands == "open" or stands in OVER[kind]
        for status in set(statuses) - final:
            with taken_back(here) as again:
                take_in(again, before, status)
    for status in final & set(statuses):
        # Files that a destruction deletes do not come back.
        with before.copied(tmp_path / status).store() as here:
            take_in(here, before, status)


def test_what_opens_a_case_is_taken(deeds: Mapping[str, Before]):
    before = deeds["case-opened"]
    with before.store() as stored, taken_back(stored) as here:
        answer = recorded(send(here, before.case, before.deed))
        assert (answer.n, here.records.case(before.case).log) == (0, answer.log)


@pytest.mark.parametrize("kind", sorted(TEXT))
def test_what_asks_for_a_text_that_is_gone_is_not_taken_and_not_refused_for_good(
    kind: str, deeds: Mapping[str, Before], tmp_path: Path
):
    before = deeds[kind]
    with before.copied(tmp_path / "copy").store() as here:
        bring(here, before, "destroyed")
        sent = signed(here, before.case, replace(before.deed, attachments=()))
        with pytest.raises(UnpromisedError, match="the text of framework") as plain:
            deliver(here, before.case, sent, before.deed.event.actor)
        assert plain.value.code == "framework"


def test_twin_with_what_a_destroyed_case_cannot_keep_it_is_refused(
    deeds: Mapping[str, Before], tmp_path: Path
):
    before = deeds["directive-answered"]
    assert before.deed.attachments
    with before.copied(tmp_path / "copy").store() as here:
        bring(here, before, "destroyed")
        state = here.state(before.case)
        answer = send(here, before.case, before.deed).answer
        assert isinstance(answer, RefusedAnswer)
        assert "takes no content any more" in answer.why
        assert here.state(before.case) == state
