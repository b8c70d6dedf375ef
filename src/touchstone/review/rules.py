"""Who may do what, and when: one row for each type of event.

A row's guards say what else must hold; `guards/` has them. Release and withdrawal have none, and
never may: `tests/unit/review/test_laws.py` holds every row to that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from touchstone.framework import Framework
from touchstone.review.events import judging, measuring, opening, settling
from touchstone.review.events.base import Event, Role
from touchstone.review.guards import (
    agreeing,
    bearing,
    beginning,
    designating,
    directing,
    finding,
    sampling,
    stopping,
    timing,
)
from touchstone.review.state import State, Status

Guard = Callable[[Framework, State, Any], str | None]
"""Why the deed may not be done in this state; None if it may."""

EVERYONE: tuple[Role, ...] = get_args(Role)
OPEN: tuple[Status, ...] = ("open",)
KEPT: tuple[Status, ...] = ("open", "closed")
OVER: tuple[Status, ...] = ("withdrawn", "closed")
HEARD: tuple[Status, ...] = ("open", "withdrawn", "closed")
ALWAYS: tuple[Status, ...] = ("open", "withdrawn", "closed", "destroyed")
_WHEN = {
    OPEN: "while the case is open",
    KEPT: "while the case is open or closed",
    OVER: "once the case is withdrawn or closed",
    HEARD: "until the case is destroyed",
    ("open", "withdrawn"): "while the case is open or withdrawn",
    ALWAYS: "at any time",
}


@dataclass(frozen=True)
class Rule:
    """Which roles may do a deed, in which statuses of the case, and what else must hold."""

    roles: tuple[Role, ...]
    when: tuple[Status, ...]
    guards: tuple[Guard, ...] = ()

    @property
    def sentence(self) -> str:
        """Who and when, in words, as `for the developer, at any time`."""
        who = "every party" if self.roles == EVERYONE else "the " + " or ".join(self.roles)
        return f"for {who}, {_WHEN[self.when]}"


RULES: Mapping[type[Event], Rule] = {
    # Always the developer's own: no guards.
    settling.ReleaseAnnounced: Rule(("developer",), ALWAYS),
    settling.ReviewWithdrawn: Rule(("developer",), ALWAYS),
    # Parties and agreement.
    opening.PartyAdmitted: Rule(
        EVERYONE,
        ALWAYS,
        (
            beginning.admits_fairly,
            beginning.is_no_word_of_the_system,
            beginning.nobody_joins_late,
        ),
    ),
    opening.ParticipationNoted: Rule(EVERYONE, ALWAYS),
    opening.InquiryAsked: Rule(("developer",), OPEN, (beginning.inquiry_is_new,)),
    opening.InquiryAnswered: Rule(("centre", "agency"), KEPT, (beginning.inquiry_is_known,)),
    opening.AgreementSigned: Rule(("developer", "centre"), OPEN),
    opening.SubmissionReceived: Rule(
        ("developer",), OPEN, (beginning.is_no_inquiry, beginning.measured_variants_stay)
    ),
    opening.SubmissionAssessed: Rule(("centre",), OPEN, (beginning.submission_is_current,)),
    # The clock.
    measuring.ClockAnchored: Rule(("centre",), OPEN, (timing.window_is_laid_once,)),
    measuring.ClockPaused: Rule(("developer", "centre"), OPEN, (timing.clock_runs,)),
    measuring.ClockResumed: Rule(("developer", "centre"), OPEN, (timing.clock_stands,)),
    measuring.ClockExtended: Rule(("developer",), OPEN, (timing.clock_can_be_extended,)),
    measuring.ClockEnded: Rule(("developer", "centre"), OPEN, (timing.clock_has_not_ended,)),
    # Measuring.
    measuring.BatterySealed: Rule(
        ("centre",),
        OPEN,
        (
            sampling.is_agreed,
            sampling.submission_is_complete,
            sampling.is_not_halted,
            sampling.battery_is_new,
            sampling.item_sets_are_numeric,
        ),
    ),
    measuring.SnapshotSeen: Rule(
        ("centre",), OPEN, (sampling.variant_is_current, sampling.snapshot_is_the_same)
    ),
    measuring.SnapshotChanged: Rule(
        ("centre",), OPEN, (sampling.variant_is_current, sampling.new_variant_is_new)
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
            sampling.comparisons_are_of_what_is_recorded,
        ),
    ),
    measuring.VerdictReached: Rule(
        ("centre",),
        OPEN,
        (
            sampling.is_not_halted,
            sampling.battery_has_the_criterion,
            sampling.rates_are_the_frameworks,
            sampling.mode_is_judged,
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
    ),
    measuring.SandboxBreached: Rule(("centre",), OPEN),
    # Open while halted: a halt is one of its reasons.
    measuring.MeasuringStopped: Rule(("centre",), OPEN, (sampling.battery_is_sealed,)),
    measuring.ReviewHalted: Rule(("developer", "centre"), OPEN, (sampling.has_not_halted,)),
    measuring.ReviewResumed: Rule(("developer", "centre"), OPEN, (sampling.has_halted,)),
    # Findings.
    judging.FindingSigned: Rule(
        ("centre", "co-evaluator"), OPEN, (finding.finding_is_new, finding.domain_is_known)
    ),
    judging.OutsideFindingSigned: Rule(
        ("independent-evaluator",), OPEN, (finding.finding_is_new, finding.domain_is_known)
    ),
    judging.FindingResponded: Rule(("developer",), ALWAYS, (finding.finding_is_known,)),
    judging.FindingDisputed: Rule(("developer",), ALWAYS, (finding.finding_is_known,)),
    judging.FindingRerun: Rule(
        ("centre", "co-evaluator", "independent-evaluator"),
        KEPT,
        (finding.finding_is_known, finding.finding_is_disputed, finding.finding_is_ones_own),
    ),
    judging.EvidenceDeclared: Rule(("developer",), OPEN, (finding.criterion_is_declared,)),
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
    ),
    judging.DesignationConcurred: Rule(
        ("agency",), HEARD, (designating.may_concur, designating.speaks_to_the_question)
    ),
    judging.DesignationDissented: Rule(
        ("agency",), HEARD, (designating.may_concur, designating.speaks_to_the_question)
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
    ),
    # Terms.
    settling.TermsOffered: Rule(("developer", "centre", "agency"), KEPT, (agreeing.table_is_free,)),
    settling.TermsCountered: Rule(
        ("developer", "centre", "agency", "trusted-partner"),
        KEPT,
        (agreeing.answered_terms_are_on_the_table, agreeing.offer_is_anothers),
    ),
    settling.TermsAgreed: Rule(
        ("developer", "centre", "agency", "trusted-partner"),
        KEPT,
        (agreeing.terms_are_on_the_table,),
    ),
    settling.TermsDeclined: Rule(
        ("developer", "centre", "agency", "trusted-partner"),
        ALWAYS,
        (agreeing.terms_are_on_the_table,),
    ),
    # Around release.
    settling.PostponementRequested: Rule(("centre", "agency"), KEPT, (agreeing.request_is_new,)),
    settling.PostponementAnswered: Rule(("developer",), ALWAYS, (agreeing.request_is_known,)),
    settling.ReleaseCompared: Rule(("centre",), KEPT, (agreeing.something_is_released,)),
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
    ),
    settling.DirectiveAnswered: Rule(
        ("developer",),
        ALWAYS,
        (
            directing.directive_is_known,
            directing.directive_is_unanswered,
            directing.class_is_authorised,
        ),
    ),
    settling.DirectiveAnswerRevised: Rule(
        ("developer",), ALWAYS, (directing.directive_is_known, directing.directive_is_answered)
    ),
    settling.DirectiveLifted: Rule(
        ("agency",), ALWAYS, (directing.directive_is_known, directing.directive_is_ones_own)
    ),
    settling.StandingClassesAuthorised: Rule(("developer",), ALWAYS),
    settling.BundlePublished: Rule(
        ("developer",),
        ALWAYS,
        (
            directing.bundle_is_next,
            directing.bundled_terms_are_agreed,
            directing.bundled_directives_are_answered,
        ),
    ),
    settling.ReceiptNoted: Rule(
        ("developer",), ALWAYS, (directing.bundle_is_published, directing.receipt_is_new)
    ),
    # The end.
    settling.ReportIssued: Rule(("centre",), KEPT, (agreeing.edition_is_next,)),
    settling.CaseClosed: Rule(("developer", "centre"), ("open", "withdrawn")),
    settling.CaseDestroyed: Rule(("centre",), OVER),
}
"""Every event but `case-opened`, which begins a case and has no case to be ruled by."""
