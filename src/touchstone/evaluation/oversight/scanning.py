"""Scanning the transcripts of chunks, in a process apart, and holding the rows against the journal.

The process gets logs and nothing else. One that dies is started again with half of what it had, so
that a transcript which kills it stands alone at the end: it was not looked at, and the rest was.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import anyio
import anyio.to_thread

from touchstone.evaluation.oversight.bounded_logs import (
    UNREADABLE,
    UnreadableLogError,
    bounded_log,
)
from touchstone.evaluation.oversight.detectors import detectors
from touchstone.evaluation.oversight.sightings import (
    WHY_LENGTH,
    Look,
    ScannedTranscript,
    cover,
    not_looked,
)
from touchstone.evaluation.packs.apart import (
    ProcessLimits,
    asks_for_nothing,
    main_of,
    run_apart,
)
from touchstone.evaluation.packs.errors import PackError, PackProcessError
from touchstone.evaluation.packs.wire import unpacked
from touchstone.handin import printable_line

Row = TypeVar("Row")
PROGRAM = main_of("touchstone.evaluation.oversight.child")
LIMITS = ProcessLimits(memory_mib=2048, seconds=900, result_mib=64)
MOST_TOGETHER = 48 * 1024 * 1024
"""Bytes of logs that one process is given."""


@dataclass(frozen=True)
class ChunkLog:
    """A chunk's log, and the samples that the journal knows."""

    chunk: str
    log: bytes | None
    """Inspect's log as it is kept; None where none was."""
    wanted: Mapping[int, str] = field(default_factory=dict)
    """By position the uuid of each sample that has an outcome."""
    given: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """By position what stands as a secret in its item."""


@dataclass(frozen=True)
class _Piece:
    """Some samples of one log."""

    chunk: str
    log: bytes
    samples: tuple[str, ...]

    def halves(self) -> tuple["_Piece", "_Piece"]:
        middle = len(self.samples) // 2
        one, other = (
            bounded_log(self.log, frozenset(part))
            for part in (self.samples[:middle], self.samples[middle:])
        )
        return (
            _Piece(self.chunk, one.data, one.samples),
            _Piece(self.chunk, other.data, other.samples),
        )


def scan_chunks(
    chunks: Sequence[ChunkLog], canaries: tuple[str, ...] = (), limits: ProcessLimits = LIMITS
) -> dict[str, tuple[ScannedTranscript, ...]]:
    """Scan the transcripts of chunks; gives a row for each sample of each journal, by chunk.

    Whatever a log holds, this ends with all rows: what could not be looked at says so.
    """
    names = tuple(detectors(canaries))
    given = {
        each.chunk: {str(place): list(told) for place, told in each.given.items() if told}
        for each in chunks
    }
    run = ReadLogs(PROGRAM, {"canaries": list(canaries), "given": given}, _row, limits)
    run.read(chunks)
    return {
        each.chunk: _covered(each, run.rows.get(each.chunk, []), run.faults, names)
        for each in chunks
    }


def _batches(pieces: Sequence[_Piece]) -> list[list[_Piece]]:
    batches: list[list[_Piece]] = []
    size = MOST_TOGETHER + 1
    for piece in pieces:
        if size + len(piece.log) > MOST_TOGETHER:
            batches.append([])
            size = 0
        batches[-1].append(piece)
        size += len(piece.log)
    return batches


def _covered(
    chunk: ChunkLog,
    rows: Sequence[ScannedTranscript],
    faults: Mapping[tuple[str, str], str],
    names: Sequence[str],
) -> tuple[ScannedTranscript, ...]:
    said = []
    for row in cover(chunk.wanted, rows, names):
        told = (faults.get((chunk.chunk, key)) for key in (str(row.index), row.sample, ""))
        why = next(filter(None, told), "")
        unseen = not any(look.looked for look in row.looks)
        said.append(not_looked(row.sample, row.index, names, why) if why and unseen else row)
    return tuple(said)


