"""Whether a battery can answer for a criterion, and what it cannot answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.framework import NumericCriterion
from touchstone.planning.notes import PlanNote
from touchstone.planning.options import PlanOptions
from touchstone.planning.power_query import POWER, power_in_words
from touchstone.planning.verdict_probabilities import (
    STEPS,
    ClusterAssumption,
    ProbabilitiesAtRate,
    verdict_probabilities,
)
from touchstone.statistics import (
    ClusteredDesign,
    RateRule,
    VerdictWord,
    attempts_needed,
    is_informative,
    miss_probability,
    rules_out,
)
from touchstone.verdicts.preregistration import RunRule

_TEN_PERCENT = 0.1
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Answerability:
    """What one run can and cannot answer."""

    notes: tuple[PlanNote, ...]
    cannot: tuple[PlanNote, ...]


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
        return Answerability((), (PlanNote("one-item"),))
    sample = cluster_assumption(size, options)
    # A comparison's extremes depend on the reference, which nobody has run yet.
    cannot = _too_small(rule, size) if criterion.measure == "success-rate" else []
    notes = [] if run.design == "sequential" else [_fixed(criterion)]
    if criterion.measure == "success-rate" and size * min(STEPS) < 1:
        notes.append(PlanNote("coarse", size=size, step=100 / size))
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


def _zone(rule: RateRule, said: Sequence[ProbabilitiesAtRate]) -> list[PlanNote]:
    """What each word claims, and which one comes where either is right."""
    # Inside the zone either word is right, and the odds of each are what a reader must know before
    # agreeing to a zone: once for each count, whatever rates lie nearest to it.
    counts = {
        point.solved: point.battery
        for point in said
        if point.battery and rule.above_claims < point.rate < rule.below_claims
    }
    inside = tuple(
        PlanNote(
            "zone-inside",
            solved=solved,
            above=battery.above,
            below=battery.below,
            within=battery.within_zone,
        )
        for solved, battery in counts.items()
    )
    if not rule.zone or not inside:
        return []
    return [PlanNote("zone", above=rule.above_claims, below=rule.below_claims, inside=inside)]


def _grouped(design: ClusteredDesign) -> PlanNote:
    return PlanNote(
        "grouped",
        items=design.tasks,
        clusters=design.clusters,
        effective=design.effective_size,
        icc=design.icc,
    )


def _fixed(criterion: NumericCriterion) -> PlanNote:
    relative = criterion.measure == "relative-to-reference"
    return PlanNote("compared-whole" if relative else "run-whole")


def _attempts(rule: RateRule, size: int) -> Answerability:
    seldom, at = (miss_probability(rate, size) for rate in (_TEN_PERCENT, rule.threshold))
    told = {"attempts": size, "seldom": seldom, "threshold": rule.threshold, "chance": at}
    if rules_out(size, rule):
        return Answerability((PlanNote("attempts", **told),), ())
    needed = attempts_needed(rule.threshold, rule.beta)
    return Answerability((), (PlanNote("attempts-too-few", needed=needed, **told),))


def _too_small(rule: RateRule, size: int) -> list[PlanNote]:
    """Words that not even the most extreme result would earn."""
    found = []
    if not is_informative(rule, size, size):
        found.append(PlanNote("ceiling-all", size=size))
    if not is_informative(rule, size, 0):
        found.append(PlanNote("ceiling-none", size=size))
    return found


def _power_at(
    distance: float,
    run: RunRule,
    levels: Sequence[int],
    sample: ClusterAssumption,
    said: Sequence[ProbabilitiesAtRate],
) -> tuple[PlanNote, bool]:
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
    told = {
        "points": distance * 100,
        "rate": at,
        "word": str(word),
        "chance": power_in_words(chance),
    }
    if chance >= POWER:
        return PlanNote("power-compared" if relative else "power", **told), True
    lacking = {"wanted": POWER, "size": len(levels), **told}
    return PlanNote("power-compared-lacking" if relative else "power-lacking", **lacking), False
