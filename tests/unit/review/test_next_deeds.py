"""What is told as next is what the law takes, and nothing that a party was asked is left out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, get_args

import pytest

from support.next_drafts import not_taken, takes
from support.review_case import (
    AGENCY,
    BANK,
    CENTRE,
    LAB,
    ROLES,
    TREASURY,
    Case,
    agreement,
    digest,
    invitation,
    make,
    shipped_framework,
    submission,
    verdict,
)
from support.review_deeds import FACTS, draw_deed
from support.review_probes import (
    LATER,
    OFFER,
    agreed,
    answer,
    asked,
    bundle,
    by_key,
    committed,
    compared,
    concurs,
    contributed,
    declared,
    directive,
    dispute,
    finding,
    inquiring,
    lifted,
    made,
    measured,
    opened,
    outside,
    postponement,
    proposing,
    ready,
    reinvited,
    rerun,
    responded,
    revealed_from,
    running,
    scan,
    sealed_from,
    standing,
    terms,
    then,
    vouched,
)
from touchstone.editions.questions.clock import clock_shown
from touchstone.framework import Framework
from touchstone.review import Event, Refused, State
from touchstone.review.addressing import ADDRESSED, addressees
from touchstone.review.audience_view import Entry
from touchstone.review.events import (
    detecting,
    judging,
    measuring,
    opening,
    seeding,
    settling,
    telling,
)
from touchstone.review.next_deeds import IN_THE_WINDOW, NextDeed, NextReason, next_deeds
from touchstone.review.next_deeds.telling import TELLINGS, Telling

NOON = "2026-10-02T12:00:00Z"
Setup = Callable[[Case], Case]
EVERYBODY = [*ROLES, "newcomer", "a-stranger"]

TELLS = {
    opening.PartyAdmitted,
    opening.InquiryAnswered,
    opening.SubmissionAssessed,
    seeding.SeedContributed,
    seeding.SeedRevealed,
    measuring.ClockAnchored,
    measuring.ClockPaused,
    measuring.ClockResumed,
    measuring.ClockExtended,
    measuring.ClockEnded,
    measuring.SnapshotChanged,
    measuring.VerdictReached,
    measuring.SandboxBreached,
    detecting.TranscriptsScanned,
    detecting.TranscriptsGraded,
    measuring.MeasuringStopped,
    measuring.ReviewHalted,
    measuring.ReviewResumed,
    judging.FindingResponded,
    judging.FindingRerun,
    judging.EvidenceDeclared,
    telling.QuestionsAnswered,
    telling.OutsideEvidenceImported,
    judging.DesignationConcurred,
    judging.DesignationDissented,
    judging.DesignationMade,
    judging.DesignationRevised,
    settling.TermsAgreed,
    settling.TermsDeclined,
    settling.PostponementAnswered,
    settling.ReleaseCompared,
    settling.DirectiveAnswered,
    settling.DirectiveAnswerRevised,
    settling.DirectiveLifted,
    settling.StandingClassesAuthorised,
    settling.ReadsDigested,
    settling.ReportIssued,
    settling.CaseClosed,
    settling.CaseDestroyed,
}
"""Deeds that are addressed to somebody, and ask nothing of it."""


@dataclass(frozen=True)
class Asks:
    """What answers a deed that asks: types, and the facts by which answer and question meet."""

    answers: tuple[type[Event], ...]
    by: tuple[str, ...] = ()
    """Facts that both have."""


TERMS = (settling.TermsAgreed, settling.TermsDeclined)
DESIGNATING = (
    judging.DesignationConcurred,
    judging.DesignationDissented,
    judging.DesignationMade,
    judging.DesignationRevised,
)
RESPONDING = Asks((judging.FindingResponded, judging.FindingDisputed), ("finding",))
SIGNED = ("agreement", "access", "reasoning", "retention_days", "publication")
ASKING: dict[type[Event], Asks] = {
    opening.InquiryAsked: Asks((opening.InquiryAnswered,), ("inquiry",)),
    opening.AgreementSigned: Asks((opening.AgreementSigned,), SIGNED),
    opening.SubmissionReceived: Asks((opening.SubmissionAssessed,), ("submission",)),
    judging.FindingSigned: RESPONDING,
    judging.OutsideFindingSigned: RESPONDING,
    judging.FindingDisputed: Asks((judging.FindingRerun,), ("finding",)),
    judging.DesignationProposed: Asks(DESIGNATING),
    settling.TermsOffered: Asks(TERMS, ("terms",)),
    settling.TermsCountered: Asks(TERMS, ("terms",)),
    settling.PostponementRequested: Asks((settling.PostponementAnswered,), ("request",)),
    settling.DirectiveIssued: Asks((settling.DirectiveAnswered,), ("directive",)),
}
ONCE = {opening.AgreementSigned, opening.SubmissionReceived, settling.TermsOffered}
ONCE |= {settling.TermsCountered, judging.DesignationProposed}
"""Of these the newest asks alone."""


def told(case: Case, party: str, now: str = NOON) -> tuple[NextDeed, ...]:
    return next_deeds(case.framework, case.state, party, now)


def test_every_deed_with_an_addressee_asks_or_tells():
    assert set(ADDRESSED) == TELLS | set(ASKING)


def open_questions(case: Case) -> Sequence[tuple[str, Event]]:
    """Whom a deed asks that has not answered it, and which deed that is."""
    found = []
    for place, event in enumerate(case.events):
        asks, later = ASKING.get(type(event)), case.events[place + 1 :]
        kinds = {settling.TermsOffered, settling.TermsCountered}
        same = kinds if type(event) in kinds else {type(event)}
        newer = [
            each
            for each in later
            if type(each) in same and (type(event) in kinds or each.actor == event.actor)
        ]
        if asks is None or (type(event) in ONCE and newer):
            continue
        for party in {party for group in addressees(case.state, event) for party in group}:
            said = case.events if isinstance(event, opening.AgreementSigned) else later
            if party != event.actor and not any(
                each.actor == party
                and isinstance(each, asks.answers)
                and all(getattr(each, name) == getattr(event, name) for name in asks.by)
                for each in said
            ):
                found.append((party, event))
    return found


def answer_taken(case: Case, party: str, event: Event, now: str) -> bool:
    """Whether the law takes some answer of a party to a deed that asks."""
    asks = ASKING[type(event)]
    for kind in asks.answers:
        facts = FACTS[kind](case, Random(1).choice)
        facts |= {name: getattr(event, name) for name in asks.by}
        if not asks.by:
            question = case.state.designating.in_question
            facts |= {"proposal": len(case.state.designating.proposals), "designation": question}
        if kind is settling.DirectiveAnswered:
            facts |= {"answer": "contested", "standing": None}
        if not takes(case.framework, case.state, make(kind, party, now, **facts), now):
            return True
    return False


def is_over(state: State, event: Event, now: str) -> bool:
    """Whether a directive or the case has ended: the law takes an answer that nobody waits for."""
    if not isinstance(event, settling.DirectiveIssued):
        # Terms may be declined even then, and nobody waits for that.
        return state.status == "destroyed"
    known = state.directives[event.directive]
    return known.lifted_at is not None or now >= event.expires


@dataclass
class Asked:
    """The case as a question is asked of it; the clock asks for no words."""

    state: State
    framework: Framework
    hidden: int = 0

    def entries_of(self, *_types: str) -> Iterator[Entry]:
        return iter(())


def check_clock(case: Case, now: str) -> None:
    """Whom the clock names is told so as next, and nobody else."""
    window = IN_THE_WINDOW if case.state.clock and not case.state.clock.ended_at else frozenset()
    expected: dict[str, tuple[frozenset[str], frozenset[str]]] = {
        "window-ends": (window, frozenset({"must"})),
        "paused": (frozenset({"clock-paused"}), frozenset({"must", "may"})),
        "postponement": (frozenset({"postponement-unanswered"}), frozenset({"must", "may"})),
        "partner-release": (frozenset({"release-planned"}), frozenset({"may"})),
        "public-release": (frozenset({"release-planned"}), frozenset({"may"})),
    }
    scopes = {"partner-release": "partners", "public-release": "public"}
    # Of each its own: what is awaited is told to it by somebody else's list.
    own = [each for party in EVERYBODY for each in told(case, party, now) if each.by == party]
    dates = clock_shown(Asked(case.state, case.framework), now).dates
    # Two pauses may begin at one moment: the last one is the one that may last.
    paused = [date for date in dates if date.what == "paused"]
    for date in dates:
        reasons, stances = expected.get(date.what, (frozenset(), frozenset()))
        if date.what == "paused" and date is not paused[-1]:
            reasons = frozenset()
        about = {"request": date.about} if date.what == "postponement" else {}
        about |= {"scope": scopes[date.what]} if date.what in scopes else {}
        named = {
            deed.by
            for deed in own
            if deed.reason in reasons
            and deed.stance in stances
            and about.items() <= deed.about.items()
        }
        assert set(date.by) == named, date
        assert len(date.by) == len(named)


def check(case: Case, now: str) -> None:
    """All laws of what is told, in a case as it stands."""
    check_clock(case, now)
    at = max(now, case.state.recorded_at)
    for party in EVERYBODY:
        for deed in told(case, party, now):
            assert (deed.by == party) == (deed.stance != "awaited")
            if deed.stance != "awaited":
                assert not_taken(case.framework, case.state, deed, at) == [], deed
    for party, event in open_questions(case):
        if is_over(case.state, event, at) or not answer_taken(case, party, event, at):
            continue
        asks = ASKING[type(event)]
        answers = {str(kind.model_fields["type"].default) for kind in asks.answers}
        assert any(
            deed.by == party
            and answers & set(deed.deeds)
            and all(deed.about.get(name) == getattr(event, name) for name in asks.by)
            for deed in told(case, party, now)
        ), (party, event)


@pytest.mark.parametrize("seed", [*range(10), 45])
def test_the_law_takes_what_is_told_and_no_question_is_left_out(seed: int):
    rng = Random(seed)
    case = Case(shipped_framework("us-2026-06" if seed % 4 == 3 else "example"))
    begin: Setup = rng.choice([opened, ready, measured, inquiring])
    (ready if begin is measured and seed % 4 == 3 else begin)(case)
    check(case, NOON)
    happened = 0
    for _ in range(400):
        try:
            case.do(draw_deed(case, rng))
        except Refused:
            continue
        happened += 1
        if happened % 6 == 0:
            check(case, NOON)
    check(case, LATER)
    assert happened > 20 or case.state.status != "open"


WITHDRAWN = make(settling.ReviewWithdrawn, LAB)
CLOSED = make(settling.CaseClosed, CENTRE, reason="over")
PAUSED = make(measuring.ClockPaused, LAB, reason="a holiday")
HALTED = make(measuring.ReviewHalted, LAB, reason="a leak")
BREACHED = make(measuring.SandboxBreached, CENTRE, guard="a file", seen_at=NOON)
RELEASED: Event = make(
    settling.ReleaseAnnounced, LAB, scope="public", variants=("final",), same_model="same"
)
AGREES = terms(settling.TermsAgreed, LAB)
INCOMPLETE = make(
    opening.SubmissionAssessed,
    CENTRE,
    submission=digest("submission"),
    complete=False,
    missing="a model card",
)
STOPPED = make(measuring.MeasuringStopped, CENTRE, battery="battery-1", reason="cap", begun=3)
PLANNED = {"planned_public_release": "2026-11-15"}
DECLARED: tuple[str, ...] = (
    "control-of-own-agents",
    "safeguards-before-release",
    "employment-effects",
)
DECLARED += ("data-centre-demand",)
OCTOBER = "2026-10-31 23:59 Europe/London"
END, DECEMBER = "2026-11-15 23:59 Europe/London", "2026-12-01 00:00 UTC"


def both_modes(case: Case) -> Case:
    measured(case).measure("thinking", solved=19)
    for event in (verdict("instant", "below", 3), verdict("thinking", "above", 19)):
        case.do(event)
    return case


def answered(case: Case) -> Case:
    """A battery from a seed of both sides, measured to its end."""
    ready(case).do(committed())
    case.do(contributed())
    case.do(sealed_from("centre", "developer"))
    return case.measure("instant", solved=3).measure("thinking", solved=3)


def handed_in(case: Case) -> Case:
    case.open().agree().do(submission())
    return case


def planned(case: Case) -> Case:
    return case.open().agree().submit(**PLANNED).lay_window()


# Setup, whose it is, how it stands, why, what it is about, and until when.
Row = tuple[Setup, str, str, str, dict[str, Any], str]
ROWS: list[Row] = [
    (by_key, TREASURY, "must", "invited", {}, ""),
    (then(by_key, reinvited()), AGENCY, "may", "keys-said-lost", {}, "2026-10-04 12:00 UTC"),
    (then(by_key, reinvited()), CENTRE, "may", "recovery-unconfirmed", {"party": AGENCY}, ""),
    (then(inquiring, asked()), CENTRE, "must", "inquiry-unanswered", {"inquiry": "i1"}, ""),
    (then(inquiring, asked()), AGENCY, "may", "inquiry-unanswered", {"inquiry": "i1"}, ""),
    (opened, LAB, "must", "agreement-missing", {"agreement": digest("agreement")}, ""),
    (
        then(opened, agreement(LAB)),
        CENTRE,
        "must",
        "agreement-unsigned",
        {"access": "endpoint"},
        "",
    ),
    (
        then(ready, agreement(LAB, access="weights")),
        CENTRE,
        "may",
        "agreement-unsigned",
        {"access": "weights"},
        "",
    ),
    (opened, LAB, "must", "nothing-handed-in", {}, ""),
    (handed_in, CENTRE, "must", "submission-unassessed", {"submission": digest("submission")}, ""),
    (handed_in, CENTRE, "must", "window-unlaid", {}, ""),
    (then(handed_in, INCOMPLETE), LAB, "must", "submission-incomplete", {}, ""),
    (then(planned, PAUSED), CENTRE, "may", "clock-paused", {}, ""),
    (planned, CENTRE, "must", "battery-unsealed", {}, END),
    (then(planned, HALTED), LAB, "must", "halt-stands", {}, ""),
    (then(ready, BREACHED), CENTRE, "must", "sandbox-breached", {}, ""),
    (then(ready, committed()), LAB, "may", "seed-unanswered", {"battery": "battery-1"}, ""),
    (then(answered, CLOSED), CENTRE, "must", "seed-unrevealed", {"battery": "battery-1"}, ""),
    (running, CENTRE, "must", "measuring-unfinished", {"battery": "battery-1"}, OCTOBER),
    (then(running, STOPPED), CENTRE, "may", "measuring-unfinished", {}, OCTOBER),
    (then(running, STOPPED), CENTRE, "must", "nothing-proposed", {}, OCTOBER),
    (both_modes, CENTRE, "must", "transcripts-unscanned", {"count": 40}, ""),
    (then(measured, STOPPED), CENTRE, "must", "transcripts-unscanned", {"count": 20}, ""),
    (then(measured, HALTED), CENTRE, "must", "transcripts-unscanned", {}, ""),
    (
        then(measured, scan(20, missed=20), STOPPED),
        CENTRE,
        "may",
        "transcripts-unscanned",
        {"battery": "battery-1", "count": 20},
        "",
    ),
    (then(opened, finding()), LAB, "may", "finding-unanswered", {"finding": "f1"}, ""),
    (then(opened, outside()), LAB, "may", "finding-unanswered", {}, ""),
    (then(opened, finding(), dispute()), CENTRE, "must", "finding-disputed", {"finding": "f1"}, ""),
    (planned, LAB, "may", "evidence-undeclared", {}, END),
    (both_modes, CENTRE, "must", "nothing-proposed", {}, OCTOBER),
    (
        proposing,
        TREASURY,
        "must",
        "proposal-unanswered",
        {"proposal": 1, "designation": "undetermined"},
        "",
    ),
    (
        then(proposing, concurs(), made(AGENCY, "covered")),
        TREASURY,
        "must",
        "proposal-unanswered",
        {},
        "",
    ),
    (proposing, AGENCY, "must", "nothing-decided", {"proposal": 1}, ""),
    (then(opened, OFFER), LAB, "must", "terms-unanswered", {"terms": digest("terms")}, ""),
    (then(opened, OFFER, AGREES), BANK, "may", "terms-unanswered", {}, ""),
    (
        then(opened, postponement()),
        LAB,
        "must",
        "postponement-unanswered",
        {"request": "p1"},
        "2027-01-01 23:59 Europe/London",
    ),
    (planned, LAB, "may", "release-planned", {"scope": "public"}, END),
    (then(planned, RELEASED), CENTRE, "must", "release-uncompared", {"variant": "final"}, ""),
    (then(opened, directive()), LAB, "must", "directive-unanswered", {"directive": "d1"}, DECEMBER),
    (
        then(opened, directive(), answer(answer="contested")),
        AGENCY,
        "may",
        "directive-contested",
        {"directive": "d1"},
        DECEMBER,
    ),
    (
        then(opened, standing(until="2026-10-05T00:00:00Z")),
        LAB,
        "may",
        "classes-end",
        {},
        "2026-10-05 00:00 UTC",
    ),
    (
        then(agreed, directive(), answer()),
        LAB,
        "must",
        "directive-uncarried",
        {"directive": "d1"},
        DECEMBER,
    ),
    (
        then(agreed, directive(), answer(), bundle(carries=("d1", "d1")), lifted()),
        LAB,
        "may",
        "directive-over",
        {"directive": "d1"},
        "",
    ),
    (agreed, LAB, "may", "terms-unbundled", {"terms": digest("terms")}, ""),
    (then(ready, WITHDRAWN), CENTRE, "may", "developer-left", {}, ""),
    (then(proposing, made(), RELEASED), LAB, "may", "answer-given", {}, ""),
    (then(ready, CLOSED), CENTRE, "must", "kept-until", {}, "2026-12-30 23:59 Europe/London"),
]


@pytest.mark.parametrize(
    ("setup", "party", "stance", "reason", "about", "due"),
    ROWS,
    ids=[f"{row[3]}-{row[1]}-{number}" for number, row in enumerate(ROWS)],
)
def test_what_is_next(
    setup: Setup, party: str, stance: str, reason: str, about: dict[str, Any], due: str
):
    case = setup(Case(shipped_framework("example")))
    found = [deed for deed in told(case, party) if (deed.by, deed.reason) == (party, reason)]
    assert found, [deed.reason for deed in told(case, party)]
    assert {deed.stance for deed in found} == {stance}
    assert about.items() <= found[0].about.items()
    assert (found[0].due.text if found[0].due else "") == due
    for deed in found:
        assert not_taken(case.framework, case.state, deed, max(NOON, case.state.recorded_at)) == []
    # The others are told who holds the ball, where the case waits for it.
    other = next(name for name in case.state.parties if name != party)
    waits = [each for each in told(case, other) if (each.by, each.reason) == (party, reason)]
    assert [each.stance for each in waits] == ["awaited"] * (len(found) if stance == "must" else 0)


# What was done so that nothing of it is next any more.
DONE: list[tuple[Setup, str, str]] = [
    (
        then(
            inquiring,
            asked(),
            make(opening.InquiryAnswered, CENTRE, inquiry="i1", answer="cannot-say", reasons="why"),
        ),
        CENTRE,
        "inquiry-unanswered",
    ),
    (ready, CENTRE, "agreement-unsigned"),
    (ready, LAB, "nothing-handed-in"),
    (ready, CENTRE, "submission-unassessed"),
    (ready, CENTRE, "window-unlaid"),
    (inquiring, LAB, "nothing-handed-in"),
    (inquiring, LAB, "agreement-missing"),
    (then(handed_in, INCOMPLETE), CENTRE, "battery-unsealed"),
    (then(ready, HALTED), CENTRE, "battery-unsealed"),
    (then(ready, HALTED), CENTRE, "halt-stands"),
    (both_modes, CENTRE, "measuring-unfinished"),
    (measured, CENTRE, "transcripts-unscanned"),
    (then(running, STOPPED), CENTRE, "transcripts-unscanned"),
    (then(measured, scan(20), STOPPED), CENTRE, "transcripts-unscanned"),
    (then(measured, scan(20, missed=1), STOPPED), CENTRE, "transcripts-unscanned"),
    (then(both_modes, CLOSED), CENTRE, "transcripts-unscanned"),
    (then(ready, committed(), contributed()), LAB, "seed-unanswered"),
    (then(ready, committed(), sealed_from("centre")), LAB, "seed-unanswered"),
    (answered, CENTRE, "seed-unrevealed"),
    (then(answered, CLOSED, revealed_from()), CENTRE, "seed-unrevealed"),
    (running, CENTRE, "nothing-proposed"),
    (then(opened, finding(), responded()), LAB, "finding-unanswered"),
    (then(opened, finding(), dispute(), rerun()), CENTRE, "finding-disputed"),
    (then(opened, outside(), dispute()), CENTRE, "finding-disputed"),
    (then(ready, *map(declared, DECLARED)), LAB, "evidence-undeclared"),
    (proposing, CENTRE, "proposal-outdated"),
    (then(proposing, concurs()), TREASURY, "proposal-unanswered"),
    (then(opened, OFFER), AGENCY, "proposal-unanswered"),
    (then(proposing, made()), AGENCY, "nothing-decided"),
    (then(proposing, made()), AGENCY, "proposal-unanswered"),
    (then(proposing, made()), AGENCY, "decision-outdated"),
    (proposing, TREASURY, "nothing-decided"),
    (then(opened, OFFER), AGENCY, "terms-unanswered"),
    (then(opened, OFFER, AGREES), LAB, "terms-unanswered"),
    (then(opened, OFFER, terms(settling.TermsDeclined, LAB)), LAB, "terms-unanswered"),
    (then(opened, OFFER), "example-auditor", "terms-unanswered"),
    (then(planned, RELEASED), LAB, "release-planned"),
    (
        then(planned, RELEASED, compared().model_copy(update={"at": NOON})),
        CENTRE,
        "release-uncompared",
    ),
    (then(opened, directive(), lifted()), LAB, "directive-unanswered"),
    (then(opened, directive(expires="2026-10-02T00:00:00Z")), LAB, "directive-unanswered"),
    (then(opened, standing()), LAB, "classes-end"),
    (then(agreed, directive(), answer(), bundle(carries=("d1", "d1"))), LAB, "directive-uncarried"),
    (then(agreed, bundle()), LAB, "terms-unbundled"),
    (ready, CENTRE, "answer-given"),
    (then(ready, HALTED, CLOSED), CENTRE, "kept-until"),
    (then(ready, finding(), dispute(), CLOSED), CENTRE, "kept-until"),
    (then(ready, directive(), CLOSED), CENTRE, "kept-until"),
    (then(by_key, reinvited()), LAB, "recovery-unconfirmed"),
    (vouched, TREASURY, "recovery-unconfirmed"),
    (vouched, AGENCY, "recovery-due"),
]


@pytest.mark.parametrize("setup", [row[0] for row in ROWS], ids=[row[3] + row[1] for row in ROWS])
def test_the_clock_names_who_is_told_so_as_next(setup: Setup):
    check_clock(setup(Case(shipped_framework("example"))), NOON)


@pytest.mark.parametrize(
    ("setup", "party", "reason"), DONE, ids=[f"{row[2]}-{n}" for n, row in enumerate(DONE)]
)
def test_what_is_next_no_more(setup: Setup, party: str, reason: str):
    case = setup(Case(shipped_framework("example")))
    assert reason not in {deed.reason for deed in told(case, party) if deed.by == party}


def test_a_clock_that_has_run_out_may_be_ended():
    case = planned(Case(shipped_framework("example")))
    assert "window-over" not in {each.reason for each in told(case, LAB)}
    (over,) = [each for each in told(case, LAB, LATER) if each.reason == "window-over"]
    assert over.due
    assert over.due.text == END
    assert not_taken(case.framework, case.state, over, LATER) == []


def test_who_lost_its_keys_goes_on_when_the_time_to_object_is_over():
    case = vouched(Case(shipped_framework("example")))
    (due,) = [each for each in told(case, AGENCY, LATER) if each.reason == "recovery-due"]
    assert not_taken(case.framework, case.state, due, LATER) == []


def test_what_the_rule_gives_now_may_be_proposed_anew_and_decided_anew():
    case = proposing(Case(shipped_framework("example")))
    case.do(declared("control-of-own-agents"))
    (outdated,) = [each for each in told(case, CENTRE) if each.reason == "proposal-outdated"]
    assert not_taken(case.framework, case.state, outdated, NOON) == []
    case.do(made())
    case.propose()
    (again,) = [each for each in told(case, AGENCY) if each.reason == "decision-outdated"]
    assert again.about == {"proposal": 2}


def test_pauses_of_moments_that_go_back_never_overlap():
    """As a record of contract 1 may hold them: its moments are its signers' words."""
    resumed = make(measuring.ClockResumed, LAB, "2026-10-03T09:00:00Z")
    again = make(measuring.ClockPaused, LAB, "2026-10-02T10:00:00Z", reason="a holiday")
    paused = make(measuring.ClockPaused, LAB, "2026-10-05T09:00:00Z", reason="a leak")
    case = then(planned, paused, resumed, again)(Case(shipped_framework("example")))
    assert case.state.clock is not None
    moment = "2026-10-05T09:00:00Z"
    assert case.state.clock.pauses == ((moment, moment), (moment, None))
    check_clock(case, NOON)


