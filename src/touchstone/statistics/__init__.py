"""Numbers from counts: exact intervals, and verdicts at stated error rates.

It knows no case, no item and no model, draws nothing at random and reads no file.
"""

from touchstone.statistics.errors import StatisticsError, UnusableNumbersError
from touchstone.statistics.intervals import (
    Interval,
    difference,
    exact,
    lower_bound,
    upper_bound,
    wilson,
)
from touchstone.statistics.verdicts import (
    RateRule,
    Verdict,
    VerdictWord,
    any_mode,
    at_least_once,
    rate_above_reference,
    rate_against_threshold,
)

__all__ = [
    "Interval",
    "RateRule",
    "StatisticsError",
    "UnusableNumbersError",
    "Verdict",
    "VerdictWord",
    "any_mode",
    "at_least_once",
    "difference",
    "exact",
    "lower_bound",
    "rate_above_reference",
    "rate_against_threshold",
    "upper_bound",
    "wilson",
]
