"""The root of all errors.

Every room has its own errors module, whose tree starts at one of these::

    TouchstoneError
    ├── BadInputError     what was handed in cannot be used: exit 2, one line, nothing written
    ├── AnswerIsNoError   the question was understood and the answer is no: exit 1
    └── (faults of a room, which derive from TouchstoneError directly)

Begin at `touchstone.errors`: `BadInputError("what is wrong, and what to write")`.
"""


class TouchstoneError(Exception):
    """Anything that Touchstone itself raises. Its text is one line, fit for a person."""


class BadInputError(TouchstoneError):
    """What was handed in cannot be used; nothing was written. Commands exit with 2."""


class AnswerIsNoError(TouchstoneError):
    """The question was understood and the answer is no. Commands exit with 1."""
