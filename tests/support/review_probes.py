"""For each guard of each rule: a case made ready, and the deed that only this guard refuses."""

from collections.abc import Callable
from typing import Any

from support.laid import anchor_clock
from support.review_case import (
    AGENCY,
    AT,
    CENTRE,
    EVALUATOR,
    INSTITUTE,
    LAB,
    MARKING,
    TREASURY,
    Case,
    admission,
    agreement,
    digest,
    early,
    hex32,
    invitation,
    joins,
    make,
    outcome,
    print_of,
    proposed,
    recorded,
    sealed,
    submission,
    verdict,
)
from touchstone.ledger.contract2 import INSTALLATION
from touchstone.review import Event
from touchstone.review.events import (
    detecting,
    joining,
    judging,
    measuring,
    opening,
    parting,
    seeding,
    settling,
)

Setup = Callable[[Case], Case]
Probe = Callable[[Case], Event]
LATER = "2026-10-02T12:00:00Z"


def on(setup: Setup, deed: Event | Probe) -> Probe:
    """Make the case ready, then give the deed."""

    def probe(case: Case) -> Event:
        ready_case = setup(case)
        return deed if isinstance(deed, Event) else deed(ready_case)

    return probe


def then(setup: Setup, *deeds: Event) -> Setup:
    """A setup with more deeds done."""

    def more(case: Case) -> Case:
        setup(case)
        for deed in deeds:
            case.do(deed)
        return case

    return more


def opened(case: Case) -> Case:
    return case.open()


def inquiring(case: Case) -> Case:
    return case.open("inquiry")


def ready(case: Case) -> Case:
    return case.open().agree().submit().lay_window()


def running(case: Case) -> Case:
    return ready(case).seal()


def measured(case: Case) -> Case:
    return running(case).measure("instant", solved=3)


def committed(battery: str = "battery-1") -> seeding.SeedCommitted:
    return make(seeding.SeedCommitted, CENTRE, battery=battery, contribution=digest("the centre's"))


def contributed(answers: str = "the centre's") -> seeding.SeedContributed:
    facts = {"answers": digest(answers), "contribution": digest("the developer's")}
    return make(seeding.SeedContributed, LAB, battery="battery-1", **facts)


def revealed() -> seeding.SeedRevealed:
    return make(seeding.SeedRevealed, CENTRE, battery="battery-1", seed=hex32("seed"))


def revealed_from() -> seeding.SeedRevealed:
    origin = sealed_from("centre", "developer").origin
    return revealed().model_copy(update={"origin": origin})


def sealed_from(*sides: str, battery: str = "battery-1") -> measuring.BatterySealed:
    origin = seeding.SeedOrigin.model_validate({side: digest(f"the {side}'s") for side in sides})
    return sealed(battery).model_copy(update={"origin": origin, "schema_version": 2})


def stopping(case: Case) -> Case:
    """A battery that may stop early, of which the first eight ran in order, and one far ahead."""
    ready(case).do(sealed(design="sequential"))
    ran = tuple(outcome(i, "solved" if i < 5 else "unsolved") for i in (*range(8), 15))
    case.do(recorded(ran))
    return case


def scan(transcripts: int, battery: str = "battery-1", missed: int = 0) -> Event:
    """A scan in which one detector looked at all but a few of so many transcripts."""
    seen = transcripts - missed
    one = detecting.Detected(detector="tampering", flagged=0, unflagged=seen, not_looked_at=missed)
    return make(
        detecting.TranscriptsScanned,
        CENTRE,
        battery=battery,
        transcripts=transcripts,
        looked_at=seen,
        detectors=digest("detectors"),
        power=digest("power"),
        counts=(one,),
    )


def grading(transcripts: int, battery: str = "battery-1", missed: int = 0) -> Event:
    """What a grader made of so many transcripts, of which it did not answer a few."""
    seen = transcripts - missed
    one = detecting.Graded(
        detector="graded-refusal",
        flagged=0,
        unflagged=seen,
        not_looked_at=missed,
        alone_flagged=0,
        alone_unflagged=seen,
    )
    return make(
        detecting.TranscriptsGraded,
        CENTRE,
        battery=battery,
        transcripts=transcripts,
        looked_at=seen,
        questions=digest("questions"),
        endpoint=digest("endpoint"),
        whose="centre",
        accuracy=digest("accuracy"),
        calls=400,
        input=1,
        output=1,
        counts=(one,),
    )


CUT_NINE = measuring.Unmeasured(cut=9)


