"""What can go wrong in the ledger.

::

    TouchstoneError
    ├── BadInputError
    │   └── MalformedError   bytes or values that are not in the form of the record
    └── AnswerIsNoError
        └── AlteredError     well formed, but a hash, a proof, a signature or an order does not hold
"""

from touchstone.errors import AnswerIsNoError, BadInputError


class MalformedError(BadInputError):
    """Bytes or values that are not in the form that docs/reference/record-format.md gives."""


class AlteredError(AnswerIsNoError):
    """A hash, a proof, a signature or an order does not hold.

    `place` says where (line, entry and part of a bundle), or is empty; `what` says what.
    """

    def __init__(self, what: str, place: str = "") -> None:
        super().__init__(f"{place}: {what}" if place else what)
        self.what = what
        self.place = place
