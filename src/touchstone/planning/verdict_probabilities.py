"""The probability of each verdict, by true rate: the procedure of a review, simulated."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from touchstone.statistics import (
    Progress,
    RateRule,
    VerdictWord,
    binomial_probabilities,
    comparison_probabilities,
    difficulty_model,
    draw_battery_rates,
    family_verdict,
    fixed_verdict_probabilities,
    rate_against_threshold,
    rules_out,
    simulate_outcomes,
    simulate_verdicts,
)
from touchstone.verdicts.preregistration import RunRule

Numbers = NDArray[np.float64]

# Fixed, so that a plan says the same each time that it is asked.
_SEED = 12
_REPEATS = ((200, 160), (1_000, 100))
"""(largest battery, orders simulated at each rate)."""
_FEWEST = 50
_COMPARED = 2_000
_HALF = 0.5
_AT_ONCE = 2_000
"""Batteries simulated together: more do not fit where a processor is fast."""
STEPS = (0.3, 0.2, 0.1, 0.05)
"""Distances from the threshold at which a table tells what will be said."""


@dataclass(frozen=True)
class WordProbabilities:
    """How often each verdict is reached."""

    above: float
    below: float
    within_zone: float
    no_word: float
    """At ceiling, or undetermined though every item has run."""

    @property
    def neither(self) -> float:
        """Of "above" and "below"."""
        return self.within_zone + self.no_word

    def as_dict(self) -> dict[str, float]:
        """For `--json`."""
        told = {
            VerdictWord.ABOVE: self.above,
            VerdictWord.BELOW: self.below,
            "neither": self.neither,
        }
        return {k: round(v, 4) for k, v in (told | asdict(self)).items()}


@dataclass(frozen=True)
class ProbabilitiesAtRate:
    """What is said where this rate is the true one."""

    rate: float
    solved: int | None
    """Items of the battery that are solved at that rate; None where no battery has a rate."""
    battery: WordProbabilities | None
    """Where it is the share of this battery that would be solved: what the word is about."""
    drawn: WordProbabilities
    """Where it is the model's rate on such tasks, and the battery is drawn from them."""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "rate": self.rate,
            "solved": self.solved,
            "battery": self.battery and self.battery.as_dict(),
            "drawn": self.drawn.as_dict(),
        }


@dataclass(frozen=True)
class FamilyProbabilities:
    """What is said of a criterion in several modes, where each has the same true rate."""

    criterion: str
    modes: int
    points: tuple[tuple[float, WordProbabilities], ...]
    """(rate of the battery in every mode, chances), the modes answering apart."""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        points = [{"rate": rate, **chances.as_dict()} for rate, chances in self.points]
        return {"criterion": self.criterion, "modes": self.modes, "points": points}


@dataclass(frozen=True)
class ClusterAssumption:
    """How items resemble one another."""

    clusters: int
    icc: float


def verdict_probabilities(
    rule: RunRule,
    levels: Sequence[int],
    sample: ClusterAssumption,
    rates: tuple[float, ...] = (),
) -> tuple[ProbabilitiesAtRate, ...]:
    """What a run will say, by true rate, from low to high.

    Args:
        rule: How its verdict is reached.
        levels: Difficulty of each item.
        sample: How far the items stand for themselves.
        rates: At these; none: at those that a plan tells of.
    """
    if rule.measure == "at-least-once-in-k":
        return _at_least_once(rule.rule, len(levels), rates)
    if rule.measure == "relative-to-reference":
        return _compared(rule.rule, len(levels), rule.references, rates)
    if rule.design == "fixed":
        return _fixed(rule.rule, len(levels), rates)
    return _simulated(rule.rule, tuple(sorted(levels)), sample, rates)