def only_reported(case: Case) -> Case:
    """Every item of the battery has a score that is only reported."""
    running(case).do(recorded(tuple(outcome(n, "reported") for n in range(20))))
    return case


def lossy(case: Case) -> Case:
    """A whole battery of which three were solved, eight unsolved and nine cut."""
    kinds = ("solved",) * 3 + ("cut",) * 9 + ("unsolved",) * 8
    running(case).do(recorded(tuple(outcome(i, kind) for i, kind in enumerate(kinds))))
    return case


def asks_for_reasoning(case: Case) -> Case:
    """A battery of which the instant mode is to show reasoning, and shows none."""
    ready(case).do(sealed().model_copy(update={"reasoning": ("instant",)}))
    return case.measure("instant", solved=3)


def proposing(case: Case) -> Case:
    return ready(case).propose()


def finding(signer: str = CENTRE, **changes: Any) -> judging.FindingSigned:
    facts = {"finding": "f1", "domain": "cyber", "statement": digest("f1"), **changes}
    return make(judging.FindingSigned, signer, **facts)


def outside(**changes: Any) -> judging.OutsideFindingSigned:
    facts = {"finding": "f1", "domain": "cyber", "statement": digest("f1"), **changes}
    kept = {"withheld_evidence": digest("kept"), "withheld_reason": "it would help attackers"}
    return make(judging.OutsideFindingSigned, EVALUATOR, **facts, **kept)


def dispute(named: str = "f1") -> judging.FindingDisputed:
    return make(judging.FindingDisputed, LAB, finding=named, grounds="no", rerun_wanted=True)


def rerun(signer: str = CENTRE, named: str = "f1") -> judging.FindingRerun:
    facts = {"finding": named, "outcome": "upheld", "statement": digest("f1 again")}
    return make(judging.FindingRerun, signer, **facts)


def made(actor: str = AGENCY, answer: str = "undetermined") -> judging.DesignationMade:
    facts: dict[str, Any] = {"proposal": 1, "designation": answer, "reasons": "as seen"}
    return make(judging.DesignationMade, actor, **facts)


def revised(actor: str = AGENCY, proposal: int = 1) -> judging.DesignationRevised:
    facts: dict[str, Any] = {"proposal": proposal, "designation": "covered", "reasons": "as seen"}
    return make(judging.DesignationRevised, actor, **facts)


def concurs(actor: str = TREASURY, answer: str = "undetermined") -> judging.DesignationConcurred:
    return make(judging.DesignationConcurred, actor, proposal=1, designation=answer)


def dissents(actor: str = TREASURY, answer: str = "undetermined") -> judging.DesignationDissented:
    facts: dict[str, Any] = {"proposal": 1, "designation": answer, "reason": "too early"}
    return make(judging.DesignationDissented, actor, **facts)


def directive(actor: str = AGENCY, **changes: Any) -> settling.DirectiveIssued:
    facts = {"directive": "d1", "order": digest("d1"), "expires": "2026-12-01T00:00:00Z"}
    return make(settling.DirectiveIssued, actor, **(facts | changes))


def answer(**changes: Any) -> settling.DirectiveAnswered:
    facts: dict[str, Any] = {"directive": "d1", "answer": "narrowly", **changes}
    return make(settling.DirectiveAnswered, LAB, **facts)


def answered_anew() -> settling.DirectiveAnswerRevised:
    return make(settling.DirectiveAnswerRevised, LAB, directive="d1", answer="contested")


def standing(
    name: str | None = "classes", until: str = LATER
) -> settling.StandingClassesAuthorised:
    named = digest(name) if name else None
    return make(settling.StandingClassesAuthorised, LAB, classes=named, until=until)


def bundle(number: int = 1, carries: tuple[str, str] | None = None, **changes: Any) -> Event:
    """A bundle of the terms `terms`, which may carry out (a directive, the text so called)."""
    carried = [{"directive": carries[0], "order": digest(carries[1])}] if carries else []
    facts: dict[str, Any] = {"stream": "gateways", "number": number, "bundle": digest("bundle")}
    facts |= {"terms": digest("terms"), "directives": tuple(carried), **changes}
    return make(settling.BundlePublished, LAB, **facts)


def receipt(number: int = 1) -> Event:
    facts: dict[str, Any] = {"gateway": "one", "key": hex32("gateway"), "stream": "gateways"}
    facts |= {"number": number, "bundle": digest("bundle"), "receipt": digest("receipt")}
    return make(settling.ReceiptNoted, LAB, applied_at=AT, **facts)


