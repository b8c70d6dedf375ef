"""Who leaves a case, who may end another's part in it, and what follows."""

from collections.abc import Callable

import pytest

from support.review_case import (
    AGENCY,
    CENTRE,
    EVALUATOR,
    LAB,
    TREASURY,
    Case,
    agreement,
    digest,
    invitation,
    make,
)
from support.review_probes import (
    CLOSED,
    by_key,
    joined,
    left,
    reinvited,
    removed,
    signer,
    terms,
    uninvited,
    with_guest,
)
from touchstone.clearance import tlp
from touchstone.editions.event_text import event_sentence
from touchstone.review import Event, Refused, topics_of
from touchstone.review.addressing import addressees
from touchstone.review.events import judging, opening, settling
from touchstone.review.next_deeds import next_deeds

NOON = "2026-10-02T12:00:00Z"


def code_of(case: Case, deed: Event) -> str:
    with pytest.raises(Refused) as refused:
        case.do(deed)
    return refused.value.code


def test_an_invitation_is_taken_back_by_who_made_it(case: Case):
    by_key(case)
    assert code_of(case, uninvited(by=LAB)) == "invitation-of-another"
    case.do(uninvited())
    assert TREASURY not in case.state.invitations
    assert code_of(case, joined()) == "not-invited"
    assert code_of(case, uninvited()) == "invitation-unknown"
    # It may be invited anew, by the other one too, whose guest it is then.
    case.do(invitation(TREASURY, actor=LAB))
    assert code_of(case, uninvited()) == "invitation-of-another"
    case.do(joined())
    assert code_of(case, uninvited(by=LAB)) == "invitation-unknown"


def test_an_invitation_that_was_made_anew_is_not_taken_back_by_an_old_deed():
    """What must be named is touched by an invitation, a joining and itself alone."""
    asked, own = topics_of(uninvited()), f"keys:{TREASURY}"
    assert asked.must_name == {own}
    assert own in asked.touches
    assert topics_of(removed(EVALUATOR)).touches == {f"part:{EVALUATOR}", "people"}


def test_a_way_out_is_never_too_old():
    assert topics_of(left()).must_name == frozenset()
    assert not topics_of(left()).ends


def test_who_left_does_nothing_more_and_keeps_what_it_said(case: Case):
    with_guest(case)
    found = make(
        judging.OutsideFindingSigned,
        EVALUATOR,
        finding="f1",
        domain="cyber",
        statement=digest("f1"),
        withheld_evidence=digest("kept"),
        withheld_reason="It is a way in.",
    )
    case.do(found)
    case.do(left(EVALUATOR))
    gone = case.state.left[EVALUATOR]
    assert (gone.role, gone.by, gone.n) == ("independent-evaluator", EVALUATOR, case.state.size - 1)
    assert case.state.findings["f1"].stands == "signed"
    noted = make(opening.ParticipationNoted, EVALUATOR, status="withdrawn", source="x")
    for deed in (noted, left(EVALUATOR), found.model_copy(update={"finding": "f2"})):
        assert code_of(case, deed) == "has-left"
    assert code_of(case, joined(EVALUATOR)) == "has-left"
    assert code_of(case, removed(EVALUATOR)) == "not-in-case"
    assert code_of(case, invitation(EVALUATOR)) == "invited-has-left"
    assert next_deeds(case.framework, case.state, EVALUATOR, NOON) == ()


def test_a_guest_is_removed_by_who_invited_it_and_by_nobody_else(case: Case):
    with_guest(case)
    assert code_of(case, removed(EVALUATOR, by=LAB)) == "guest-of-another"
    assert code_of(case, removed(EVALUATOR, by=AGENCY)) == "not-your-role"
    assert code_of(case, removed(TREASURY)) == "not-in-case"
    case.do(removed(EVALUATOR))
    assert case.state.left[EVALUATOR].by == CENTRE


def test_nobody_sends_away_an_official_or_the_other_side(case: Case):
    by_key(case)
    assert code_of(case, removed(AGENCY)) == "agency-of-framework"
    assert code_of(case, removed(LAB)) == "role-not-removed"
    for own in (LAB, CENTRE):
        assert code_of(case, left(own)) == "not-your-role"
    case.do(left(AGENCY))
    assert AGENCY not in case.state.having("agency")


