"""What can go wrong while measuring.

TouchstoneError
└── BenchError    something that is measured did not start, broke off, or answered wrongly
"""

from touchstone.errors import TouchstoneError


class BenchError(TouchstoneError):
    """The measurement cannot go on; a number from it would mislead."""
