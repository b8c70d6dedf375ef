"""Text searches: rules learned from training items that say which part of a program is flawed.

A rule is a run of tokens of the part, or a word of what the part is said to do together with such a
run. Whoever finds the flawed parts is credited with all the rest of the answer, which no search
gives: so a search scores here at least what it would before the judge.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from touchstone.bench.cheating.likeness import renamed_tokens
from touchstone.evaluation.families.base import Item

_SUPPORT = 4
_KEPT = 100
"""Rules that are looked at, at most."""
_CUTS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_RUNS = (2, 3, 4)


@dataclass(frozen=True)
class SearchedPart:
    """A part of a program that may be flawed."""

    said: frozenset[str]
    """Words of what it is said to do; empty where nothing is."""
    runs: frozenset[str]
    """Runs of its tokens, after renaming."""
    flawed: bool


Parts = Callable[[Item], Sequence[SearchedPart]]


def runs_of(text: str) -> frozenset[str]:
    """Runs of tokens of a text, of several lengths."""
    tokens = renamed_tokens(text)
    return frozenset(
        " ".join(tokens[at : at + size]) for size in _RUNS for at in range(len(tokens) - size + 1)
    )


def sentence_words(sentence: str) -> frozenset[str]:
    """The words of a sentence and its pairs of neighbours, numbers as #."""
    words = re.findall(r"[a-z]+|#", re.sub(r"\d+", "#", sentence.lower()))
    pairs = (" ".join(two) for two in itertools.pairwise(words))
    return frozenset([*words, *pairs])


Rule = tuple[str, str]
"""A word of what is said and a run of tokens; either may be empty, and then anything will do."""


def learned_rules(training: Sequence[Sequence[SearchedPart]]) -> list[tuple[Rule, float]]:
    """Rules by their precision on training items, the surest first."""
    parts = [part for item in training for part in item]
    flawed = [part for part in parts if part.flawed]
    # What few flawed parts hold makes no rule, alone or in a pair; most of it goes here.
    said = _frequent(Counter(word for part in flawed for word in part.said))
    runs = _frequent(Counter(run for part in flawed for run in part.runs))
    right: Counter[Rule] = Counter()
    for part in flawed:
        right.update(_rules(part, said, runs))
    kept = _frequent(right)
    met: Counter[Rule] = Counter()
    for part in parts:
        met.update(rule for rule in _rules(part, said, runs) if rule in kept)
    # Smoothed, so that a rule which was met a few times only is not taken for a sure one.
    rated = {rule: right[rule] / (met[rule] + 2) for rule in kept}
    ranked = sorted(rated, key=lambda rule: (-rated[rule], -right[rule], rule))
    return [(rule, rated[rule]) for rule in ranked[:_KEPT]]


Key = TypeVar("Key", bound=Hashable)


def _frequent(counted: Counter[Key]) -> frozenset[Key]:
    return frozenset(key for key, count in counted.items() if count >= _SUPPORT)


def _rules(part: SearchedPart, said: frozenset[str], runs: frozenset[str]) -> Iterator[Rule]:
    words, own = part.said & said, part.runs & runs
    yield from ((word, "") for word in words)
    yield from (("", run) for run in own)
    yield from ((word, run) for word in words for run in own)


class Search:
    """Some rules, and how sure one must be to count."""

    def __init__(
        self,
        rules: Sequence[tuple[Rule, float]],
        training: Sequence[Sequence[SearchedPart]],
        most: int,
        least: int = 0,
    ) -> None:
        """Fit the cut to training items; an answer names `least` to `most` parts."""
        self._rules, self._most, self._least = rules, most, least
        marked = [(self._marks(item), _flaws(item)) for item in training]
        self._cut = max(
            _CUTS, key=lambda cut: sum(self._named(marks, cut) == flaws for marks, flaws in marked)
        )

    def finds(self, item: Sequence[SearchedPart]) -> bool:
        """Whether it names just the flawed parts of an item."""
        return self._named(self._marks(item), self._cut) == _flaws(item)

    def _marks(self, item: Sequence[SearchedPart]) -> list[float]:
        return [
            max(
                (
                    rate
                    for (word, run), rate in self._rules
                    if (not word or word in part.said) and (not run or run in part.runs)
                ),
                default=0.0,
            )
            for part in item
        ]

    def _named(self, marks: Sequence[float], cut: float) -> set[int]:
        ranked = sorted(range(len(marks)), key=lambda at: -marks[at])
        sure = [at for at in ranked if marks[at] >= cut][: self._most]
        return set(sure if len(sure) >= self._least else ranked[: self._least])


def _flaws(item: Sequence[SearchedPart]) -> set[int]:
    return {at for at, part in enumerate(item) if part.flawed}
