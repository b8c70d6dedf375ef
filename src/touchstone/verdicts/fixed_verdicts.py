"""Verdicts of fixed designs: the framework's numbers meet the tallies of the record.

Those that may stop early are in `sequential_verdicts`.
"""

from dataclasses import dataclass

from touchstone.framework import Framework, NumericCriterion
from touchstone.review.events import measuring
from touchstone.review.recounting import references_of, rule_of, shown, whole
from touchstone.review.shares import ways_of_crossing
from touchstone.review.state import RunKey, State
from touchstone.statistics import FixedVerdict, RateRule, VerdictWord


@dataclass(frozen=True)
class Judged:
    """What one run of one criterion says."""

    key: RunKey
    criterion: NumericCriterion
    rule: RateRule
    """As applied: alpha is shared out among the modes in which the criterion may be crossed, beta
    among the modes of the reference."""
    verdict: FixedVerdict
    unmeasured: measuring.Unmeasured
    reasoning: measuring.Reasoning
    references: tuple[measuring.Reference, ...] = ()
    """Each mode of the reference, where there is one to compare with."""

    @property
    def word(self) -> VerdictWord:
        """What is said: no "below" of a mode that asks for reasoning and is not shown to be on."""
        return shown(self.verdict.word, self.reasoning)

    @property
    def beta(self) -> str:
        """The beta applied, as the record writes it."""
        # Unshared, it is the framework's own decimal, which a float might spell otherwise.
        unshared = self.rule.beta == float(self.criterion.beta)
        return self.criterion.beta if unshared else f"{self.rule.beta:.6f}"


def judge(framework: Framework, state: State, battery: str) -> tuple[Judged, ...]:
    """The verdict of every run of a battery that is complete, in the order of recording.

    A run is complete when every item of its set has an outcome: the design is fixed, and a verdict
    from a part of it would depend on which samples happened to finish. Item sets that were sealed
    as sequential are left out, and criteria of which some score is only reported.
    """
    sealed = state.batteries[battery]
    reported = {
        key.criterion
        for key, tally in state.tallies.items()
        if key.battery == battery and tally.reported
    }
    fixed = {
        part.criterion: part.size
        for part in sealed.item_sets
        if part.design == "fixed" and part.criterion not in reported
    }
    keys = [
        key
        for key, tally in state.tallies.items()
        if key.battery == battery
        and key.criterion in fixed
        # By the prefix: a gap would mean that some outcome was left out.
        and tally.attempt().prefix >= fixed[key.criterion]
    ]
    found = []
    for key in keys:
        criterion = framework.criterion(key.criterion)
        if not isinstance(criterion, NumericCriterion) or not state.under_review(key.variant):
            continue
        # A reference is compared with and never judged (ADR 160).
        if key.variant == criterion.reference:
            continue
        references = references_of(criterion, state, battery)
        # Some mode of the reference has not run whole: there is nothing yet to compare with.
        if criterion.reference is not None and not references:
            continue
        # Each mode in which it may be crossed is a chance to err, and they share one alpha.
        ways = ways_of_crossing(criterion, state)
        rule = rule_of(criterion, ways, len(references))
        attempt = state.tallies[key].attempt()
        lost, counts = attempt.unmeasured(), (attempt.counts()[0], fixed[key.criterion])
        verdict = whole(criterion, rule, (*counts, lost.total), references)
        found.append(Judged(key, criterion, rule, verdict, lost, state.reasoning(key), references))
    return tuple(found)