def test_a_request_that_is_past_waits_for_nothing():
    case = then(opened, postponement())(Case(shipped_framework("example")))
    stances = {each.stance for each in told(case, LAB, LATER) if each.due}
    assert stances == {"may"}
    assert not [each for each in told(case, AGENCY, LATER) if each.due]


def test_the_nearest_end_comes_first_and_what_others_owe_last():
    urgent = directive(directive="d2", order=digest("d2"), expires="2026-10-03T00:00:00Z")
    case = then(planned, directive(), urgent, finding())(Case(shipped_framework("example")))
    found = told(case, LAB)
    own = [each for each in found if each.stance != "awaited"]
    ends = [each.due.at for each in own if each.due]
    assert list(found[: len(own)]) == own
    assert ends == sorted(ends)
    assert own[0].about == {"directive": "d2"}
    assert [bool(each.due) for each in own] == sorted(
        (bool(each.due) for each in own), reverse=True
    )


def test_nothing_is_told_to_who_is_not_in_the_case():
    case = then(by_key, invitation("newcomer"))(Case(shipped_framework("example")))
    assert told(case, "a-stranger") == ()
    assert {each.stance for each in told(case, "newcomer")} == {"must", "awaited"}


def test_nothing_is_told_of_a_case_that_a_newer_version_wrote():
    from touchstone.review import Unknown  # noqa: PLC0415

    case = ready(Case(shipped_framework("example")))
    case.state = replace(case.state, unknown=(Unknown(9, "key-escrowed", 1),))
    assert told(case, LAB) == ()


