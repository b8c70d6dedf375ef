"""Trials: a model of known skill, a fault on some of its samples, a criterion, and what is said.

What is checked is worked out apart from the code that speaks: exact bounds by scipy for designs of
fixed size, the evidence of the plain path on the worst case for those that may stop.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from scipy.special import betainccinv, betaincinv

from touchstone.review import RunKey
from touchstone.statistics import (
    at_least_once,
    difficulty_design,
    evidence_path,
    impute,
    rate_above_reference,
    rate_against_threshold,
    sequential_verdict,
)
from touchstone.verdicts.preregistration import RunRule
from touchstone.verdicts.sequential_verdicts import RecordedRun, reached

FAULTS = {
    "endpoint-fails": "lost-endpoint",
    "answers-cut": "cut",
    "refuses": "refused",
    "no-tool-calls": "no-attempt",
    "surrogates": "lost-instrument",
    "ignores-effort": "",
}
"""What goes wrong, and what each sample that it meets is recorded as; none: only not reasoning."""
AIMS = ("anywhere", "successes", "failures", "first")
MEASURES = ("sequential", "fixed", "at-least-once", "at-least-once-fixed", "relative")
FRACTIONS = (0.05, 0.2, 0.5, 1.0)
SKILLS = (0.0, 0.1, 0.5, 0.9, 1.0)

Outcomes = tuple[bool | None, ...]
Impute = Callable[[Outcomes], Outcomes]


def both_ways(outcomes: Outcomes) -> Outcomes:
    """As it is: what measured nothing is nothing."""
    return outcomes


def as_unsolved(outcomes: Outcomes) -> Outcomes:
    """As it was: what measured nothing is inability."""
    return tuple(bool(each) for each in outcomes)


@dataclass(frozen=True)
class Trial:
    """One model, one fault, one criterion."""

    seed: int
    fault: str
    aim: str
    fraction: float
    measure: str
    zone: str
    skill: float
    size: int

    def outcomes(self) -> tuple[Outcomes, Outcomes]:
        """What is recorded of the model, and of a reference that the same fault meets."""
        rng = Random(f"{self.seed} {self}")
        return self._ran(rng, self.skill), self._ran(rng, 0.3)

    def _ran(self, rng: Random, skill: float) -> Outcomes:
        truth = [rng.random() < skill for _ in range(self.size)]
        return tuple(
            None if self._meets(rng, place, solved=solved) else solved
            for place, solved in enumerate(truth)
        )

    def _meets(self, rng: Random, place: int, *, solved: bool) -> bool:
        if not FAULTS[self.fault]:
            return False
        if self.aim == "first":
            return place < self.fraction * self.size
        aimed = {"anywhere": True, "successes": solved, "failures": not solved}[self.aim]
        return aimed and rng.random() < self.fraction


@dataclass(frozen=True)
class Said:
    """The word of one trial, and why it may not be said; empty where it may."""

    word: str
    wrong: str


def trials(seed: int, count: int) -> Iterator[Trial]:
    """So many trials, the same for the same seed."""
    rng = Random(seed)
    for number in range(count):
        yield Trial(
            number,
            rng.choice(list(FAULTS)),
            rng.choice(AIMS),
            rng.choice(FRACTIONS),
            rng.choice(MEASURES),
            rng.choice(("0", "0.1")),
            rng.choice(SKILLS),
            rng.choice((12, 24, 30)),
        )


def play(trial: Trial, impute: Impute = both_ways) -> Said:
    """What is said of a trial, held against what was measured in it."""
    own, other = trial.outcomes()
    seen, beside = impute(own), impute(other)
    rule = RunRule(
        item_set="s",
        criterion="s",
        variant="final",
        mode="m",
        measure="at-least-once-in-k" if trial.measure == "at-least-once" else "success-rate",
        design="sequential",
        threshold="0.5",
        zone=trial.zone if trial.measure == "sequential" else "0",
        alpha="0.05",
        beta="0.02",
        reasoning=trial.fault == "ignores-effort",
    )
    if trial.measure in {"sequential", "at-least-once"}:
        ran = RecordedRun(RunKey("b", "s", "final", "m"), rule, levels(trial.size), seen, len(seen))
        early = reached(ran)
        if early is None:
            return Said("open", "")
        return held(early.word.value, trial, rule, own[: early.progress.used], other)
    solved, lost = seen.count(True), seen.count(None)
    size, numbers = trial.size, rule.rule
    if trial.measure == "relative":
        word = rate_above_reference(
            solved, size, beside.count(True), size, numbers, lost, beside.count(None)
        ).word
    elif trial.measure == "fixed":
        word = rate_against_threshold(solved, size, numbers, lost).word
    else:
        word = at_least_once(solved, size, numbers, lost).word
    # A whole design has no mode here: what an ignored effort does to it is the guard's to refuse.
    return held(word.value, trial, rule, own, other, mode=False)


def levels(size: int) -> tuple[int, ...]:
    """Difficulties in turn."""
    return tuple(1 + place % 5 for place in range(size))


def held(
    word: str, trial: Trial, rule: RunRule, used: Outcomes, other: Outcomes, *, mode: bool = True
) -> Said:
    """Whether enough was measured for the word."""
    if word not in {"above", "below"}:
        return Said(word, "")
    if word == "below" and mode and trial.fault == "ignores-effort":
        return Said(word, "the mode was never shown to be on")
    worst = 1.0 if word == "below" else 0.0
    filled = list(impute(used, worst))
    solved, size = int(sum(filled)), len(filled)
    if trial.measure.startswith("at-least-once"):
        borne = solved > 0 if word == "above" else solved == 0 and size == trial.size
    elif trial.measure == "sequential":
        borne = _replayed(rule, trial.size, filled) == word
    elif trial.measure == "fixed":
        borne = _exact(word, solved, size, rule)
    else:
        beside = int(sum(impute(other, 1.0 - worst)))
        found = rate_above_reference(solved, size, beside, len(other), rule.rule)
        borne = found.word.value == word
    return Said(word, "" if borne else f"{used.count(None)} of {size} measured nothing")


def _replayed(rule: RunRule, size: int, filled: Sequence[float]) -> str:
    """The word by the evidence at the stop, on the worst case alone."""
    way = evidence_path(difficulty_design(rule.rule, levels(size)), np.array(filled))
    return sequential_verdict(
        rule.rule, size, len(filled), sum(filled), float(way.above[-1]), float(way.below[-1])
    )[0].value


def _exact(word: str, solved: int, size: int, rule: RunRule) -> bool:
    if word == "above":
        return solved > 0 and bool(betaincinv(solved, size - solved + 1, float(rule.alpha)) > 0.5)
    return solved < size and bool(betainccinv(solved + 1, size - solved, float(rule.beta)) < 0.5)


def campaign(
    seed: int, count: int, impute: Impute = both_ways
) -> tuple[Counter[tuple[str, str]], list[tuple[Trial, Said]]]:
    """How often each word came by fault, and every trial whose word may not be said."""
    counts: Counter[tuple[str, str]] = Counter()
    wrong = []
    for trial in trials(seed, count):
        said = play(trial, impute)
        counts[trial.fault, said.word] += 1
        if said.wrong:
            wrong.append((trial, said))
    return counts, wrong
