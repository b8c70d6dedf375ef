"""What the deeds of this room refuse.

::

    TouchstoneError
    ├── verdicts.CannotRunError    (BadInputError)   this review cannot be run here, and why
    ├── review.Refused
    │   └── RefusedDeed            (AnswerIsNoError) a deed that may not be done, with its event
    └── ServiceError
        ├── UnsafeHomeError        (BadInputError)   others may write where the installation lies
        ├── NoRecordError          (BadInputError)   a party's home, which has no record
        ├── CodedError             by code and data, worded in `wording`
        │   ├── DestroyedCaseError (AnswerIsNoError) the case was destroyed: what is left of it
        │   ├── UnknownCaseError   (BadInputError)   no case, or more than one, begins like that
        │   ├── CannotOrderError   (BadInputError)   terms or a directive that do not fit the case
        │   ├── NotAgreedError     (AnswerIsNoError) nothing that was agreed, or not this
        │   ├── CannotReviewError  (CannotRunError)  no review can be run as it was asked for
        │   ├── KeyHolderError     (BadInputError)   no key of automation for that name, or here
        │   └── UnusableRunsError  (BadInputError)   runs from elsewhere that cannot be used
        ├── UnfinishedError        (AnswerIsNoError) a deed stands, and something is left to be done
        ├── UnknownFrameworkError  (BadInputError)   no shipped framework has that id
        ├── UnreadableTextError    (BadInputError)   a text file that cannot be taken
        ├── ConfigurationError     (BadInputError)   touchstone.toml, or what it names
        ├── StoppedError           (AnswerIsNoError) the review was halted, or its budget is spent
        │   └── EndedError         (AnswerIsNoError) the case ended while it was measured
        └── BusyError              (AnswerIsNoError) another process is running this review
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from touchstone.errors import AnswerIsNoError, BadInputError, TouchstoneError
from touchstone.review import Event, Refused
from touchstone.review.events.measuring import StopReason
from touchstone.service.wording import sentence_for
from touchstone.verdicts.errors import CannotRunError


class RefusedDeed(Refused):
    """A deed that may not be done; the text says who may do it and when.

    Where the law refuses it, `code` and `data` are the law's; else `code` is that of the answer.
    """

    def __init__(
        self,
        event: Event,
        reason: str,
        code: str,
        data: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        super().__init__(reason, code, data)
        self.event = event


class ServiceError(TouchstoneError):
    """Anything that this room raises itself."""


class CodedError(ServiceError):
    """Known to programs by `code` and `data`, and to people by the sentence that `wording` has.

    raise CannotOrderError("directive-unknown", name="june-12", issued=("june-20",))
    """

    def __init__(self, code: str, **data: Any) -> None:
        super().__init__(sentence_for(code, data))
        self.code = code
        self.data: Mapping[str, Any] = MappingProxyType(data)

    def told(self, name_of: Callable[[str], str]) -> str:
        """The sentence, with what each field of the deed is called where it is read."""
        return sentence_for(self.code, self.data, name_of)


class UnsafeHomeError(ServiceError, BadInputError):
    """Others may write where the installation lies, or a folder above it."""


class NoRecordError(ServiceError, BadInputError):
    """A party's home, where its keys are and no record is; nothing was made."""

    def __init__(self, home: Path) -> None:
        super().__init__(
            f"{home}: is a party's home, and no record is here; fix: add --server URL, or set"
            " TOUCHSTONE_HOME to the installation's home"
        )


class DestroyedCaseError(CodedError, AnswerIsNoError):
    """The case was destroyed; the line says what is left and what can still be done."""


class CannotReviewError(CodedError, CannotRunError):
    """A review, or a case, that cannot be as it was asked for; nothing was begun."""


class KeyHolderError(CodedError, BadInputError):
    """No key of automation is made here for that party."""


class UnusableRunsError(CodedError, BadInputError):
    """A table of runs from elsewhere, or what is asked of it, cannot be used."""


class UnfinishedError(ServiceError, AnswerIsNoError):
    """A deed stands in the record, and something outside of it is left to be done."""


class UnknownCaseError(CodedError, BadInputError):
    """No case, or more than one, is meant by what was given."""


class UnreadableTextError(ServiceError, BadInputError):
    """A file that cannot be read, is too large, or is not UTF-8."""


class ConfigurationError(ServiceError, BadInputError):
    """The installation's touchstone.toml, or what it names, cannot be used."""


class UnknownFrameworkError(ServiceError, BadInputError):
    """Neither the id of a shipped framework nor a framework file."""


class CannotOrderError(CodedError, BadInputError):
    """Terms, a directive, an answer or an option do not fit the case; the line names the fix."""


class NotAgreedError(CodedError, AnswerIsNoError):
    """What is asked for rests on something that nobody agreed to; the line says what is missing."""


class StoppedError(ServiceError, AnswerIsNoError):
    """Measuring stopped before the battery was through: a halt, a breach, a cap, a dead endpoint.

    `reason` is for the record.
    """

    def __init__(self, text: str, reason: StopReason = "halted") -> None:
        super().__init__(text)
        self.reason: StopReason = reason


class EndedError(StoppedError):
    """The developer left, or the centre closed or destroyed the case, while it was measured.

    Nothing more of it is for the record.
    """


class BusyError(ServiceError, AnswerIsNoError):
    """Another process on this machine is running this review."""
