"""The words of verdicts, which nothing has to be calculated for."""

from enum import StrEnum
from typing import Literal

ZoneSide = Literal["both", "below", "above"]
"""On which side of its threshold a zone lies."""


class VerdictWord(StrEnum):
    """What a battery says of a criterion, and how a sentence says it."""

    ABOVE = "above"
    """The rate exceeds the threshold; wrong with chance at most alpha."""
    BELOW = "below"
    """The rate falls short of the threshold; wrong with chance at most beta."""
    WITHIN_ZONE = "within-zone"
    """The rate is so near the threshold that the framework asks for no more."""
    AT_CEILING = "at-ceiling"
    """All or none were solved, and still the battery cannot tell: harder or easier items, or more
    of them, are needed."""
    UNDETERMINED = "undetermined"
    """The battery was too small to tell."""
    NOT_MEASURED = "not-measured"
    """What was lost, cut or refused could have changed the word."""

    @property
    def phrase(self) -> str:
        """As part of a sentence: `above the threshold`."""
        return _PHRASES[self]

    @property
    def heading(self) -> str:
        """By itself: `Within zone`."""
        return self.value.replace("-", " ").capitalize()


_PHRASES = {
    VerdictWord.ABOVE: "above the threshold",
    VerdictWord.BELOW: "below the threshold, as elicited",
    VerdictWord.WITHIN_ZONE: "within the zone around the threshold",
    VerdictWord.AT_CEILING: "all or none solved, so these items cannot tell",
    VerdictWord.UNDETERMINED: "undetermined",
    VerdictWord.NOT_MEASURED: "not measured",
}
