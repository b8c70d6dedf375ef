"""A review that stopped early: why, and what was begun without an outcome, into the record."""

from pathlib import Path

from touchstone.evaluation.errors import JournalError
from touchstone.evaluation.journal import Journal
from touchstone.review import State
from touchstone.service.case_context import Case
from touchstone.service.commit import Deed
from touchstone.service.errors import StoppedError
from touchstone.service.measurement.deeds import measuring_stopped


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
    count = 0
    for chunk in sorted(folder.glob("*")):
        try:
            with Journal(chunk, chunk.name) as journal:
                count += len(journal.interrupted())
        except JournalError:
            # Held by a worker that is being killed, or altered: going on with the chunk says so.
            continue
    return count
