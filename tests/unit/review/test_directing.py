"""What directives, answers, standing classes and bundles come to, and what old records fold to."""

import pytest

from support.review_case import AGENCY, AT, LAB, TREASURY, Case, digest, make
from support.review_probes import (
    OFFER,
    Setup,
    agreed,
    answer,
    answered_anew,
    bundle,
    directive,
    lifted,
    opened,
    standing,
    terms,
    then,
)
from support.timed import fold
from touchstone.review import Event, Refused, read_event
from touchstone.review.events import settling

BEFORE, AFTER = "2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z"
BY_CLASS = answer(answer="by-standing-class", standing=digest("classes"))


@pytest.mark.parametrize(
    ("prepare", "deed", "told"),
    [
        (opened, directive(restores=("gone",)), "which nobody issued"),
        (
            then(opened, directive(), lifted()),
            directive(directive="d2", restores=("d1",)),
            "lifted already",
        ),
        (then(opened, directive()), answer(standing=digest("classes")), "leave them out"),
        (then(opened, directive(), standing(None)), BY_CLASS, "no standing classes"),
        (then(opened, directive(), standing("other")), BY_CLASS, "in force are sha256:"),
        (then(opened, directive(), standing(until=AT)), BY_CLASS, "classes ended 2026-10-01"),
        (then(agreed, bundle()), bundle(equals=1), "has number 2, not 1"),
        (agreed, bundle(equals=1), "no bundle 1 of gateways to return to"),
        (agreed, bundle(carries=("d1", "d1")), "not issued or not answered"),
        (then(agreed, directive(), answer()), bundle(carries=("d1", "another")), "neither the"),
    ],
)
def test_the_refusal_says_which_part_of_a_guard_it_is(
    case: Case, prepare: Setup, deed: Event, told: str
):
    with pytest.raises(Refused, match=told):
        prepare(case).do(deed)


def test_a_standing_class_answers_until_it_ends(case: Case):
    then(opened, directive(), standing(), BY_CLASS)(case)
    said = case.state.directives["d1"].said
    assert said is not None
    assert said.answer == "by-standing-class"


def test_what_is_carried_out_follows_the_answer(case: Case):
    then(opened, directive(number=1))(case)
    assert case.state.directives["d1"].carried(BEFORE) is None
    case.do(answer())
    assert case.state.directives["d1"].carried(BEFORE) == digest("d1")
    assert case.state.directives["d1"].carried(AFTER) is None
    case.do(
        make(
            settling.DirectiveAnswerRevised,
            LAB,
            directive="d1",
            answer="narrowly",
            reading=digest("reading"),
        )
    )
    assert case.state.directives["d1"].carried(BEFORE) == digest("reading")
    assert case.state.directives["d1"].texts == {digest("d1"), digest("reading")}
    case.do(answered_anew())
    assert case.state.directives["d1"].carried(BEFORE) is None
    case.do(lifted())
    assert case.state.directives["d1"].lifted_at == AT


def test_a_later_offer_leaves_agreed_terms_in_force_and_a_refusal_takes_them_back(case: Case):
    agreed(case)
    case.do(terms(settling.TermsOffered, TREASURY, "newer"))
    assert case.state.agreed_terms is None
    assert case.state.terms_in_force == digest("terms")
    case.do(bundle())
    case.do(terms(settling.TermsAgreed, LAB, "newer"))
    assert case.state.terms_in_force == digest("newer")
    # An old state can be returned to, under the next number, as long as its terms stand.
    case.do(bundle(2, equals=1))
    case.do(terms(settling.TermsDeclined, LAB, "newer"))
    assert case.state.agreed_before == ()
    assert [each.number for each in case.state.bundles] == [1, 2]


def test_declining_newer_terms_does_not_revive_those_that_they_replaced(case: Case):
    agreed(case)
    case.do(terms(settling.TermsOffered, TREASURY, "newer"))
    case.do(terms(settling.TermsDeclined, LAB, "newer"))
    assert case.state.terms_in_force == digest("terms")
    case.do(terms(settling.TermsAgreed, LAB, "newer"))
    case.do(terms(settling.TermsDeclined, LAB, "newer"))
    with pytest.raises(Refused, match="have not been agreed"):
        case.do(bundle())
    assert not case.state.terms_in_force


def test_offering_agreed_terms_again_takes_nothing_back(case: Case):
    agreed(case).do(OFFER)
    case.do(terms(settling.TermsAgreed, TREASURY))
    case.do(terms(settling.TermsDeclined, TREASURY))
    assert case.state.terms_in_force == digest("terms")


def test_terms_that_gateways_obey_outlast_a_refusal_until_others_are_agreed(case: Case):
    then(agreed, directive(), answer(), bundle(carries=("d1", "d1")))(case)
    case.do(terms(settling.TermsDeclined, LAB))
    assert case.state.agreed_terms is None
    assert case.state.terms_in_force == digest("terms")
    case.do(lifted())
    # The directive is ended at the gateways; other terms are not brought in so.
    case.do(bundle(2))
    with pytest.raises(Refused, match="have not been agreed"):
        case.do(bundle(3, terms=digest("other")))


def test_each_stream_counts_for_itself(case: Case):
    then(agreed, bundle(), bundle(stream="other"), bundle(2))(case)
    assert case.state.newest_bundle("gateways") == case.state.bundles[2]
    assert case.state.newest_bundle("nowhere") is None


def test_records_from_before_these_facts_fold(case: Case):
    """As version 1 of the room wrote them: no number, reason, reading or standing classes."""
    opened(case)
    common = {"schema": 1, "at": AT, "marking": directive().marking.as_dict()}
    old = (
        {
            "type": "directive-issued",
            "actor": AGENCY,
            "directive": "d1",
            "order": digest("d1"),
            "expires": "2026-12-01T00:00:00Z",
        },
        {
            "type": "directive-answered",
            "actor": LAB,
            "directive": "d1",
            "bundle": None,
            "answer": "by-standing-class",
        },
        {"type": "directive-lifted", "actor": AGENCY, "directive": "d1", "said_later": "x"},
    )
    state = fold((read_event(each | common) for each in old), case.state)
    assert state.directives["d1"].issued.number is None
    assert state.directives["d1"].lifted_at == AT
    kept = read_event(old[2] | common).facts()
    assert kept["said_later"] == "x"
