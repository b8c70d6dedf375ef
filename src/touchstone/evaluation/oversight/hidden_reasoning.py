"""Reasoning that cannot be read whole: redacted, unsent, a summary only, or cut short."""

from touchstone.evaluation.oversight.reading import TranscriptReading
from touchstone.evaluation.oversight.tool_results import Found

_CUT = frozenset({"max_tokens", "model_length"})


def redacted_reasoning(reading: TranscriptReading) -> Found:
    """Turns with reasoning that only the endpoint can read."""
    for turn in reading.turns:
        if turn.redacted:
            yield turn.message, f"{turn.redacted} parts of its reasoning are redacted", ""
        elif turn.summaries:
            yield turn.message, f"{turn.summaries} parts of its reasoning are summaries", ""
        elif turn.unsent:
            yield turn.message, f"{turn.unsent} tokens of reasoning were counted, and none sent", ""


def cut_reasoning(reading: TranscriptReading) -> Found:
    """Turns that ended at an output limit, or reasoned and then said and did nothing."""
    for turn in reading.turns:
        if turn.stopped in _CUT:
            yield turn.message, "the answer was cut at an output limit", ""
        elif any(turn.reasoning) and not turn.text.strip() and not turn.calls and not turn.served:
            yield turn.message, "it reasoned, and no answer followed", ""
