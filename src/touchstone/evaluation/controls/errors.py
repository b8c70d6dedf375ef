"""What can go wrong with a control.

::

    TouchstoneError
    ├── SubjectError            the control server could not do its work
    └── BadInputError
        └── SubjectInputError   an unknown control or fault, an items file that cannot be used
"""

from touchstone.errors import BadInputError, TouchstoneError


class SubjectError(TouchstoneError):
    """The control server did not start, or died."""


class SubjectInputError(BadInputError):
    """An unknown control, fault or item id, or no key."""
