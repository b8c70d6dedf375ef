"""What the engine needs from outside, as protocols, and simulators of each for tests.

`records` implements both on a database; `service` joins them. A lease is the truth about who
works on a chunk: only the holder of an unexpired lease may renew or finish it.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from touchstone.evaluation.chunks import ChunkSpec
from touchstone.evaluation.digests import digest_bytes

JobState = Literal["waiting", "leased", "finished", "halted"]


@dataclass(frozen=True)
class Lease:
    """The right to work on one chunk until a time."""

    chunk: ChunkSpec
    worker: str
    token: int
    """Grows with each lease of the chunk; an older token is worth nothing."""
    until: int
    """Seconds since the epoch, in the caller's clock."""


class JobStore(Protocol):
    """The table of chunks to run. Every method is one transaction; `now` is the caller's clock."""

    def put(self, case: str, chunk: ChunkSpec) -> bool:
        """Add a chunk; false where a chunk of that id is there already."""
        ...

    def lease(self, case: str, worker: str, now: int, seconds: int) -> Lease | None:
        """Take the oldest waiting chunk, or one whose lease ran out; None where there is none."""
        ...

    def renew(self, lease: Lease, now: int, seconds: int) -> Lease | None:
        """Hold on longer; None where the lease ran out and was given to another, or was halted."""
        ...

    def finish(self, lease: Lease, now: int) -> bool:
        """Mark the chunk finished; false where the lease is no longer this worker's."""
        ...

    def halt(self, case: str) -> int:
        """No chunk of the case is leased or renewed any more; says how many were stopped."""
        ...

    def counts(self, case: str) -> dict[JobState, int]:
        """How many chunks are in each state."""
        ...


class EvidenceStore(Protocol):
    """Where evidence bytes lie, by digest."""

    def put(self, data: bytes, media_type: str, name: str) -> str:
        """Keep the bytes; gives `sha256:` and hex. Keeping the same bytes twice is keeping once."""
        ...

    def get(self, digest: str) -> bytes:
        """The bytes.

        Raises:
            KeyError: nothing of that digest is kept.
        """
        ...


@dataclass
class _Job:
    chunk: ChunkSpec
    state: JobState = "waiting"
    token: int = 0
    until: int = 0


@dataclass
class MemoryJobStore:
    """A `JobStore` in memory, for tests: the same promises, gone with the process."""

    jobs: dict[str, dict[str, _Job]] = field(default_factory=dict)

    def put(self, case: str, chunk: ChunkSpec) -> bool:
        """Add a chunk; false where a chunk of that id is there already."""
        jobs = self.jobs.setdefault(case, {})
        if chunk.id in jobs:
            return False
        jobs[chunk.id] = _Job(chunk)
        return True

    def lease(self, case: str, worker: str, now: int, seconds: int) -> Lease | None:
        """Take the oldest waiting chunk, or one whose lease ran out."""
        for job in self.jobs.get(case, {}).values():
            if job.state == "waiting" or (job.state == "leased" and job.until <= now):
                job.state, job.token, job.until = "leased", job.token + 1, now + seconds
                return Lease(job.chunk, worker, job.token, job.until)
        return None

    def renew(self, lease: Lease, now: int, seconds: int) -> Lease | None:
        """Hold on longer; None where the lease is no longer this worker's."""
        job = self._held(lease)
        if job is None:
            return None
        job.until = now + seconds
        return Lease(lease.chunk, lease.worker, lease.token, job.until)

    def finish(self, lease: Lease, now: int) -> bool:
        """Mark the chunk finished; a lease that ran out but was given to no other still counts."""
        job = self._held(lease)
        if job is None:
            return False
        job.state, job.until = "finished", now
        return True

    def halt(self, case: str) -> int:
        """No chunk of the case is leased or renewed any more."""
        open_jobs = [j for j in self.jobs.get(case, {}).values() if j.state != "finished"]
        for job in open_jobs:
            job.state = "halted"
        return len(open_jobs)

    def counts(self, case: str) -> dict[JobState, int]:
        """How many chunks are in each state."""
        counts: dict[JobState, int] = {"waiting": 0, "leased": 0, "finished": 0, "halted": 0}
        for job in self.jobs.get(case, {}).values():
            counts[job.state] += 1
        return counts

    def _held(self, lease: Lease) -> _Job | None:
        for jobs in self.jobs.values():
            job = jobs.get(lease.chunk.id)
            if job and job.state == "leased" and job.token == lease.token:
                return job
        return None


@dataclass
class MemoryEvidenceStore:
    """An `EvidenceStore` in memory, for tests."""

    kept: dict[str, tuple[bytes, str, str]] = field(default_factory=dict)

    def put(self, data: bytes, media_type: str, name: str) -> str:
        """Keep the bytes."""
        digest = digest_bytes(data)
        self.kept.setdefault(digest, (data, media_type, name))
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes; KeyError where nothing of that digest is kept."""
        return self.kept[digest][0]
