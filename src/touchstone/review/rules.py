"""Who may do what, and when: one row for each type of event.

A row's topics say what a deed moves and must have seen (`topics.py`).

A row's guards say what else must hold; `guards/` has them. Release and withdrawal have none, and
never may: `tests/unit/review/test_laws.py` holds every row to that.
"""

from collections.abc import Mapping

from touchstone.review.events import (
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
from touchstone.review.guards import (
    agreeing,
    bearing,
    beginning,
    designating,
    directing,
    finding,
    keeping,
    sampling,
    stopping,
    timing,
)
from touchstone.review.guards import seeding as seeds
from touchstone.review.looking_rules import LOOKING_RULES
from touchstone.review.party_rules import PARTY_RULES
from touchstone.review.rule import (
    ALWAYS,
    EVERYONE,
    HEARD,
    INSTALLATION_ALONE,
    KEPT,
    OPEN,
    OVER,
    Rule,
)
from touchstone.review.topics import (
    PEOPLE,
    Topic,
    Topics,
    by_machine,
    moves,
    never_stale,
    speaks_to,
)

CLOCK, HALT, STATUS, TERMS = Topic("clock"), Topic("halt"), Topic("status"), Topic("terms")
SUBMISSION, DESIGNATION = Topic("submission"), Topic("designation")
CONCURRENCE, ANSWER, LIFTED = Topic("concurrence"), Topic("terms-answer"), Topic("lifted")
BUNDLE = Topic("bundle", "stream")
OWN_CONCURRENCE, OWN_ANSWER = Topic("concurrence", "actor"), Topic("terms-answer", "actor")
DOCUMENT, SEED = Topic("document", "document"), Topic("seed", "battery")
FINDING, DIRECTIVE = Topic("finding", "finding"), Topic("directive", "directive")
INQUIRY, POSTPONEMENT = Topic("inquiry", "inquiry"), Topic("postponement", "request")


RULES: Mapping[type[Event], Rule] = {
    # Always the developer's own: no guards.
    settling.ReleaseAnnounced: Rule(("developer",), ALWAYS, topics=never_stale(Topic("release"))),
    settling.ReviewWithdrawn: Rule(("developer",), ALWAYS, topics=never_stale(STATUS)),
    # Who takes part, and the agreement.
    **PARTY_RULES,
    opening.ParticipationNoted: Rule(
        EVERYONE, ALWAYS, topics=speaks_to(Topic("participation", "actor"))
    ),
    opening.InquiryAsked: Rule(
        ("developer",),
        OPEN,
        (beginning.inquiry_is_new,),
        topics=moves(INQUIRY),
    ),
    opening.InquiryAnswered: Rule(
        ("centre", "agency"),
        KEPT,
        (beginning.inquiry_is_known,),
        topics=speaks_to(INQUIRY),
    ),
    opening.AgreementSigned: Rule(
        ("developer", "centre"),
        OPEN,
        (beginning.agreed_is_within_the_template,),
        topics=speaks_to(Topic("agreement")),
    ),
    opening.SubmissionReceived: Rule(
        ("developer",),
        OPEN,
        (
            beginning.is_no_inquiry,
            beginning.measured_variants_stay,
            beginning.weights_are_handed_in,
        ),
        topics=speaks_to(SUBMISSION),
    ),
    opening.DocumentHandedIn: Rule(
        EVERYONE, KEPT, (keeping.document_is_new,), topics=moves(DOCUMENT)
    ),
    opening.SubmissionAssessed: Rule(
        ("centre",),
        OPEN,
        (beginning.submission_is_current,),
        topics=speaks_to(SUBMISSION),
    ),
    # The clock.
    measuring.ClockAnchored: Rule(
        ("centre",),
        OPEN,
        (timing.window_is_laid_once,),
        topics=speaks_to(CLOCK),
    ),
    measuring.ClockPaused: Rule(
        ("developer", "centre"),
        OPEN,
        (timing.clock_runs,),
        topics=speaks_to(CLOCK),
    ),
    measuring.ClockResumed: Rule(
        ("developer", "centre"),
        OPEN,
        (timing.clock_stands,),
        topics=speaks_to(CLOCK),
    ),
    measuring.ClockExtended: Rule(
        ("developer",),
        OPEN,
        (timing.clock_can_be_extended,),
        topics=speaks_to(CLOCK),
    ),
    measuring.ClockEnded: Rule(
        ("developer", "centre"),
        OPEN,
        (timing.clock_has_not_ended,),
        topics=speaks_to(CLOCK),
    ),
    # Measuring.
    seeding.SeedCommitted: Rule(
        ("centre",),
        OPEN,
        (seeds.seed_is_of_the_next_battery, seeds.seed_is_committed_once),
        topics=moves(SEED),
    ),
    seeding.SeedContributed: Rule(
        ("developer",),
        OPEN,
        (seeds.seed_awaits_an_answer, seeds.answers_the_commitment, seeds.contributed_once),
        topics=moves(SEED),
    ),
    seeding.SeedRevealed: Rule(
        ("centre",),
        KEPT,
        (seeds.seed_is_of_a_sealed_battery, seeds.seed_is_closed),
        topics=moves(SEED),
    ),
    measuring.BatterySealed: Rule(
        ("centre",),
        OPEN,
        (
            sampling.is_agreed,
            sampling.submission_is_complete,
            sampling.is_not_halted,
            sampling.battery_is_new,
            sampling.item_sets_are_numeric,
            seeds.seed_is_the_one_committed_to,
        ),
        topics=moves(),
    ),
    measuring.SnapshotSeen: Rule(
        ("centre",),
        OPEN,
        (sampling.variant_is_current, sampling.snapshot_is_the_same),
        topics=by_machine(),
    ),
    measuring.SnapshotChanged: Rule(
        ("centre",),
        OPEN,
        (sampling.variant_is_current, sampling.new_variant_is_new),
        topics=by_machine(),
    ),
    # Open while halted: what had run already is recorded, or a halt would be a way to run it again.
    measuring.OutcomesRecorded: Rule(
        ("centre",),
        OPEN,
        (
            sampling.battery_has_the_items,
            sampling.variant_is_current,
            sampling.mode_is_known,
            sampling.outcomes_are_first,
            sampling.scores_stand_apart,
            sampling.comparisons_are_of_what_is_recorded,
            seeds.items_are_secret,
        ),
        topics=by_machine(),
    ),
    **LOOKING_RULES,
    measuring.VerdictReached: Rule(
        ("centre",),
        OPEN,
        (
            sampling.is_not_halted,
            sampling.battery_has_the_criterion,
            sampling.rates_are_the_frameworks,
            sampling.mode_is_judged,
            sampling.no_score_is_only_reported,
            sampling.counts_are_recorded,
            sampling.verdict_is_first,
            stopping.design_is_sealed,
            stopping.stop_is_on_the_prefix,
            stopping.claim_is_the_frameworks,
            bearing.losses_are_recorded,
            bearing.reasoning_is_recorded,
            bearing.references_are_recorded,
            bearing.word_follows,
        ),
        topics=by_machine(),
    ),
    measuring.SandboxBreached: Rule(("centre",), OPEN, topics=moves(HALT)),
    # Open while halted: a halt is one of its reasons.
    measuring.MeasuringStopped: Rule(
        ("centre",),
        OPEN,
        (sampling.battery_is_sealed,),
        topics=by_machine(),
    ),
    measuring.ReviewHalted: Rule(
        ("developer", "centre"),
        OPEN,
        (sampling.has_not_halted,),
        topics=never_stale(HALT),
    ),
    # Also once the case is over: a halt keeps what is there from being destroyed.
    measuring.ReviewResumed: Rule(
        ("developer", "centre"),
        HEARD,
        (sampling.has_halted,),
        topics=speaks_to(HALT),
    ),
    # Findings.
    judging.FindingSigned: Rule(
        ("centre", "co-evaluator"),
        OPEN,
        (finding.finding_is_new, finding.domain_is_known),
        topics=moves(FINDING),
    ),
    judging.OutsideFindingSigned: Rule(
        ("independent-evaluator",),
        OPEN,
        (finding.finding_is_new, finding.domain_is_known),
        topics=moves(FINDING),
    ),
    judging.FindingResponded: Rule(
        ("developer",),
        ALWAYS,
        (finding.finding_is_known,),
        topics=speaks_to(FINDING),
    ),
    judging.FindingDisputed: Rule(
        ("developer",),
        ALWAYS,
        (finding.finding_is_known,),
        topics=speaks_to(FINDING),
    ),
    judging.FindingRerun: Rule(
        ("centre", "co-evaluator", "independent-evaluator"),
        KEPT,
        (finding.finding_is_known, finding.finding_is_disputed, finding.finding_is_ones_own),
        topics=speaks_to(FINDING),
    ),
    judging.EvidenceDeclared: Rule(
        ("developer",),
        OPEN,
        (finding.criterion_is_declared,),
        topics=speaks_to(Topic("evidence", "criterion")),
    ),
    # What is told and was not measured here.
    telling.QuestionsAnswered: Rule(
        ("developer",), ALWAYS, topics=moves(Topic("questionnaire", "questionnaire"))
    ),
    telling.OutsideEvidenceImported: Rule(
        ("developer", "centre", "co-evaluator", "independent-evaluator", "agency"),
        KEPT,
        topics=moves(Topic("outside-evidence")),
    ),
    # Designation.
    judging.DesignationProposed: Rule(
        ("centre", "agency"),
        KEPT,
        (
            beginning.is_no_inquiry,
            designating.developer_has_not_left,
            designating.may_propose,
            designating.proposal_is_the_rules,
        ),
        topics=Topics((DESIGNATION,), (DESIGNATION, CONCURRENCE)),
    ),
    # Also once the developer has left: what an agency says of a proposal that stands is its own to
    # say.
    judging.DesignationConcurred: Rule(
        ("agency",),
        HEARD,
        (designating.may_concur, designating.speaks_to_the_question),
        topics=Topics((CONCURRENCE, OWN_CONCURRENCE), (DESIGNATION, OWN_CONCURRENCE)),
    ),
    judging.DesignationDissented: Rule(
        ("agency",),
        HEARD,
        (designating.may_concur, designating.speaks_to_the_question),
        topics=Topics((CONCURRENCE, OWN_CONCURRENCE), (DESIGNATION, OWN_CONCURRENCE)),
    ),
    judging.DesignationMade: Rule(
        ("agency",),
        KEPT,
        (
            designating.developer_has_not_left,
            designating.may_designate,
            designating.rests_on_newest,
            designating.nothing_is_made,
        ),
        topics=Topics((DESIGNATION,), (DESIGNATION, CONCURRENCE)),
    ),
    judging.DesignationRevised: Rule(
        ("agency",),
        KEPT,
        (
            designating.developer_has_not_left,
            designating.may_designate,
            designating.rests_on_newest,
            designating.something_is_made,
        ),
        topics=Topics((DESIGNATION,), (DESIGNATION, CONCURRENCE)),
    ),
    # Terms.
    settling.TermsOffered: Rule(
        ("developer", "centre", "agency"),
        KEPT,
        (agreeing.table_is_free,),
        topics=Topics((TERMS,), (TERMS, ANSWER)),
    ),
    settling.TermsCountered: Rule(
        ("developer", "centre", "agency", "trusted-partner"),
        KEPT,
        (agreeing.answered_terms_are_on_the_table, agreeing.offer_is_anothers),
        topics=Topics((TERMS,), (TERMS, ANSWER)),
    ),
    settling.TermsAgreed: Rule(
        ("developer", "centre", "agency", "trusted-partner"),
        KEPT,
        (agreeing.terms_are_on_the_table,),
        topics=Topics((ANSWER, OWN_ANSWER), (TERMS, OWN_ANSWER)),
    ),
    # In every status: whoever wants out of terms must never find the door shut.
    settling.TermsDeclined: Rule(
        ("developer", "centre", "agency", "trusted-partner"),
        ALWAYS,
        (agreeing.terms_are_on_the_table,),
        topics=Topics((ANSWER, OWN_ANSWER), (TERMS, OWN_ANSWER)),
    ),
    # Around release.
    settling.PostponementRequested: Rule(
        ("centre", "agency"),
        KEPT,
        (agreeing.request_is_new,),
        topics=moves(POSTPONEMENT),
    ),
    settling.PostponementAnswered: Rule(
        ("developer",),
        ALWAYS,
        (agreeing.request_is_known,),
        topics=speaks_to(POSTPONEMENT),
    ),
    settling.ReleaseCompared: Rule(
        ("centre",),
        KEPT,
        (agreeing.something_is_released,),
        topics=moves(Topic("release")),
    ),
    settling.DirectiveIssued: Rule(
        ("agency",),
        ALWAYS,
        (
            directing.agency_is_the_frameworks,
            directing.directive_is_new,
            directing.directive_is_next,
            directing.directive_ends_later,
            directing.restored_is_ones_own,
        ),
        topics=moves(DIRECTIVE),
    ),
    settling.DirectiveAnswered: Rule(
        ("developer",),
        ALWAYS,
        (
            directing.directive_is_known,
            directing.directive_is_unanswered,
            directing.class_is_authorised,
        ),
        topics=speaks_to(DIRECTIVE),
    ),
    settling.DirectiveAnswerRevised: Rule(
        ("developer",),
        ALWAYS,
        (directing.directive_is_known, directing.directive_is_answered),
        topics=speaks_to(DIRECTIVE),
    ),
    settling.DirectiveLifted: Rule(
        ("agency",),
        ALWAYS,
        (directing.directive_is_known, directing.directive_is_ones_own),
        topics=moves(DIRECTIVE, LIFTED),
    ),
    settling.StandingClassesAuthorised: Rule(
        ("developer",),
        ALWAYS,
        topics=speaks_to(Topic("standing")),
    ),
    settling.BundlePublished: Rule(
        ("developer",),
        ALWAYS,
        (
            directing.bundle_is_next,
            directing.bundled_terms_are_agreed,
            directing.bundled_directives_are_answered,
        ),
        # What it carries out was read before it was signed. One topic for all that is lifted: a
        # bundle may carry more directives than a deed may name topics.
        topics=Topics((BUNDLE,), (BUNDLE, TERMS, ANSWER, LIFTED)),
    ),
    settling.ReceiptNoted: Rule(
        ("developer",),
        ALWAYS,
        (directing.bundle_is_published, directing.receipt_is_new),
        topics=by_machine(),
    ),
    # What the installation says of the case that it keeps.
    settling.ReadsDigested: Rule(
        INSTALLATION_ALONE,
        HEARD,
        (keeping.day_is_over, keeping.day_is_not_digested),
        topics=by_machine(),
    ),
    # The end.
    settling.ReportIssued: Rule(
        ("centre",),
        KEPT,
        (agreeing.edition_is_next,),
        topics=by_machine(),
    ),
    settling.CaseClosed: Rule(
        ("developer", "centre"),
        ("open", "withdrawn"),
        # Whoever closes must have seen the last word of every person, or an answer would be cut off
        # by a deed that was signed before it.
        topics=Topics((STATUS,), (Topic(PEOPLE),)),
    ),
    settling.CaseDestroyed: Rule(
        ("centre",),
        OVER,
        (
            keeping.no_directive_is_in_force,
            keeping.no_dispute_is_open,
            keeping.no_halt_is_in_force,
        ),
        # Nothing may come between: whoever destroys must have seen everything that goes with it.
        topics=Topics((STATUS,), exact=True),
    ),
}
"""Every event but `case-opened`, which begins a case and has no case to be ruled by."""
OPENING = moves(STATUS)
"""The topics of `case-opened`."""
FOR_GOOD: tuple[type[Event], ...] = (
    settling.ReleaseAnnounced,
    settling.ReviewWithdrawn,
    settling.CaseClosed,
    settling.CaseDestroyed,
    measuring.ClockEnded,
    parting.PartyLeft,
    parting.PartyRemoved,
    joining.PartyRejoined,
    seeding.SeedRevealed,
)
"""What ends a case, its window, a party's part or its keys, tells of a release or opens a seed: no
later deed of whoever did it takes it back. Who does one by hand names the case by its whole id."""
