"""What the terms room refuses.

::

    TouchstoneError
    └── TermsError
        ├── TermsFileError (BadInputError)      terms, a directive or entities that cannot be used
        ├── ClaimError (BadInputError)          a claim that cannot be read, or names the unknown
        ├── TooLargeError (BadInputError)       more cases than can be enumerated
        └── PolicyBundleError (AnswerIsNoError) a policy bundle that must not be obeyed
"""

from touchstone.errors import AnswerIsNoError, BadInputError, TouchstoneError


class TermsError(TouchstoneError):
    """Anything that this room raises."""


class TermsFileError(TermsError, BadInputError):
    """A text cannot be used. The message is one line: file, key, mend."""


class ClaimError(TermsError, BadInputError):
    """A claim cannot be read, or names what neither the terms nor the entities know."""


class TooLargeError(TermsError, BadInputError):
    """The documents tell more cases apart than can be enumerated."""


class PolicyBundleError(TermsError, AnswerIsNoError):
    """A policy bundle is forged, foreign, replayed, out of order or past its grace: obey it not."""
