"""What can go wrong in the ledger.

::

    TouchstoneError
    ├── BadInputError
    │   ├── MalformedError   bytes or values that are not in the form of the record
    │   └── UnpromisedError  a deed is not taken now; the same bytes may be later
    └── AnswerIsNoError
        ├── AlteredError     well formed, but a hash, a proof, a signature or an order does not hold
        └── RefusedDeedError a deed is refused, to be signed and for good
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


class UnpromisedError(BadInputError):
    """A deed is not taken as it came, and nothing is promised: a plain answer, never signed.

    `code` is for programs, `why` for people.
    """

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


class RefusedDeedError(AnswerIsNoError):
    """A deed is refused for good: the answer is signed, stored, and the deed never recorded.

    `code` is for programs, `why` for people.
    """

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why
