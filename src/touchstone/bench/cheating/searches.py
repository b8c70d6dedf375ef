"""Text searches: rules learned from training items that say which part of a program is flawed.

A rule is a run of tokens of the part, or a word of what the part is said to do together with such a
run. Whoever finds the flawed parts is credited with all the rest of the answer, which no search
gives: so a search scores here at least what it would before the judge.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    flawed = np.array([part.flawed for part in parts], bool)
    # What few flawed parts hold makes no rule, alone or in a pair; most of it goes here.
    said = _frequent([part.said for part in parts], flawed)
    runs = _frequent([part.runs for part in parts], flawed)
    words, texts = _held(said, [p.said for p in parts]), _held(runs, [p.runs for p in parts])
    right = words[flawed].T @ texts[flawed]
    # Smoothed, so that a rule which was met a few times only is not taken for a sure one.
    rated = right / (words.T @ texts + 2)
    rated[right < _SUPPORT] = 0
    # The pair of two empty ones is every part.
    rated[0, 0] = 0
    least = np.sort(rated, axis=None)[-min(_KEPT, rated.size)]
    found = np.argwhere(rated >= max(least, np.finfo(np.float32).tiny))
    ranked = sorted(
        ((-float(rated[w, r]), -int(right[w, r]), (said[w], runs[r])) for w, r in found)
    )
    return [(rule, -rate) for rate, _, rule in ranked[:_KEPT]]


def _frequent(held: Sequence[frozenset[str]], flawed: NDArray[np.bool_]) -> list[str]:
    """What enough flawed parts hold, behind the empty one, which all hold."""
    counted = Counter(
        each for own, wrong in zip(held, flawed, strict=True) if wrong for each in own
    )
    return ["", *sorted(each for each, count in counted.items() if count >= _SUPPORT)]


def _held(known: Sequence[str], held: Sequence[frozenset[str]]) -> NDArray[np.float32]:
    """Of each part (a row) which of the known it holds."""
    columns = {each: at for at, each in enumerate(known)}
    table = np.zeros((len(held), len(known)), np.float32)
    table[:, 0] = 1
    for row, own in enumerate(held):
        table[row, [columns[each] for each in own if each in columns]] = 1
    return table


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
