"""What the terms room refuses.

::

    TouchstoneError
    └── TermsError
        ├── TermsFileError (BadInputError)      terms, a directive or entities that cannot be used
        ├── ClaimError (BadInputError)          a claim that cannot be read, or names the unknown
        ├── DocumentTooLargeError (BadInputError) more cases than can be enumerated
        └── PolicyBundleError (AnswerIsNoError) a policy bundle that must not be obeyed
"""

from typing import Literal

from touchstone.errors import AnswerIsNoError, BadInputError, TouchstoneError

Reason = Literal["forged", "foreign", "replayed", "out-of-order"]


class TermsError(TouchstoneError):
    """Anything that this room raises."""


class TermsFileError(TermsError, BadInputError):
    """A text cannot be used. The message is one line: file, key, fix."""


class ClaimError(TermsError, BadInputError):
    """A claim cannot be read, or names what neither the terms nor the entities know."""


class DocumentTooLargeError(TermsError, BadInputError):
    """The documents tell more cases apart than can be enumerated."""


class PolicyBundleError(TermsError, AnswerIsNoError):
    """A policy bundle must not be obeyed: the one before it stays in force.

    `reason` is `forged`, `foreign`, `replayed` or `out-of-order`.
    """

    def __init__(self, reason: Reason, what: str) -> None:
        super().__init__(f"{reason}: {what}")
        self.reason = reason
