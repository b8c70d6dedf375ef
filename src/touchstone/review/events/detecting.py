"""What detectors flagged in transcripts, as counts. What they saw is a part, sealed as logs are."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import model_validator

from touchstone.review.events.base import Count, Digest, Event, Facts, Name


class Detected(Facts):
    """One detector over all transcripts of a battery: its three numbers add up to all of them."""

    detector: Name
    """Its name, as `spoofed-result`."""
    flagged: Count
    """Transcripts in which it flagged something."""
    unflagged: Count
    """Transcripts that it looked through, and flagged nothing in. That clears nothing."""
    not_looked_at: Count
    """Transcripts that were not there, or that it did not look through to the end."""


class TranscriptsScanned(Event):
    """Detectors looked for what measuring must not rest on. They flag, and clear nothing."""

    type: Literal["transcripts-scanned"] = "transcripts-scanned"
    battery: Name
    """The battery whose samples they are of."""
    transcripts: Count
    """How many there are to be: one for each outcome that the record holds of the battery."""
    looked_at: Count
    """Those of them that every detector looked through to the end."""
    canaries: Count = 0
    """How many marks of its items were looked for; of none, no canary could be flagged."""
    detectors: Digest
    """The digest of the detectors' code."""
    power: Digest
    """The digest of what is known of their power: the figures that were measured of that code."""
    counts: tuple[Detected, ...]
    """One for each detector, in their order; at least one."""

    @model_validator(mode="after")
    def _each_counts_all(self) -> Self:
        _check_counts(self.counts, self.transcripts, self.looked_at)
        return self


Whose = Literal["centre", "under-review"]


class Graded(Detected):
    """One question over all transcripts of a battery: the first three numbers add up to them."""

    alone_flagged: Count
    """Of those flagged, how many the grader was shown in one part, as what its error was measured
    on: these alone are corrected for."""
    alone_unflagged: Count
    """Of those looked at and not flagged, how many it was shown in one part."""

    @model_validator(mode="after")
    def _among_all(self) -> Self:
        if self.alone_flagged > self.flagged or self.alone_unflagged > self.unflagged:
            raise ValueError(f"{self.detector}: more are shown in one part than there are")
        return self


class TranscriptsGraded(Event):
    """A model was asked about each transcript. It errs: its counts stand beside its error."""

    type: Literal["transcripts-graded"] = "transcripts-graded"
    battery: Name
    """The battery whose samples they are of."""
    transcripts: Count
    """How many there are to be: one for each outcome that the record holds of the battery."""
    looked_at: Count
    """Those of them of which it answered every question in the form that was asked for."""
    questions: Digest
    """The digest of the questions, and of the code that asks them and reads answers."""
    endpoint: Digest
    """The digest of the address, name and settings of the model that was asked."""
    whose: Whose
    """Whose model it is: the centre's choice, or one under review, which looked at itself."""
    accuracy: Digest
    """The digest of what was measured of its error, by the same endpoint and questions."""
    calls: Count
    """Its answers, those that measured its error among them."""
    input: Count
    """Tokens that it read. Its use is no part of the submission's caps."""
    output: Count
    """Tokens that it wrote."""
    counts: tuple[Graded, ...]
    """One for each question, in their order; at least one. Raw: not corrected for its error."""

    @model_validator(mode="after")
    def _each_counts_all(self) -> Self:
        _check_counts(self.counts, self.transcripts, self.looked_at)
        return self


def _check_counts(counts: Sequence[Detected], transcripts: int, looked_at: int) -> None:
    if not counts or len({each.detector for each in counts}) < len(counts):
        raise ValueError("counts names each detector once, and at least one")
    for each in counts:
        if each.flagged + each.unflagged + each.not_looked_at != transcripts:
            raise ValueError(f"counts of {each.detector} are not of all transcripts")
    # What one detector did not look at, not every one looked at.
    if looked_at > transcripts - max(each.not_looked_at for each in counts):
        raise ValueError("looked_at is more than every detector looked at")
