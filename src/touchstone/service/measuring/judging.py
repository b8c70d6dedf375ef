"""Verdicts of fixed designs: the framework's numbers meet the tallies of the record.

Those that may stop early are in `replaying`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from typing import Literal

from touchstone.framework import Framework, NumericCriterion
from touchstone.review.events import measuring
from touchstone.review.state import Attempt, RunKey, State
from touchstone.statistics import (
    RateRule,
    Verdict,
    VerdictWord,
    at_least_once,
    rate_above_reference,
    rate_against_threshold,
)

STEP = Decimal("0.000001")
Counts = tuple[tuple[int, int], int]
"""((solved, recorded), how many of these measured nothing)."""
Reasoning = Literal["not-asked", "seen", "not-seen", "alike"]
"""Whether a mode asks the model to reason, and whether any reasoning was seen; `alike`: some was,
and a mode that asks otherwise answered alike on every item."""


def shown(word: VerdictWord, reasoning: Reasoning) -> VerdictWord:
    """The word, but no "below" of a mode that asks for reasoning and is not shown to be on.

    What was measured may be another mode, where it has shown no reasoning or answers as another.
    """
    if word is VerdictWord.BELOW and reasoning in {"not-seen", "alike"}:
        return VerdictWord.NOT_MEASURED
    return word


@dataclass(frozen=True)
class Judged:
    """What one run of one criterion says."""

    key: RunKey
    criterion: NumericCriterion
    rule: RateRule
    """As applied: alpha is shared out among the modes in which the criterion may be crossed, beta
    among the modes of the reference."""
    verdict: Verdict
    unmeasured: measuring.Unmeasured
    reasoning: Reasoning

    @property
    def word(self) -> VerdictWord:
        """What is said: no "below" of a mode that asks for reasoning and is not shown to be on."""
        return shown(self.verdict.word, self.reasoning)

    @property
    def beta(self) -> str:
        """The beta applied, as the record writes it."""
        whole = self.rule.beta == float(self.criterion.beta)
        return self.criterion.beta if whole else f"{self.rule.beta:.6f}"


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
        alpha=_share(criterion.alpha, ways),
        beta=float(criterion.beta),
        zone_side=criterion.zone_side,
    )


def _share(level: str, ways: int) -> float:
    """Rounded down to what the record can hold, so never laxer than the framework."""
    return float((Decimal(level) / ways).quantize(STEP, ROUND_FLOOR))


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
        if not isinstance(criterion, NumericCriterion) or not state.under_review(key.variant):
            continue
        if key.variant == criterion.reference:
            continue
        rule = rule_of(criterion, ways_of_crossing(criterion, state))
        attempt = state.tallies[key].attempt()
        counts, lost = _counts(attempt)
        shows = (attempt.unmeasured(), state.reasoning(key))
        if criterion.measure == "relative-to-reference":
            others = _references(criterion, state, key, fixed[key.criterion])
            if others:
                rule = replace(rule, beta=_share(criterion.beta, len(others)))
                found.append(
                    Judged(key, criterion, rule, _compared((counts, lost), others, rule), *shows)
                )
        elif criterion.measure == "at-least-once-in-k":
            found.append(Judged(key, criterion, rule, at_least_once(*counts, rule, lost), *shows))
        else:
            verdict = rate_against_threshold(*counts, rule, lost)
            found.append(Judged(key, criterion, rule, verdict, *shows))
    return tuple(found)


def _references(criterion: NumericCriterion, state: State, key: RunKey, size: int) -> list[Counts]:
    """Counts of the reference in each of its modes; nothing until all have run whole."""
    reference = state.variants.get(criterion.reference or "")
    modes = () if reference is None else reference.modes
    tried = [state.tally(key.battery, key.criterion, criterion.reference or "", m).attempt()
             for m in modes]  # fmt: skip
    whole = all(attempt.prefix >= size for attempt in tried)
    return [_counts(attempt) for attempt in tried] if whole else []


def _compared(own: Counts, others: Sequence[Counts], rule: RateRule) -> Verdict:
    """Against the reference at its best: above needs every one of its modes exceeded by as much.

    Each comparison may then take the whole of alpha, since all must say "above"; "below" is said
    where one of them says so, so each has a share of beta.
    """
    counts, lost = own
    said = [rate_above_reference(*counts, *other, rule, lost, missed) for other, missed in others]
    nearest = min(said, key=lambda each: each.lower + each.upper)
    words = {each.word for each in said}
    if VerdictWord.BELOW in words:
        return replace(nearest, word=VerdictWord.BELOW)
    for word in (
        VerdictWord.NOT_MEASURED,
        VerdictWord.UNDETERMINED,
        VerdictWord.AT_CEILING,
        VerdictWord.WITHIN_ZONE,
    ):
        if word in words:
            return replace(nearest, word=word)
    return nearest


def _counts(attempt: Attempt) -> Counts:
    solved, measured = attempt.counts()
    recorded = attempt.recorded.bit_count()
    return (solved, recorded), recorded - measured
