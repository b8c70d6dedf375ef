"""What the accounts refuse, each with the status and code that a request is answered with.

::

    ServerError
    └── ProblemError
        └── AccountsError (BadInputError)
            ├── NoSuchPersonError        there is none, or none that whoever asks may see: the same
            ├── NotManagedError          that is not for it to say
            ├── NotUsableError           a code that is unknown, used or expired: the same
            ├── UnprovenError            a device's statement that does not hold
            ├── StatementLateError       it was signed at another time than now
            ├── StatementUsedError       it was used before
            ├── ScopeError               more than the person's roles allow
            ├── BadAccountError          a field that cannot be taken
            ├── DeviceTakenError         a device key that has an owner
            ├── LastAdministratorError   nobody would be left to invite anybody
            ├── TooOftenError            wait so many seconds
            └── KeyReusedError           an idempotency key that stood on another request
"""

from collections.abc import Collection

from touchstone.errors import BadInputError
from touchstone.server.errors import ProblemError


class AccountsError(ProblemError, BadInputError):
    """Anything that the accounts raise themselves. Its text repeats no secret."""


class NoSuchPersonError(AccountsError):
    """There is no such person, as far as whoever asks may know."""

    def __init__(self) -> None:
        super().__init__(404, "unknown-person", "there is no such person")


class NotManagedError(AccountsError):
    """An administrator or a lead of the institution must do that."""

    def __init__(self) -> None:
        why = "an administrator does that, or for its own institution its lead"
        super().__init__(403, "not-managed", why)


class NotUsableError(AccountsError):
    """The code lets nobody in: it is unknown, used, expired, or of another institution."""

    def __init__(self) -> None:
        # Which of these it is would tell a stranger whose code it guessed.
        why = (
            "the code is unknown, was used, or has expired, or is for another institution (--as);"
            " fix: give --as as whoever invited you wrote it, or ask to be invited again"
        )
        super().__init__(401, "invitation", why)


class UnprovenError(AccountsError):
    """What a device signed does not hold, or is not what it should be."""

    def __init__(self) -> None:
        super().__init__(401, "statement", "the statement is not signed as it must be")


class StatementLateError(AccountsError):
    """The device's clock and the server's are too far apart; the server's stands beside it."""

    def __init__(self, now: str, minutes: int) -> None:
        why = f"it was signed over {minutes} minutes from now; fix: set the clock right"
        super().__init__(401, "statement-late", why, {"now": now})


class StatementUsedError(AccountsError):
    """The device's statement was used before; fix: sign another."""

    def __init__(self) -> None:
        why = "the statement was used before; fix: sign one with a new nonce"
        super().__init__(401, "statement-used", why)


class ScopeError(AccountsError):
    """The person's roles do not allow a scope that was asked for; those that they do are told.

    Told to the person's own device alone, which signed what it asks.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        why = "the person's roles do not allow what is asked for"
        super().__init__(403, "scope", why, {"scopes": sorted(allowed)})


class BadAccountError(AccountsError):
    """A field of an account that cannot be taken, and what to write."""

    def __init__(self, why: str) -> None:
        super().__init__(422, "account", why)


class DeviceTakenError(AccountsError):
    """The device key is known already; fix: make a new one."""

    def __init__(self) -> None:
        why = "the device key is known already; fix: make a new one"
        super().__init__(409, "device-key", why)


class LastAdministratorError(AccountsError):
    """Nobody would be left to invite anybody."""

    def __init__(self) -> None:
        why = "this is the last administrator; fix: invite another first"
        super().__init__(409, "last-administrator", why)


class TooOftenError(AccountsError):
    """Too much was asked for: `seconds` are to be waited."""

    def __init__(self, seconds: int) -> None:
        super().__init__(429, "too-many", f"too much was asked for: wait {seconds} s")
        self.seconds = seconds


class KeyReusedError(AccountsError):
    """The idempotency key stood on another request."""

    def __init__(self) -> None:
        why = "this Idempotency-Key stood on another request; fix: take a new one for each"
        super().__init__(409, "idempotency-key", why)
