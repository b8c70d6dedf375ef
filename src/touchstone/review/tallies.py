"""Outcomes as counted: of each run, attempt by attempt, and of two modes side by side."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from types import MappingProxyType
from typing import NamedTuple

from touchstone.review.events import measuring


@dataclass(frozen=True)
class Attempt:
    """Which items of one attempt are recorded, measured and solved: bit i is the item of index i.

    Bit sets make a duplicate check and a step forward cost a few machine words per 64 items.
    """

    recorded: int = 0
    measured: int = 0
    solved: int = 0
    lost: tuple[int, ...] = (0,) * len(measuring.UNMEASURED)
    """The items that measured nothing, by kind, in the order of `measuring.UNMEASURED`."""
    reasoned: int = 0
    """The items in which some reasoning was seen."""
    begun_again: int = 0
    """The items that were begun more than once before they had an outcome."""

    @property
    def reported(self) -> int:
        """The items whose score is only reported: neither measured nor lost."""
        return reduce(lambda bits, lost: bits & ~lost, self.lost, self.recorded & ~self.measured)

    @property
    def prefix(self) -> int:
        """How many items from index 0 on are recorded without a gap."""
        # Adding 1 carries through all 1s at the end, so this is the lowest bit that is 0.
        return (~self.recorded & (self.recorded + 1)).bit_length() - 1

    def counts(self, first: int | None = None) -> tuple[int, int]:
        """(solved, measured) among all items, or among the first so many of the committed order."""
        mask = -1 if first is None else (1 << first) - 1
        return (self.solved & mask).bit_count(), (self.measured & mask).bit_count()

    def unmeasured(self, first: int | None = None) -> measuring.Unmeasured:
        """How many of all items, or of the first so many, measured nothing, by kind."""
        mask = -1 if first is None else (1 << first) - 1
        counts = (bits & mask for bits in self.lost)
        return measuring.Unmeasured(
            **{
                kind.replace("-", "_"): bits.bit_count()
                for kind, bits in zip(measuring.UNMEASURED, counts, strict=True)
            }
        )

    def reasoning(self, first: int | None = None) -> bool:
        """Whether reasoning was seen in any item, or in any of the first so many."""
        return bool(self.reasoned & (-1 if first is None else (1 << first) - 1))

    def repeated(self, first: int | None = None) -> int:
        """How many of all items, or of the first so many, were begun more than once."""
        return (self.begun_again & (-1 if first is None else (1 << first) - 1)).bit_count()


@dataclass(frozen=True)
class Tally:
    """All outcomes under one RunKey, counted."""

    attempts: Mapping[int, Attempt] = field(default_factory=lambda: MappingProxyType({}))
    results: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    tokens: int = 0

    @property
    def recorded(self) -> int:
        """How many outcomes are recorded, all attempts together."""
        return sum(self.results.values())

    @property
    def reported(self) -> int:
        """How many of them are scores that decide nothing."""
        return self.results.get(measuring.REPORTED, 0)

    @property
    def totals(self) -> tuple[int, int]:
        """(solved, measured) samples, all attempts together."""
        counts = [each.counts() for each in self.attempts.values()]
        return sum(solved for solved, _ in counts), sum(measured for _, measured in counts)

    def attempt(self, number: int = 1) -> Attempt:
        """One attempt's items, from attempt 1; empty if nothing is recorded of it."""
        return self.attempts.get(number, Attempt())

    def counting(self, outcomes: Sequence[measuring.Outcome]) -> "Tally":
        """The tally with these outcomes as well, of samples that it does not hold yet."""
        attempts = dict(self.attempts)
        for outcome in outcomes:
            before = attempts.get(outcome.attempt, Attempt())
            bit = 1 << outcome.index
            attempts[outcome.attempt] = Attempt(
                recorded=before.recorded | bit,
                measured=before.measured | (bit if outcome.measured else 0),
                solved=before.solved | (bit if outcome.result == "solved" else 0),
                lost=tuple(
                    bits | (bit if outcome.result == kind else 0)
                    for kind, bits in zip(measuring.UNMEASURED, before.lost, strict=True)
                ),
                reasoned=before.reasoned | (bit if outcome.reasoning else 0),
                begun_again=before.begun_again | (bit if outcome.executions > 1 else 0),
            )
        results = Counter(self.results) + Counter(each.result for each in outcomes)
        tokens = self.tokens + sum(each.tokens for each in outcomes)
        return Tally(MappingProxyType(attempts), MappingProxyType(dict(results)), tokens)


class Pair(NamedTuple):
    """Two modes of one variant, in the order of their names."""

    battery: str
    variant: str
    one: str
    other: str


def pair_of(battery: str, variant: str, mode: str, other: str) -> Pair:
    """The pair of two modes, whichever is named first."""
    # Sorted, so that whichever mode was recorded last finds the same pair.
    return Pair(battery, variant, *sorted((mode, other)))


@dataclass(frozen=True)
class Likeness:
    """On how many items two modes gave the same answers, byte for byte, and on how many others."""

    alike: int = 0
    unlike: int = 0

    @property
    def same(self) -> bool:
        """Whether they answered alike on every item compared, and on enough of them to say so."""
        return not self.unlike and self.alike >= measuring.LEAST_COMPARED
