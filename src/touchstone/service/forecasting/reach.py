"""What a battery can tell of a criterion, and what it cannot, in words."""

from dataclasses import dataclass

from scipy.stats import norm

from touchstone.framework import NumericCriterion
from touchstone.service.forecasting.forecast import Beyond
from touchstone.service.forecasting.options import PlanOptions
from touchstone.service.forecasting.questions import POWER, about
from touchstone.service.measuring.registering import RunRule
from touchstone.statistics import (
    Design,
    Question,
    RateRule,
    attempts_needed,
    miss_probability,
    power,
    smallest_difference,
    tasks_needed,
    tells,
)

NO_NUMBER = "the framework states no number: all items run, and nothing is concluded"
_TEN_PERCENT = 0.1
_STEP, _STEPS = 0.02, 20


@dataclass(frozen=True)
class Reach:
    """What one run can tell."""

    beyond: Beyond | None
    notes: tuple[str, ...]
    cannot: tuple[str, ...]


def reach(criterion: NumericCriterion, run: RunRule, size: int, options: PlanOptions) -> Reach:
    """What `size` items can tell of a criterion.

    Of the battery itself: always, but for one too small for any word. Beyond it: as far as its
    clusters go.
    """
    rule = run.rule
    if criterion.measure == "at-least-once-in-k":
        return _attempts(rule, size)
    if size == 1:
        return Reach(None, (), ("one item allows no verdict: plan at least 2 items",))
    design = _design(size, options)
    questions = _questions(criterion, rule)
    beyond = Beyond(
        design.clusters,
        design.effective,
        smallest_difference(design, questions[0], 1, POWER),
        smallest_difference(design, questions[1], -1, POWER),
        _chances(design, questions[0]),
    )
    cannot = _too_small(rule, size) if criterion.measure == "success-rate" else []
    notes = [] if run.design == "sequential" else [_fixed(criterion)]
    if design.clusters < design.tasks:
        notes.append(_grouped(design))
    asked = options.points
    distance = float(criterion.zone) if asked is None else asked / 100
    if distance:
        text, told = _told_at(distance, design, questions)
        if told or asked is None:
            notes.append(text if asked else f"its zone: {text}")
        else:
            cannot.append(text)
    return Reach(beyond, tuple(notes), tuple(cannot))


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
        return Reach(None, (text,), ())
    needed = attempts_needed(rule.threshold, rule.beta)
    return Reach(None, (), (f"{text}; it needs {needed} attempts",))


def _too_small(rule: RateRule, size: int) -> list[str]:
    """Words that not even the most extreme result would earn."""
    found = []
    for total, side, extreme in ((size, "above", "all"), (0, "below", "none")):
        if not tells(rule, size, total):
            found.append(
                f'even with {extreme} of {size} solved it could not say "{side}": the battery '
                "would be at its ceiling; plan more items"
            )
    return found


def _design(size: int, options: PlanOptions) -> Design:
    clusters = size if options.clusters is None else options.clusters
    return Design(size, clusters, options.alikeness)


def _chances(design: Design, question: Question) -> tuple[tuple[float, float], ...]:
    """Chance to tell each distance above the threshold, in steps, as far as there is room."""
    steps = [n * _STEP for n in range(1, _STEPS + 1) if n * _STEP < 1 - question.at]
    return tuple(
        (round(each, 6), power(design, each, question.variance(each), question.error))
        for each in steps
    )


def _questions(criterion: NumericCriterion, rule: RateRule) -> tuple[Question, Question]:
    """What "above" and "below" ask of tasks beyond the battery's own."""
    if criterion.measure == "success-rate":
        return Question(rule.threshold, rule.alpha), Question(rule.threshold, rule.beta)
    # The reference's rate is not known beforehand: a half is the hardest case.
    above, below = (
        Question(0.5, _halved(error), relative=True) for error in (rule.alpha, rule.beta)
    )
    return above, below


def _halved(error: float) -> float:
    """The one error at which a bound of a difference is as far off as two bounds, added.

    `rate_above_reference` gives each rate half of the error; for equal spreads the two bounds lie
    sqrt(2) times as far from the difference as the one bound at that half.
    """
    return float(norm.sf(2**0.5 * norm.isf(error / 2)))


def _told_at(
    distance: float, design: Design, questions: tuple[Question, Question]
) -> tuple[str, bool]:
    """Whether a distance is told beyond the items, on the harder side of the threshold."""
    found = []
    for side, question in zip((1, -1), questions, strict=True):
        room = 1 - question.at if side > 0 else question.at
        least = min(distance, room)
        variance = question.variance(side * least)
        chance = power(design, least, variance, question.error)
        found.append((chance, tasks_needed(design, least, variance, question.error, POWER) or 0))
    chance, needed = min(found, key=lambda each: each[0])
    whom = "the reference" if questions[0].relative else "the threshold"
    head = f"{distance * 100:g} points from {whom}, on further tasks like these {design.tasks:,}"
    if chance >= POWER:
        return f"{head}: told with chance {chance:.0%}", True
    return (
        f"{head}: told with chance {chance:.0%} only; that needs about {about(needed)}",
        False,
    )
