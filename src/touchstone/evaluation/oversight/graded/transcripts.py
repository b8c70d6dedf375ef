"""Graded transcripts: read apart, cut into pieces, asked about; a row for each of the journal's."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from touchstone.evaluation.outcomes import Usage
from touchstone.evaluation.oversight.graded.asking import Grader, ToGrade, grade
from touchstone.evaluation.oversight.graded.conversation import SaidMessage, Speaker
from touchstone.evaluation.oversight.graded.questions import questions
from touchstone.evaluation.oversight.scanning import LIMITS, ChunkLog, ReadLogs
from touchstone.evaluation.oversight.sightings import (
    NO_LOG,
    WHY_LENGTH,
    ScannedTranscript,
    cover,
    not_looked,
)
from touchstone.evaluation.packs.apart import ProcessLimits, main_of

PROGRAM = main_of("touchstone.evaluation.oversight.graded.child")
Asked = Callable[[str, int], Sequence[str]]
"""By chunk and position the names of the questions that are asked of a transcript."""


@dataclass(frozen=True)
class ReadTranscript:
    """One transcript as it came out of its process."""

    sample: str
    index: int
    said: tuple[SaidMessage, ...]


@dataclass
class GradedChunks:
    """What a grader made of the transcripts of chunks."""

    rows: dict[str, tuple[ScannedTranscript, ...]] = field(default_factory=dict)
    """By chunk a row for each sample of its journal."""
    pieces: dict[tuple[str, int], int] = field(default_factory=dict)
    """By chunk and position in how many pieces it was shown; 0 where it was not."""
    usage: Usage = field(default_factory=Usage)
    calls: int = 0


def grade_chunks(
    grader: Grader,
    chunks: Sequence[ChunkLog],
    asked: Asked | None = None,
    limits: ProcessLimits = LIMITS,
) -> GradedChunks:
    """Have a grader asked about the transcripts of chunks; all end with a row.

    Args:
        grader: The model, with its key.
        chunks: With the samples that their journals know.
        asked: What is asked of each transcript; None: every question.
        limits: Of a process that reads logs.
    """
    run = ReadLogs(PROGRAM, {}, _transcript, limits)
    run.read(chunks)
    names = tuple(questions())
    work = list(_work(chunks, run.rows, asked or (lambda _chunk, _place: names)))
    graded = grade(grader, [each for _, _, each in work])
    found = GradedChunks(usage=graded.usage, calls=graded.calls)
    scanned: dict[str, list[ScannedTranscript]] = {}
    for (chunk, row, _), looks, pieces in zip(work, graded.looks, graded.pieces, strict=True):
        scanned.setdefault(chunk, []).append(
            ScannedTranscript(sample=row.sample, index=row.index, looks=looks)
        )
        found.pieces[chunk, row.index] = pieces
    for each in chunks:
        found.rows[each.chunk] = tuple(
            _covered(each, scanned.get(each.chunk, ()), run.faults, index, asked, names)
            for index in sorted(each.wanted)
        )
    return found


def _work(
    chunks: Sequence[ChunkLog], rows: Mapping[str, Sequence[ReadTranscript]], asked: Asked
) -> Iterator[tuple[str, ReadTranscript, ToGrade]]:
    """What is asked, of transcripts that the journals know: a grader's answers are paid for."""
    for each in chunks:
        for row in rows.get(each.chunk, ()):
            if each.wanted.get(row.index) == row.sample != "" and (
                wanted := tuple(asked(each.chunk, row.index))
            ):
                yield each.chunk, row, ToGrade(row.said, wanted)


def _covered(
    chunk: ChunkLog,
    rows: Sequence[ScannedTranscript],
    faults: Mapping[tuple[str, str], str],
    index: int,
    asked: Asked | None,
    every: Sequence[str],
) -> ScannedTranscript:
    names = tuple(asked(chunk.chunk, index)) if asked else every
    uuid = chunk.wanted[index]
    (row,) = cover({index: uuid}, [each for each in rows if each.index == index], names)
    if any(look.looked or look.fault != NO_LOG for look in row.looks):
        return row
    told = (faults.get((chunk.chunk, key)) for key in (str(index), uuid, ""))
    return not_looked(uuid, index, names, next(filter(None, told), NO_LOG))


def _transcript(said: Mapping[str, Any]) -> ReadTranscript:
    rows = tuple(
        SaidMessage(str(message)[:WHY_LENGTH], _speaker(speaker), str(text))
        for message, speaker, text in said["said"]
    )
    return ReadTranscript(str(said["sample"]), int(said["id"]), rows)


def _speaker(name: Any) -> Speaker:
    # What comes out of that process is a stranger's, whoever wrote the program.
    for known in get_args(Speaker):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise ValueError("a speaker that is none")
