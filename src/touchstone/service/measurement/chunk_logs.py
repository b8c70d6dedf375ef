"""Inspect's logs of a chunk, one from each of its executions, and which outcome belongs to which.

A chunk that a death or a stop broke off is executed again for what is left of it, and the second
log holds that alone: the transcripts of before are in the first.
"""

import io
from collections.abc import Sequence

from touchstone.evaluation import Outcome
from touchstone.evaluation.errors import TranscriptError
from touchstone.evaluation.transcript_log import TranscriptLog
from touchstone.service.measurement.setting import Setting

LARGEST_LOG = 64 * 1024 * 1024


def logs_left(setting: Setting, chunk: str) -> tuple[bytes, ...]:
    """Every log in a chunk's folder here that a part can hold, in the order in which they ended.

    Beyond that size one is left out rather than cut: half a log proves nothing.
    """
    logs = setting.folder(chunk).rglob("*.eval")
    found = [(path.stat(), path) for path in logs if path.is_file()]
    found = [each for each in found if each[0].st_size <= LARGEST_LOG]
    # Names begin with the second in which they were begun, which two may share.
    found.sort(key=lambda each: (each[0].st_mtime_ns, each[1].name))
    return tuple(path.read_bytes() for _, path in found)


def with_logs(
    outcomes: Sequence[Outcome], logs: Sequence[bytes]
) -> list[tuple[tuple[Outcome, ...], bytes | None]]:
    """Outcomes by the log that holds their transcripts; those of which none does are in the last.

    A sample that was cut and ran again is in two logs, and has its outcome by the later one. A log
    without an outcome is left out.
    """
    every: Sequence[bytes | None] = logs or [None]
    # Of a single one it need not be known what it holds.
    held = [_positions(log, outcomes) for log in logs] if len(logs) > 1 else []
    shared: list[list[Outcome]] = [[] for _ in every]
    for outcome in outcomes:
        places = [place for place, found in enumerate(held) if outcome.index in found]
        shared[places[-1] if places else -1].append(outcome)
    return [(tuple(part), log) for part, log in zip(shared, every, strict=True) if part]


def _positions(log: bytes, outcomes: Sequence[Outcome]) -> frozenset[int]:
    """Which of these samples a log holds; none where it is none that can be read."""
    with io.BytesIO(log) as file:
        try:
            opened = TranscriptLog(file)
        except TranscriptError:
            return frozenset()
        return frozenset(o.index for o in outcomes if opened.size(o.index, 1) is not None)
