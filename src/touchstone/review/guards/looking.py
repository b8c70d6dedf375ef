"""Guards of looks at transcripts: all are counted, and nobody looks until a flag is gone."""

from touchstone.framework import Framework
from touchstone.review.events import detecting
from touchstone.review.grounds import Ground
from touchstone.review.state import State

Looked = detecting.TranscriptsScanned | detecting.TranscriptsGraded


def transcripts_are_those_recorded(_f: Framework, state: State, event: Looked) -> Ground | None:
    """A scan counts every outcome that the record holds of its battery: N of N."""
    recorded = state.outcomes_of(event.battery)
    if event.transcripts == recorded:
        return None
    return Ground(
        "scan-not-of-all", battery=event.battery, recorded=recorded, said=event.transcripts
    )


def scan_tells_more(
    _f: Framework, state: State, event: detecting.TranscriptsScanned
) -> Ground | None:
    """A second scan is of more transcripts, by other detectors, or looked at more of them."""
    before = state.scans.get(event.battery)
    # Else whoever scans could scan until chance, or a fault, leaves a flag out.
    if before is None or before.detectors != event.detectors:
        return None
    if (event.transcripts, event.looked_at) > (before.transcripts, before.looked_at):
        return None
    return Ground("scan-stands", battery=event.battery, counted=before.looked_at)


def grading_tells_more(
    _f: Framework, state: State, event: detecting.TranscriptsGraded
) -> Ground | None:
    """The same grader with the same questions is asked again only where it looked at fewer."""
    before = state.gradings.get((event.battery, event.questions, event.endpoint))
    # Another grader stands beside it, and replaces nothing.
    if before is None or (event.transcripts, event.looked_at) > (
        before.transcripts,
        before.looked_at,
    ):
        return None
    return Ground("grading-stands", battery=event.battery, counted=before.looked_at)
