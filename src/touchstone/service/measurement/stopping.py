"""A review that stopped early: why, and what was begun without an outcome, into the record.

One whose case ended meanwhile has no way into the record: what of it had run is told, and deleted.
"""

import shutil
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from touchstone.deeds.deed import Deed
from touchstone.deeds.measurement import measuring_stopped
from touchstone.evaluation.errors import JournalError
from touchstone.review import State
from touchstone.service.case_context import Case
from touchstone.service.errors import EndedError, StoppedError
from touchstone.service.measurement.chunk_queue import Chunks
from touchstone.service.measurement.outcomes import looked_into

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
    lost = uncounted = 0
    for chunk, (spec, key) in chunks.items():
        told = records.outcomes.kept(case.id, chunk)
        journalled = _ran(case, chunk)
        uncounted += journalled is None
        ran = {*heard.get(chunk, ()), *told, *(journalled or ())}
        # Counted though nothing of it can be recorded: whoever ran the samples is told that they
        # are gone.
        lost += sum(not case.state.is_recorded(key, spec.attempt, index) for index in ran)
        records.outcomes.forget(case.id, chunk, told)
    # It lies there in the clear, and nothing will ever take it up.
    shutil.rmtree(records.work(case.id), ignore_errors=True)
    return EndedError(
        f"{ENDINGS[case.state.status]}: nothing more is run, and {_told(case, lost, uncounted)}"
    )


def _told(case: Case, lost: int, uncounted: int) -> str:
    told = []
    if lost:
        told.append(f"{lost} {'sample' if lost == 1 else 'samples'} under way went unrecorded")
    if uncounted:
        chunks = "1 chunk" if uncounted == 1 else f"{uncounted} chunks"
        told.append(f"how much ran of {chunks} is not known, as no journal of it can be read")
    if told:
        return ", and ".join(told)
    # Who destroys a case deletes the journals first: nobody can count what they held.
    destroyed = case.state.status == "destroyed"
    return "what was under way is gone with it" if destroyed else "all that ran is recorded"


def _ran(case: Case, chunk: str) -> frozenset[int] | None:
    """The positions that a chunk's journal says were begun; None, where it cannot be read."""
    folder = case.installation.records.work(case.id) / chunk
    if not folder.exists():
        return frozenset()
    try:
        seen = looked_into(case, chunk)
    except JournalError:
        return None
    return seen.begun | seen.ended


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
        said = state.stopped
        if said and (said.reason, said.begun, said.uncounted) == (stop.reason, *begun):
            return []
        return [measuring_stopped(case, battery, stop.reason, begun.samples, begun.uncounted)]

    return case.record(deeds)


class Interrupted(NamedTuple):
    """What was begun on this machine and has no outcome, as far as it can be counted."""

    samples: int
    uncounted: int
    """Chunks whose journal nobody could read: what of theirs was begun is not known."""


def begun_without_outcome(case: Case) -> Interrupted:
    """How many samples the journals of a case's chunks on this machine began and never ended.

    A journal that another process holds is read as it stands.
    """
    samples = uncounted = 0
    for each in case.installation.records.work(case.id).glob("*"):
        try:
            samples += len(looked_into(case, each.name).interrupted)
        except JournalError:
            # Counted as none it would say that nothing was begun, which nobody knows.
            uncounted += 1
    return Interrupted(samples, uncounted)