def family_probabilities(
    criterion: str, rules: Sequence[RunRule], levels: Sequence[int], alpha: float, beta: float
) -> FamilyProbabilities | None:
    """What the runs of a criterion say together; None where one run says it alone.

    By Holm over the evidence of all modes at `alpha`, and "below" only if each is below at `beta`.
    """
    early = [
        rule for rule in rules if (rule.design, rule.measure) == ("sequential", "success-rate")
    ]
    # Holm is over evidence; where one of the modes brings none, nothing is said together.
    if len(early) < 2 or len(early) != len(rules):  # noqa: PLR2004 - one says it itself
        return None
    rule = early[0].rule
    rates, progress = simulated_progress(rule, tuple(sorted(levels)))
    repeats = len(progress) // len(rates) // len(early)
    words = []
    for place in range(len(rates)):
        here = progress[place * len(progress) // len(rates) :][: repeats * len(early)]
        words.append(
            [
                family_verdict(here[start : start + len(early)], alpha, beta).word
                for start in range(0, len(here), len(early))
            ]
        )
    said = _by_count([_count(rate, len(levels)) for rate in rates], words)
    return FamilyProbabilities(criterion, len(early), tuple(zip(rates, said, strict=True)))


def tabulated_rates(rule: RateRule) -> list[float]:
    """The rates that are told of: an even grid, the threshold, both claims, and steps around."""
    grid = np.linspace(0.0, 1.0, 21).tolist()
    near = [rule.threshold + side * step for step in STEPS for side in (-1, 1)]
    near += [rule.threshold, rule.above_claims, rule.below_claims]
    near += [rule.threshold + side * rule.zone / 2 for side in (-1, 1)]
    return sorted({round(each, 6) for each in (*grid, *near) if 0 <= each <= 1})


def tabulated_points(
    rule: RateRule, points: Sequence[ProbabilitiesAtRate]
) -> list[ProbabilitiesAtRate]:
    """Those that a table has room for: the threshold, both claims and steps around them."""
    wanted = {round(rule.threshold + side * step, 6) for step in (0.0, *STEPS) for side in (-1, 1)}
    wanted |= {round(each, 6) for each in (rule.above_claims, rule.below_claims)}
    wanted |= {round(rule.threshold + side * rule.zone / 2, 6) for side in (-1, 1)}
    return [point for point in points if point.rate in wanted]


def _count(rate: float, size: int) -> int:
    """Items that are solved of so many, at a rate."""
    return int(np.rint(rate * size))


def _by_count(
    counts: Sequence[int], words: Sequence[Sequence[VerdictWord]]
) -> list[WordProbabilities]:
    """For each rate the chances of its count, from the words at all rates that have it.

    Rates closer than one item are one battery, and have one chance: apart they would differ by the
    luck of two simulations, and a lower rate seem to do better.
    """
    together: dict[int, list[VerdictWord]] = {}
    for count, found in zip(counts, words, strict=True):
        together.setdefault(count, []).extend(found)
    shares = {count: _shares(found) for count, found in together.items()}
    return [shares[count] for count in counts]


def nearest_to_its_count(
    points: Sequence[ProbabilitiesAtRate], size: int
) -> tuple[ProbabilitiesAtRate, ...]:
    """The same, where a battery's chances stand once: at the rate that is nearest to its own."""
    nearest: dict[int, float] = {}
    for point in points:
        if point.solved is not None:
            own = point.solved / size
            best = nearest.setdefault(point.solved, point.rate)
            if abs(point.rate - own) < abs(best - own):
                nearest[point.solved] = point.rate
    return tuple(
        point
        if point.solved is None or nearest[point.solved] == point.rate
        else replace(point, battery=None)
        for point in points
    )


def _shares(words: Sequence[VerdictWord]) -> WordProbabilities:
    found = Counter(words)
    above, below, within = (
        found[word] / len(words)
        for word in (VerdictWord.ABOVE, VerdictWord.BELOW, VerdictWord.WITHIN_ZONE)
    )
    rest = found[VerdictWord.AT_CEILING] + found[VerdictWord.UNDETERMINED]
    return WordProbabilities(above, below, within, rest / len(words))


def _repeats(size: int) -> int:
    return next((count for most, count in _REPEATS if size <= most), _FEWEST)


def _simulate(
    rule: RateRule, levels: tuple[int, ...], shares: Numbers, rng: Generator
) -> tuple[Progress, ...]:
    """The verdicts on batteries of these shares, in orders drawn evenly, as sealed ones are."""
    item_model = difficulty_model(levels)
    # Never 0 or 1, whose logarithm an order or an outcome could not take.
    uniforms, orders = rng.uniform(1e-12, 1 - 1e-12, (2, shares.size, len(levels)))
    outcomes = simulate_outcomes(item_model, shares, uniforms)
    found: list[Progress] = []
    for start in range(0, shares.size, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        found += simulate_verdicts(
            item_model, rule, outcomes[part], orders[part], uniform_order=True
        ).progress
    return tuple(found)


@cache
def simulated_progress(
    rule: RateRule, levels: tuple[int, ...], some: tuple[float, ...] = ()
) -> tuple[list[float], tuple[Progress, ...]]:
    """The rates told of, and the verdicts on batteries of exactly each, as many for each rate."""
    rates = [*some] or tabulated_rates(rule)
    many = np.repeat(np.array(rates), _repeats(len(levels)))
    return rates, _simulate(rule, levels, many, np.random.default_rng(_SEED))


@cache
def _simulated(
    rule: RateRule, levels: tuple[int, ...], sample: ClusterAssumption, some: tuple[float, ...]
) -> tuple[ProbabilitiesAtRate, ...]:
    # Another stream than the batteries' own: the same numbers would tie the two together.
    size, rng = len(levels), np.random.default_rng(_SEED + 1)
    rates, battery = simulated_progress(rule, levels, some)
    each = _repeats(size)
    many = np.repeat(np.array(rates), each)
    shares = draw_battery_rates(size, sample.clusters, sample.icc, many, rng)
    drawn = _simulate(rule, levels, shares, rng)
    counts = [_count(rate, size) for rate in rates]
    by_rate = [
        [[one.word for one in found[start : start + each]] for start in range(0, len(found), each)]
        for found in (battery, drawn)
    ]
    said, shown = _by_count(counts, by_rate[0]), map(_shares, by_rate[1])
    return tuple(map(ProbabilitiesAtRate, rates, counts, said, shown))


def _at_least_once(
    rule: RateRule, attempts: int, some: tuple[float, ...]
) -> tuple[ProbabilitiesAtRate, ...]:
    points = []
    for rate in some or tabulated_rates(rule):
        missed = (1 - rate) ** attempts
        told = missed if rules_out(attempts, rule) else 0.0
        points.append(
            ProbabilitiesAtRate(
                rate, None, None, WordProbabilities(1 - missed, told, 0.0, missed - told)
            )
        )
    return tuple(points)


@cache
def _fixed(rule: RateRule, size: int, some: tuple[float, ...]) -> tuple[ProbabilitiesAtRate, ...]:
    """By exact bounds, after every item; items are taken to stand for themselves."""
    rates = [*some] or tabulated_rates(rule)
    words = [rate_against_threshold(solved, size, rule).word for solved in range(size + 1)]
    within = np.array([word is VerdictWord.WITHIN_ZONE for word in words])
    chances = fixed_verdict_probabilities(size, rule, np.array(rates))
    counted = binomial_probabilities(size, np.array(rates))
    points = []
    for rate, above, below, drawn_counts in zip(rates, *chances, counted, strict=True):
        inside = float(drawn_counts @ within)
        # Sums of rounded chances may end a hair above 1.
        rest = max(0.0, 1 - float(above) - float(below) - inside)
        solved = _count(rate, size)
        drawn = WordProbabilities(float(above), float(below), inside, rest)
        points.append(ProbabilitiesAtRate(rate, solved, _shares([words[solved]]), drawn))
    return tuple(points)


@cache
def _compared(
    rule: RateRule, size: int, references: int, some: tuple[float, ...]
) -> tuple[ProbabilitiesAtRate, ...]:
    """By the reference's rate of a half, the hardest; a "rate" is by how much it is exceeded.

    Every mode of the reference has this rate.
    """
    # Nothing exceeds a half by more than a half: then half of what a threshold so high leaves.
    reference = _HALF if rule.threshold <= _HALF else (1 - rule.threshold) / 2
    differences = [round(each, 6) for each in np.linspace(-reference, 1 - reference, 21).tolist()]
    differences = [*some] or sorted({*differences, round(rule.threshold, 6)})
    rng = np.random.default_rng(_SEED)
    chances = comparison_probabilities(
        size, rule, reference, np.array(differences), rng, _COMPARED, references
    )
    points = []
    for place, difference in enumerate(differences):
        above, below, within = (float(each[place]) for each in chances)
        rest = max(0.0, 1 - above - below - within)
        points.append(
            ProbabilitiesAtRate(
                difference, None, None, WordProbabilities(above, below, within, rest)
            )
        )
    return tuple(points)
