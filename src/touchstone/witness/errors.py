"""What a witness refuses.

::

    TouchstoneError
    └── WitnessError
        ├── WitnessConfigError (BadInputError)   its configuration cannot be used
        ├── WitnessStateError  (BadInputError)   its key or its state is gone, or they do not fit
        └── SubmissionRefusedError               answered with a status and a line
"""

from touchstone.errors import BadInputError, TouchstoneError


class WitnessError(TouchstoneError):
    """Anything that this room raises itself."""


class WitnessConfigError(WitnessError, BadInputError):
    """The configuration cannot be used: one line that names the file, the key and the fix."""


class WitnessStateError(WitnessError, BadInputError):
    """Key and state do not fit together, or one is gone: it must not go on as if nothing was."""


class SubmissionRefusedError(WitnessError):
    """A request that is not granted: the HTTP status, and the body of the answer."""

    def __init__(self, status: int, text: str, media_type: str = "text/plain") -> None:
        super().__init__(text)
        self.status, self.media_type = status, media_type
