"""What a case says when it is asked, by what may be read of it. Words are tested with the store."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from support.review_case import (
    AGENCY,
    AT,
    CENTRE,
    EVALUATOR,
    LAB,
    TREASURY,
    Case,
    digest,
    example_framework,
    make,
)
from touchstone.editions.questions.clock import ClockDate, clock_shown
from touchstone.editions.questions.designation import Missing, designation_shown
from touchstone.editions.questions.findings import findings_shown
from touchstone.framework import Framework
from touchstone.review import State
from touchstone.review.audience_view import Entry
from touchstone.review.events import judging, measuring, settling

NOW = "2026-10-05T12:00:00Z"
EXAMPLE = example_framework()


@dataclass
class Asked:
    """A case of which the facts are at hand, and no words."""

    state: State
    framework: Framework | None = EXAMPLE
    hidden: int = 0

    def entries_of(self, *_types: str) -> Iterator[Entry]:
        return iter(())


def opened() -> Case:
    return Case(EXAMPLE).open().agree()


def says(case: Case, hidden: int = 0) -> dict[str, str]:
    shown = designation_shown(Asked(case.state, hidden=hidden))
    return {each.agency: each.word for each in shown.agencies}


def speaks(case: Case, agency: str, *, agrees: bool, of: str | None = None) -> Case:
    kind = judging.DesignationConcurred if agrees else judging.DesignationDissented
    facts = {} if agrees else {"reason": "Too few."}
    question = of or case.state.designating.in_question
    newest = len(case.state.designating.proposals)
    case.do(make(kind, agency, proposal=newest, designation=question, **facts))
    return case


def decides(case: Case, word: str, *, first: bool = True) -> Case:
    kind = judging.DesignationMade if first else judging.DesignationRevised
    newest = len(case.state.designating.proposals)
    case.do(make(kind, AGENCY, proposal=newest, designation=word, reasons="So."))
    return case


# ------------------------------------------------------------------ designation


def test_silence_dissent_and_who_takes_no_part_are_told_apart():
    case = opened()
    # Nobody was asked anything so far.
    assert says(case) == {TREASURY: "nothing-proposed", AGENCY: "nothing-proposed"}
    assert says(case, hidden=1) == {TREASURY: "not-to-be-read", AGENCY: "not-to-be-read"}
    case.propose()
    assert says(case) == {TREASURY: "silent", AGENCY: "silent"}
    speaks(case, AGENCY, agrees=False)
    assert says(case) == {TREASURY: "silent", AGENCY: "dissented"}
    # Whoever may not read all of the case cannot tell silence from what is withheld.
    assert says(case, hidden=1) == {TREASURY: "not-to-be-read", AGENCY: "dissented"}
    alone = Case(EXAMPLE).open_by_key(LAB, AGENCY).agree().propose()
    assert says(alone) == {TREASURY: "takes-no-part", AGENCY: "silent"}


def test_a_word_for_another_question_is_no_word_for_this_one():
    case = speaks(opened().propose(), TREASURY, agrees=True)
    assert says(case)[TREASURY] == "concurred"
    decides(case, "covered")
    shown = designation_shown(Asked(case.state))
    (treasury,) = [each for each in shown.agencies if each.agency == TREASURY]
    assert (treasury.word, treasury.designation) == ("of-another-question", "undetermined")
    assert shown.made == shown.in_question == "covered"
    speaks(case, TREASURY, agrees=True)
    assert says(case)[TREASURY] == "concurred"
    # A new proposal asks anew.
    case.propose()
    assert says(case)[TREASURY] == "silent"


def test_who_decided_is_not_silent_and_a_new_proposal_asks_it_anew():
    case = decides(opened().propose(), "covered")
    assert says(case) == {TREASURY: "silent", AGENCY: "decided"}
    # Its decision is read, so that nothing hidden can make a silence of it.
    assert says(case, hidden=1) == {TREASURY: "not-to-be-read", AGENCY: "decided"}
    case.propose()
    assert says(case)[AGENCY] == "silent"
    decides(case, "undetermined", first=False)
    (agency,) = [e for e in designation_shown(Asked(case.state)).agencies if e.agency == AGENCY]
    assert (agency.word, agency.designation) == ("decided", "undetermined")


def test_what_is_missing_names_who_is_to_do_it_and_what_waits_for_nobody():
    case = opened()
    proposal = Missing("nothing-proposed", (CENTRE,), stops=True)
    concurrence = Missing("concurrence", (TREASURY,), stops=False)
    decision = Missing("decision", (AGENCY,), stops=True)
    assert designation_shown(Asked(case.state)).missing == (proposal, concurrence, decision)
    case.propose()
    assert designation_shown(Asked(case.state)).missing == (concurrence, decision)
    speaks(case, TREASURY, agrees=False)
    # A dissent is an answer, and no concurrence.
    assert designation_shown(Asked(case.state)).missing == (concurrence, decision)
    decides(case, "undetermined")
    assert designation_shown(Asked(case.state)).missing == ()
    case.propose()
    assert designation_shown(Asked(case.state)).missing == (concurrence, decision)
    decides(case, "covered", first=False)
    assert [each.designation for each in designation_shown(Asked(case.state)).decisions] == [
        "undetermined",
        "covered",
    ]


def test_what_cannot_be_decided_any_more_says_why():
    case = opened().propose()
    case.do(make(settling.ReviewWithdrawn, LAB, publish=False))
    (missing,) = designation_shown(Asked(case.state)).missing
    assert missing == Missing("developer-has-left", (), stops=True)
    alone = Case(EXAMPLE).open_by_key(LAB, TREASURY).agree().propose()
    assert [each.lack for each in designation_shown(Asked(alone.state)).missing] == [
        "concurrence",
        "designator-takes-no-part",
        "decision",
    ]
    bare = example_framework().model_copy(update={"designation": None})
    (missing,) = designation_shown(Asked(case.state, bare)).missing
    assert missing.lack == "no-rule-for-designation"
    assert designation_shown(Asked(case.state, None)).missing == ()


# ------------------------------------------------------------------ findings


def found(case: Case) -> Case:
    facts = {"finding": "f-1", "domain": "cyber", "criterion": "memory-safety"}
    case.do(make(judging.FindingSigned, CENTRE, statement=digest("f-1"), **facts))
    outside = {"finding": "f-2", "domain": "cyber", "withheld_reason": "It is a way in."}
    kept = {"statement": digest("f-2"), "withheld_evidence": digest("kept")}
    case.do(make(judging.OutsideFindingSigned, EVALUATOR, **outside, **kept))
    return case


def test_findings_say_by_whom_about_what_and_what_is_withheld():
    first, second = findings_shown(Asked(found(opened()).state))
    assert (first.by, first.role, first.criterion) == (CENTRE, "centre", "memory-safety")
    assert (first.withheld_evidence, first.stands, first.answered) == (None, "signed", "no-answer")
    assert (second.by, second.role) == (EVALUATOR, "independent-evaluator")
    assert second.withheld_evidence == digest("kept")
    hidden = findings_shown(Asked(found(opened()).state, hidden=2))
    assert {each.answered for each in hidden} == {"not-to-be-read"}


def test_a_dispute_and_what_came_of_it_are_told_with_who_said_what():
    case = found(opened())
    case.do(
        make(judging.FindingDisputed, LAB, finding="f-1", grounds="Trained on.", rerun_wanted=True)
    )
    (shown, _) = findings_shown(Asked(case.state))
    assert (shown.stands, shown.answered) == ("disputed", "answered")
    assert shown.dispute is not None
    assert (shown.dispute.by, shown.dispute.rerun_wanted) == (LAB, True)
    case.do(
        make(judging.FindingRerun, CENTRE, finding="f-1", outcome="revised", statement=digest("n"))
    )
    case.do(
        make(judging.FindingResponded, LAB, finding="f-1", stance="noted", response=digest("r"))
    )
    (shown, _) = findings_shown(Asked(case.state))
    assert shown.stands == "revised"
    assert shown.rerun is not None
    assert shown.response is not None
    assert (shown.rerun.word, shown.rerun.by) == ("revised", CENTRE)
    assert (shown.response.word, shown.response.by) == ("noted", LAB)


# ------------------------------------------------------------------ the clock


def dates(case: Case, now: str = NOW) -> dict[str, ClockDate]:
    return {each.what: each for each in clock_shown(Asked(case.state), now).dates}


def planned() -> Case:
    return opened().submit(planned_public_release="2026-11-10").lay_window()


def test_every_date_has_its_hour_its_zone_and_who_is_to_act():
    told = dates(planned())
    assert told["share-by"].text == "2026-10-11 23:59 Europe/London"
    # London changes its clocks between the two.
    assert told["share-by"].local == "2026-10-11T23:59:59+01:00"
    assert told["window-ends"].local == "2026-11-10T23:59:59+00:00"
    assert told["window-ends"].at == "2026-11-10T23:59:59Z"
    assert told["window-ends"].by == (CENTRE,)
    assert told["public-release"].by == (LAB,)
    assert (told["shared"].at, told["shared"].past, told["shared"].by) == (AT, True, ())
    assert [each.past for each in dates(planned(), "2026-11-10T23:59:59Z").values()].count(
        True
    ) == 2
    assert dates(planned(), "2026-11-11T00:00:00Z")["window-ends"].past


def test_before_a_window_is_laid_it_says_that():
    shown = clock_shown(Asked(opened().state), NOW)
    assert (shown.standing, shown.window, shown.dates) == ("not-laid", None, ())
    assert shown.timezone == "Europe/London"
    handed_in = opened().submit(planned_public_release="2026-11-10")
    told = clock_shown(Asked(handed_in.state), NOW)
    assert [each.what for each in told.dates] == ["shared", "public-release"]


def test_a_pause_is_either_sides_to_end_and_an_end_is_nobodys():
    case = planned()
    case.do(make(measuring.ClockPaused, LAB, "2026-10-02T09:00:00Z", reason="Down."))
    shown = clock_shown(Asked(case.state), NOW)
    assert shown.standing == "paused"
    assert dates(case)["paused"].by == (LAB, CENTRE)
    case.do(make(measuring.ClockResumed, CENTRE, "2026-10-04T09:00:00Z"))
    assert (dates(case)["paused"].by, dates(case)["resumed"].past) == ((), True)
    case.do(make(measuring.ClockEnded, CENTRE, "2026-10-05T09:00:00Z", reason="Done."))
    shown = clock_shown(Asked(case.state), NOW)
    assert (shown.standing, dates(case)["window-ends"].by) == ("ended", ())
    assert shown.window is not None
    assert shown.window.paused_days == 2


def test_who_holds_the_ball_follows_the_case():
    case = planned()

    def by() -> tuple[str, ...]:
        return dates(case)["window-ends"].by

    case.do(make(measuring.ReviewHalted, LAB, reason="A leak."))
    assert by() == (LAB,)
    case.do(make(measuring.ReviewResumed, LAB, reason="None."))
    case.propose()
    assert by() == (AGENCY, TREASURY)
    speaks(case, TREASURY, agrees=False)
    assert by() == (AGENCY,)
    decides(case, "covered")
    # Another designation is in question than the one of which it spoke: `next` asks it anew, too.
    assert by() == (TREASURY,)
    speaks(case, TREASURY, agrees=True)
    assert by() == ()


def test_a_postponement_is_the_developers_to_answer_and_a_release_ends_its_date():
    case = planned()
    case.do(
        make(
            settling.PostponementRequested,
            AGENCY,
            request="p-1",
            until="2026-12-01",
            reason="More.",
        )
    )
    asked = dates(case)["postponement"]
    assert (asked.text, asked.by, asked.about) == (
        "2026-12-01 23:59 Europe/London",
        (LAB,),
        "p-1",
    )
    case.do(make(settling.PostponementAnswered, LAB, request="p-1", answer="declined"))
    assert "postponement" not in dates(case)
    case.do(
        make(
            settling.PostponementAnswered,
            LAB,
            request="p-1",
            answer="granted-in-part",
            until="2026-11-20",
        )
    )
    granted = dates(case)["postponement-granted"]
    assert (granted.by, granted.at, granted.about) == ((), "2026-11-20T23:59:59Z", "p-1")
    case.do(
        make(settling.ReleaseAnnounced, LAB, scope="public", variants=("final",), same_model="same")
    )
    assert dates(case)["public-release"].by == ()


@pytest.mark.parametrize("days", ["days", "business-days"])
def test_a_window_counts_as_its_framework_does(days: str):
    window = EXAMPLE.window.model_copy(update={"unit": days})
    case = Case(EXAMPLE.model_copy(update={"window": window})).open().agree()
    case.submit(planned_public_release="2026-11-10").lay_window()
    shown = clock_shown(Asked(case.state, case.framework), NOW).window
    assert shown is not None
    assert (shown.business_days, shown.days_used) == (days != "days", 4 if days == "days" else 2)


def test_who_is_to_act_is_not_told_where_the_framework_is_not_known():
    assert clock_shown(Asked(planned().state), NOW).acting_told
    shown = clock_shown(Asked(planned().state, None), NOW)
    assert (shown.acting_told, {each.by for each in shown.dates}) == (False, {()})


def test_without_its_framework_a_case_keeps_the_zone_of_its_window():
    assert clock_shown(Asked(planned().state, None), NOW).timezone == "Europe/London"
    assert clock_shown(Asked(opened().state, None), NOW).timezone == "UTC"