def test_of_a_destroyed_case_facts_alone_are_looked_at():
    """The framework's text went with its content: whatever asks for it would be an error."""

    class Erased:
        def __getattr__(self, name: str) -> None:
            raise AssertionError(name)

    case = then(ready, CLOSED, make(settling.CaseDestroyed, CENTRE, certificate=digest("c")))(
        Case(shipped_framework("example"))
    )
    case.do(directive())
    erased: Any = Erased()
    (found,) = next_deeds(erased, case.state, LAB, NOON)
    assert (found.reason, found.stance) == ("directive-unanswered", "must")


@pytest.fixture(scope="module")
def examples() -> list[tuple[Case, str, str]]:
    return [(row[0](Case(shipped_framework("example"))), row[1], row[3]) for row in ROWS]


@pytest.mark.parametrize("telling", TELLINGS, ids=lambda each: each.__name__)
def test_twin_a_telling_that_is_left_out_is_missed(
    telling: Telling, examples: list[tuple[Case, str, str]], monkeypatch: pytest.MonkeyPatch
):
    """Each of them tells something that an example above expects of it."""
    left = [each for each in TELLINGS if each is not telling]
    monkeypatch.setattr("touchstone.review.next_deeds.telling.TELLINGS", left)
    assert not all(
        reason in {deed.reason for deed in told(case, party)} for case, party, reason in examples
    )


def test_every_reason_has_an_example():
    apart = {"recovery-due", "window-over", "proposal-outdated", "decision-outdated"}
    assert {row[3] for row in ROWS} | apart == set(get_args(NextReason))
