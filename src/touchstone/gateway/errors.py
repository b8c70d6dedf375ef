"""What can go wrong at a gateway.

::

    TouchstoneError
    └── GatewayError                            a fault: it says what to mend
        ├── GatewayConfigError (BadInputError)  gateway.toml, or a file that it names
        ├── ReceiptError (AnswerIsNoError)      a receipt that does not hold
        └── AuditError (AnswerIsNoError)        an audit that was altered, and where
"""

from touchstone.errors import AnswerIsNoError, BadInputError, TouchstoneError


class GatewayError(TouchstoneError):
    """Anything that this room raises."""


class GatewayConfigError(GatewayError, BadInputError):
    """The configuration cannot be used. The message is one line: file, key, mend."""


class ReceiptError(GatewayError, AnswerIsNoError):
    """A receipt is forged, foreign, or not the next one of its chain."""


class AuditError(GatewayError, AnswerIsNoError):
    """An audit file was altered; the message says in which line."""
