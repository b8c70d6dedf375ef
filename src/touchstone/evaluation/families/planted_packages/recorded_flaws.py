"""What `scripts/make_planted.py` found of each package: right answers, and verified flaws."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from touchstone.evaluation.families.base import MAX_DIFFICULTY
from touchstone.evaluation.families.planted_packages.cases import STOCK
from touchstone.evaluation.families.twins import resource


@dataclass(frozen=True)
class Flaw:
    """One flaw that was tried: the program had it, and answered some of the calls otherwise."""

    site: int
    """Which of the program's places, as `program.sites` counts them."""
    shown: frozenset[int]
    """The calls that show it, by their number in the stock."""


@dataclass(frozen=True)
class Recorded:
    """What was found of a package."""

    answers: tuple[str, ...]
    """What the clean program answers to each call of the stock."""
    levels: tuple[tuple[Flaw, ...], ...]
    """Its flaws by difficulty: a fifth of them each, those that the most calls show first."""


def marks_of(shown: Sequence[int]) -> str:
    """Numbers of calls as hexadecimal digits, a bit for each call."""
    return f"{sum(1 << at for at in shown):x}"


@cache
def recorded(package: str) -> Recorded:
    """What was found of a package. Raises FileNotFoundError."""
    found = json.loads(resource(__package__, f"recorded/{package}.json"))
    flaws = [
        Flaw(site, frozenset(at for at in range(STOCK) if int(marks, 16) >> at & 1))
        for site, marks in found["flaws"]
    ]
    flaws.sort(key=lambda flaw: (-len(flaw.shown), flaw.site))
    bounds = [len(flaws) * level // MAX_DIFFICULTY for level in range(MAX_DIFFICULTY + 1)]
    levels = tuple(tuple(flaws[low:high]) for low, high in itertools.pairwise(bounds))
    return Recorded(tuple(found["answers"]), levels)
