"""What is known of a case after this and that."""

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from support.review_case import (
    AGENCY,
    BANK,
    CENTRE,
    INSTITUTE,
    LAB,
    Case,
    agreement,
    digest,
    make,
    outcome,
    recorded,
    sealed,
    submission,
    verdict,
)
from support.review_probes import (
    changed,
    directive,
    dispute,
    finding,
    lifted,
    measured,
    opened,
    postponement,
    ready,
    rerun,
    responded,
    running,
    seen,
    terms,
)
from support.timed import decide, evolve
from touchstone.review import Attempt, Refused, RunKey, State, Tally, UnknownEvent
from touchstone.review.events import Event, measuring, opening, settling

KEY = RunKey("battery-1", "memory-safety", "final", "instant")


def test_a_state_cannot_be_changed(case: Case):
    state = case.open().state
    with pytest.raises(FrozenInstanceError):
        state.size = 3  # type: ignore[misc]  # that is the point
    with pytest.raises(TypeError):
        state.parties["x"] = state.parties[LAB]  # type: ignore[index]  # that is the point


def test_in_contract_1_a_key_that_a_newer_event_admits_is_the_key(case: Case):
    held = case.open().state
    admits = [
        {"party": LAB, "role": "keeper-of-weights", "key": "ab" * 32},
        {"party": "example-trust", "role": "auditor", "key": "cd" * 32},
        {"party": "example-press", "role": "witness", "key": "ef" * 32},
    ]
    newer = UnknownEvent.model_validate(
        make(opening.ParticipationNoted, LAB, status="declined", source="x").facts()
        | {"type": "weights-escrowed", "admits": admits}
    )
    parties = evolve(held, newer).parties
    assert (parties[LAB].role, parties[LAB].key) == ("developer", "ab" * 32)
    assert (parties["example-trust"].role, parties["example-trust"].key) == ("auditor", "cd" * 32)
    assert "example-press" not in parties


def test_an_earlier_state_stays_as_it_was(case: Case):
    before = running(case).state
    case.do(recorded((outcome(0),)))
    assert before.tally(*KEY) == Tally()
    assert case.state.tally(*KEY).recorded == 1


def test_an_unknown_class_of_event_is_a_fault():
    with pytest.raises(TypeError, match="no rule says what Event changes"):
        evolve(State(), make(Event, LAB, type="strange"))


def test_outcomes_are_counted_by_what_they_are(case: Case):
    running(case).do(recorded((outcome(0), outcome(1, "limit"), outcome(3, "lost-endpoint"))))
    tally = case.state.tally(*KEY)
    assert tally.results == {"solved": 1, "limit": 1, "lost-endpoint": 1}
    assert (tally.recorded, tally.tokens, tally.totals) == (3, 300, (1, 2))
    assert tally.attempt().prefix == 2
    assert [case.state.is_recorded(KEY, 1, index) for index in range(5)] == [1, 1, 0, 1, 0]


def test_only_the_prefix_of_the_committed_order_counts_for_looking_early():
    attempt = Attempt(recorded=0b1011, measured=0b1011, solved=0b1001)
    assert attempt.prefix == 2
    assert attempt.counts(attempt.prefix) == (1, 2)
    assert attempt.counts() == (2, 3)
    assert Attempt().prefix == 0


def test_modes_variants_and_batteries_are_never_pooled(case: Case):
    measured(case).measure("thinking", solved=9)
    case.do(changed())
    case.do(recorded((outcome(0),), variant="final-2"))
    assert {key[2:]: tally.recorded for key, tally in case.state.tallies.items()} == {
        ("final", "instant"): 20,
        ("final", "thinking"): 20,
        ("final-2", "instant"): 1,
    }


def test_a_changed_snapshot_takes_over_the_modes(case: Case):
    ready(case).do(seen())
    case.do(changed())
    assert case.state.variants["final-2"].modes == ("instant", "thinking")
    assert case.state.snapshots["final"].replaced_by == "final-2"
    assert case.state.current_variants == ("final-2",)


