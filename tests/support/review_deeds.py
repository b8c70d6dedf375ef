"""Deeds of every type, drawn at random: well-formed always, fitting the case often."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, get_args

from support.review_case import (
    CENTRE,
    ROLES,
    Case,
    agreement,
    digest,
    hex32,
    joins,
    make,
    print_of,
    proposed,
)
from support.review_probes import laid
from touchstone.framework import Framework
from touchstone.ledger import digest_value
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
    telling,
)
from touchstone.review.rules import RULES

Draw = Callable[[Sequence[Any]], Any]
"""`Random.choice` of one run."""
Facts = dict[str, Any]

BATTERIES = ("battery-1", "battery-1", "one")
NAMES = ("one", "one", "one", "two")
DIGESTS = (digest("one"), digest("two"))
VARIANTS = ("final", "final", "helpful", "final-2")
MODES = ("instant", "thinking")
DAYS = ("2026-11-15", "2028-02-29")
CRITERIA = ("memory-safety", "memory-safety", "memory-safety", "control-of-own-agents", "unknown")
DESIGNATIONS = ("covered", "not-covered", "undetermined")
TIMES = tuple(f"2026-10-{day:02}T09:00:00Z" for day in (1, 2, 24, 25))
FAR = "2027-12-01T00:00:00Z"
BOTH = (True, False)
WHY = "as it is"


def _outcomes(draw: Draw) -> tuple[measuring.Outcome, ...]:
    indices = {draw(range(10)) for _ in range(draw(range(1, 5)))}
    # In few deeds, and then alone: beside results that decide the law refuses them.
    reported = draw((True, *(False,) * 7))
    decide = tuple(each for each in get_args(measuring.Result) if each != measuring.REPORTED)
    results = (measuring.REPORTED,) if reported else decide
    return tuple(
        measuring.Outcome(
            index=index,
            item=hex32(f"item {index}"),
            attempt=draw((1, 1, 1, 1, 1, 1, 2)),
            result=draw(results),
            tokens=7,
            score=draw(("0", "0.25", "1")) if reported else None,
        )
        for index in indices
    )


def scan_of(case: Case, battery: str, detectors: str, missed: int) -> Facts:
    """A scan of what a case has, of which so many were not looked at."""
    every = case.state.outcomes_of(battery)
    missed = min(missed, every)
    seen = every - missed
    return {
        "battery": battery,
        "transcripts": every,
        "looked_at": seen,
        "canaries": 1,
        "detectors": detectors,
        "power": digest("power"),
        "counts": (
            detecting.Detected(
                detector="tampering", flagged=seen, unflagged=0, not_looked_at=missed
            ),
            detecting.Detected(detector="canary", flagged=0, unflagged=every, not_looked_at=0),
        ),
    }


def grading_of(case: Case, battery: str, endpoint: str, missed: int) -> Facts:
    """What a grader made of what a case has, of which it did not answer so many."""
    every = case.state.outcomes_of(battery)
    missed = min(missed, every)
    seen = every - missed
    return {
        "battery": battery,
        "transcripts": every,
        "looked_at": seen,
        "questions": digest("questions"),
        "endpoint": endpoint,
        "whose": "centre",
        "accuracy": digest("accuracy"),
        "calls": 400 + seen,
        "input": 800_000,
        "output": 9_000,
        "counts": (
            detecting.Graded(
                detector="graded-refusal",
                flagged=seen,
                unflagged=0,
                not_looked_at=missed,
                alone_flagged=0,
                alone_unflagged=0,
            ),
        ),
    }


def _proposal(case: Case, draw: Draw) -> Facts:
    rule = proposed(case.framework, case.state)
    changes = {} if draw(BOTH) else {"designation": draw(DESIGNATIONS)}
    return {
        "says": rule.says,
        "words": digest_value(rule.words),
        "designation": rule.designation,
    } | changes


def _question(case: Case, draw: Draw) -> Facts:
    designating = case.state.designating
    answer = designating.in_question if draw(BOTH) else None
    return {
        "proposal": len(designating.proposals) or 1,
        "designation": answer or draw(DESIGNATIONS),
    }


def _clock(case: Case, draw: Draw) -> Facts:
    del draw
    if case.state.submission is None:
        case = Case(case.framework).open().submit()
    names = set(measuring.ClockAnchored.model_fields) - set(Event.model_fields)
    return {name: getattr(laid(case), name) for name in names}


def _admits(case: Case, draw: Draw) -> Facts:
    party = draw(("newcomer", *ROLES))
    known = case.state.parties.get(party)
    role = known.role if known and draw(BOTH) else draw(tuple(ROLES.values()))
    key = hex32(draw(("key 1", "key 2", CENTRE)))
    return {"admits": (opening.Admission(party=party, role=role, key=key),), "reason": WHY}


def _submission(case: Case, draw: Draw) -> Facts:
    del case
    variants = tuple(
        opening.Variant(id=name, modes=("instant", "thinking"), purpose=purpose)  # type: ignore[arg-type]
        for name, purpose in (("final", "final"), ("helpful", "helpful-only"))
    )
    return {
        "submission": draw(DIGESTS),
        "model": "Example 1",
        "release_state": draw(("in-development", "internal", "restricted", "released")),
        "variants": variants,
        "planned_public_release": draw((None, *DAYS)),
        "planned_partner_release": draw((None, *DAYS)),
    }


def _stop(counted: int, word: str, draw: Draw) -> measuring.Stop | None:
    if draw(BOTH):
        return None
    return measuring.Stop(
        reason=draw(("evidence", "settled")),
        used=counted,
        overshoot=draw(range(3)),
        size=8,
        claimed={"above": "0.4", "below": "0.6"}.get(word),
        estimate="0.5",
    )


def _verdict(case: Case, draw: Draw) -> Facts:
    del case
    counted = draw(range(1, 5))
    word = draw(("above", "below", "within-zone", "at-ceiling", "undetermined", "not-measured"))
    return {
        "battery": draw(BATTERIES),
        "criterion": draw(CRITERIA),
        "variant": draw(VARIANTS),
        "mode": draw(MODES),
        "verdict": word,
        "solved": draw(range(counted)),
        "unmeasured": measuring.Unmeasured(cut=draw((0, 0, 0, 1))),
        "reasoning": draw(("not-asked", "not-asked", "not-seen")),
        "counted": counted,
        "interval": ("0.1", "0.9"),
        "alpha": "0.05",
        "beta": "0.05",
        "stop": _stop(counted, word, draw),
    }


def _agreement(case: Case, draw: Draw) -> Facts:
    del case
    names = set(opening.AgreementSigned.model_fields) - set(Event.model_fields)
    signed = agreement(CENTRE, agreement=draw(DIGESTS), access=draw(("endpoint", "weights")))
    return {name: getattr(signed, name) for name in names}


Maker = Callable[[Case, Draw], Facts]
FACTS: dict[type[Event], Maker] = {
    opening.PartyAdmitted: _admits,
    joining.PartyInvited: lambda _c, draw: {
        "key_act": joining.InvitedAct(
            party=draw(("newcomer", *ROLES)),
            role=draw(tuple(ROLES.values())),
            expects=draw((None, print_of("newcomer"))),
        )
    },
    joining.PartyJoined: lambda _c, draw: {
        "key_act": joins(draw(("newcomer", *ROLES)), key=hex32(draw(("newcomer", "another"))))
    },
    joining.PartySignerAdmitted: lambda _c, draw: {
        "key_act": joining.AdmittedAct(
            key=hex32(draw(("device", "another"))),
            label="device",
            kinds=(draw(("review-halted", "party-joined")),),
        )
    },
    joining.PartySignerRemoved: lambda _c, draw: {
        "key_act": joining.RemovedAct(
            key=print_of(draw(("device", "another"))), last=draw((None, 3))
        )
    },
    joining.PartyKeyRotated: lambda _c, draw: {
        "key_act": joining.RotatedAct(
            key=hex32(draw([f"{name} next" for name in ROLES])), next=print_of("later"), last=None
        )
    },
    joining.PartyReinvited: lambda _c, draw: {
        "key_act": joining.ReinvitedAct(
            party=draw(tuple(ROLES)), expects=print_of(draw(("anew", "another")))
        )
    },
    joining.RecoveryObjected: lambda _c, _draw: {"key_act": joining.ObjectedAct()},
    joining.PartyRejoined: lambda _c, draw: {
        "key_act": joining.RejoinedAct(
            key=hex32(draw(("anew", "another"))),
            next=print_of("later"),
            lasts={print_of(draw(("device", *ROLES))): draw((None, 3))},
        )
    },
    parting.PartyUninvited: lambda _c, draw: {"party": draw(("newcomer", *ROLES))},
    parting.PartyRemoved: lambda _c, draw: {"party": draw(("newcomer", *ROLES)), "reason": WHY},
    parting.PartyLeft: lambda _c, draw: {"reason": draw((None, WHY))},
    opening.ParticipationNoted: lambda _c, draw: {
        "status": draw(("participating", "negotiating", "declined", "withdrawn")),
        "source": WHY,
    },
    opening.InquiryAsked: lambda _c, draw: {
        "inquiry": draw(NAMES),
        "release_state": "internal",
        "question": WHY,
    },
    opening.InquiryAnswered: lambda _c, draw: {
        "inquiry": draw(NAMES),
        "answer": "cannot-say",
        "reasons": WHY,
    },
    opening.AgreementSigned: _agreement,
    opening.SubmissionReceived: _submission,
    opening.DocumentHandedIn: lambda _c, draw: {
        "document": draw(NAMES),
        "kind": "safety-plan",
        "digest": draw(DIGESTS),
    },
    opening.SubmissionAssessed: lambda _c, draw: {"submission": draw(DIGESTS), "complete": True},
    measuring.ClockAnchored: _clock,
    measuring.ClockPaused: lambda _c, _draw: {"reason": WHY},
    measuring.ClockResumed: lambda _c, _draw: {},
    measuring.ClockExtended: lambda _c, draw: {"days": draw((1, 3650)), "reason": WHY},
    measuring.ClockEnded: lambda _c, _draw: {"reason": WHY},
    seeding.SeedCommitted: lambda _c, draw: {
        "battery": draw(BATTERIES),
        "contribution": draw(DIGESTS),
    },
    seeding.SeedContributed: lambda _c, draw: {
        "battery": draw(BATTERIES),
        "answers": draw(DIGESTS),
        "contribution": draw(DIGESTS),
    },
    seeding.SeedRevealed: lambda _c, draw: {"battery": draw(BATTERIES), "seed": hex32("seed")},
    measuring.BatterySealed: lambda _c, draw: {
        "battery": draw(BATTERIES),
        "commitment": hex32("items"),
        "elicitation": digest("how"),
        "order": hex32("order"),
        "item_sets": (
            measuring.ItemSet(
                criterion=draw(CRITERIA), size=8, attempts=2, design=draw(("fixed", "sequential"))
            ),
        ),
    },
    measuring.SnapshotSeen: lambda _c, draw: {
        "variant": draw(VARIANTS),
        "method": "weights-digest",
        "digest": draw(DIGESTS),
        "moment": "during",
    },
    measuring.SnapshotChanged: lambda _c, draw: {
        "variant": draw(VARIANTS),
        "new_variant": draw(VARIANTS),
        "method": "weights-digest",
        "digest": draw(DIGESTS),
    },
    measuring.OutcomesRecorded: lambda _c, draw: {
        "battery": draw(BATTERIES),
        "criterion": draw(CRITERIA),
        "variant": draw(VARIANTS),
        "mode": draw(MODES),
        "chunk": draw(NAMES),
        "outcomes": _outcomes(draw),
    },
    measuring.VerdictReached: _verdict,
    measuring.SandboxBreached: lambda _c, draw: {"guard": WHY, "seen_at": draw(TIMES)},
    measuring.MeasuringStopped: lambda _c, draw: {
        "battery": draw(BATTERIES),
        "reason": draw(get_args(measuring.StopReason)),
        "begun": 3,
    },
    detecting.TranscriptsScanned: lambda case, draw: scan_of(
        case, draw(BATTERIES), draw(DIGESTS), draw((0, 1))
    ),
    detecting.TranscriptsGraded: lambda case, draw: grading_of(
        case, draw(BATTERIES), draw(DIGESTS), draw((0, 1))
    ),
    measuring.ReviewHalted: lambda _c, _draw: {"reason": WHY},
    measuring.ReviewResumed: lambda _c, _draw: {"reason": WHY},
    judging.FindingSigned: lambda _c, draw: {
        "finding": draw(NAMES),
        "domain": "cyber",
        "statement": draw(DIGESTS),
    },
    judging.OutsideFindingSigned: lambda _c, draw: {
        "finding": draw(NAMES),
        "domain": "cyber",
        "statement": draw(DIGESTS),
        "withheld_evidence": draw(DIGESTS),
        "withheld_reason": WHY,
    },
    judging.FindingResponded: lambda _c, draw: {
        "finding": draw(NAMES),
        "stance": "noted",
        "response": draw(DIGESTS),
    },
    judging.FindingDisputed: lambda _c, draw: {
        "finding": draw(NAMES),
        "grounds": WHY,
        "rerun_wanted": draw(BOTH),
    },
    judging.FindingRerun: lambda _c, draw: {
        "finding": draw(NAMES),
        "outcome": draw(("upheld", "revised", "withdrawn")),
        "statement": draw(DIGESTS),
    },
    judging.EvidenceDeclared: lambda _c, draw: {
        "criterion": draw(CRITERIA),
        "shows": draw(("met", "not-met", "inconclusive")),
        "evidence": draw(DIGESTS),
    },
    telling.QuestionsAnswered: lambda _c, draw: {
        "questionnaire": "loss-of-control",
        "asked": draw(DIGESTS),
        "questions": (draw(NAMES),),
        "answers": draw(DIGESTS),
    },
    telling.OutsideEvidenceImported: lambda _c, draw: {
        "log": draw(DIGESTS),
        "statement": draw(DIGESTS),
        "criterion": draw((None, *CRITERIA)),
    },
    judging.DesignationProposed: _proposal,
    judging.DesignationConcurred: _question,
    judging.DesignationDissented: lambda c, draw: _question(c, draw) | {"reason": WHY},
    judging.DesignationMade: lambda c, draw: _question(c, draw) | {"reasons": WHY},
    judging.DesignationRevised: lambda c, draw: _question(c, draw) | {"reasons": WHY},
    settling.TermsOffered: lambda _c, draw: {"terms": draw(DIGESTS)},
    settling.TermsCountered: lambda _c, draw: {"terms": draw(DIGESTS), "answers": draw(DIGESTS)},
    settling.TermsAgreed: lambda _c, draw: {"terms": draw(DIGESTS)},
    settling.TermsDeclined: lambda _c, draw: {"terms": draw(DIGESTS)},
    settling.PostponementRequested: lambda _c, draw: {
        "request": draw(NAMES),
        "until": draw(DAYS),
        "reason": WHY,
    },
    settling.PostponementAnswered: lambda _c, draw: {
        "request": draw(NAMES),
        "answer": draw(("granted", "granted-in-part", "declined")),
        "until": draw((None, *DAYS)),
    },
    settling.ReleaseAnnounced: lambda _c, draw: {
        "scope": draw(("internal", "partners", "public")),
        "variants": ("final",),
        "same_model": "same",
        "review_delay_days": draw((None, 0, 90)),
    },
    settling.ReleaseCompared: lambda _c, draw: {
        "variant": draw(VARIANTS),
        "compared": "same",
        "digest": draw(DIGESTS),
    },
    settling.DirectiveIssued: lambda _c, draw: {
        "directive": draw(NAMES),
        "order": draw(DIGESTS),
        "expires": draw((*TIMES, FAR)),
        "number": draw((None, None, 1, 2)),
        "restores": draw(((), (), ("one",))),
    },
    settling.DirectiveAnswered: lambda _c, draw: {
        "directive": draw(NAMES),
        "answer": draw(("contested", "narrowly", "by-standing-class")),
        "standing": draw((None, None, *DIGESTS)),
        "reading": draw((None, *DIGESTS)),
    },
    settling.DirectiveAnswerRevised: lambda _c, draw: {
        "directive": draw(NAMES),
        "answer": draw(("contested", "more-broadly")),
        "reading": draw((None, *DIGESTS)),
    },
    settling.DirectiveLifted: lambda _c, draw: {"directive": draw(NAMES)},
    settling.StandingClassesAuthorised: lambda _c, draw: {
        "classes": draw((None, *DIGESTS)),
        "until": draw((*TIMES, FAR)),
    },
    settling.BundlePublished: lambda _c, draw: {
        "stream": "gateways",
        "number": draw(range(1, 4)),
        "bundle": draw(DIGESTS),
        "terms": draw(DIGESTS),
        "equals": draw((None, None, 1)),
        "directives": draw(((), ({"directive": draw(NAMES), "order": draw(DIGESTS)},))),
    },
    settling.ReceiptNoted: lambda _c, draw: {
        "gateway": "one",
        "key": hex32("gateway"),
        "stream": "gateways",
        "number": 1,
        "bundle": draw(DIGESTS),
        "receipt": draw(DIGESTS),
        "applied_at": draw(TIMES),
    },
    settling.ReadsDigested: lambda _c, draw: {
        "day": draw(("2026-09-30", "2026-10-01", "2027-12-01")),
        "reads": 3,
        "digest": draw(DIGESTS),
    },
    settling.ReportIssued: lambda _c, draw: {
        "audience": "public",
        "edition": draw(range(1, 3)),
        "report": draw(DIGESTS),
    },
    settling.ReviewWithdrawn: lambda _c, draw: {"publish": draw(BOTH)},
    settling.CaseClosed: lambda _c, _draw: {"reason": WHY},
    settling.CaseDestroyed: lambda _c, draw: {"certificate": draw(DIGESTS)},
}
assert set(FACTS) == set(RULES)


STOPS = (
    settling.ReviewWithdrawn,
    settling.CaseClosed,
    settling.CaseDestroyed,
    measuring.ReviewHalted,
    measuring.SandboxBreached,
)


def fitting_for(event: type[Event]) -> list[str]:
    """Who may do a deed of the type by its role: parties, or the installation alone."""
    roles = RULES[event].roles
    return [name for name, role in ROLES.items() if role in roles] or [INSTALLATION]


def one_of_each(framework: Framework) -> dict[str, Event]:
    """A well-formed deed of every type, by type, of a party whose role may do it."""
    rng, case = Random(1), Case(framework).open().submit()
    fitting = {event: fitting_for(event)[0] for event in FACTS}
    deeds = (make(event, fitting[event], **FACTS[event](case, rng.choice)) for event in FACTS)
    return {deed.type: deed for deed in deeds}


def draw_deed(case: Case, rng: Random) -> Event:
    """A deed that may or may not be allowed now. Stops are rare, so that cases live long enough."""
    event = rng.choice(list(FACTS))
    while event in STOPS and rng.random() < 0.95:
        event = rng.choice(list(FACTS))
    fitting = fitting_for(event)
    actor = rng.choice(fitting if rng.random() < 0.8 else [*ROLES, "newcomer", "a-stranger"])
    return make(event, actor, rng.choice(TIMES), **FACTS[event](case, rng.choice))
