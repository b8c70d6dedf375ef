"""A review that stopped early: why, and what was begun without an outcome, into the record."""

from pathlib import Path

from touchstone.evaluation.errors import JournalError
from touchstone.review import State
from touchstone.service.case_context import Case
from touchstone.service.commit import Deed
from touchstone.service.errors import StoppedError
from touchstone.service.measurement.deeds import measuring_stopped
from touchstone.service.measurement.outcomes import journal_when_free


def record_stop(case: Case, battery: str, stop: StoppedError) -> State:
    """Record that measuring stopped, unless just this is what the record says already.

    Args:
        case: The case; it has sealed the battery.
        battery: The battery that was being run.
        stop: What stopped it.
    """
    begun = begun_without_outcome(case.installation.records.work(case.id))

    def deeds(state: State) -> list[Deed]:
        if state.stopped and (state.stopped.reason, state.stopped.begun) == (stop.reason, begun):
            return []
        return [measuring_stopped(case, battery, stop.reason, begun)]

    return case.record(deeds)


def begun_without_outcome(folder: Path) -> int:
    """How many samples the journals below a case's folder of chunks began and never ended."""
    return sum(map(_interrupted, sorted(folder.glob("*"))))


def _interrupted(chunk: Path) -> int:
    """Of one chunk; nothing, where its journal stays another process's or is no journal."""
    try:
        with journal_when_free(chunk, chunk.name) as journal:
            return len(journal.interrupted())
    except JournalError:
        # Going on with the chunk says what is wrong with it.
        return 0
