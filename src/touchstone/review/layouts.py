"""What goes with each deed: the parts beside part 0, and which fact is the digest of which.

A row for every type of event, as in `rules.RULES`. A part stands here with its name, by which
readers take it, its kind (content or evidence) and the shape of what it holds; the mapping after
the shape says which facts are digests of it, and how they are computed. What is not told by the
event's own facts comes last, so that its place always tells a part's name.

A new type of event costs its class in `events`, its row in RULES, and its row here:

    settling.TermsOffered: Layout((content("text", TomlText, {"terms": digests.of_terms}),)),
"""

from collections.abc import Mapping

from touchstone.framework import Framework
from touchstone.review import agreements, digests, shapes
from touchstone.review.digests import as_bytes, as_line, whole, within
from touchstone.review.events import judging, measuring, opening, settling
from touchstone.review.events.base import Event
from touchstone.review.parts import MOST_TEXT, Layout, Needed, content, evidence, perhaps
from touchstone.terms.bundles import MAX_BYTES

MOST_LOG = 64 << 20
"""Bytes of the log of one chunk."""


def with_fact(name: str) -> Needed:
    """A part that is there exactly if the fact is not null."""

    def needed(event: Event) -> bool:
        return getattr(event, name) is not None

    needed.__doc__ = f"Exactly if `{name}` is not null."
    return needed


def by_behaviour(event: measuring.SnapshotSeen | measuring.SnapshotChanged) -> bool:
    """Exactly if `method` is `behaviour-probe`."""
    return event.method == "behaviour-probe"


BARE = Layout()
_ON_TABLE = "the terms on the table, whose text came with the offer: a guard compares"
_IDENTITY = "by other methods than `behaviour-probe`, an identity outside of the record"
_TERMS = content("text", shapes.TomlText, {"terms": digests.of_terms}, most=MOST_TEXT)
_AGREEMENT = content("agreement", shapes.Agreement, {"agreement": whole})
_PEOPLE = content("people", shapes.People, needed=perhaps)
_SNAPSHOT = Layout(
    (
        content("probes", shapes.Probes, {"digest": digests.of_models}, needed=by_behaviour),
        content("conditions", shapes.Conditions, needed=perhaps),
    ),
    elsewhere={"digest": _IDENTITY},
)
_READING = content(
    "reading",
    shapes.TomlText,
    {"reading": digests.of_directive},
    needed=with_fact("reading"),
    most=MOST_TEXT,
)
_BUNDLE_BESIDE = "the bundle that is published with it, in the deed after"

