"""A case whose transcripts lie in its record, and a scan of them that starts no process.

The first sample of each log has an answer that a detector flags: `FLAGGED` says where.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from support.eval_logs import eval_log, sample
from support.small_case import record_chunk
from touchstone.deeds.deed import Evidence
from touchstone.evaluation.oversight.detectors import detectors
from touchstone.evaluation.oversight.scanning import ChunkLog
from touchstone.evaluation.oversight.sightings import (
    Look,
    ScannedTranscript,
    Sighting,
    cover,
)
from touchstone.service.case_context import Case
from touchstone.service.measurement.sealing import Prepared, reopen, seal

SECRET = "sk-canary-of-what-was-answered"
NAMES = tuple(detectors())
FLAGGED = "secret"


def uuid_of(mode: str, index: int) -> str:
    """By which a sample's transcript is found."""
    return f"u-{mode}-{index}"


HALVES = (range(3), range(3, 6))


def logged(case: Case, halves: Sequence[range] = HALVES) -> Prepared:
    """Seal a battery, and record these chunks of its first six items in both modes, with logs."""
    seal(case, 6, "confined", accepted=True)
    prepared = reopen(case)
    for mode in ("instant", "thinking"):
        for indices in halves:
            record_logged(case, prepared, mode, indices)
    return prepared


def record_logged(case: Case, prepared: Prepared, mode: str, indices: Sequence[int]) -> None:
    """Record a chunk of the first run in a mode, with its log."""
    run = next(each for each in prepared.runs if each.mode.id == mode)
    told = [
        {
            "index": index,
            "result": "solved",
            "said": "",
            "usage": {"input": 1, "output": 1, "reasoning": 0},
            "seconds": "1.0",
            "uuid": uuid_of(mode, index),
        }
        for index in indices
    ]
    samples = {
        index: sample("the task", SECRET) | {"uuid": uuid_of(mode, index)} for index in indices
    }
    readers = case.marks.shown_to(*case.agreed_readers("outcomes"))
    log = Evidence(eval_log(samples), "application/zip", "chunk.eval", readers)
    record_chunk(case, prepared, run, indices, lambda _: True, told, log=log)


@dataclass
class Scans:
    """In the place of `scan_chunks`: what it was given, and rows as a scan gives them."""

    given: list[list[ChunkLog]] = field(default_factory=list)

    def __call__(
        self, chunks: Sequence[ChunkLog], _canaries: tuple[str, ...] = ()
    ) -> dict[str, tuple[ScannedTranscript, ...]]:
        """The first sample of each log is flagged by one detector."""
        self.given.append(list(chunks))
        return {each.chunk: self._rows(each) for each in chunks}

    def _rows(self, chunk: ChunkLog) -> tuple[ScannedTranscript, ...]:
        seen = [
            ScannedTranscript(sample=uuid, index=index, looks=_looks(index == min(chunk.wanted)))
            for index, uuid in (chunk.wanted.items() if chunk.log else ())
        ]
        return cover(chunk.wanted, seen, NAMES)


def _looks(flagged: bool) -> tuple[Look, ...]:
    seen = Sighting(detector=FLAGGED, message="m1", why="it holds a key", quote=SECRET)
    found = Look(detector=FLAGGED, flagged=1, sightings=(seen,))
    return tuple(found if flagged and name == FLAGGED else Look(detector=name) for name in NAMES)
