"""What the framework room refuses.

::

    TouchstoneError
    └── FrameworkError
        └── FrameworkFileError (also BadInputError)   a framework's text that cannot be used
"""

from touchstone.errors import BadInputError, TouchstoneError


class FrameworkError(TouchstoneError):
    """Anything that this room raises."""


class FrameworkFileError(FrameworkError, BadInputError):
    """A framework's text cannot be used. The message is one line: file, key, fix."""
