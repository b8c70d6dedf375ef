"""What the portal refuses.

::

    ServerError
    └── ProblemError
        └── ForeignOriginError   another site's page had the browser send this
"""

from touchstone.server.errors import ProblemError


class ForeignOriginError(ProblemError):
    """A page of another site had the browser send this."""

    def __init__(self) -> None:
        super().__init__(403, "origin", "this was sent by another site's page")
