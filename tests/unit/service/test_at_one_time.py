"""Through the store: parties that say something for themselves at one time are both recorded."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from support.small_case import small_case
from touchstone.deeds.access import terms_agreed, terms_offered
from touchstone.deeds.cases import participation_noted
from touchstone.deeds.deed import Deed
from touchstone.deeds.signing import prepare_deed
from touchstone.ledger.contract2 import RecordedAnswer, SubmittedDeed
from touchstone.review import Event
from touchstone.review.events.opening import ParticipationNoted
from touchstone.review.events.settling import TermsAgreed
from touchstone.review.rules import RULES
from touchstone.review.topics import Topic, Topics, speaks_to
from touchstone.service.case_context import Case
from touchstone.service.taking import take_deed
from touchstone.terms import parse_terms

LAB, AGENCY = "example-lab", "example-agency"
TERMS = resources.files("touchstone.demo.june").joinpath("terms.toml").read_text("utf-8")


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with small_case(tmp_path) as opened:
        yield opened


def signed(case: Case, deed: Deed) -> SubmittedDeed:
    """A deed on what stands now, sent to nobody yet."""
    here = case.installation
    log, signer = here.records.deeds.log(case.id), here.keyring.party(deed.event.actor)
    return prepare_deed(deed, log, signer, here.random, here.now()).submitted


def answered(case: Case, *deeds: Deed) -> list[str]:
    """The answers to deeds that were all signed before the first was sent."""
    here = case.installation
    sent = [(signed(case, deed), deed.event.actor) for deed in deeds]
    answers = [
        take_deed(here, case.id, each, asker=party, now=here.now()).answer for each, party in sent
    ]
    return ["recorded" if isinstance(a, RecordedAnswer) else a.code for a in answers]


def twin(patch: pytest.MonkeyPatch, kind: type[Event], topics: Topics) -> None:
    """Have a type of deed touch and name otherwise."""
    patch.setitem(RULES, kind, replace(RULES[kind], topics=topics))


def offered(case: Case, name: str = "terms") -> str:
    """The digest of terms that the centre offered."""
    text = TERMS.replace('id = "', f'id = "{name}-', 1)
    digest = parse_terms(text, "terms.toml").digest
    case.record([terms_offered(case, "example-centre", digest, text)])
    return digest


def states(case: Case, party: str, status: str = "participating") -> Deed:
    return participation_noted(case, party, status, "In our letter.")  # type: ignore[arg-type]


def test_two_parties_state_their_own_status(case: Case, monkeypatch: pytest.MonkeyPatch):
    assert answered(case, states(case, LAB), states(case, AGENCY)) == ["recorded"] * 2
    assert {LAB, AGENCY} <= case.state.participations.keys()
    # The twin: one topic for all of them.
    whole = speaks_to(Topic("participation"))
    twin(monkeypatch, ParticipationNoted, whole)
    assert answered(case, states(case, LAB), states(case, AGENCY)) == ["recorded", "topic-moved"]


def test_two_parties_agree_to_terms(case: Case, monkeypatch: pytest.MonkeyPatch):
    digest = offered(case)
    agree = [terms_agreed(case, party, digest) for party in (LAB, AGENCY)]
    assert answered(case, *agree) == ["recorded"] * 2
    assert {LAB, AGENCY} <= case.state.terms.agreed
    whole = speaks_to(Topic("terms"))
    twin(monkeypatch, TermsAgreed, whole)
    again = [terms_agreed(case, party, digest) for party in (LAB, AGENCY)]
    assert answered(case, *again) == ["recorded", "topic-moved"]


def test_who_agrees_to_terms_that_were_replaced_meanwhile_is_too_late(case: Case):
    one = offered(case)
    held = signed(case, terms_agreed(case, LAB, one))
    offered(case, "other-terms")
    assert offered(case) == one
    here = case.installation
    answer = take_deed(here, case.id, held, asker=LAB, now=here.now()).answer
    assert not isinstance(answer, RecordedAnswer)
    assert answer.code == "topic-moved"
