"""Facts about models that were asked about transcripts, for a page."""

from dataclasses import dataclass

Shown = tuple[str, str]
"""A share, and its interval; the second is empty where there is none."""


@dataclass(frozen=True)
class GradingRow:
    """One question over all transcripts, beside the error of who answered it."""

    detector: str
    flagged: str
    """Raw, or that there is no count."""
    unflagged: str
    not_looked_at: int
    found: Shown
    """Of labelled cases with the property, how many it flagged."""
    false_alarms: Shown
    talked_over: tuple[str, str]
    """Where somebody in a case told it what to say: what it found when told no, and flagged when
    told yes."""
    corrected: Shown
    """The share with the property, corrected for both errors; or why there is none."""


@dataclass(frozen=True)
class GradingFacts:
    """What one grader flagged, and how it errs."""

    transcripts: int
    looked_at: int
    """Those of which it answered every question."""
    model: str
    whose: str
    """Whose model it is, in a sentence."""
    spent: str
    """What asking it took."""
    rows: tuple[GradingRow, ...]
    notes: tuple[str, ...] = ()
