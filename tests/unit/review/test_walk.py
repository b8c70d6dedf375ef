"""A whole review, walked through once: what each party sees at the end."""

from typing import Any

from support.review_case import (
    AGENCY,
    LAB,
    TREASURY,
    Case,
    digest,
    make,
    verdict,
)
from support.timed import fold
from touchstone.review import concurrences, parse_event, read_clock
from touchstone.review.events import judging, settling


def test_a_review_from_opening_to_release(case: Case):
    case.open().agree().submit(planned_public_release="2026-11-15").lay_window().seal()
    case.measure("instant", solved=3).measure("thinking", solved=19)
    case.do(verdict("instant", "below", 3))
    case.do(verdict("thinking", "above", 19))
    case.propose()
    assert case.state.designating.in_question == "covered"
    decided = {"designation": "covered", "reasons": "as proposed"}
    case.do(make(judging.DesignationMade, AGENCY, proposal=1, **decided))
    assert concurrences(case.state, case.framework) == {TREASURY: "missing"}
    case.do(make(judging.DesignationConcurred, TREASURY, proposal=1, designation="covered"))
    assert concurrences(case.state, case.framework) == {TREASURY: "concurred"}
    case.do(make(settling.TermsOffered, AGENCY, terms=digest("terms")))
    assert not case.state.agreed_terms
    case.do(make(settling.TermsAgreed, LAB, terms=digest("terms")))
    assert case.state.agreed_terms == digest("terms")
    released: dict[str, Any] = {"scope": "public", "variants": ("final",), "same_model": "same"}
    case.do(make(settling.ReleaseAnnounced, LAB, review_delay_days=0, **released))
    assert case.state.clock
    assert read_clock(case.state.clock, "2026-10-02T12:00:00Z").days_left == 44
    again = fold(parse_event(event.facts()) for event in case.events)
    assert again == case.state
