"""What detectors flagged in transcripts, as counts. What they saw is a part, sealed as logs are."""

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
        if not self.counts or len({each.detector for each in self.counts}) < len(self.counts):
            raise ValueError("counts names each detector once, and at least one")
        for each in self.counts:
            if each.flagged + each.unflagged + each.not_looked_at != self.transcripts:
                raise ValueError(f"counts of {each.detector} are not of all transcripts")
        # What one detector did not look at, not every one looked at.
        if self.looked_at > self.transcripts - max(each.not_looked_at for each in self.counts):
            raise ValueError("looked_at is more than every detector looked at")
        return self
