"""A review that stopped early: why, and what was begun without an outcome, into the record.

One whose case ended meanwhile has no way into the record: what of it had run is told, and deleted.
"""

import shutil
from collections.abc import Collection, Mapping
from types import MappingProxyType

from touchstone.deeds.deed import Deed
from touchstone.deeds.measurement import measuring_stopped
from touchstone.evaluation.errors import JournalError
from touchstone.review import State
from touchstone.service.case_context import Case
from touchstone.service.errors import EndedError, StoppedError
from touchstone.service.measurement.chunk_queue import Chunks
from touchstone.service.measurement.outcomes import journal_when_free

ENDINGS = {
    "withdrawn": "the developer withdrew from the review",
    "closed": "the case was closed",
    "destroyed": "the case was destroyed",
}


def has_ended(case: Case) -> bool:
    """Whether its record takes no more of what is measured, whoever ended it."""
    return case.state.status in ENDINGS


def end_measuring(
    case: Case,
    chunks: Chunks = MappingProxyType({}),
    heard: Mapping[str, Collection[int]] = MappingProxyType({}),
) -> EndedError:
    """Give up what lies here of a case that has ended, and say how much of it had run.

    Its workers have ended. `chunks` are those of its plan; `heard` is by chunk the positions whose
    outcome was told to this process.
    """
    records = case.installation.records
    # First, so that no other process takes up a chunk while its folder goes.
    records.jobs.halt(case.id)
    lost = 0
    for chunk, (_, key) in chunks.items():
        told = records.outcomes.kept(case.id, chunk)
        ran = {*heard.get(chunk, ()), *told, *_ran(case, chunk)}
        # Counted though nothing of it can be recorded: whoever ran the samples is told that they
        # are gone.
        lost += sum(not case.state.is_recorded(key, 1, index) for index in ran)
        records.outcomes.forget(case.id, chunk, told)
    # It lies there in the clear, and nothing will ever take it up.
    shutil.rmtree(records.work(case.id), ignore_errors=True)
    return EndedError(f"{ENDINGS[case.state.status]}: nothing more is run, and {_told(case, lost)}")


def _told(case: Case, lost: int) -> str:
    if lost:
        return f"{lost} {'sample' if lost == 1 else 'samples'} under way went unrecorded"
    # Who destroys a case deletes the journals first: nobody can count what they held.
    destroyed = case.state.status == "destroyed"
    return "what was under way is gone with it" if destroyed else "all that ran is recorded"


def _ran(case: Case, chunk: str) -> set[int]:
    """The positions that a chunk's journal says were begun; none, where it cannot be read."""
    folder = case.installation.records.work(case.id) / chunk
    if not folder.exists():
        return set()
    try:
        with journal_when_free(case, chunk) as journal:
            return {*journal.outcomes, *journal.interrupted()}
    except JournalError:
        return set()


def record_stop(case: Case, battery: str, stop: StoppedError) -> State:
    """Record that measuring stopped, unless just this is what the record says already.

    Args:
        case: The case; it has sealed the battery.
        battery: The battery that was being run.
        stop: What stopped it.
    """
    begun = begun_without_outcome(case)

    # Under the lock, and once: a command that is tried again would fill the record with its stops.
    def deeds(state: State) -> list[Deed]:
        if state.stopped and (state.stopped.reason, state.stopped.begun) == (stop.reason, begun):
            return []
        return [measuring_stopped(case, battery, stop.reason, begun)]

    return case.record(deeds)


def begun_without_outcome(case: Case) -> int:
    """How many samples the journals of a case's chunks on this machine began and never ended."""
    there = case.installation.records.work(case.id).glob("*")
    return sum(_interrupted(case, each.name) for each in there)


def _interrupted(case: Case, chunk: str) -> int:
    """Of one chunk; nothing, where its journal stays another process's or is no journal."""
    try:
        with journal_when_free(case, chunk) as journal:
            return len(journal.interrupted())
    except JournalError:
        # Going on with the chunk says what is wrong with it.
        return 0
