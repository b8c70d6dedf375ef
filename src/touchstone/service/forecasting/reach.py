"""What a battery can tell of a criterion, and what it cannot, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.framework import NumericCriterion
from touchstone.service.forecasting.options import PlanOptions
from touchstone.service.forecasting.questions import POWER
from touchstone.service.forecasting.said import SaidAt, Sample
from touchstone.service.measuring.registering import RunRule
from touchstone.statistics import (
    Design,
    RateRule,
    attempts_needed,
    is_informative,
    miss_probability,
)

NO_NUMBER = "the framework states no number: all items run, and nothing is concluded"
REFERENCE = "a reference to compare with: all items run, and nothing is concluded of it"
_TEN_PERCENT = 0.1


@dataclass(frozen=True)
class Reach:
    """What one run can tell."""

    notes: tuple[str, ...]
    cannot: tuple[str, ...]


def reach(
    criterion: NumericCriterion,
    run: RunRule,
    size: int,
    options: PlanOptions,
    said: Sequence[SaidAt],
) -> Reach:
    """What `size` items can tell of a criterion, from what will be said at each rate."""
    rule = run.rule
    if criterion.measure == "at-least-once-in-k":
        return _attempts(rule, size)
    if size == 1:
        return Reach((), ("one item allows no verdict: plan at least 2 items",))
    sample = sample_of(size, options)
    cannot = _too_small(rule, size) if criterion.measure == "success-rate" else []
    notes = [] if run.design == "sequential" else [_fixed(criterion)]
    if sample.clusters < size:
        notes.append(_grouped(Design(size, sample.clusters, sample.alikeness)))
    notes += _zone(rule, said) if run.design == "sequential" else []
    if options.points is not None:
        text, told = _told_at(options.points / 100, criterion, rule, size, said)
        (notes if told else cannot).append(text)
    return Reach(tuple(notes), tuple(cannot))


def sample_of(size: int, options: PlanOptions) -> Sample:
    """How far the items of a set stand for themselves."""
    return Sample(size if options.clusters is None else options.clusters, options.alikeness)


def _zone(rule: RateRule, said: Sequence[SaidAt]) -> list[str]:
    """What each word claims, and which one comes where either is right."""
    inside = [
        f'{point.solved} items solved, "above" in {point.battery.above:.0%}, "below" in '
        f'{point.battery.below:.0%}, "within zone" in {point.battery.within_zone:.0%} of orders'
        for point in said
        if point.battery and rule.above_claims < point.rate < rule.below_claims
    ]
    if not rule.zone or not inside:
        return []
    claims = (
        f'"above" claims more than {rule.above_claims:.3g} and "below" less than '
        f"{rule.below_claims:.3g}; between them the order decides which is said"
    )
    return [f"{claims}: {'; '.join(inside)}"]


def _grouped(design: Design) -> str:
    return (
        f"{design.tasks:,} items in {design.clusters:,} clusters count as {design.effective:.0f} "
        "independent ones, if outcomes within a cluster correlate at "
        f"{design.alikeness:g}"
    )


def _fixed(criterion: NumericCriterion) -> str:
    if criterion.measure == "relative-to-reference":
        return "all items run in both models, and each rate is bounded at half of the error"
    return "all items run before any verdict, which is about the rate beyond them"


def _attempts(rule: RateRule, size: int) -> Reach:
    seldom, at = (miss_probability(rate, size) for rate in (_TEN_PERCENT, rule.threshold))
    text = (
        f"at least once in {size} misses a model that succeeds at 10% an attempt with chance "
        f"{seldom:.0%}, and one at the threshold of {rule.threshold:.0%} with chance {at:.1%}"
    )
    if at <= rule.beta:
        return Reach((text,), ())
    needed = attempts_needed(rule.threshold, rule.beta)
    return Reach((), (f"{text}; it needs {needed} attempts",))


def _too_small(rule: RateRule, size: int) -> list[str]:
    """Words that not even the most extreme result would earn."""
    found = []
    for total, side, extreme in ((size, "above", "all"), (0, "below", "none")):
        if not is_informative(rule, size, total):
            found.append(
                f'even with {extreme} of {size} solved it could not say "{side}": the battery '
                "would be at its ceiling; plan more items"
            )
    return found


def _told_at(
    distance: float, criterion: NumericCriterion, rule: RateRule, size: int, said: Sequence[SaidAt]
) -> tuple[str, bool]:
    """Whether a model so far from the threshold is told from it, on the harder side."""
    relative = criterion.measure == "relative-to-reference"
    chances = []
    for side in (1, -1):
        at = min(max(rule.threshold + side * distance, said[0].rate), said[-1].rate)
        near = min(said, key=lambda point: abs(point.rate - at))
        chances.append((near.drawn.above if side > 0 else near.drawn.below, near.rate, side))
    chance, at, side = min(chances)
    word = "above" if side > 0 else "below"
    whom = f"by {at:+.3g} better than the reference" if relative else f"that solves {at:.3g}"
    head = (
        f"{distance * 100:g} points from the threshold: a model {whom} of such tasks gets "
        f'"{word}" with chance {chance:.0%}'
    )
    if chance >= POWER:
        return head, True
    return f"{head} only, and {POWER:.0%} is asked for; plan more items than {size:,}", False