class ReadLogs(Generic[Row]):
    """Logs read in processes apart, by a program of ours; each row is of one transcript.

    Args:
        program: What the process runs: it gives `rows`, each with its `log` and `sample`.
        job: What it is told beside the logs.
        row_of: A row as the caller takes it; raises a ValueError, LookupError or TypeError where it
            is none.
        limits: Of one process.
    """

    def __init__(
        self,
        program: str,
        job: Mapping[str, Any],
        row_of: Callable[[Mapping[str, Any]], Row],
        limits: ProcessLimits,
    ) -> None:
        self._program, self._job, self._row_of, self._limits = program, job, row_of, limits
        self.rows: dict[str, list[Row]] = {}
        """By chunk."""
        self.faults: dict[tuple[str, str], str] = {}
        """Why samples were not looked at, by chunk and a sample's id or uuid; an empty one: all."""

    def read(self, chunks: Sequence[ChunkLog]) -> None:
        """Read what can be read of all of them."""
        pieces = [piece for each in chunks if (piece := self._piece(each)) is not None]
        for together in _batches(pieces):
            anyio.run(self._scan, together)

    def _piece(self, chunk: ChunkLog) -> _Piece | None:
        """What of a chunk's log may be read; None where nothing of it may."""
        if chunk.log is None:
            return None
        try:
            bounded = bounded_log(chunk.log)
        except UnreadableLogError as error:
            self.faults[chunk.chunk, ""] = printable_line(f"{UNREADABLE}: {error}", WHY_LENGTH)
            return None
        for sample, why in bounded.left_out:
            self.faults[chunk.chunk, sample] = why
        return _Piece(chunk.chunk, bounded.data, bounded.samples) if bounded.samples else None

    async def _scan(self, pieces: Sequence[_Piece]) -> None:
        """Scan pieces in one process; where it dies, half of them, until one stands alone."""
        try:
            rows = await self._apart(pieces)
        except PackError as error:
            for piece in pieces:
                self.faults[piece.chunk, ""] = _told(error)
        except PackProcessError as error:
            await self._halve(pieces, error)
        else:
            for chunk, sample, fault, row in rows:
                if row is None:
                    self.faults[chunk, sample] = fault
                else:
                    self.rows.setdefault(chunk, []).append(row)

    async def _halve(self, pieces: Sequence[_Piece], error: PackProcessError) -> None:
        if len(pieces) > 1:
            middle = len(pieces) // 2
            await self._scan(pieces[:middle])
            await self._scan(pieces[middle:])
        elif len(pieces[0].samples) > 1:
            for half in await anyio.to_thread.run_sync(pieces[0].halves):
                await self._scan([half])
        else:
            (name,) = pieces[0].samples
            sample = name.removeprefix("samples/").rsplit("_epoch_", 1)[0]
            self.faults[pieces[0].chunk, sample] = _told(error)

    async def _apart(self, pieces: Sequence[_Piece]) -> list[tuple[str, str, str, Row | None]]:
        logs = {str(place): piece.log.hex() for place, piece in enumerate(pieces)}
        job = {**self._job, "logs": logs, "chunks": [piece.chunk for piece in pieces]}
        ran = await run_apart(job, asks_for_nothing, self._limits, program=self._program)
        try:
            return [self._taken(each, pieces) for each in unpacked(ran.result)["rows"]]
        # Of a value too: a message or a row that does not fit its form.
        except (LookupError, TypeError, ValueError) as error:
            raise PackProcessError("the scan gave rows that cannot be read") from error

    def _taken(
        self, said: Mapping[str, Any], pieces: Sequence[_Piece]
    ) -> tuple[str, str, str, Row | None]:
        """Chunk, sample, and the row; or why there is none."""
        chunk, sample = pieces[int(said["log"])].chunk, str(said["sample"])
        if "fault" in said:
            return chunk, sample, printable_line(str(said["fault"]), WHY_LENGTH), None
        return chunk, sample, "", self._row_of(said)


def _row(said: Mapping[str, Any]) -> ScannedTranscript:
    looks = tuple(Look.model_validate(each) for each in said["looks"])
    return ScannedTranscript(sample=str(said["sample"]), index=int(said["id"]), looks=looks)


def _told(error: Exception) -> str:
    return printable_line(
        str(error).replace("the pack's process", "the scan's process"), WHY_LENGTH
    )