def agreed(case: Case) -> Case:
    return then(opened, OFFER, terms(settling.TermsAgreed, LAB))(case)


def lifted(actor: str = AGENCY, named: str = "d1") -> settling.DirectiveLifted:
    return make(settling.DirectiveLifted, actor, directive=named)


def postponement() -> settling.PostponementRequested:
    facts = {"request": "p1", "until": "2027-01-01", "reason": "the review is not done"}
    return make(settling.PostponementRequested, AGENCY, **facts)


def laid(case: Case) -> measuring.ClockAnchored:
    assert case.state.submission
    return anchor_clock(case.framework.window, case.state.submission, CENTRE, AT, MARKING)


def seen(variant: str = "final", name: str = "weights") -> measuring.SnapshotSeen:
    facts = {"variant": variant, "method": "weights-digest", "digest": digest(name)}
    return make(measuring.SnapshotSeen, CENTRE, moment="during", **facts)


def changed(variant: str = "final", new: str = "final-2") -> measuring.SnapshotChanged:
    facts = {"variant": variant, "new_variant": new, "method": "weights-digest"}
    return make(measuring.SnapshotChanged, CENTRE, digest=digest("other weights"), **facts)


def sealed_for(criterion: str) -> measuring.BatterySealed:
    sets = (measuring.ItemSet(criterion=criterion, size=20),)
    return sealed().model_copy(update={"item_sets": sets})


def admits(actor: str, *admissions: opening.Admission) -> opening.PartyAdmitted:
    return make(opening.PartyAdmitted, actor, admits=admissions, reason="joins")


def new_party(role: str, key: str = "newcomer") -> opening.Admission:
    return opening.Admission(party="newcomer", role=role, key=hex32(key))  # type: ignore[arg-type]


def answered(named: str) -> opening.InquiryAnswered:
    facts = {"inquiry": named, "answer": "cannot-say", "reasons": "too early"}
    return make(opening.InquiryAnswered, CENTRE, **facts)


def asked() -> opening.InquiryAsked:
    facts = {"inquiry": "i1", "release_state": "internal", "question": "Would it qualify?"}
    return make(opening.InquiryAsked, LAB, **facts)


def terms(event: type[Event], actor: str, name: str = "terms", **facts: Any) -> Event:
    return make(event, actor, terms=digest(name), **facts)


def report(edition: int) -> settling.ReportIssued:
    facts: dict[str, Any] = {"audience": "public", "edition": edition, "report": digest("report")}
    return make(settling.ReportIssued, CENTRE, **facts)


WITH_WEIGHTS = opening.Variant(
    id="final", modes=("instant", "thinking"), purpose="final", weights=digest("plan")
)


def manifest(by: str) -> opening.DocumentHandedIn:
    facts = {"document": by, "kind": opening.WEIGHTS_MANIFEST, "digest": digest("plan")}
    return make(opening.DocumentHandedIn, by, **facts)


def document() -> opening.DocumentHandedIn:
    facts = {"document": "plan", "kind": "safety-plan", "digest": digest("plan")}
    return make(opening.DocumentHandedIn, LAB, **facts)


def digested(day: str) -> settling.ReadsDigested:
    return make(settling.ReadsDigested, INSTALLATION, day=day, reads=2, digest=digest("reads"))


def assessed(name: str) -> opening.SubmissionAssessed:
    return make(opening.SubmissionAssessed, CENTRE, submission=digest(name), complete=True)


def compared() -> settling.ReleaseCompared:
    facts = {"variant": "final", "compared": "same", "digest": digest("weights")}
    return make(settling.ReleaseCompared, CENTRE, **facts)


def responded(named: str = "f1") -> judging.FindingResponded:
    facts = {"finding": named, "stance": "accepted", "response": digest("response")}
    return make(judging.FindingResponded, LAB, **facts)


def declared(criterion: str) -> judging.EvidenceDeclared:
    facts = {"criterion": criterion, "shows": "met", "evidence": digest("evidence")}
    return make(judging.EvidenceDeclared, LAB, **facts)


def extended(days: int) -> measuring.ClockExtended:
    return make(measuring.ClockExtended, LAB, days=days, reason="there is time")


def clock(event: type[Event], at: str = LATER, **facts: Any) -> Event:
    return make(event, LAB, at, **facts)


