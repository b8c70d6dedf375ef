"""What can go wrong with the kept record.

The tree::

    TouchstoneError
    ├── BadInputError
    │   ├── DatabaseSettingError   the database setting cannot be used
    │   ├── NotPreparedError       the database has no tables, or older ones: run prepare
    │   ├── OtherInstallationError the master key at hand is not the one of this record
    │   ├── CaseExistsError        a case of that name is open already
    │   ├── CaseMissingError       there is no such case
    │   ├── EndpointKeyError       an endpoint's key is not taken as it came
    │   ├── EarlierContractError   the case's log is of record contract 1: it is only read
    │   ├── EvidenceMissingError   nothing of that digest is kept (also a KeyError)
    │   ├── PageError              a list cannot be gone on with from there
    │   ├── PartError              a part cannot be kept or erased as asked
    │   └── StagingError           bytes are not taken as they came, before their deed
    ├── AnswerIsNoError
    │   ├── DestroyedError         the case's key was destroyed: its content is gone for good
    │   ├── AppendOnlyError        entries, leaves and checkpoints are never changed
    │   ├── DamagedError           what is kept does not agree with itself
    │   ├── DeedRefusedError       a deed was refused, and the signed refusal is kept
    │   └── ReadOnlyError          something is amiss, or the home cannot be written: read only
    └── RecordsError               a fault: nothing was written, and it may pass
        ├── BusyError              another process held the record for too long
        ├── FullError              the disk is full
        └── UnreachableError       the database does not answer, or denies
"""

from touchstone.errors import AnswerIsNoError, BadInputError, TouchstoneError
from touchstone.handin.shown_ids import short_case
from touchstone.ledger.contract2 import SignedAnswer
from touchstone.ledger.errors import RefusedDeedError


class DatabaseSettingError(BadInputError):
    """The database setting cannot be used."""


class NotPreparedError(BadInputError):
    """The database has no tables, or those of another version."""


class OtherInstallationError(BadInputError):
    """The master key at hand does not open this record."""


class CaseExistsError(BadInputError):
    """A case of that name is open already."""


class CaseMissingError(BadInputError):
    """There is no such case."""


class EarlierContractError(BadInputError):
    """The case's log is of record contract 1, which is read and verified, and never extended."""

    def __init__(self, case: str) -> None:
        super().__init__(
            f"case {short_case(case)} is kept in record contract 1, which this version lists, "
            "shows, verifies and exports, and never adds to: go on in a new case of the same "
            "submission, or in the version that opened this one"
        )


class EvidenceMissingError(BadInputError, KeyError):
    """Nothing of that digest is kept for the case."""

    def __str__(self) -> str:
        # A KeyError would show its text in quotation marks.
        return str(self.args[0])


class EndpointKeyError(BadInputError):
    """An endpoint's key is not taken, or there is none to take back; the one before stands.

    `code` is for programs: `key-name`, `key-value`, `key-unknown`, `too-many-keys`. Nothing that
    was handed in stands in the text.
    """

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


class PageError(BadInputError):
    """A list cannot be gone on with from there, or not by so many."""


class PartError(BadInputError):
    """A part cannot be kept or erased as asked."""


class StagingError(BadInputError):
    """Bytes sent before their deed are not taken as they came; nothing of the call is kept.

    `code` is for programs: `digest-form`, `too-large`, `too-many`, `other-size`, `not-begun`,
    `offset`, `piece`, `digest`. `offset` is how many bytes are here, where more can follow.
    """

    def __init__(self, code: str, why: str, offset: int | None = None) -> None:
        super().__init__(why)
        self.code = code
        self.offset = offset


class DestroyedError(AnswerIsNoError):
    """The case's key was destroyed: its content is gone for good."""


class AppendOnlyError(AnswerIsNoError):
    """Entries, installation leaves, checkpoints and facts of state are never changed."""


class DamagedError(AnswerIsNoError):
    """What is kept does not agree with itself."""


class DeedRefusedError(AnswerIsNoError):
    """A deed was refused for good; nothing of its transaction stands but the signed refusal."""

    def __init__(self, error: RefusedDeedError, answer: SignedAnswer) -> None:
        super().__init__(error.why)
        self.error = error
        """Code, reason, and as its cause what the judge made of it."""
        self.answer = answer
        """The refusal, as it is kept."""


class ReadOnlyError(AnswerIsNoError):
    """Nothing is written: the home cannot be, or something is amiss. Reading works."""


class RecordsError(TouchstoneError):
    """The record could not be read or written; nothing half-done is left."""


class BusyError(RecordsError):
    """Another process held the record for too long."""


class FullError(RecordsError):
    """The disk is full; nothing was written."""


class UnreachableError(RecordsError):
    """The database does not answer, or denies."""
