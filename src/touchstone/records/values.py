"""What goes into the record and comes out of it, as plain values."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from touchstone.ledger import CaseHead

SALT_SIZE = 32
CASE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
"""The name of a case."""
JobState = Literal["waiting", "leased", "finished", "halted", "dropped"]
"""`dropped`: no longer needed, and never run again."""
Event = dict[str, Any]
"""A part 0 as JSON."""
RecordedFacts = tuple[Event, str]
"""A part 0 and when it was recorded (UTC); in contract 1, when it says that it was done."""


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part as it is now: open (salt and data) or erased (a label that says why)."""

    n: int
    i: int
    salt: bytes | None
    data: bytes | None
    label: str
    """Empty while the part is there."""
    clear: bool = False
    """Whether it is never erased: of contract 2 part 0, the deed part and the recorded part."""
    padding: bool = False
    """Whether it was never a part: of contract 2 what fills an entry up."""


@dataclass(frozen=True, slots=True)
class EvidenceFacts:
    """What is known of a piece of evidence; `size` in bytes, `digest` is `sha256:` and hex."""

    digest: str
    size: int
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What lists show of a case; `updated` is UTC text."""

    title: str
    model_name: str
    developer: str
    framework: str
    status: str
    updated: str
    whole: bool = field(default=True, compare=False)
    """Whether every event was understood; else a row that a newer version wrote is left to it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A case in a list."""

    case: str
    summary: Summary


Summarise = Callable[[str, Sequence[RecordedFacts]], Summary]
"""Folds a case's events to its summary; `service` hands it in."""


@dataclass(frozen=True, slots=True)
class Destruction:
    """What was destroyed and what stands, for the certificate. Sizes in bytes."""

    case: str
    log: str
    size: int
    root: str
    parts: int
    """Parts whose content was erased now."""
    evidence: int
    """Evidence files deleted."""
    evidence_bytes: int


@dataclass(frozen=True, slots=True)
class OlderCheckpoint:
    """An earlier checkpoint (note text), and the proof (hashes) that a later one extends it."""

    note: str
    consistency: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class HeadProof:
    """That a case head stands in the installation log under a signed checkpoint."""

    head: CaseHead
    blind: bytes
    index: int
    inclusion: tuple[bytes, ...]
    checkpoint: str
    """The note text."""
    older: tuple[OlderCheckpoint, ...]


class Leased(Protocol):
    """What of a lease is asked to show whose it is."""

    @property
    def case(self) -> str:
        """The case."""
        ...

    @property
    def job(self) -> str:
        """The job."""
        ...

    @property
    def work(self) -> str:
        """What was put."""
        ...

    @property
    def worker(self) -> str:
        """Who holds it."""
        ...

    @property
    def token(self) -> int:
        """Of the lease."""
        ...


@dataclass(frozen=True, slots=True)
class JobLease:
    """The right to work on a job until a time (`until`, seconds since the epoch)."""

    case: str
    job: str
    work: str
    """What was put: text that only the caller understands."""
    worker: str
    token: int
    """Grows with each lease of the job; an older token is worth nothing."""
    until: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A deed that was refused, at `second` since the epoch."""

    second: int
    actor: str
    case: str
    deed: str
    reason: str
    unlisted: int
    """How many more of this actor followed at once and were only counted."""


def is_storable(text: str) -> bool:
    """Whether every database keeps the text; what holds a lone surrogate or a NUL is no id."""
    return "\x00" not in text and not any("\ud800" <= each <= "\udfff" for each in text)