BREACH = make(measuring.SandboxBreached, CENTRE, guard="host file read", seen_at=submission().at)
CENTRES_HALT = make(measuring.ReviewHalted, CENTRE, reason="a guard gave way")
RESUMED = make(measuring.ReviewResumed, CENTRE, reason="guard mended")


def test_a_breach_brings_no_event_of_its_own_and_nothing_is_measured_after_it(case: Case):
    assert running(case).do(BREACH) == BREACH
    assert case.state.halted
    for deed in (sealed("battery-2"), verdict("instant", "below", 3)):
        with pytest.raises(Refused, match="the sandbox was breached"):
            case.do(deed)
    case.do(make(measuring.ReviewHalted, LAB, reason="stop"))
    case.do(make(measuring.ReviewResumed, LAB, reason="go on"))
    with pytest.raises(Refused, match="the sandbox was breached"):
        case.do(sealed("battery-2"))


def test_measuring_goes_on_once_the_centre_has_halted_for_the_breach_and_resumed(case: Case):
    running(case).do(BREACH)
    with pytest.raises(Refused, match="only a party that halted the review"):
        case.do(RESUMED)
    case.do(CENTRES_HALT)
    with pytest.raises(Refused, match="is halted by example-centre"):
        case.do(sealed("battery-2"))
    case.do(RESUMED)
    case.do(sealed("battery-2"))


def test_a_breach_under_the_centres_own_halt_asks_for_no_other(case: Case):
    """As in records of before, in which the halt followed by itself unless one stood."""
    running(case).do(CENTRES_HALT)
    case.do(BREACH)
    assert not case.state.unhalted_breach
    case.do(RESUMED)
    assert not case.state.halted


def test_twin_without_its_mark_in_the_state_measuring_would_go_on(case: Case):
    running(case).do(BREACH)
    state = replace(case.state, unhalted_breach=False)
    assert decide(case.framework, state, sealed("battery-2")).type == "battery-sealed"


def test_a_halt_stands_until_each_who_made_one_takes_it_back(case: Case):
    running(case)
    for party in (LAB, CENTRE):
        case.do(make(measuring.ReviewHalted, party, reason="stop"))
    case.do(make(measuring.ReviewResumed, CENTRE, reason="go on"))
    assert case.state.halted_by == {LAB}


def test_what_ran_before_a_halt_is_still_recorded(case: Case):
    running(case).do(make(measuring.ReviewHalted, LAB, reason="stop"))
    case.do(recorded((outcome(0),)))
    assert case.state.tally(*KEY).recorded == 1


def test_an_agreement_needs_both_and_the_same(case: Case):
    case.open().do(agreement(LAB))
    assert not case.state.agreement
    case.do(agreement(CENTRE, retention_days=30))
    assert not case.state.agreement
    case.do(agreement(CENTRE))
    assert case.state.agreement == agreement(LAB)


def test_of_several_agreements_the_one_concluded_last_holds(case: Case):
    case.open().do(agreement(LAB))
    case.do(agreement(CENTRE))
    other = {"agreement": digest("another text"), "retention_days": 7}
    case.do(agreement(LAB, **other))
    assert case.state.agreement == agreement(LAB)
    case.do(agreement(CENTRE, **other))
    assert case.state.agreement == agreement(LAB, **other)
    # Nobody goes back alone, not even by way of a third.
    for rights in ({}, {"retention_days": 8}, {}):
        case.do(agreement(LAB, **rights))
        assert case.state.agreement == agreement(LAB, **other)
    assert [*case.state.agreements] == [agreement(LAB).agreement, other["agreement"]]


def test_a_battery_is_known_by_its_id(case: Case):
    running(case)
    assert (case.state.newest_battery, case.state.next_battery) == ("battery-1", "battery-2")
    case.do(sealed(battery="battery-3"))
    assert (case.state.newest_battery, case.state.next_battery) == ("battery-3", "battery-4")
    case.do(sealed(battery="battery-4"))
    assert case.state.next_battery == "battery-5"
    assert [*case.state.batteries] == ["battery-1", "battery-3", "battery-4"]


