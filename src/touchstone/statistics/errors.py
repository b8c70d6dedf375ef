"""What statistics refuses.

::

    TouchstoneError
    └── StatisticsError
        └── UnusableNumbersError (also BadInputError)   counts or levels that mean nothing
"""

from touchstone.errors import BadInputError, TouchstoneError


class StatisticsError(TouchstoneError):
    """Anything that this room raises."""


class UnusableNumbersError(StatisticsError, BadInputError):
    """Counts, thresholds or levels from which no verdict may be drawn."""
