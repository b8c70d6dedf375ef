"""What goes with each deed: the parts beside part 0, and which fact is the digest of which.

A row for every type of event, as in `rules.RULES`. A part stands here with its name, by which
readers take it, its kind (content or evidence) and the shape of what it holds; the mapping after
the shape says which facts are digests of it, and how they are computed. What is not told by the
event's own facts comes last, so that its place always tells a part's name.

A new type of event costs its class in `events`, its row in RULES, and its row here:

    judging.FindingRerun: with_parts(content("text", TextShape, {"statement": of_content})),
"""

from collections.abc import Mapping
from dataclasses import replace

from touchstone.framework import Framework
from touchstone.review import agreements, digests, shapes
from touchstone.review.digests import as_bytes, as_line, of_content, within
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
from touchstone.review.events.base import Event
from touchstone.review.parts import (
    MOST_TEXT,
    DeedLayout,
    Digesting,
    Needed,
    Part,
    always,
    content,
    evidence,
    perhaps,
    with_parts,
)
from touchstone.terms.bundle.bounds import MAX_BYTES

MOST_LOG = 64 << 20
"""Bytes of the log of one chunk, and of what detectors flagged in all."""


def with_fact(name: str) -> Needed:
    """A part that is there exactly if the fact is not null."""

    def needed(event: Event) -> bool:
        return getattr(event, name) is not None

    needed.__doc__ = f"Exactly if `{name}` is not null."
    return needed


def by_behaviour(event: measuring.SnapshotSeen | measuring.SnapshotChanged) -> bool:
    """Exactly if `method` is `behaviour-probe`."""
    return event.method == "behaviour-probe"


BARE = with_parts()
_ON_TABLE = "the terms on the table, whose text came with the offer: a guard compares"
_PUBLISHED_WITH_IT = "the bundle that is published with it, in the deed after"
_AGREEMENT = content("agreement", shapes.AgreementShape, {"agreement": of_content})
_SNAPSHOT = with_parts(
    content("probes", shapes.ProbesShape, {"digest": digests.of_models}, needed=by_behaviour),
    content("conditions", shapes.ConditionsShape, needed=perhaps),
    elsewhere={"digest": "by other methods than `behaviour-probe`, an identity outside the record"},
)
_ORIGIN = {
    "origin.centre": "what the centre contributed before: a guard compares",
    "origin.developer": "what the developer contributed before: a guard compares",
}
_PEOPLE = content("people", shapes.PeopleShape, needed=perhaps)


def _text(fact: str) -> Part:
    """A text for people whose digest is a fact."""
    return content("text", shapes.TextShape, {fact: of_content})


def _line(fact: str) -> Part:
    """One line of somebody's words; the fact that is its digest bears its name."""
    return content(fact, shapes.LineShape, {fact: of_content}, needed=with_fact(fact))


def _statement(fact: str) -> Part:
    """Somebody's words; the fact that is their digest bears their name."""
    return content(fact, shapes.StatementShape, {fact: of_content}, needed=with_fact(fact))


def _document(name: str, digest: Digesting, needed: Needed = always) -> Part:
    """A text in TOML; the fact that is its digest bears its name."""
    return content(name, shapes.TomlShape, {name: digest}, needed=needed, most=MOST_TEXT)


_READING = _document("reading", digests.of_directive, with_fact("reading"))