LAYOUTS: Mapping[type[Event], Layout] = {
    # How a case begins.
    opening.CaseOpened: Layout(
        (content("framework", Framework, {"framework.digest": whole}), _AGREEMENT),
        agreements.case_is_pinned,
    ),
    opening.PartyAdmitted: BARE,
    opening.ParticipationNoted: BARE,
    opening.InquiryAsked: BARE,
    opening.InquiryAnswered: BARE,
    opening.AgreementSigned: Layout(
        (
            content(
                "agreement",
                shapes.Agreement,
                {"agreement": whole},
                needed=perhaps,
                recorded=agreements.agreement_is_recorded,
            ),
        ),
        agreements.text_says_the_same,
    ),
    opening.SubmissionReceived: Layout(
        (
            content("modes", shapes.Modes),
            content("submission", shapes.Submission, {"submission": whole}),
        ),
        agreements.submission_is_what_is_told,
    ),
    opening.SubmissionAssessed: Layout(
        elsewhere={"submission": "the submission handed in before: a guard compares"}
    ),
    # Measuring.
    measuring.ClockAnchored: BARE,
    measuring.ClockPaused: BARE,
    measuring.ClockResumed: BARE,
    measuring.ClockExtended: BARE,
    measuring.ClockEnded: BARE,
    measuring.BatterySealed: Layout(
        (
            content(
                "registered",
                shapes.Registered,
                {
                    "commitment": digests.of_battery,
                    "order": digests.of_order,
                    "elicitation": within("elicitation"),
                    "verdicts": within("verdicts"),
                },
            ),
            content("secret", shapes.Secret),
        ),
        agreements.seed_opens_the_seal,
    ),
    measuring.SnapshotSeen: _SNAPSHOT,
    measuring.SnapshotChanged: _SNAPSHOT,
    measuring.OutcomesRecorded: Layout(
        (
            content("opened", shapes.Opened),
            content("details", shapes.Details),
            evidence("log", needed=perhaps, most=MOST_LOG),
        ),
        agreements.opened_are_those_that_ran,
    ),
    measuring.VerdictReached: BARE,
    measuring.SandboxBreached: BARE,
    measuring.MeasuringStopped: BARE,
    measuring.ReviewHalted: BARE,
    measuring.ReviewResumed: BARE,
    # Findings.
    judging.FindingSigned: Layout((content("text", shapes.Text, {"statement": whole}),)),
    judging.OutsideFindingSigned: Layout(
        (content("text", shapes.Text, {"statement": whole}),),
        elsewhere={"withheld_evidence": "evidence that the evaluator keeps, to be checked later"},
    ),
    judging.FindingResponded: Layout((content("text", shapes.Text, {"response": whole}),)),
    judging.FindingDisputed: BARE,
    judging.FindingRerun: Layout((content("text", shapes.Text, {"statement": whole}),)),
    judging.EvidenceDeclared: Layout((evidence("evidence", {"evidence": as_bytes}),)),
    # Designation.
    judging.DesignationProposed: Layout((content("together", shapes.Together, needed=perhaps),)),
    judging.DesignationConcurred: BARE,
    judging.DesignationDissented: BARE,
    judging.DesignationMade: BARE,
    judging.DesignationRevised: BARE,
    # Terms.
    settling.TermsOffered: Layout((_TERMS,)),
    settling.TermsCountered: Layout((_TERMS,), elsewhere={"answers": _ON_TABLE}),
    settling.TermsAgreed: Layout(elsewhere={"terms": _ON_TABLE}),
    settling.TermsDeclined: Layout(elsewhere={"terms": _ON_TABLE}),
    # Around release.
    settling.PostponementRequested: BARE,
    settling.PostponementAnswered: BARE,
    settling.ReleaseAnnounced: BARE,
    settling.ReleaseCompared: Layout(
        elsewhere={"digest": "the identity of what was released, outside of the record"}
    ),
    settling.DirectiveIssued: Layout(
        (
            content("order", shapes.TomlText, {"order": digests.of_directive}, most=MOST_TEXT),
            _PEOPLE,
        ),
        agreements.order_is_of_the_directive,
    ),
    settling.DirectiveAnswered: Layout(
        (_READING, _PEOPLE),
        agreements.reading_is_of_the_directive,
        elsewhere={
            "bundle": _BUNDLE_BESIDE,
            "standing": "the standing classes authorised before: a guard compares",
        },
    ),
    settling.DirectiveAnswerRevised: Layout(
        (_READING, _PEOPLE),
        agreements.reading_is_of_the_directive,
        elsewhere={"bundle": _BUNDLE_BESIDE},
    ),
    settling.DirectiveLifted: BARE,
    settling.StandingClassesAuthorised: Layout(
        (
            content(
                "classes",
                shapes.TomlText,
                {"classes": digests.of_classes},
                needed=with_fact("classes"),
                most=MOST_TEXT,
            ),
        )
    ),
    settling.BundlePublished: Layout(
        (evidence("bundle", {"bundle": digests.of_bundle}, most=MAX_BYTES, needs_bytes=True),),
        agreements.bundle_says_the_same,
        elsewhere={
            "terms": "the terms agreed before: a guard compares",
            "directives.order": "the text of an order or reading recorded before: a guard compares",
        },
    ),
    settling.ReceiptNoted: Layout(
        (content("receipt", shapes.Receipt, {"receipt": as_line}),),
        agreements.receipt_says_the_same,
        elsewhere={"bundle": "the bundle published before: a guard compares"},
    ),
    # The end.
    settling.ReportIssued: Layout(
        elsewhere={"report": "the page as given, which is kept by whom it was given to"}
    ),
    settling.ReviewWithdrawn: BARE,
    settling.CaseClosed: BARE,
    settling.CaseDestroyed: Layout(
        elsewhere={"certificate": "the certificate that the record keeps beside the case"}
    ),
}
"""Every event, `case-opened` among them."""


def layout_of(event: Event) -> Layout:
    """The layout of an event's type; of one that this version does not know, the bare one."""
    return LAYOUTS.get(type(event), BARE)
