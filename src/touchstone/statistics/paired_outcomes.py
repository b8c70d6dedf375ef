"""Two runs on the same items, item by item: McNemar's exact test, and the difference of the rates.

It decides nothing: a difference that is not seen is no proof that there is none, which the interval
of the difference says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr

from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.estimates import Estimate, Labels, paired_difference

_LEAST_ITEMS = 2


@dataclass(frozen=True)
class PairedOutcomes:
    """How two runs did on the items that both measured."""

    both: int
    """Items that both solved."""
    one: int
    """Items that the first solved and the second did not."""
    other: int
    """Items that the second solved and the first did not."""
    neither: int
    p_value: float
    """Two-sided, exact: the chance of so lopsided a split of the items on which they differ, or a
    more lopsided one, where each is as likely to fall either way. 1 where they never differ."""
    difference: Estimate | None
    """Rate of the first less that of the second, clustered; None for fewer than two clusters."""

    @property
    def items(self) -> int:
        """All pairs."""
        return self.both + self.one + self.other + self.neither


def compare_paired(
    one: Sequence[bool],
    other: Sequence[bool],
    clusters: Labels | None = None,
    confidence: float = 0.95,
) -> PairedOutcomes:
    """Hold two runs against each other on the same items.

    Args:
        one: Whether the first run solved each item.
        other: The same of the second, in the same order.
        clusters: A label for each item, such as the flaw in it; None: no two are alike.
        confidence: Coverage of the interval.

    Source: McNemar, Psychometrika 12 (1947); the exact form is the sign test of the discordant
    pairs.

    Raises:
        UnusableNumbersError: no items, or not as many in one as in the other.
    """
    if not one or len(one) != len(other):
        raise UnusableNumbersError(f"{len(one)} outcomes cannot be paired with {len(other)}")
    pairs = list(zip(one, other, strict=True))
    first, second = pairs.count((True, False)), pairs.count((False, True))
    labels = [str(place) for place in range(len(pairs))] if clusters is None else list(clusters)
    difference = None
    if len(set(labels)) >= _LEAST_ITEMS:
        first_run, second_run = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
        difference = paired_difference(first_run, second_run, labels, confidence)
    return PairedOutcomes(
        both=pairs.count((True, True)),
        one=first,
        other=second,
        neither=pairs.count((False, False)),
        p_value=_exact(first, second),
        difference=difference,
    )


def _exact(one: int, other: int) -> float:
    if one == other:
        return 1.0
    return min(1.0, 2 * float(bdtr(min(one, other), one + other, 0.5)))
