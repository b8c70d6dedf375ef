"""What can go wrong while a model is measured.

The tree::

    TouchstoneError
    ├── BadInputError
    │   ├── SubmissionError      the submission cannot be used; names the key and the fix
    │   ├── PlanError            the battery plan asks for what the families cannot give
    │   ├── ElicitationError     an elicitation cannot be used, or its agent does not run here
    │   ├── FamilyError          a named family is not there, is broken, or not what was sealed
    │   └── KeyMissingError      the environment variable that should hold the key is empty
    ├── AnswerIsNoError
    │   └── RevealError          what was revealed is not what was committed
    ├── JournalError             a chunk's journal is another chunk's, in use, or was altered
    ├── ChunkError               Inspect's run cannot be trusted: status, arguments, samples
    ├── QuotaError               the shared request quota cannot be used
    └── WorkerError              a worker process died or spoke nonsense
"""

from touchstone.errors import AnswerIsNoError, BadInputError, TouchstoneError


class SubmissionError(BadInputError):
    """The submission cannot be used; the text names the key and the fix."""


class PlanError(BadInputError):
    """The battery plan asks for what the families cannot give."""


class FamilyError(BadInputError):
    """A family that is named is not there, cannot be loaded, or is other code than was sealed."""


class ElicitationError(BadInputError):
    """An elicitation cannot be used, or its agent is not here as it was registered."""


class WeightsError(BadInputError):
    """A set of weights, or its manifest, that nobody could take for the same set again."""


class EndpointKeyMissingError(BadInputError):
    """The environment variable that should hold the endpoint's key is empty."""


class RevealError(AnswerIsNoError):
    """What was revealed is not what was committed before the first sample."""


class JournalError(TouchstoneError):
    """A chunk's journal belongs to another chunk, is in use, or cannot be read or written."""


class JournalHeldError(JournalError):
    """A chunk's journal is in use by another process, which may end soon."""


class ChunkError(TouchstoneError):
    """Inspect's run of a chunk cannot be trusted."""


class QuotaError(TouchstoneError):
    """The request quota shared by the reviews of one endpoint cannot be used."""


class WorkerError(TouchstoneError):
    """A worker process died or spoke nonsense."""


class TranscriptError(AnswerIsNoError):
    """A log holds no such transcript, or none that can be read."""


class TooLargeError(TranscriptError):
    """A transcript, or its log, is larger than what is looked at."""


class UnmatchedCaseError(BadInputError):
    """A labelled case names a transcript that no scan has a row for: it would measure nothing."""