def test_a_finding_stands_as_signed_while_the_developer_is_silent(case: Case):
    def stands() -> str:
        return case.state.findings["f1"].stands

    opened(case).do(finding(INSTITUTE))
    assert stands() == "signed"
    case.do(responded())
    assert stands() == "signed"
    case.do(dispute())
    assert stands() == "disputed"
    case.do(rerun(INSTITUTE))
    assert stands() == "upheld"
    case.do(dispute())
    assert stands() == "disputed"


def test_terms_need_the_developer_and_another(case: Case):
    case.open().do(terms(settling.TermsOffered, AGENCY))
    case.do(terms(settling.TermsAgreed, BANK))
    assert not case.state.agreed_terms
    case.do(terms(settling.TermsCountered, LAB, "mine", answers=digest("terms")))
    assert not case.state.agreed_terms
    case.do(terms(settling.TermsAgreed, BANK, "mine"))
    assert case.state.agreed_terms == digest("mine")
    case.do(terms(settling.TermsDeclined, BANK, "mine"))
    assert not case.state.agreed_terms
    case.do(terms(settling.TermsOffered, CENTRE, "third"))
    assert case.state.terms.agreed == {CENTRE}


def test_who_made_an_offer_may_put_another_in_its_place(case: Case):
    case.open().do(terms(settling.TermsOffered, AGENCY))
    case.do(terms(settling.TermsOffered, AGENCY, "better"))
    assert case.state.terms.on_table == digest("better")


def test_a_request_to_postpone_waits_and_binds_nobody(case: Case):
    opened(case).do(postponement())
    assert not case.state.postponements["p1"].answer
    answer = make(settling.PostponementAnswered, LAB, request="p1", answer="granted")
    case.do(answer)
    assert case.state.postponements["p1"].answer == answer
    released: dict[str, Any] = {"scope": "public", "variants": (), "same_model": "same"}
    case.do(make(settling.ReleaseAnnounced, LAB, **released))
    assert len(case.state.releases) == 1


def test_directives_are_answered_and_lifted(case: Case):
    opened(case).do(directive())
    answer = make(settling.DirectiveAnswered, LAB, directive="d1", answer="more-broadly")
    case.do(answer)
    case.do(lifted())
    known = case.state.directives["d1"]
    assert (known.answer, known.lifted_at) == (answer, lifted().at)


def test_leaving_a_closed_case_is_recorded_and_changes_no_status(case: Case):
    case.open().do(make(settling.CaseClosed, CENTRE, reason="done"))
    case.do(make(settling.ReviewWithdrawn, LAB))
    assert (case.state.status, case.state.withdrawal is not None) == ("closed", True)
    case.do(make(settling.CaseDestroyed, CENTRE, certificate=digest("certificate")))
    assert case.state.status == "destroyed"


def test_a_new_submission_is_assessed_anew_and_may_be_clocked_anew(case: Case):
    ready(case)
    case.do(submission(submission=digest("another"), planned_public_release="2026-12-24"))
    assert case.state.assessment is None
    case.lay_window()
    assert case.state.clock
    assert case.state.clock.anchored.anchor_day == "2026-12-24"


def test_an_inquiry_has_an_answer_from_each_who_gives_one(case: Case):
    case.open("inquiry")
    asked: dict[str, Any] = {"inquiry": "i1", "release_state": "internal", "question": "Would it?"}
    case.do(make(opening.InquiryAsked, LAB, **asked))
    for party in (CENTRE, AGENCY):
        facts: dict[str, Any] = {"inquiry": "i1", "answer": "cannot-say", "reasons": "too early"}
        case.do(make(opening.InquiryAnswered, party, **facts))
    assert set(case.state.inquiry_answers) == {("i1", CENTRE), ("i1", AGENCY)}
