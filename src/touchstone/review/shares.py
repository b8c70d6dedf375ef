"""How the error rates of a criterion are shared out among the ways in which it may be met."""

from decimal import ROUND_FLOOR, Decimal

from touchstone.framework import NumericCriterion
from touchstone.review.state import State

STEP = Decimal("0.000001")
"""What the record can hold."""


def ways_of_crossing(criterion: NumericCriterion, state: State) -> int:
    """In how many modes of the variants under review the criterion is judged, as submitted.

    Not: how many of them have run so far. The shares are fixed before the first sample.
    """
    return sum(
        criterion.modes == "any" or mode in criterion.modes
        for variant in state.current_variants
        for mode in state.variants[variant].modes
    )


def share(level: str, ways: int) -> Decimal:
    """One of so many equal shares, rounded down to `STEP`, so never laxer than the framework."""
    return (Decimal(level) / ways).quantize(STEP, ROUND_FLOOR)
