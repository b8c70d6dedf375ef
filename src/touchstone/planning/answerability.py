"""Whether a battery can answer for a criterion, and what it cannot answer, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.framework import NumericCriterion
from touchstone.planning.options import PlanOptions
from touchstone.planning.power_query import POWER, power_in_words
from touchstone.planning.verdict_probabilities import (
    ClusterAssumption,
    ProbabilitiesAtRate,
    verdict_probabilities,
)
from touchstone.statistics import (
    ClusteredDesign,
    RateRule,
    VerdictWord,
    attempts_needed,
    exact_percent,
    is_informative,
    miss_probability,
    percent,
    rules_out,
)
from touchstone.verdicts.preregistration import RunRule

NO_NUMBER = "the framework states no number: all items run, and nothing is concluded"
REFERENCE = "a reference to compare with: all items run, and nothing is concluded of it"
_TEN_PERCENT = 0.1
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Answerability:
    """What one run can and cannot answer."""

    notes: tuple[str, ...]
    cannot: tuple[str, ...]


def answerability(
    criterion: NumericCriterion,
    run: RunRule,
    levels: Sequence[int],
    options: PlanOptions,
    said: Sequence[ProbabilitiesAtRate],
) -> Answerability:
    """What items of these difficulties can answer, from the verdicts expected at each rate."""
    rule, size = run.rule, len(levels)
    if criterion.measure == "at-least-once-in-k":
        return _attempts(rule, size)
    # One item is settled by one sample, and its word would say nothing beyond it: the rule for
    # sequential designs refuses it as well.
    if size == 1:
        return Answerability((), ("one item allows no verdict: plan at least 2 items",))
    sample = cluster_assumption(size, options)
    # A comparison's extremes depend on the reference, which nobody has run yet.
    cannot = _too_small(rule, size) if criterion.measure == "success-rate" else []
    notes = [] if run.design == "sequential" else [_fixed(criterion)]
    if sample.clusters < size:
        notes.append(_grouped(ClusteredDesign(size, sample.clusters, sample.icc)))
    notes += _zone(rule, said) if run.design == "sequential" else []
    if options.points is not None:
        text, told = _power_at(options.points / 100, run, levels, sample, said)
        (notes if told else cannot).append(text)
    return Answerability(tuple(notes), tuple(cannot))


def cluster_assumption(size: int, options: PlanOptions) -> ClusterAssumption:
    """How far the items of a set stand for themselves."""
    return ClusterAssumption(size if options.clusters is None else options.clusters, options.icc)


def _zone(rule: RateRule, said: Sequence[ProbabilitiesAtRate]) -> list[str]:
    """What each word claims, and which one comes where either is right."""
    inside = [
        f'{point.solved} items solved, "above" in {point.battery.above:.0%}, "below" in '
        f'{point.battery.below:.0%}, "within zone" in {point.battery.within_zone:.0%} of orders'
        for point in said
        # Inside the zone either word is right, and the odds of each are what a reader must know
        # before agreeing to a zone.
        if point.battery and rule.above_claims < point.rate < rule.below_claims
    ]
    if not rule.zone or not inside:
        return []
    claims = (
        f'"above" claims more than {rule.above_claims:.3g} and "below" less than '
        f"{rule.below_claims:.3g}; between them the order decides which is said"
    )
    return [f"{claims}: {'; '.join(inside)}"]


def _grouped(design: ClusteredDesign) -> str:
    return (
        f"{design.tasks:,} items in {design.clusters:,} clusters count as "
        f"{design.effective_size:.0f} independent ones, at an intra-cluster correlation of "
        f"{design.icc:g}"
    )


def _fixed(criterion: NumericCriterion) -> str:
    if criterion.measure == "relative-to-reference":
        return "all items run in both models, and each rate is bounded at half of the error"
    return "all items run before any verdict, which is about the rate beyond them"


def _attempts(rule: RateRule, size: int) -> Answerability:
    seldom, at = (miss_probability(rate, size) for rate in (_TEN_PERCENT, rule.threshold))
    text = (
        f"a model with a 10% success rate fails all {size} attempts with probability "
        f"{percent(seldom)}, and one at the threshold of {exact_percent(rule.threshold)} with "
        f"probability {at:.1%}"
    )
    if rules_out(size, rule):
        return Answerability((text,), ())
    needed = attempts_needed(rule.threshold, rule.beta)
    return Answerability((), (f"{text}; it needs {needed} attempts",))


def _too_small(rule: RateRule, size: int) -> list[str]:
    """Words that not even the most extreme result would earn."""
    found = []
    for total, side, extreme in ((size, VerdictWord.ABOVE, "all"), (0, VerdictWord.BELOW, "none")):
        if not is_informative(rule, size, total):
            found.append(
                f'even with {extreme} of {size} solved it could not say "{side}": the battery '
                "would be at its ceiling; plan more items"
            )
    return found


def _power_at(
    distance: float,
    run: RunRule,
    levels: Sequence[int],
    sample: ClusterAssumption,
    said: Sequence[ProbabilitiesAtRate],
) -> tuple[str, bool]:
    """Whether a model so far from the threshold gets the right verdict, on the harder side."""
    rule, relative = run.rule, run.measure == "relative-to-reference"
    chances = []
    for side in (1, -1):
        # So far from the threshold there may be no rate: then the last one told of answers.
        at = min(max(rule.threshold + side * distance, said[0].rate), said[-1].rate)
        near = min(said, key=lambda point: abs(point.rate - at))
        if abs(near.rate - at) > _ROUNDING:
            # The nearest rate of the table may be farther off, where the verdict comes more easily.
            (near,) = verdict_probabilities(run, levels, sample, (at,))
        chances.append((near.drawn.above if side > 0 else near.drawn.below, near.rate, side))
    # The weaker side: whoever asks does not know on which side the model will be.
    chance, at, side = min(chances)
    word = VerdictWord.ABOVE if side > 0 else VerdictWord.BELOW
    whom = f"by {at:+.3g} better than the reference" if relative else f"that solves {at:.3g}"
    head = (
        f"{distance * 100:g} points from the threshold: a model {whom} of such tasks gets "
        f'"{word}" with probability {power_in_words(chance)}'
    )
    if chance >= POWER:
        return head, True
    more = f"plan more items than {len(levels):,}"
    return f"{head} only, and {percent(POWER)} is asked for; {more}", False
