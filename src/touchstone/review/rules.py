"""Who may do what, and when: one row for each type of event.

A row's guards say what else must hold; `guards.py` has them. Release and withdrawal have none, and
never may: `tests/unit/review/test_laws.py` holds every row to that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from touchstone.framework import Framework
from touchstone.review import guards
from touchstone.review.events import judging, measuring, opening, settling
from touchstone.review.events.base import Event, Role
from touchstone.review.state import State, Status

Guard = Callable[[Framework, State, Any], str | None]
"""Why the deed may not be done in this state; None if it may."""

EVERYONE: tuple[Role, ...] = get_args(Role)
OPEN: tuple[Status, ...] = ("open",)
KEPT: tuple[Status, ...] = ("open", "closed")
OVER: tuple[Status, ...] = ("withdrawn", "closed")
ALWAYS: tuple[Status, ...] = ("open", "withdrawn", "closed", "destroyed")
_WHEN = {
    OPEN: "while the case is open",
    KEPT: "while the case is open or closed",
    OVER: "once the case is withdrawn or closed",
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
        who = "every party" if self.roles == EVERYONE else " or ".join(self.roles)
        return f"for {who}, {_WHEN[self.when]}"


RULES: Mapping[type[Event], Rule] = {
    # Always the developer's own: no guards.
    settling.ReleaseAnnounced: Rule(("developer",), ALWAYS),
    settling.ReviewWithdrawn: Rule(("developer",), ALWAYS),
    # Parties and agreement.
    opening.PartyAdmitted: Rule(EVERYONE, ALWAYS, (guards.admits_fairly,)),
    opening.ParticipationNoted: Rule(EVERYONE, ALWAYS),
    opening.InquiryAsked: Rule(("developer",), OPEN, (guards.inquiry_is_new,)),
    opening.InquiryAnswered: Rule(("centre", "agency"), OPEN, (guards.inquiry_is_known,)),
    opening.AgreementSigned: Rule(("developer", "centre"), OPEN),
    opening.SubmissionReceived: Rule(
        ("developer",), OPEN, (guards.is_no_inquiry, guards.measured_variants_stay)
    ),
    opening.SubmissionAssessed: Rule(("centre",), OPEN, (guards.submission_is_current,)),
    # The clock.
    measuring.ClockAnchored: Rule(("centre",), OPEN, (guards.window_is_laid_once,)),
    measuring.ClockPaused: Rule(("developer", "centre"), OPEN, (guards.clock_runs,)),
    measuring.ClockResumed: Rule(("developer", "centre"), OPEN, (guards.clock_stands,)),
    measuring.ClockExtended: Rule(("developer",), OPEN, (guards.clock_can_be_extended,)),
    measuring.ClockEnded: Rule(("developer", "centre"), OPEN, (guards.clock_has_not_ended,)),
    # Measuring.
    measuring.BatterySealed: Rule(
        ("centre",),
        OPEN,
        (
            guards.is_agreed,
            guards.submission_is_complete,
            guards.is_not_halted,
            guards.battery_is_new,
            guards.item_sets_are_numeric,
        ),
    ),
    measuring.SnapshotSeen: Rule(
        ("centre",), OPEN, (guards.variant_is_current, guards.snapshot_is_the_same)
    ),
    measuring.SnapshotChanged: Rule(
        ("centre",), OPEN, (guards.variant_is_current, guards.new_variant_is_new)
    ),
    # Open while halted: what had run already is recorded, or a halt would be a way to run it again.
    measuring.OutcomesRecorded: Rule(
        ("centre",),
        OPEN,
        (
            guards.battery_has_the_items,
            guards.variant_is_current,
            guards.mode_is_known,
            guards.outcomes_are_first,
        ),
    ),
    measuring.VerdictReached: Rule(
        ("centre",),
        OPEN,
        (
            guards.is_not_halted,
            guards.battery_has_the_criterion,
            guards.rates_are_the_frameworks,
            guards.mode_is_judged,
            guards.counts_are_recorded,
        ),
    ),
    measuring.SandboxBreached: Rule(("centre",), OPEN),
    measuring.ReviewHalted: Rule(("developer", "centre"), OPEN, (guards.has_not_halted,)),
    measuring.ReviewResumed: Rule(("developer", "centre"), OPEN, (guards.has_halted,)),
    # Findings.
    judging.FindingSigned: Rule(
        ("centre", "co-evaluator"), OPEN, (guards.finding_is_new, guards.domain_is_known)
    ),
    judging.OutsideFindingSigned: Rule(
        ("independent-evaluator",), OPEN, (guards.finding_is_new, guards.domain_is_known)
    ),
    judging.FindingResponded: Rule(("developer",), ALWAYS, (guards.finding_is_known,)),
    judging.FindingDisputed: Rule(("developer",), ALWAYS, (guards.finding_is_known,)),
    judging.FindingRerun: Rule(
        ("centre", "co-evaluator", "independent-evaluator"),
        KEPT,
        (guards.finding_is_known, guards.finding_is_disputed, guards.finding_is_ones_own),
    ),
    judging.EvidenceDeclared: Rule(("developer",), OPEN, (guards.criterion_is_declared,)),
    # Designation.
    judging.DesignationProposed: Rule(
        ("centre", "agency"),
        OPEN,
        (guards.is_no_inquiry, guards.may_propose, guards.proposal_is_the_rules),
    ),
    judging.DesignationConcurred: Rule(
        ("agency",), KEPT, (guards.may_concur, guards.speaks_to_the_question)
    ),
    judging.DesignationDissented: Rule(
        ("agency",), KEPT, (guards.may_concur, guards.speaks_to_the_question)
    ),
    judging.DesignationMade: Rule(
        ("agency",),
        OPEN,
        (guards.may_designate, guards.rests_on_newest, guards.nothing_is_made),
    ),
    judging.DesignationRevised: Rule(
        ("agency",),
        KEPT,
        (guards.may_designate, guards.rests_on_newest, guards.something_is_made),
    ),
    # Terms.
    settling.TermsOffered: Rule(("developer", "centre", "agency"), KEPT, (guards.table_is_free,)),
    settling.TermsCountered: Rule(
        ("developer", "centre", "agency", "trusted-partner"),
        KEPT,
        (guards.answered_terms_are_on_the_table, guards.offer_is_anothers),
    ),
    settling.TermsAgreed: Rule(
        ("developer", "centre", "agency", "trusted-partner"),
        KEPT,
        (guards.terms_are_on_the_table,),
    ),
    settling.TermsDeclined: Rule(
        ("developer", "centre", "agency", "trusted-partner"),
        ALWAYS,
        (guards.terms_are_on_the_table,),
    ),
    # Around release.
    settling.PostponementRequested: Rule(("centre", "agency"), OPEN, (guards.request_is_new,)),
    settling.PostponementAnswered: Rule(("developer",), ALWAYS, (guards.request_is_known,)),
    settling.ReleaseCompared: Rule(("centre",), KEPT, (guards.something_is_released,)),
    settling.DirectiveIssued: Rule(("agency",), ALWAYS, (guards.directive_is_new,)),
    settling.DirectiveAnswered: Rule(("developer",), ALWAYS, (guards.directive_is_known,)),
    settling.DirectiveLifted: Rule(
        ("agency",), ALWAYS, (guards.directive_is_known, guards.directive_is_ones_own)
    ),
    # The end.
    settling.ReportIssued: Rule(("centre",), KEPT, (guards.edition_is_next,)),
    settling.CaseClosed: Rule(("developer", "centre"), ("open", "withdrawn")),
    settling.CaseDestroyed: Rule(("centre",), OVER),
}
"""Every event but `case-opened`, which begins a case and has no case to be ruled by."""
