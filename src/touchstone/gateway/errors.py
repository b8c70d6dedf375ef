"""What can go wrong at a gateway.

::

    TouchstoneError
    └── GatewayError                            a fault: it says what to fix
        ├── GatewayConfigError (BadInputError)  gateway.toml, or a file that it names
        ├── RefusedError (AnswerIsNoError)      a request that is not served: status, code, sentence
        ├── NotCutError                         a barred connection that did not close
        ├── FeedLostError                       a feed, or a fleet's log, that does not answer
        ├── NotServingError (AnswerIsNoError)   no gateway answers where one was asked
        ├── StateError                          the state folder was rolled back or is damaged
        ├── ReceiptError (AnswerIsNoError)      a receipt that does not hold
        └── AuditError (AnswerIsNoError)        an audit that was altered, and where
"""

from touchstone.errors import AnswerIsNoError, BadInputError, TouchstoneError


class GatewayError(TouchstoneError):
    """Anything that this room raises."""


class GatewayConfigError(GatewayError, BadInputError):
    """The configuration cannot be used. The message is one line: file, key, fix."""


class RefusedError(GatewayError, AnswerIsNoError):
    """A request is not served. `status` and `code` go to the caller with the sentence."""

    def __init__(
        self, status: int, code: str, sentence: str, retry_after: int | None = None
    ) -> None:
        """`retry_after`: after how many seconds it may be served; None: it is not known."""
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.retry_after = retry_after


class NotCutError(GatewayError):
    """A connection that a policy bars did not close: no receipt may be given."""


class FeedLostError(GatewayError):
    """A feed, or the log of a fleet, is out of reach or talks nonsense. It may pass."""


class NotServingError(GatewayError, AnswerIsNoError):
    """No gateway answers at the configured place."""


class StateError(GatewayError):
    """What a gateway kept is damaged, or behind what it acknowledged: it must not go on."""


class ReceiptError(GatewayError, AnswerIsNoError):
    """A receipt is forged, foreign, or not the next one of its chain."""


class AuditError(GatewayError, AnswerIsNoError):
    """An audit file was altered; the message says in which line."""
