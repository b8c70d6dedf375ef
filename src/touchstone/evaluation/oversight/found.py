"""What the questions to an endpoint found, as the record keeps it.

Apart from the questions: reading a record does not cost the import of Inspect, which asks them.
"""

from typing import Literal

from touchstone.evaluation.digests import Frozen
from touchstone.evaluation.outcomes import Usage

When = Literal["before", "during", "after"]


class Probe(Frozen):
    """What one probe saw."""

    when: When
    at: str
    """UTC, as the record writes times."""
    endpoint: str
    """The mode's endpoint digest."""
    models: tuple[str, ...]
    """Model names that the endpoint reported, sorted."""
    fingerprints: tuple[str, ...]
    """System fingerprints that it reported, sorted."""
    behaviour: str
    """Digest of the answers' texts."""
    failed: str = ""
    """Empty, or why the endpoint could not be probed."""
    usage: Usage = Usage()


class Readiness(Frozen):
    """What a mode's endpoint did with the two questions."""

    calls_tools: bool
    """Whether it called a tool that was offered, in a form that can be read."""
    answers_at_length: bool
    """Whether a long answer came whole: not empty, and not ended at an output limit."""
    why: tuple[str, ...] = ()
    """A line for each that is not so."""
    usage: Usage = Usage()

    @property
    def ready(self) -> bool:
        """Whether samples can be asked in this mode."""
        return self.calls_tools and self.answers_at_length
