"""A deed's marking lets those read it whom the deed addresses."""

from random import Random

import pytest

from support.review_case import AGENCY, BANK, CENTRE, LAB, MARKING, TREASURY, Case, digest, make
from support.review_deeds import draw_deed
from support.review_probes import measured, opened, proposing, ready
from support.timed import decide
from touchstone.clearance import Marking, may_read, party_audience, tlp
from touchstone.framework import Framework
from touchstone.review import Refused, addressing
from touchstone.review.events import Event, opening, settling
from touchstone.review.rules import RULES

FAR = "2027-12-01T00:00:00Z"
NOBODYS = {
    "release-announced",
    "review-withdrawn",
    "participation-noted",
    "battery-sealed",
    "seed-committed",
    "snapshot-seen",
    "outcomes-recorded",
    "bundle-published",
    "receipt-noted",
    "report-issued",
    "document-handed-in",
}
"""What addresses no party: leaving, what is merely put down, and here a report for the public."""


def drawn(framework: Framework) -> list[tuple[Case, Event]]:
    """Deeds that happen, of as many types as chance finds, each with the case before it."""
    found: dict[str, tuple[Case, Event]] = {}
    for seed in range(8):
        rng, case = Random(seed), Case(framework)
        (opened, ready, measured, proposing)[seed % 4](case)
        for _ in range(300):
            deed, before = draw_deed(case, rng), Case(framework)
            before.state = case.state
            try:
                case.do(deed)
            except Refused:
                continue
            if not isinstance(deed, opening.PartyAdmitted) or deed.admits[0].party != deed.actor:
                found.setdefault(deed.type, (before, deed))
    return list(found.values())


def marked(event: Event, marking: Marking) -> Event:
    return event.model_copy(update={"marking": marking})


def test_what_keeps_a_deed_from_everybody_is_refused_wherever_somebody_is_addressed(
    framework: Framework,
):
    deeds = drawn(framework)
    types = {deed.type for _, deed in deeds}
    assert len(types) >= 40, {e.model_fields["type"].default for e in RULES} - types
    for case, deed in deeds:
        hidden = marked(deed, tlp("RED", "a-stranger"))
        if deed.type in NOBODYS:
            assert decide(case.framework, case.state, hidden) == hidden
            continue
        with pytest.raises(Refused, match=r"keeps it from .*, whom it addresses"):
            decide(case.framework, case.state, hidden)


def test_a_marking_that_nobody_here_knows_hides_from_everybody(case: Case):
    unknown = Marking(scheme="Z", label="Q")
    with pytest.raises(Refused, match="keeps it from example-lab"):
        opened(case).do(marked(directive(), unknown))


def directive() -> settling.DirectiveIssued:
    return make(settling.DirectiveIssued, AGENCY, directive="d1", order=digest("d1"), expires=FAR)


@pytest.mark.parametrize(
    ("event", "whom"),
    [
        (directive(), LAB),
        (make(settling.DirectiveAnswered, LAB, directive="d1", answer="contested"), AGENCY),
        (make(settling.DirectiveLifted, AGENCY, directive="d1"), LAB),
        (make(settling.TermsOffered, TREASURY, terms=digest("t")), LAB),
        (make(settling.TermsOffered, LAB, terms=digest("t")), BANK),
        (make(settling.ReportIssued, CENTRE, audience=BANK, edition=1, report=digest("r")), BANK),
        (make(settling.CaseClosed, CENTRE, reason="x"), LAB),
        (make(settling.CaseClosed, LAB, reason="x"), CENTRE),
    ],
    ids=lambda each: each.type if isinstance(each, Event) else each,
)
def test_naming_the_addressee_is_enough_and_the_twin(case: Case, event: Event, whom: str):
    opened(case)
    if getattr(event, "directive", None) == "d1" and event.type != "directive-issued":
        case.do(directive())
    alone = marked(event, tlp("RED", event.actor))
    with pytest.raises(Refused, match="whom it addresses"):
        decide(case.framework, case.state, alone)
    assert decide(case.framework, case.state, marked(event, tlp("RED", whom))).type == event.type


@pytest.mark.parametrize("label", ["GREEN", "CLEAR"])
def test_what_is_for_the_community_reaches_the_parties(case: Case, label: str):
    opened(case).do(marked(directive(), tlp(label)))  # type: ignore[arg-type]


def test_everybody_admitted_reads_that_the_case_was_opened(framework: Framework):
    case = Case(framework).open()
    first = case.events[0]
    assert isinstance(first, opening.CaseOpened)
    narrow = marked(first, tlp("AMBER", LAB, CENTRE))
    with pytest.raises(Refused, match="keeps it from example-agency"):
        Case(framework).do(narrow)


def test_twin_without_the_check_a_directive_can_be_hidden(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(addressing, "ADDRESSED", {})
    opened(case).do(marked(directive(), tlp("RED", AGENCY)))
    hidden = case.events[-1].marking
    assert not may_read(party_audience(LAB), hidden, AGENCY).allowed
    there = frozenset(case.state.parties)
    assert may_read(party_audience(LAB), MARKING, AGENCY, there).allowed


def test_an_answer_to_an_offer_reaches_whoever_made_it(case: Case):
    opened(case).do(make(settling.TermsOffered, AGENCY, terms=digest("t")))
    counter = make(settling.TermsCountered, LAB, terms=digest("u"), answers=digest("t"))
    for whom, reached in ((TREASURY, False), (AGENCY, True)):
        deed = marked(counter, tlp("RED", LAB, whom))
        if reached:
            assert decide(case.framework, case.state, deed) == deed
        else:
            with pytest.raises(Refused, match="whom it addresses"):
                decide(case.framework, case.state, deed)