def another_final() -> opening.SubmissionReceived:
    other = opening.Variant(id="final", modes=("instant",), purpose="final")
    return submission(variants=(other,), submission=digest("another"))


def proposal(case: Case, **changes: Any) -> Event:
    return proposed(case.framework, case.state).model_copy(update=changes)


def only_thinking_is_judged(case: Case) -> Case:
    criteria = tuple(
        each.model_copy(update={"modes": ("thinking",)}) if each.id == "memory-safety" else each
        for each in case.framework.criteria
    )
    case.framework = case.framework.model_copy(update={"criteria": criteria})
    return measured(case)


PAUSED = clock(measuring.ClockPaused, reason="endpoint down")
RESUMED = clock(measuring.ClockResumed)
ENDED = clock(measuring.ClockEnded, reason="done")
HALTED = make(measuring.ReviewHalted, LAB, reason="stop")
RESUMED_BY_CENTRE = make(measuring.ReviewResumed, CENTRE, reason="go on")
LEFT = make(settling.ReviewWithdrawn, LAB)
CLOSED = make(settling.CaseClosed, LAB, reason="done")
DESTROYED = make(settling.CaseDestroyed, CENTRE, certificate=digest("certificate"))
PUBLIC = opening.Admission(party="public", role="auditor", key=hex32("newcomer"))
STOLEN_KEY = admits(CENTRE, admission(LAB, "stolen"))
NEW_AGENCY = admits(LAB, new_party("agency"))
OFFER, OTHERS = terms(settling.TermsOffered, AGENCY), terms(settling.TermsOffered, LAB, "other")
COUNTER_TO_OTHER = terms(settling.TermsCountered, LAB, "mine", answers=digest("other"))
COUNTER_TO_ONESELF = terms(settling.TermsCountered, AGENCY, "mine", answers=digest("terms"))
FIRST_CHUNK = recorded((outcome(0, "unsolved"), outcome(1)))
SECOND_CHANCE = recorded((outcome(0), outcome(2)), chunk="chunk-2")
UNASKED = make(settling.PostponementAnswered, LAB, request="p1", answer="declined")
UNISSUED = make(settling.DirectiveAnswered, LAB, directive="d1", answer="contested")
BELOW = verdict("instant", "below", 3)
OLDER = measuring.Reference(mode="older-instant", solved=3, counted=20)


LATER = "2027-11-21T10:00:00Z"
"""When a party has long had the time to object."""


def by_key(case: Case) -> Case:
    """A record of contract 2 with four parties, of which two have not joined by then."""
    case.open_by_key(LAB, AGENCY)
    for each in (invitation(TREASURY), invitation(EVALUATOR, expects=print_of("expected"))):
        case.do(each)
    return case


def joined(party: str = TREASURY, **changes: Any) -> Event:
    return make(joining.PartyJoined, party, key_act=joins(party, **changes))


def signer(key: str = "device", kinds: tuple[str, ...] = ("review-halted",)) -> Event:
    act = joining.AdmittedAct(key=hex32(key), kinds=kinds, label="device")
    return make(joining.PartySignerAdmitted, LAB, key_act=act)


def unsigned(key: str = "device", actor: str = LAB) -> Event:
    act = joining.RemovedAct(key=print_of(key), last=None)
    return make(joining.PartySignerRemoved, actor, key_act=act)


def rotated(key: str = f"{LAB} next", following: str = "later") -> Event:
    act = joining.RotatedAct(key=hex32(key), next=print_of(following), last=None)
    return make(joining.PartyKeyRotated, LAB, key_act=act)


def reinvited(by: str = LAB, key: str = "anew", party: str = AGENCY) -> Event:
    act = joining.ReinvitedAct(party=party, expects=print_of(key))
    return make(joining.PartyReinvited, by, key_act=act)


def objected(by: str = AGENCY) -> Event:
    return make(joining.RecoveryObjected, by, key_act=joining.ObjectedAct())


def rejoined(key: str = "anew", at: str = LATER, disavowing: str = "") -> Event:
    lasts: dict[str, int | None] = {print_of(disavowing): 0} if disavowing else {}
    act = joining.RejoinedAct(key=hex32(key), next=print_of(f"{key} next"), lasts=lasts)
    return make(joining.PartyRejoined, AGENCY, key_act=act).model_copy(update={"at": at})


def vouched(case: Case) -> Case:
    """The developer and the centre say with which key the agency goes on."""
    by_key(case)
    for by in (LAB, CENTRE):
        case.do(reinvited(by))
    return case


