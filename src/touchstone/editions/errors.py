"""What can be wrong with an edition before it is drawn."""

from touchstone.errors import TouchstoneError


class SentenceError(TouchstoneError):
    """The catalogue lacks a sentence that is asked for, or it asks for other values."""
