"""Verdicts of fixed designs: the framework's numbers meet the tallies of the record.

Those that may stop early are in `replaying`.
"""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from touchstone.framework import Framework, NumericCriterion
from touchstone.review.state import RunKey, State
from touchstone.statistics import (
    RateRule,
    Verdict,
    at_least_once,
    rate_above_reference,
    rate_against_threshold,
)

STEP = Decimal("0.000001")


@dataclass(frozen=True)
class Judged:
    """What one run of one criterion says."""

    key: RunKey
    criterion: NumericCriterion
    rule: RateRule
    """As applied: alpha is shared out among the modes in which the criterion may be crossed."""
    verdict: Verdict


def ways_of_crossing(criterion: NumericCriterion, state: State) -> int:
    """In how many modes of the variants under review the criterion is judged, as submitted.

    Not: how many of them have run so far. The shares are fixed before the first sample.
    """
    return sum(
        criterion.modes == "any" or mode in criterion.modes
        for variant in state.current_variants
        for mode in state.variants[variant].modes
    )


def rule_of(criterion: NumericCriterion, ways: int) -> RateRule:
    """The numbers of a criterion; each way of crossing it gets its share of alpha.

    The criterion is crossed if any mode crosses it, so a false "above" may come from each of them;
    a "below" needs every mode below, so beta needs no share.
    """
    return RateRule(
        threshold=float(criterion.threshold),
        zone=float(criterion.zone),
        # Rounded down to what the record can hold, so never laxer than the framework.
        alpha=float((Decimal(criterion.alpha) / ways).quantize(STEP, ROUND_FLOOR)),
        beta=float(criterion.beta),
        zone_side=criterion.zone_side,
    )


def judge(framework: Framework, state: State, battery: str) -> tuple[Judged, ...]:
    """The verdict of every run of a battery that is complete, in the order of recording.

    A run is complete when every item of its set has an outcome: the design is fixed, and a verdict
    from a part of it would depend on which samples happened to finish. Item sets that were sealed
    as sequential are left out.
    """
    sealed = state.batteries[battery]
    fixed = {part.criterion: part.size for part in sealed.item_sets if part.design == "fixed"}
    keys = [
        key
        for key, tally in state.tallies.items()
        if key.battery == battery
        and key.criterion in fixed
        and tally.attempt().prefix >= fixed[key.criterion]
    ]
    found = []
    for key in keys:
        criterion = framework.criterion(key.criterion)
        if not isinstance(criterion, NumericCriterion) or key.variant == criterion.reference:
            continue
        rule = rule_of(criterion, ways_of_crossing(criterion, state))
        if verdict := _verdict(criterion, state, key, rule):
            found.append(Judged(key, criterion, rule, verdict))
    return tuple(found)


def _verdict(
    criterion: NumericCriterion, state: State, key: RunKey, rule: RateRule
) -> Verdict | None:
    """None where the criterion's own needs (a reference model) are not met."""
    solved, counted = state.tallies[key].attempt().counts()
    if criterion.measure == "success-rate":
        return rate_against_threshold(solved, counted, rule)
    if criterion.measure == "at-least-once-in-k":
        return at_least_once(solved, counted, rule)
    for other, tally in state.tallies.items():
        if other[:2] == key[:2] and other.variant == criterion.reference:
            return rate_above_reference(solved, counted, *tally.attempt().counts(), rule)
    return None
