"""What this room raises.

::

    TouchstoneError
    └── ServerError
        ├── UnsafeServerError (BadInputError)   it would be started in a way that is not safe
        ├── NotAuthenticatedError               nobody is shown to speak
        └── ProblemError                        answered with a status and a code
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from touchstone.errors import BadInputError, TouchstoneError

NOTHING: Mapping[str, Any] = MappingProxyType({})


class ServerError(TouchstoneError):
    """Anything that this room raises itself."""


class UnsafeServerError(ServerError, BadInputError):
    """The server is not started: one line that says what is not safe, and the fix."""


class NotAuthenticatedError(ServerError):
    """Whoever asks has not shown who it is; why is not told to it."""


class ProblemError(ServerError):
    """A request that is answered with a problem: `code` is for programs, `why` for people.

    Without them the status's own are said. `beside` goes into the answer's fields as it is.
    Nothing that was sent may stand in any of it.
    """

    def __init__(
        self, status: int, code: str = "", why: str = "", beside: Mapping[str, Any] = NOTHING
    ) -> None:
        super().__init__(why)
        self.status, self.code, self.why, self.beside = status, code, why, beside
