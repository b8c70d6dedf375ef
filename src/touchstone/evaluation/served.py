"""What is known of an answer that passed the door, whatever its format."""

from dataclasses import dataclass

from touchstone.evaluation.endings import Stop

MOST_CALLS = 64
"""Tool calls of one answer."""
SUBMIT = "submit"


@dataclass(frozen=True, kw_only=True)
class Served:
    """One answer, as far as it matters to what the sample's result is worth."""

    size: int
    """Bytes of the message as it came, as far as it was kept."""
    stop: Stop
    """`length` for whatever was cut, and for what is not said to be whole."""
    unknown_end: str
    """What was told of its end, where that is no word for one: one line; else an empty text."""
    refused: bool
    """Whether the message is a refusal, by the filter or by the model."""
    submitted: bool
    """Whether `submit` was called with arguments that are an object."""
    asked: int
    """Calls of other tools."""
    said: str
    """Digest (hex) of all that the model said: texts, reasoning, tool calls; no id, no number."""
    notes: tuple[str, ...]
