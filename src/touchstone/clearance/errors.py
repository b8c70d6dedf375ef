"""What clearance refuses.

::

    TouchstoneError
    └── ClearanceError
        └── MarkingError (also BadInputError)   something handed in as a marking is none
"""

from touchstone.errors import BadInputError, TouchstoneError


class ClearanceError(TouchstoneError):
    """Anything that this room raises."""


class MarkingError(ClearanceError, BadInputError):
    """What was handed in as a marking has not the form of one. One line with the fix."""