LAYOUTS: Mapping[type[Event], DeedLayout] = {
    # How a case begins.
    opening.CaseOpened: with_parts(
        content("framework", Framework, {"framework.digest": of_content}),
        _AGREEMENT,
        agrees=agreements.case_is_pinned,
    ),
    opening.PartyAdmitted: with_parts(_line("reason")),
    opening.ParticipationNoted: with_parts(_line("source")),
    opening.InquiryAsked: with_parts(_statement("question")),
    opening.InquiryAnswered: with_parts(_statement("reasons")),
    opening.AgreementSigned: with_parts(
        replace(_AGREEMENT, needed=perhaps, recorded=agreements.agreement_is_recorded),
        agrees=agreements.text_says_the_same,
    ),
    opening.SubmissionReceived: with_parts(
        content("modes", shapes.ModesShape),
        content("submission", shapes.SubmissionShape, {"submission": of_content}),
        elsewhere={"variants.weights": "a manifest handed in before: a guard compares"},
        agrees=agreements.submission_is_what_is_told,
    ),
    opening.DocumentHandedIn: with_parts(evidence("document", {"digest": as_bytes})),
    opening.SubmissionAssessed: with_parts(
        content(
            "missing", shapes.MissingShape, {"missing": of_content}, needed=with_fact("missing")
        ),
        elsewhere={"submission": "the submission handed in before: a guard compares"},
    ),
    # Keys.
    joining.PartyInvited: BARE,
    joining.PartyJoined: BARE,
    joining.PartySignerAdmitted: BARE,
    joining.PartySignerRemoved: BARE,
    joining.PartyKeyRotated: BARE,
    joining.PartyReinvited: BARE,
    joining.RecoveryObjected: BARE,
    joining.PartyRejoined: BARE,
    parting.PartyUninvited: BARE,
    parting.PartyRemoved: with_parts(_line("reason")),
    parting.PartyLeft: with_parts(_line("reason")),
    # Measuring.
    measuring.ClockAnchored: BARE,
    measuring.ClockPaused: with_parts(_line("reason")),
    measuring.ClockResumed: BARE,
    measuring.ClockExtended: with_parts(_line("reason")),
    measuring.ClockEnded: with_parts(_line("reason")),
    seeding.SeedCommitted: with_parts(
        content("contribution", shapes.ContributionShape, {"contribution": of_content}),
        agrees=agreements.contribution_is_the_centres,
    ),
    seeding.SeedContributed: with_parts(
        content("contribution", shapes.ContributionShape, {"contribution": of_content}),
        agrees=agreements.contribution_is_the_developers,
        elsewhere={"answers": "the centre's contribution, committed to before: a guard compares"},
    ),
    seeding.SeedRevealed: with_parts(
        content("secret", shapes.SecretShape, {"seed": digests.of_seed}),
        agrees=agreements.seed_is_of_its_origin,
        elsewhere=_ORIGIN,
    ),
    measuring.BatterySealed: with_parts(
        content(
            "registered",
            shapes.RegisteredShape,
            {
                "commitment": digests.of_battery,
                "order": digests.of_order,
                "elicitation": within("elicitation"),
                "verdicts": within("verdicts"),
            },
        ),
        content("secret", shapes.SecretShape),
        agrees=agreements.seed_opens_the_seal,
        elsewhere=_ORIGIN,
    ),
    measuring.SnapshotSeen: _SNAPSHOT,
    measuring.SnapshotChanged: _SNAPSHOT,
    measuring.OutcomesRecorded: with_parts(
        content("opened", shapes.OpenedShape),
        content("details", shapes.DetailsShape),
        evidence("log", needed=perhaps, most=MOST_LOG),
        agrees=agreements.opened_are_those_that_ran,
    ),
    detecting.TranscriptsScanned: with_parts(
        content("power", shapes.PowerShape, {"power": of_content}),
        evidence("sightings", most=MOST_LOG, needs_bytes=True),
        agrees=agreements.sightings_say_the_same,
        elsewhere={"detectors": "the detectors' own code, which the record does not hold"},
    ),
    detecting.TranscriptsGraded: with_parts(
        content("accuracy", shapes.AccuracyShape, {"accuracy": of_content}),
        evidence("sightings", most=MOST_LOG, needs_bytes=True),
        agrees=agreements.grading_is_of_what_was_measured,
        elsewhere={
            "questions": "the questions and the code that asks them, which are not held here",
            "endpoint": "the grader's address, name and settings",
        },
    ),
    measuring.VerdictReached: BARE,
    measuring.SandboxBreached: with_parts(_line("guard")),
    measuring.MeasuringStopped: BARE,
    measuring.ReviewHalted: with_parts(_line("reason")),
    measuring.ReviewResumed: with_parts(_line("reason")),
    # Findings.
    judging.FindingSigned: with_parts(_text("statement")),
    judging.OutsideFindingSigned: with_parts(
        _text("statement"),
        _line("withheld_reason"),
        elsewhere={"withheld_evidence": "evidence that the evaluator keeps, to be checked later"},
    ),
    judging.FindingResponded: with_parts(_text("response")),
    judging.FindingDisputed: with_parts(_statement("grounds")),
    judging.FindingRerun: with_parts(_text("statement")),
    judging.EvidenceDeclared: with_parts(evidence("evidence", {"evidence": as_bytes})),
    # What is told and was not measured here.
    telling.QuestionsAnswered: with_parts(
        content("answers", shapes.AnswersShape, {"answers": of_content}),
        elsewhere={"asked": "the questionnaire, which is shipped: answers repeat their questions"},
        agrees=agreements.answers_are_to_the_questions,
    ),
    telling.OutsideEvidenceImported: with_parts(
        content("statement", shapes.OutsideShape, {"statement": of_content}),
        evidence("log", {"log": as_bytes}, most=MOST_LOG),
    ),
    # Designation.
    judging.DesignationProposed: with_parts(
        content("words", shapes.WordsShape, {"words": of_content}),
        content("together", shapes.TogetherShape, needed=perhaps),
    ),
    judging.DesignationConcurred: BARE,
    judging.DesignationDissented: with_parts(_statement("reason")),
    judging.DesignationMade: with_parts(_statement("reasons")),
    judging.DesignationRevised: with_parts(_statement("reasons")),
    # Terms.
    settling.TermsOffered: with_parts(_document("terms", digests.of_terms)),
    settling.TermsCountered: with_parts(
        _document("terms", digests.of_terms), elsewhere={"answers": _ON_TABLE}
    ),
    settling.TermsAgreed: with_parts(elsewhere={"terms": _ON_TABLE}),
    settling.TermsDeclined: with_parts(_line("reason"), elsewhere={"terms": _ON_TABLE}),
    # Around release.
    settling.PostponementRequested: with_parts(_statement("reason")),
    settling.PostponementAnswered: BARE,
    settling.ReleaseAnnounced: BARE,
    settling.ReleaseCompared: with_parts(
        elsewhere={"digest": "the identity of what was released, outside the record"}
    ),
    settling.DirectiveIssued: with_parts(
        _document("order", digests.of_directive),
        _line("reason"),
        _PEOPLE,
        agrees=agreements.order_is_of_the_directive,
    ),
    settling.DirectiveAnswered: with_parts(
        _READING,
        _line("reason"),
        _PEOPLE,
        agrees=agreements.reading_is_of_the_directive,
        elsewhere={
            "bundle": _PUBLISHED_WITH_IT,
            "standing": "the standing classes authorised before: a guard compares",
        },
    ),
    settling.DirectiveAnswerRevised: with_parts(
        _READING,
        _line("reason"),
        _PEOPLE,
        agrees=agreements.reading_is_of_the_directive,
        elsewhere={"bundle": _PUBLISHED_WITH_IT},
    ),
    settling.DirectiveLifted: BARE,
    settling.StandingClassesAuthorised: with_parts(
        _document("classes", digests.of_classes, with_fact("classes"))
    ),
    settling.BundlePublished: with_parts(
        evidence("bundle", {"bundle": digests.of_bundle}, most=MAX_BYTES, needs_bytes=True),
        agrees=agreements.bundle_says_the_same,
        elsewhere={
            "terms": "the terms agreed before: a guard compares",
            "directives.order": "the text of an order or reading recorded before: a guard compares",
        },
    ),
    settling.ReceiptNoted: with_parts(
        content("receipt", shapes.ReceiptShape, {"receipt": as_line}),
        agrees=agreements.receipt_says_the_same,
        elsewhere={"bundle": "the bundle published before: a guard compares"},
    ),
    settling.ReadsDigested: with_parts(
        content("salt", shapes.SaltShape),
        elsewhere={"digest": "the reads of that day, which the server keeps and tells"},
    ),
    # The end.
    settling.ReportIssued: with_parts(
        elsewhere={"report": "the page as given, which is kept by whom it was given to"}
    ),
    settling.ReviewWithdrawn: BARE,
    settling.CaseClosed: with_parts(_line("reason")),
    settling.CaseDestroyed: with_parts(
        elsewhere={"certificate": "the certificate that the record keeps beside the case"}
    ),
}
"""Every event, `case-opened` among them."""


def layout_of(event: Event) -> DeedLayout:
    """The layout of an event's type; of one that this version does not know, the bare one."""
    return LAYOUTS.get(type(event), BARE)
