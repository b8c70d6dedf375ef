"""Reviews of tests without the process that scans their transcripts, which takes 4 s of CPU each.

All else of the scan is done: logs come out of the record, and that nothing was looked at goes in.
What a scan finds is shown in `e2e/review/test_oversight.py` and in contract tests.
"""

from collections.abc import Iterator, Sequence

import pytest

from touchstone.evaluation.oversight.detectors import detectors
from touchstone.evaluation.oversight.scanning import ChunkLog
from touchstone.evaluation.oversight.sightings import ScannedTranscript, cover
from touchstone.service.measurement import transcript_scans


def unscanned(
    chunks: Sequence[ChunkLog], canaries: tuple[str, ...] = ()
) -> dict[str, tuple[ScannedTranscript, ...]]:
    """Rows as of a scan that could read no log."""
    names = tuple(detectors(canaries))
    return {each.chunk: cover(each.wanted, (), names) for each in chunks}


@pytest.fixture(scope="module", autouse=True)
def without_scans() -> Iterator[None]:
    """No review in this process starts one; `loaded` says so of those in others."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(transcript_scans, "scan_chunks", unscanned)
        yield
