"""What the rule proposes, criterion by criterion, and who has agreed with it.

The rule looks at verdicts and declared evidence only. It proposes; officials designate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from touchstone.framework import Criterion, DeclaredCriterion, Framework, NumericCriterion
from touchstone.ledger import digest_value
from touchstone.review.events.base import LONGEST_LINE
from touchstone.review.events.judging import (
    CriterionSays,
    Designation,
    DesignationConcurred,
    DesignationProposed,
)
from touchstone.review.events.measuring import Reference, VerdictReached
from touchstone.review.state import State
from touchstone.statistics import VerdictWord

Concurrence = Literal["concurred", "dissented", "missing"]


@dataclass(frozen=True)
class CriterionReason:
    """What one criterion says, and why in one line."""

    criterion: str
    says: Literal["met", "not-met", "undetermined"]
    reason: str


@dataclass(frozen=True)
class Proposal:
    """What the rule gives: the designation, why in one line, and what each criterion says."""

    designation: Designation
    summary: str
    reasons: tuple[CriterionReason, ...]

    @property
    def says(self) -> tuple[CriterionSays, ...]:
        """What each criterion says, as the event has it."""
        return tuple(CriterionSays(criterion=r.criterion, says=r.says) for r in self.reasons)

    @property
    def words(self) -> dict[str, Any]:
        """Why, as the content that goes with the event."""
        reasons = {each.criterion: each.reason for each in self.reasons}
        return {"summary": self.summary, "reasons": reasons}

    @property
    def proposed(self) -> tuple[Designation, tuple[CriterionSays, ...], str]:
        """What the event says of it: the last is the digest of the words."""
        return self.designation, self.says, digest_value(self.words)


def reasons_of(
    event: DesignationProposed, words: Mapping[str, Any] | None
) -> tuple[CriterionReason, ...]:
    """What each criterion of a recorded proposal says, with the rule's words where they are there.

    Args:
        event: The proposal.
        words: The content that goes with it; None where it is not to be read.
    """
    why = (words or {}).get("reasons", {})
    return tuple(
        CriterionReason(each.criterion, each.says, why.get(each.criterion, ""))
        for each in event.says
    )


def propose_designation(framework: Framework, state: State) -> Proposal:
    """What the rule proposes for the case as it stands.

    Covered: some criterion is met. Not covered: there are criteria and each says not-met. Anything
    else, and above all anything unmeasured, is undetermined. Nothing here binds anyone.
    """
    said = tuple(_said(criterion, state) for criterion in framework.criteria)
    reasons = tuple(reason for reason, _ in said)
    wanting = [reason.criterion for reason, measured in said if not measured]
    met = [each.criterion for each in reasons if each.says == "met"]
    unclear = [each.criterion for each in reasons if each.says == "undetermined"]
    designation, summary = _proposed(met, unclear, wanting, any_stated=bool(reasons))
    return Proposal(designation, _cut(summary), reasons)


def _proposed(
    met: list[str], unclear: list[str], wanting: list[str], *, any_stated: bool
) -> tuple[Designation, str]:
    # One criterion is enough, whatever else could not be measured: a missing answer must not hide a
    # met one.
    if met:
        return "covered", f"met: {_list(met)}"
    # A framework without criteria would else be met by nobody, and "not covered" by default.
    if not any_stated:
        return "undetermined", "the framework states no criterion"
    if wanting:
        text = f"undetermined, because not measured: {_list(wanting)}"
        others = [each for each in unclear if each not in wanting]
        return "undetermined", text + (f"; unclear: {_list(others)}" if others else "")
    if unclear:
        return "undetermined", f"nothing is met, but unclear: {_list(unclear)}"
    return "not-covered", "every criterion was looked at and none is met"


def concurrences(state: State, framework: Framework) -> Mapping[str, Concurrence]:
    """What each agency whose concurrence is asked for, or who spoke, says to what is in question.

    An agency that has said nothing, or spoke to another proposal or designation, is `missing`.
    """
    asked = framework.designation.must_concur if framework.designation else ()
    designating = state.designating
    found: dict[str, Concurrence] = dict.fromkeys(asked, "missing")
    for agency, answer in designating.answers.items():
        # What an agency agreed to is a designation; officials who decide otherwise have not got its
        # word for that.
        if answer.designation != designating.in_question:
            found.setdefault(agency, "missing")
        else:
            agrees = isinstance(answer, DesignationConcurred)
            found[agency] = "concurred" if agrees else "dissented"
    return found


def _cut(text: str) -> str:
    """As much of it as the record takes in one line."""
    return text if len(text) <= LONGEST_LINE else text[: LONGEST_LINE - 1] + "…"


def _list(ids: list[str], most: int = 6) -> str:
    more = len(ids) - most
    return ", ".join(ids[:most]) + (f" and {more} more" if more > 0 else "")


def _said(criterion: Criterion, state: State) -> tuple[CriterionReason, bool]:
    """What a criterion says, and whether enough was measured for it to say anything."""
    measured = True
    if isinstance(criterion, DeclaredCriterion):
        says, why = _declared(criterion, state)
    else:
        says, why, measured = _measured(criterion, state)
    return CriterionReason(criterion.id, says, _cut(why)), measured


NOT_MEASURED = "not measured: "
"""How the reason of a criterion begins for which too little was measured; for those who show it."""
WHOSE = {
    "refused": "refused by the model or its provider",
    "no-attempt": "without an attempt by the model",
    "cut": "cut at an output limit",
    "lost-endpoint": "lost to the endpoint",
    "lost-instrument": "lost to the instrument",
}
"""Whose doing it was that a sample measured nothing."""


def whose(verdict: VerdictReached) -> str:
    """Why a verdict is "not-measured", as `of 25 samples 25 lost to the endpoint`."""
    told = [("samples", verdict)] + [
        (f"samples of the reference in {each.mode} mode", each) for each in verdict.references
    ]
    wanting = [(samples, each, _wanting(each)) for samples, each in told]
    return "; ".join(
        f"of {each.counted} {samples} {', '.join(kinds)}"
        for samples, each, kinds in wanting
        if kinds
    )


def _wanting(counted: VerdictReached | Reference) -> list[str]:
    kinds = [f"{count} {WHOSE[kind]}" for kind, count in counted.unmeasured.by_kind.items()]
    if counted.reasoning == "not-seen":
        kinds.append("the mode asks for reasoning and showed none, so it is not shown to be on")
    if counted.reasoning == "alike":
        kinds.append(
            "the mode answered alike on every item as one that asks for reasoning otherwise, so it "
            "is not shown to be on"
        )
    return kinds


Says = Literal["met", "not-met", "undetermined"]


def _declared(criterion: DeclaredCriterion, state: State) -> tuple[Says, str]:
    evidence = state.declared.get(criterion.id)
    if evidence is None:
        return "undetermined", "no evidence is declared yet"
    if evidence.shows == "inconclusive":
        return "undetermined", f"{evidence.actor} declares its evidence inconclusive"
    # The declaring party is named: this is its word, and nobody's measurement.
    return evidence.shows, f"{evidence.actor} declares it {evidence.shows}; nobody measured it"


def _measured(criterion: NumericCriterion, state: State) -> tuple[Says, str, bool]:
    """What is said, why, and whether enough was measured to say anything."""
    reached = {
        (key.variant, key.mode, key.battery): verdict
        for key, verdict in state.verdicts.items()
        if key.criterion == criterion.id and state.under_review(key.variant)
    }
    # One "above" stands against any number of others: no battery can be run again until it passes.
    for (variant, mode, battery), verdict in reached.items():
        if verdict.verdict == VerdictWord.ABOVE:
            rate = _claimed(verdict, criterion)
            return "met", f"above {rate}: {variant} in {mode} mode, battery {battery}", True
    wanted = [
        (variant, mode)
        for variant in state.current_variants
        for mode in state.variants[variant].modes
        if criterion.modes == "any" or mode in criterion.modes
    ]
    # A named mode that nobody handed in may be where the criterion is crossed (ADR 204).
    missing = [f"nothing was submitted in {mode} mode" for mode in _absent(criterion, wanted)]
    unclear = []
    if not wanted and not missing:
        missing.append("nothing was submitted")
    for variant, mode in wanted:
        where = f"{variant} in {mode} mode"
        verdicts = [v for (a, b, _), v in reached.items() if (a, b) == (variant, mode)]
        if not verdicts:
            missing.append(where + _unreached(state, criterion.id, variant, mode))
        lost = [v for v in verdicts if v.verdict == VerdictWord.NOT_MEASURED]
        missing += [f"{where}: {whose(verdict)}" for verdict in lost]
        unclear += [
            f"{v.verdict}: {where}"
            for v in verdicts
            if v.verdict not in {VerdictWord.BELOW, VerdictWord.NOT_MEASURED}
        ]
    if missing:
        return "undetermined", NOT_MEASURED + "; ".join(missing + unclear), False
    if unclear:
        return "undetermined", "; ".join(unclear), True
    rates = dict.fromkeys(
        _claimed(v, criterion) for v in reached.values() if v.verdict == VerdictWord.BELOW
    )
    where = _list([f"{variant} in {mode} mode" for variant, mode in wanted])
    return "not-met", f"below {' or '.join(rates)}, as elicited: {where}", True


STOPPED = {
    "cap": "a cap of the submission is reached",
    "halted": "it was halted",
    "breach": "the sandbox was breached",
    "snapshot-changed": "another model answers at the endpoint",
    "endpoint-failing": "the endpoint keeps failing",
    "instrument-failing": "the instrument itself keeps failing",
}
"""Why measuring stopped, as people say it."""


def _unreached(state: State, criterion: str, variant: str, mode: str) -> str:
    """Why there is no verdict: how many samples ran of how many, and what stopped the rest."""
    sealed = [
        (name, part)
        for name, battery in state.batteries.items()
        if (part := battery.item_set(criterion))
    ]
    if not sealed:
        return ""
    name, part = sealed[-1]
    attempt = state.tally(name, criterion, variant, mode).attempt()
    ran = attempt.recorded.bit_count()
    told = [f"no verdict, {ran} of {part.size} samples ran"]
    told += [f"{n} {WHOSE[kind]}" for kind, n in attempt.unmeasured().by_kind.items()]
    if ran < part.size and state.stopped is not None:
        told.append(f"measuring stopped because {STOPPED[state.stopped.reason]}")
    elif ran < part.size and state.halted:
        told.append("the review was halted")
    return f": {', '.join(told)}"


def _absent(criterion: NumericCriterion, wanted: Sequence[tuple[str, str]]) -> list[str]:
    """The modes that the criterion names and nobody handed in: they may be where it is crossed."""
    if criterion.modes == "any":
        return []
    submitted = {mode for _, mode in wanted}
    return [mode for mode in criterion.modes if mode not in submitted]


def _claimed(verdict: VerdictReached, criterion: NumericCriterion) -> str:
    """The rate that a verdict's word is about. With a zone an early one claims less than a late."""
    claimed = verdict.stop.claimed if verdict.stop else None
    if claimed is None or Decimal(claimed) == Decimal(criterion.threshold):
        return "the threshold"
    less = "less" if verdict.verdict == VerdictWord.ABOVE else "plus"
    return f"{claimed}, the threshold {less} its zone"
