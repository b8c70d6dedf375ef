"""Every transcript's log is kept, however often a chunk was broken off and gone on with.

All through `measure`, as a review calls it; only the workers are a simulator's.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from support.eval_logs import eval_log, sample
from support.scripted_pool import KilledError, ScriptedPool, run_of
from support.silent import Silent
from support.small_case import probed, small_case
from touchstone.evaluation.errors import TranscriptError
from touchstone.evaluation.journal import Journal
from touchstone.evaluation.workers import WorkerEvent
from touchstone.evaluation.workers.messages import WorkerJob
from touchstone.service.access.transcripts import list_transcripts, open_log
from touchstone.service.case_context import Case
from touchstone.service.measurement import chunk_logs, coordinator
from touchstone.service.measurement.coordinator import measure
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.service.measurement.setting import Setting

Does = Callable[[WorkerJob], Iterable[WorkerEvent]]


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with small_case(tmp_path) as opened:
        seal(opened, 40, "confined", accepted=True)
        probed(opened)
        yield opened


def run(case: Case, monkeypatch: pytest.MonkeyPatch, does: Does) -> WorkerJob:
    """Measure until the second job would begin, and be killed there; gives the first job."""
    jobs: list[WorkerJob] = []

    def once(job: WorkerJob) -> Iterable[WorkerEvent]:
        if jobs:
            raise KilledError
        jobs.append(job)
        return does(job)

    monkeypatch.setattr(coordinator, "WorkerPool", ScriptedPool(once))
    with pytest.raises(KilledError):
        measure(Setting(case, reopen(case), {}, {}, 1, {}), Silent())
    return jobs[0]


def leave_log(job: WorkerJob, name: str, positions: Iterable[int]) -> None:
    """A log of an execution, in which each of these says which execution it was."""
    folder = Path(job.folder) / "logs"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.eval"
    path.write_bytes(eval_log({at: sample(f"{name} {at}") for at in positions}))
    # In one second, as quick executions are: their order is told by less than a second.
    os.utime(path, ns=(0, len(list(folder.iterdir()))))


def told(job: WorkerJob, *, finished: bool) -> Iterator[WorkerEvent]:
    """All outcomes of a journal, and an end of the worker."""
    with Journal(Path(job.folder), job.spec.id) as journal:
        for outcome in journal.outcomes.values():
            yield WorkerEvent(event="known", chunk=job.spec.id, outcome=outcome)
    if finished:
        yield WorkerEvent(event="finished", chunk=job.spec.id)
    else:
        yield WorkerEvent(event="failed", chunk=job.spec.id, text="it failed")


def said(case: Case) -> dict[int, str]:
    """By position, what the transcript says that the record leads to."""
    found = {}
    here, centre = case.installation, case.participants.centre
    for each in list_transcripts(here, case.id, centre, sight="contents"):
        with open_log(here, case.id, centre, each.name, sight="contents") as (shown, log):
            message = log.sample(shown.position, shown.attempt)["messages"][0]
            found[each.position] = message["content"]
    return found


def all_told_and_killed(case: Case, monkeypatch: pytest.MonkeyPatch) -> WorkerJob:
    """Every outcome was told, and the log written, when the measuring process was killed."""

    def does(job: WorkerJob) -> Iterable[WorkerEvent]:
        leave_log(job, "first", job.spec.indices)
        return run_of(job)

    return run(case, monkeypatch, does)


def test_a_log_outlives_the_process_that_was_to_record_it(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    """Whoever goes on finds nothing to run, and no worker of its writes a log."""
    first = all_told_and_killed(case, monkeypatch)
    again = run(case, monkeypatch, lambda job: told(job, finished=True))
    assert again.spec.id == first.spec.id
    assert said(case) == {at: f"first {at}" for at in first.spec.indices}


def test_a_log_outlives_a_worker_that_fails_at_its_end(case: Case, monkeypatch: pytest.MonkeyPatch):
    first = all_told_and_killed(case, monkeypatch)
    run(case, monkeypatch, lambda job: told(job, finished=False))
    assert said(case) == {at: f"first {at}" for at in first.spec.indices}


@pytest.mark.parametrize("heard", [True, False], ids=["told before", "told again"])
def test_each_execution_has_its_log_with_its_own_outcomes(
    case: Case, monkeypatch: pytest.MonkeyPatch, heard: bool
):
    """Three samples, a cut fourth, and a kill; then the rest, with the fourth once more."""

    def dies(job: WorkerJob) -> Iterable[WorkerEvent]:
        events = run_of(job, 3)
        leave_log(job, "first", job.spec.indices[:4])
        failed = WorkerEvent(event="failed", chunk=job.spec.id, text="it failed")
        return [*events, failed] if heard else events

    def goes_on(job: WorkerJob) -> Iterable[WorkerEvent]:
        leave_log(job, "second", job.spec.indices[3:])
        run_of(job)
        return told(job, finished=True)

    first = run(case, monkeypatch, dies)
    run(case, monkeypatch, goes_on)
    indices = first.spec.indices
    expected = {at: f"{'first' if at in indices[:3] else 'second'} {at}" for at in indices}
    assert said(case) == expected


def test_twin_with_the_newest_log_alone_those_of_before_are_missing(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    every = chunk_logs.logs_left
    monkeypatch.setattr(coordinator, "logs_left", lambda *chunk: every(*chunk)[-1:])
    with pytest.raises(TranscriptError, match="no transcript of this sample"):
        test_each_execution_has_its_log_with_its_own_outcomes(case, monkeypatch, heard=False)


def test_a_log_that_no_part_can_hold_is_left_out_whole(case: Case, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chunk_logs, "LARGEST_LOG", 100)
    all_told_and_killed(case, monkeypatch)
    run(case, monkeypatch, lambda job: told(job, finished=True))
    rows = list_transcripts(case.installation, case.id, case.participants.centre, sight="contents")
    assert {each.readable for each in rows} == {"no log of its chunk was kept"}