def test_an_agency_that_the_framework_does_not_name_is_a_guest(case: Case):
    by_key(case)
    case.do(invitation("newcomer"))
    case.do(joined("newcomer", role="agency"))
    case.do(removed("newcomer"))
    assert "newcomer" not in case.state.parties


def test_what_was_said_of_keys_ends_with_who_said_it(case: Case):
    with_guest(case)
    for by in (LAB, CENTRE):
        case.do(reinvited(by, party=EVALUATOR))
    case.do(reinvited(AGENCY, party=LAB))
    case.do(left(AGENCY))
    assert case.state.reinvitations[LAB] == {}
    case.do(left(EVALUATOR))
    assert EVALUATOR not in case.state.reinvitations


def test_an_offer_goes_with_who_made_it_unless_it_was_agreed(case: Case):
    by_key(case)
    case.do(terms(settling.TermsOffered, AGENCY))
    case.do(left(AGENCY))
    assert case.state.terms.on_table is None
    agreed = by_key(Case(case.framework))
    agreed.do(terms(settling.TermsOffered, AGENCY))
    agreed.do(terms(settling.TermsAgreed, LAB))
    agreed.do(left(AGENCY))
    # What both agreed to stands, and the developer can still take its word back.
    assert agreed.state.terms_in_force == digest("terms")
    agreed.do(terms(settling.TermsDeclined, LAB))
    assert agreed.state.terms_in_force is None


def test_a_dispute_with_who_left_keeps_no_case(case: Case):
    with_guest(case)
    for deed in (
        agreement(LAB),
        agreement(CENTRE),
        make(
            judging.OutsideFindingSigned,
            EVALUATOR,
            finding="f1",
            domain="cyber",
            statement=digest("f1"),
            withheld_evidence=digest("kept"),
            withheld_reason="It is a way in.",
        ),
        make(judging.FindingDisputed, LAB, finding="f1", grounds="Trained on.", rerun_wanted=True),
        CLOSED,
    ):
        case.do(deed)
    destroyed = make(settling.CaseDestroyed, CENTRE, certificate=digest("c"))
    assert code_of(case, destroyed) == "dispute-open"
    case.do(removed(EVALUATOR))
    case.do(destroyed)
    assert case.state.status == "destroyed"


def test_an_answer_reaches_the_others_where_who_asked_has_left(case: Case):
    by_key(case)
    request = make(
        settling.PostponementRequested, AGENCY, request="p1", until="2026-12-01", reason="More."
    )
    case.do(request)
    answer = make(settling.PostponementAnswered, LAB, request="p1", answer="declined")
    narrow = answer.model_copy(update={"marking": tlp("AMBER", LAB, CENTRE)})
    assert addressees(case.state, answer) == [(AGENCY,)]
    assert code_of(case, narrow) == "addressee-excluded"
    case.do(left(AGENCY))
    assert addressees(case.state, answer) == []
    case.do(narrow)


@pytest.mark.parametrize("deed", [uninvited, lambda: removed(EVALUATOR), lambda: left(EVALUATOR)])
def test_every_party_is_told_who_takes_part_no_more(case: Case, deed: Callable[[], Event]):
    with_guest(case)
    narrow = deed().model_copy(update={"marking": tlp("AMBER", LAB, CENTRE)})
    assert code_of(case, narrow) == "every-party-excluded"
    case.do(deed())


def test_keys_of_who_left_sign_nothing_and_stay_known(case: Case):
    with_guest(case)
    key = case.state.parties[EVALUATOR].key
    case.do(left(EVALUATOR))
    assert key in case.state.party_keys
    assert code_of(case, signer().model_copy(update={"actor": EVALUATOR})) == "has-left"


def test_it_is_told_in_words():
    names = {EVALUATOR: "Example Evaluator", TREASURY: "Example Treasury"}
    told = [
        event_sentence(deed, names, texts={"reason": "Its work is done."})
        for deed in (uninvited(), removed(EVALUATOR), left(EVALUATOR))
    ]
    assert told == [
        "Takes back the invitation of Example Treasury.",
        "Ends the part of Example Evaluator in the case: Its work is done.",
        "Leaves the case; what it did stands.",
    ]
