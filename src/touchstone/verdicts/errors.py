"""What this room refuses.

::

    TouchstoneError
    └── BadInputError
        └── CannotRunError   this review cannot be run here, and why
"""

from touchstone.errors import BadInputError


class CannotRunError(BadInputError):
    """The review as submitted cannot be run on this machine, and what would fix it."""
