"""What measuring asks of whoever keeps jobs and outcomes; `records` does, on either database.

A coordinator knows these and no table: where jobs are kept is nothing to it. Implementations
need not know this module: the type checker holds them to it where `service` wires them, and so
does one contract suite.
"""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Literal, Protocol

JobState = Literal["waiting", "leased", "finished", "halted", "dropped"]


class HeldJob(Protocol):
    """The right to work on a job until a time."""

    @property
    def case(self) -> str:
        """The case that the job is of."""
        ...

    @property
    def job(self) -> str:
        """The job's id in its case: a chunk's."""
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
        """Grows with each lease of the job; an older token is worth nothing."""
        ...

    @property
    def until(self) -> int:
        """When it ends, in seconds since the epoch by the store's own clock."""
        ...


class JobStore(Protocol):
    """Jobs by case, leased to one worker at a time by the store's clock. Each call is durable."""

    def put(self, case: str, job: str, work: str) -> bool:
        """Add a waiting job; false where the case has one of that id already."""
        ...

    def lease(self, case: str, worker: str, seconds: int, job: str | None = None) -> HeldJob | None:
        """Take a job that waits or whose lease ran out: the oldest, or the one that is named."""
        ...

    def begin(self, lease: HeldJob) -> int:
        """Note that an execution begins under this lease; gives how many began before it."""
        ...

    def renew(self, lease: HeldJob, seconds: int) -> HeldJob | None:
        """Hold on longer; None where the lease is worth nothing any more."""
        ...

    def finish(self, lease: HeldJob) -> bool:
        """Mark a job finished; false where the lease is no longer this worker's."""
        ...

    def release(self, lease: HeldJob) -> bool:
        """Give a job back; false where the lease is no longer this worker's."""
        ...

    def halt(self, case: str) -> int:
        """Stop every job that waits or is leased; says how many."""
        ...

    def drop(self, case: str, jobs: Collection[str]) -> int:
        """Mark jobs as no longer needed, unless they are finished; says how many."""
        ...

    def resume(self, case: str) -> int:
        """Let halted jobs wait again; says how many."""
        ...

    def counts(self, case: str) -> Mapping[JobState, int]:
        """How many jobs of the case are in each state."""
        ...

    def working(self) -> AbstractSet[str]:
        """The cases of which somebody works on a job now, by leases that have not run out."""
        ...


class EvidenceStore(Protocol):
    """What executions gave, from the moment it is told until it stands in the case's log."""

    def keep(self, lease: HeldJob, index: int, outcome: bytes) -> bool:
        """Keep the outcome of one sample; durable when this returns. The first stands.

        No lease is asked for: what was paid for is kept, however late it comes. Sent again, it
        stands already.

        Args:
            lease: Under which the sample ran.
            index: The sample's position, from 0.
            outcome: What the caller can read again; no reader of the store can.

        Returns:
            Whether this outcome stands; false where another one does, or the case was destroyed.
        """
        ...

    def kept(self, case: str, job: str) -> Mapping[int, bytes]:
        """The outcomes that are kept of a job, by position."""
        ...

    def unrecorded(self, case: str) -> Collection[str]:
        """The jobs of which something is kept: whoever was to record it did not say it had."""
        ...

    def forget(self, case: str, job: str, indices: Collection[int]) -> None:
        """Let go of outcomes that stand in the case's log by now."""
        ...


class StagedEvidence(Protocol):
    """What is here of bytes that a party sends before their deed."""

    @property
    def size(self) -> int:
        """How many bytes they are to be."""
        ...

    @property
    def received(self) -> int:
        """How many are here: the next are those from there on."""
        ...

    @property
    def whole(self) -> bool:
        """Whether all are here and of the digest that was said."""
        ...


class EvidenceStaging(Protocol):
    """Bytes that parties send before the deeds that they are evidence of. Each call is durable."""

    def begin(self, case: str, party: str, digest: str, size: int) -> StagedEvidence:
        """Say what will come, or ask how much of it is here."""
        ...

    def write(self, case: str, party: str, digest: str, offset: int, data: bytes) -> StagedEvidence:
        """Keep the bytes from `offset` on; with the last, all are held against the digest."""
        ...

    def look(self, case: str, party: str, digest: str) -> StagedEvidence | None:
        """What is here of some bytes; None where nothing of them was begun."""
        ...

    def of(self, party: str) -> Sequence[StagedEvidence]:
        """What waits of a party."""
        ...

    def forget(self, case: str, party: str, digest: str) -> bool:
        """Let go of bytes that no deed is to use; false where there were none."""
        ...

    def sweep(self, case: str) -> int:
        """Let go of what expired, and of files that a crash left; says how many."""
        ...