def uninvited(party: str = TREASURY, by: str = CENTRE) -> Event:
    return make(parting.PartyUninvited, by, party=party)


def removed(party: str, by: str = CENTRE) -> Event:
    return make(parting.PartyRemoved, by, party=party, reason="as it is")


def left(party: str = AGENCY) -> Event:
    return make(parting.PartyLeft, party)


def with_guest(case: Case) -> Case:
    """A record of contract 2 in which an evaluator takes part whom the centre invited."""
    by_key(case)
    key = hex32("expected")
    case.do(joined(EVALUATOR, role="independent-evaluator", key=key))
    return case


PROBES: dict[tuple[str, str], Probe] = {
    ("party-invited", "invited_did_not_leave"): on(
        then(with_guest, left(EVALUATOR)), invitation(EVALUATOR)
    ),
    ("party-uninvited", "record_takes_key_acts"): on(opened, uninvited()),
    ("party-uninvited", "invitation_is_ones_own"): on(by_key, uninvited(by=LAB)),
    ("party-removed", "record_takes_key_acts"): on(opened, removed(EVALUATOR)),
    ("party-removed", "removed_is_ones_own_guest"): on(with_guest, removed(EVALUATOR, by=LAB)),
    ("party-removed", "removed_is_no_agency_of_the_framework"): on(by_key, removed(AGENCY)),
    ("party-left", "record_takes_key_acts"): on(opened, left(AGENCY)),
    ("party-reinvited", "record_takes_key_acts"): on(opened, reinvited()),
    ("party-reinvited", "reinvited_is_another_party"): on(by_key, reinvited(AGENCY)),
    ("party-reinvited", "agency_is_of_the_framework"): on(
        then(by_key, invitation("newcomer"), joined("newcomer", role="agency")),
        reinvited("newcomer"),
    ),
    ("party-reinvited", "key_expected_is_new"): on(then(by_key, reinvited()), reinvited()),
    ("recovery-objected", "record_takes_key_acts"): on(
        then(
            opened,
        ),
        objected(),
    ),
    ("recovery-objected", "recovery_is_under_way"): on(by_key, objected()),
    ("party-rejoined", "record_takes_key_acts"): on(opened, rejoined()),
    ("party-rejoined", "recovery_is_due"): on(then(by_key, reinvited()), rejoined()),
    ("party-rejoined", "party_key_is_new"): on(
        then(vouched, joined(key=hex32("anew"))), rejoined()
    ),
    ("party-rejoined", "disavowed_keys_are_its_own"): on(vouched, rejoined(disavowing=LAB)),
    ("party-admitted", "record_takes_admissions"): on(by_key, NEW_AGENCY),
    ("party-invited", "record_takes_key_acts"): on(opened, invitation("newcomer")),
    ("party-invited", "invited_has_not_joined"): on(by_key, invitation(AGENCY)),
    ("party-invited", "role_is_open"): on(by_key, invitation("newcomer", role="developer")),
    ("party-invited", "invited_is_no_word_of_the_system"): on(
        by_key, invitation("public", role="auditor")
    ),
    ("party-joined", "record_takes_key_acts"): on(opened, joined()),
    ("party-joined", "has_not_joined"): on(by_key, joined(AGENCY)),
    ("party-joined", "joins_as_invited"): on(by_key, joined(EVALUATOR)),
    ("party-joined", "role_is_open"): on(
        then(
            Case.open_by_key,
            invitation(LAB),
            invitation("newcomer", role="developer"),
            joined(LAB),
        ),
        joined("newcomer", role="developer"),
    ),
    ("party-joined", "party_key_is_new"): on(by_key, joined(key=hex32(LAB))),
    ("signer-admitted", "record_takes_key_acts"): on(opened, signer()),
    ("signer-admitted", "signer_is_new"): on(by_key, signer(AGENCY)),
    ("signer-admitted", "kinds_can_be_signed"): on(by_key, signer(kinds=("party-invited",))),
    ("signer-removed", "record_takes_key_acts"): on(opened, unsigned()),
    ("signer-removed", "signer_is_ones_own"): on(then(by_key, signer()), unsigned(actor=AGENCY)),
    ("party-key-rotated", "record_takes_key_acts"): on(opened, rotated()),
    ("party-key-rotated", "key_is_the_one_announced"): on(by_key, rotated("stolen")),
    ("party-key-rotated", "party_key_is_new"): on(
        then(by_key, rotated(following=LAB)), rotated(LAB)
    ),
    ("party-admitted", "admits_fairly"): on(opened, STOLEN_KEY),
    ("party-admitted", "is_no_word_of_the_system"): on(opened, admits(CENTRE, PUBLIC)),
    ("party-admitted", "nobody_joins_late"): on(then(opened, LEFT), NEW_AGENCY),
    ("agreement-signed", "agreed_is_within_the_template"): on(
        opened, agreement(LAB, retention_days=366)
    ),
    ("inquiry-asked", "inquiry_is_new"): on(then(opened, asked()), asked()),
    ("inquiry-answered", "inquiry_is_known"): on(opened, answered("i1")),
    ("submission-received", "is_no_inquiry"): on(inquiring, submission()),
    ("submission-received", "measured_variants_stay"): on(measured, another_final()),
    ("submission-received", "weights_are_handed_in"): on(
        # Another document of that digest, and another party's manifest of it, are not enough.
        then(opened, document(), manifest(CENTRE)),
        submission(variants=(WITH_WEIGHTS,), schema=2),
    ),
    ("submission-assessed", "submission_is_current"): on(ready, assessed("old")),
    ("clock-anchored", "window_is_laid_once"): on(ready, laid),
    ("clock-paused", "clock_runs"): on(then(ready, PAUSED), PAUSED),
    ("clock-resumed", "clock_stands"): on(then(ready, PAUSED, RESUMED), RESUMED),
    ("clock-extended", "clock_can_be_extended"): on(then(ready, extended(3600)), extended(51)),
    ("clock-ended", "clock_has_not_ended"): on(then(ready, ENDED), ENDED),
    ("battery-sealed", "is_agreed"): on(
        then(opened, agreement(LAB), submission(), assessed("submission")), sealed()
    ),
    ("battery-sealed", "submission_is_complete"): on(
        then(opened, agreement(LAB), agreement(CENTRE), submission()), sealed()
    ),
    ("battery-sealed", "is_not_halted"): on(then(ready, HALTED), sealed()),
    ("battery-sealed", "battery_is_new"): on(running, sealed()),
    ("battery-sealed", "item_sets_are_numeric"): on(ready, sealed_for("control-of-own-agents")),
    ("battery-sealed", "seed_is_the_one_committed_to"): on(
        then(ready, committed(), contributed()), sealed_from("centre")
    ),
    ("seed-committed", "seed_is_of_the_next_battery"): on(opened, committed("battery-2")),
    ("seed-committed", "seed_is_committed_once"): on(then(opened, committed()), committed()),
    ("seed-contributed", "seed_awaits_an_answer"): on(
        then(ready, committed(), sealed_from("centre")), contributed()
    ),
    ("seed-contributed", "answers_the_commitment"): on(
        then(opened, committed()), contributed("another")
    ),
    ("seed-contributed", "contributed_once"): on(
        then(opened, committed(), contributed()), contributed()
    ),
    ("seed-revealed", "seed_is_of_a_sealed_battery"): on(
        then(ready, committed(), sealed_from("centre")), revealed()
    ),
    ("seed-revealed", "seed_is_closed"): on(then(running, revealed()), revealed()),
    ("outcomes-recorded", "items_are_secret"): on(
        then(running, revealed()), recorded((outcome(0),))
    ),
    ("snapshot-seen", "variant_is_current"): on(then(ready, changed()), seen()),
    ("snapshot-seen", "snapshot_is_the_same"): on(then(ready, seen()), seen(name="other")),
    ("snapshot-changed", "variant_is_current"): on(then(ready, changed()), changed(new="final-3")),
    ("snapshot-changed", "new_variant_is_new"): on(ready, changed(new="final")),
    ("outcomes-recorded", "battery_has_the_items"): on(running, recorded((outcome(20),))),
    ("outcomes-recorded", "variant_is_current"): on(then(running, changed()), FIRST_CHUNK),
    ("outcomes-recorded", "mode_is_known"): on(running, recorded((outcome(0),), mode="dreaming")),
    ("outcomes-recorded", "outcomes_are_first"): on(then(running, FIRST_CHUNK), SECOND_CHANCE),
    ("outcomes-recorded", "scores_stand_apart"): on(
        then(running, FIRST_CHUNK), recorded((outcome(2, "reported"),))
    ),
    ("outcomes-recorded", "comparisons_are_of_what_is_recorded"): on(
        running,
        recorded((outcome(0),), compared=(measuring.Compared(mode="thinking", alike=1, unlike=0),)),
    ),
    ("verdict-reached", "is_not_halted"): on(then(measured, HALTED), BELOW),
    ("verdict-reached", "battery_has_the_criterion"): on(
        measured, verdict("instant", "below", 3, battery="battery-2")
    ),
    ("verdict-reached", "rates_are_the_frameworks"): on(
        measured, verdict("instant", "below", 3, alpha="0.2")
    ),
    ("verdict-reached", "mode_is_judged"): on(only_thinking_is_judged, BELOW),
    # Neither solved nor lost: by the counts alone it would be below.
    ("verdict-reached", "no_score_is_only_reported"): on(
        only_reported, verdict("instant", "below", 0)
    ),
    ("verdict-reached", "counts_are_recorded"): on(measured, verdict("instant", "below", 4)),
    ("verdict-reached", "verdict_is_first"): on(then(measured, BELOW), BELOW),
    ("verdict-reached", "design_is_sealed"): on(
        measured, early("instant", "below", 3, 20, reason="settled")
    ),
    ("verdict-reached", "stop_is_on_the_prefix"): on(stopping, early("instant", "above", 5, 9)),
    ("verdict-reached", "claim_is_the_frameworks"): on(
        stopping, early("instant", "above", 5, 8, claimed="0.5")
    ),
    ("transcripts-scanned", "battery_is_sealed"): on(opened, scan(0, battery="b")),
    ("transcripts-scanned", "transcripts_are_those_recorded"): on(measured, scan(19)),
    ("transcripts-scanned", "scan_tells_more"): on(
        then(measured, scan(20, missed=1)), scan(20, missed=2)
    ),
    ("transcripts-graded", "battery_is_sealed"): on(opened, grading(0, battery="b")),
    ("transcripts-graded", "transcripts_are_those_recorded"): on(measured, grading(19)),
    ("transcripts-graded", "grading_tells_more"): on(
        then(measured, grading(20, missed=1)), grading(20, missed=1)
    ),
    ("measuring-stopped", "battery_is_sealed"): on(
        opened, make(measuring.MeasuringStopped, CENTRE, battery="b", reason="cap", begun=0)
    ),
    ("verdict-reached", "losses_are_recorded"): on(lossy, BELOW),
    ("verdict-reached", "reasoning_is_recorded"): on(asks_for_reasoning, BELOW),
    ("verdict-reached", "references_are_recorded"): on(
        measured, verdict("instant", "below", 3, references=(OLDER,))
    ),
    ("verdict-reached", "word_follows"): on(
        lossy, verdict("instant", "below", 3, unmeasured=CUT_NINE)
    ),
    ("review-halted", "has_not_halted"): on(then(ready, HALTED), HALTED),
    ("review-resumed", "has_halted"): on(then(ready, HALTED), RESUMED_BY_CENTRE),
    ("finding-signed", "finding_is_new"): on(then(opened, finding()), finding()),
    ("finding-signed", "domain_is_known"): on(opened, finding(domain="poetry")),
    ("outside-finding-signed", "finding_is_new"): on(then(opened, finding()), outside()),
    ("outside-finding-signed", "domain_is_known"): on(opened, outside(criterion="payment-logic")),
    ("finding-responded", "finding_is_known"): on(opened, responded()),
    ("finding-disputed", "finding_is_known"): on(opened, dispute()),
    ("finding-rerun", "finding_is_known"): on(opened, rerun()),
    ("finding-rerun", "finding_is_disputed"): on(then(opened, finding()), rerun()),
    ("finding-rerun", "finding_is_ones_own"): on(
        then(opened, finding(INSTITUTE), dispute()), rerun(CENTRE)
    ),
    ("evidence-declared", "criterion_is_declared"): on(opened, declared("memory-safety")),
    ("designation-proposed", "is_no_inquiry"): on(inquiring, proposal),
    ("designation-proposed", "developer_has_not_left"): on(then(ready, LEFT, CLOSED), proposal),
    ("designation-proposed", "may_propose"): on(ready, lambda c: proposal(c, actor=AGENCY)),
    ("designation-proposed", "proposal_is_the_rules"): on(
        ready, lambda c: proposal(c, designation="covered")
    ),
    ("designation-concurred", "may_concur"): on(then(proposing, NEW_AGENCY), concurs("newcomer")),
    ("designation-concurred", "speaks_to_the_question"): on(proposing, concurs(answer="covered")),
    ("designation-dissented", "may_concur"): on(then(proposing, NEW_AGENCY), dissents("newcomer")),
    ("designation-dissented", "speaks_to_the_question"): on(ready, dissents()),
    ("designation-made", "developer_has_not_left"): on(then(proposing, LEFT, CLOSED), made()),
    ("designation-made", "may_designate"): on(proposing, made(actor=TREASURY)),
    ("designation-made", "rests_on_newest"): on(ready, made()),
    ("designation-made", "nothing_is_made"): on(then(proposing, made()), made()),
    ("designation-revised", "developer_has_not_left"): on(
        then(proposing, made(), LEFT, CLOSED), revised()
    ),
    ("designation-revised", "may_designate"): on(then(proposing, made()), revised(TREASURY)),
    ("designation-revised", "rests_on_newest"): on(then(proposing, made()), revised(proposal=2)),
    ("designation-revised", "something_is_made"): on(proposing, revised()),
    ("terms-offered", "table_is_free"): on(then(opened, OFFER), OTHERS),
    ("terms-countered", "answered_terms_are_on_the_table"): on(
        then(opened, OFFER), COUNTER_TO_OTHER
    ),
    ("terms-countered", "offer_is_anothers"): on(then(opened, OFFER), COUNTER_TO_ONESELF),
    ("terms-agreed", "terms_are_on_the_table"): on(
        then(opened, OFFER), terms(settling.TermsAgreed, LAB, "other")
    ),
    ("terms-declined", "terms_are_on_the_table"): on(
        then(opened, OFFER), terms(settling.TermsDeclined, LAB, "other")
    ),
    ("postponement-requested", "request_is_new"): on(then(opened, postponement()), postponement()),
    ("postponement-answered", "request_is_known"): on(opened, UNASKED),
    ("release-compared", "something_is_released"): on(ready, compared()),
    ("directive-issued", "agency_is_the_frameworks"): on(
        then(opened, NEW_AGENCY), directive("newcomer")
    ),
    ("directive-issued", "directive_is_new"): on(then(opened, directive()), directive()),
    ("directive-issued", "directive_is_next"): on(opened, directive(number=2)),
    ("directive-issued", "directive_ends_later"): on(opened, directive(expires=AT)),
    ("directive-issued", "restored_is_ones_own"): on(
        then(opened, directive()), directive(TREASURY, directive="d2", restores=("d1",))
    ),
    ("directive-answered", "directive_is_known"): on(opened, UNISSUED),
    ("directive-answered", "directive_is_unanswered"): on(
        then(opened, directive(), answer()), answer(answer="contested")
    ),
    ("directive-answered", "class_is_authorised"): on(
        then(opened, directive()), answer(answer="by-standing-class", standing=digest("classes"))
    ),
    ("directive-answer-revised", "directive_is_known"): on(opened, answered_anew()),
    ("directive-answer-revised", "directive_is_answered"): on(
        then(opened, directive()), answered_anew()
    ),
    ("directive-lifted", "directive_is_known"): on(opened, lifted()),
    ("directive-lifted", "directive_is_ones_own"): on(then(opened, directive()), lifted(TREASURY)),
    ("bundle-published", "bundle_is_next"): on(agreed, bundle(2)),
    ("bundle-published", "bundled_terms_are_agreed"): on(then(opened, OFFER), bundle()),
    ("bundle-published", "bundled_directives_are_answered"): on(
        then(agreed, directive()), bundle(carries=("d1", "d1"))
    ),
    ("receipt-noted", "bundle_is_published"): on(then(agreed, bundle()), receipt(2)),
    ("receipt-noted", "receipt_is_new"): on(then(agreed, bundle(), receipt()), receipt()),
    ("document-handed-in", "document_is_new"): on(then(opened, document()), document()),
    ("reads-digested", "day_is_over"): on(opened, digested(AT[:10])),
    ("reads-digested", "day_is_not_digested"): on(
        then(opened, digested("2026-09-30")), digested("2026-09-30")
    ),
    ("report-issued", "edition_is_next"): on(opened, report(2)),
    ("case-destroyed", "no_directive_is_in_force"): on(
        then(opened, directive(), CLOSED), DESTROYED
    ),
    ("case-destroyed", "no_dispute_is_open"): on(
        then(opened, finding(), dispute(), CLOSED), DESTROYED
    ),
    ("case-destroyed", "no_halt_is_in_force"): on(then(ready, HALTED, CLOSED), DESTROYED),
}
"""(event, guard) -> a probe: it makes the case ready and gives the deed to refuse."""
