"""A verdict that is reached: what nobody needs any more is dropped, and what had run of it is kept.

All through `measure`, as a review calls it; only the workers are a simulator's.
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.scripted_pool import KilledError, ScriptedPool, run_of
from support.silent import Silent
from support.small_case import measure as measure_by_hand
from support.small_case import probed, record_chunk, small_case
from touchstone.deeds.drafting import worded
from touchstone.evaluation import Usage
from touchstone.evaluation.journal import MISSING, Journal
from touchstone.evaluation.workers import WorkerEvent
from touchstone.evaluation.workers.messages import WorkerJob, make_job
from touchstone.records import JobTable, OutcomeTable
from touchstone.review import RunKey
from touchstone.review.events import measuring
from touchstone.service.case_context import Case
from touchstone.service.errors import StoppedError
from touchstone.service.measurement import coordinator, told_outcomes
from touchstone.service.measurement.caps import budget_of
from touchstone.service.measurement.chunk_queue import plan_chunks
from touchstone.service.measurement.coordinator import measure
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.service.measurement.setting import Setting

ITEMS = 40


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with small_case(tmp_path) as opened:
        seal(opened, ITEMS, "confined", accepted=True)
        yield opened


def setting_of(case: Case) -> Setting:
    return Setting(case, reopen(case), {}, {}, 1, {})


def killed_while(monkeypatch: pytest.MonkeyPatch, case: Case, pool: ScriptedPool) -> None:
    """Measure until nothing more happens, and end there."""
    monkeypatch.setattr(coordinator, "WorkerPool", pool)
    with pytest.raises(KilledError):
        measure(setting_of(case), Silent())


def job_of(case: Case, chunk: str) -> WorkerJob:
    """The job of a chunk, as a run that died had it."""
    setting = setting_of(case)
    spec = plan_chunks(case, setting.prepared)[chunk][0]
    return make_job(
        setting.prepared.battery,
        spec,
        case.submission.mode(spec.mode),
        setting.prepared.elicitation,
        folder=setting.folder(chunk),
        home=case.installation.home,
    )


def decide_first_run(case: Case) -> list[str]:
    """Record the first chunk of the first run, all of it solved: its verdict is "above".

    Returns the chunks of that run.
    """
    prepared = reopen(case)
    probed(case)
    first = prepared.runs[0]
    record_chunk(case, prepared, first, range(8), lambda _: True)
    chunks = plan_chunks(case, prepared)
    (key,) = {key for _, key in chunks.values() if case.state.tally(*key).recorded}
    return [chunk for chunk, (_, each) in chunks.items() if each == key]


def queue_all(case: Case) -> None:
    for chunk, (spec, _) in plan_chunks(case, reopen(case)).items():
        case.installation.records.jobs.put(case.id, chunk, spec.model_dump_json())


def test_a_decided_run_runs_no_more_and_keeps_what_a_dead_run_had_done(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    mine = decide_first_run(case)
    key = plan_chunks(case, reopen(case))[mine[0]][1]
    queue_all(case)
    jobs = case.installation.records.jobs
    flying = jobs.lease(case.id, "dead", 0, mine[1])
    assert flying is not None
    job = job_of(case, mine[1])
    run_of(job, 3, more=1)
    with Journal(Path(job.folder), job.spec.id) as journal:
        journal.begin(job.spec.indices[4])
    killed_while(monkeypatch, case, ScriptedPool())
    state = case.state
    verdict = state.verdicts[key]
    assert (verdict.verdict, verdict.counted) == ("above", verdict.solved)
    assert verdict.counted <= 8
    # The fourth was answered and never judged, and the fifth had only begun. Neither will run
    # again: they are lost to the instrument, and no hole.
    assert state.tally(*key).recorded == 8 + 5
    assert state.tally(*key).attempt().unmeasured().by_kind == {"lost-instrument": 2}
    assert not setting_of(case).folder(mine[1]).exists()
    assert jobs.counts(case.id)["dropped"] == len(mine)
    assert all(jobs.lease(case.id, "w", 1000, chunk) is None for chunk in mine)
    assert not jobs.finish(flying)
    # Once more, as after another crash: nothing is recorded twice.
    size = case.state.size
    killed_while(monkeypatch, case, ScriptedPool())
    assert case.state.size == size


def test_a_chunk_that_fails_leaves_its_outcomes_in_the_record(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    """Three outcomes, one answer that was never judged, one sample never answered; thrice."""
    probed(case)
    seen: list[tuple[int, int]] = []
    begun: set[str] = set()

    def dies(job: WorkerJob) -> Iterable[WorkerEvent]:
        key = plan_chunks(case, reopen(case))[job.spec.id][1]
        if job.spec.id not in begun:
            run_of(job, 3, more=1)
        attempt = case.state.tally(*key).attempt()
        seen.append((attempt.recorded, attempt.solved))
        begun.add(job.spec.id)
        with Journal(Path(job.folder), job.spec.id) as journal:
            journal.begin(job.spec.indices[5])
        yield WorkerEvent(event="died", chunk=job.spec.id, text="worker 1 was killed by signal 9")

    monkeypatch.setattr(coordinator, "WorkerPool", ScriptedPool(dies))
    told = "a chunk failed 3 times: worker 1 was killed by signal 9; what ran is recorded"
    with pytest.raises(StoppedError, match=told) as stopped:
        measure(setting_of(case), Silent())
    assert stopped.value.reason == "instrument-failing"
    (chunk,) = begun
    chunks = plan_chunks(case, reopen(case))
    attempt = case.state.tally(*chunks[chunk][1]).attempt()
    assert seen == [(0, 0), (0b1111, 0b111), (0b1111, 0b111)]
    assert (attempt.recorded, attempt.solved) == (0b101111, 0b111)
    assert attempt.unmeasured().by_kind == {"lost-instrument": 2}
    assert budget_of(setting_of(case), chunks).spent == Usage(input=40, output=20)
    assert case.installation.records.jobs.counts(case.id)["waiting"] == len(chunks)


def one_job(case: Case, pool_does: Any, monkeypatch: pytest.MonkeyPatch) -> WorkerJob:
    """Measure until the second job would begin; the first one, with which `pool_does` that."""
    jobs: list[WorkerJob] = []

    def does(job: WorkerJob) -> Iterable[WorkerEvent]:
        if jobs:
            raise KilledError
        jobs.append(job)
        events: Iterable[WorkerEvent] = pool_does(job)
        return events

    killed_while(monkeypatch, case, ScriptedPool(does))
    return jobs[0]


def test_a_chunk_all_of_which_is_recorded_when_its_worker_dies_is_finished(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    probed(case)

    def fails(job: WorkerJob) -> Iterable[WorkerEvent]:
        run_of(job)
        yield WorkerEvent(event="failed", chunk=job.spec.id, text="Inspect's log is of another")

    job = one_job(case, fails, monkeypatch)
    key = plan_chunks(case, reopen(case))[job.spec.id][1]
    assert case.state.tally(*key).recorded == len(job.spec.indices)
    assert case.installation.records.jobs.counts(case.id)["finished"] == 1
    assert not Path(job.folder).exists()
    assert case.state.verdicts[key].verdict == "above"


def test_a_chunk_whose_journal_was_altered_is_lost_and_runs_no_more(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    probed(case)

    def altered(job: WorkerJob) -> Iterable[WorkerEvent]:
        run_of(job, 1, more=1)
        path = Path(job.folder) / "outcomes.jsonl"
        path.write_bytes(path.read_bytes().replace(b'"use"', b'"odd"'))
        yield WorkerEvent(event="failed", chunk=job.spec.id, text="it died")

    job = one_job(case, altered, monkeypatch)
    key = plan_chunks(case, reopen(case))[job.spec.id][1]
    lost = case.state.tally(*key).attempt().unmeasured().by_kind
    assert lost == {"lost-instrument": len(job.spec.indices)}
    assert case.installation.records.jobs.counts(case.id)["finished"] == 1


def test_while_halted_a_verdict_waits_and_nothing_fails(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    mine = decide_first_run(case)
    key = plan_chunks(case, reopen(case))[mine[0]][1]
    centre = case.participants.centre
    case.record([worded(case, measuring.ReviewHalted, centre, texts={"reason": "a look"})])
    killed_while(monkeypatch, case, ScriptedPool())
    assert case.state.verdicts == {}
    case.record([worded(case, measuring.ReviewResumed, centre, texts={"reason": "seen"})])
    killed_while(monkeypatch, case, ScriptedPool())
    assert set(case.state.verdicts) == {key}


def test_what_a_dead_run_recorded_and_did_not_finish_keeps_no_review_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with small_case(tmp_path) as case:
        measure_by_hand(case, 16, whole=True)
        queue_all(case)
        jobs = case.installation.records.jobs
        assert jobs.lease(case.id, "dead", 0, next(iter(job_ids(case)))) is not None
        monkeypatch.setattr(coordinator, "WorkerPool", ScriptedPool())
        measure(setting_of(case), Silent())
        counts = jobs.counts(case.id)
        assert counts["waiting"] + counts["leased"] == 0


def dead_run_without_its_journal(monkeypatch: pytest.MonkeyPatch, case: Case) -> tuple[str, ...]:
    """A run that had three answers dies, and its journal is taken away; what the next one finds.

    Gives how each journal was altered, the first one's first.
    """
    folders: list[Path] = []

    def dies(job: WorkerJob) -> Iterable[WorkerEvent]:
        run_of(job, 3, more=1)
        folders.append(Path(job.folder))
        raise KilledError

    probed(case)
    killed_while(monkeypatch, case, ScriptedPool(dies))
    shutil.rmtree(folders[0])
    altered: list[str] = []

    def fails(job: WorkerJob) -> Iterable[WorkerEvent]:
        with Journal(Path(job.folder), job.spec.id) as journal:
            altered.append(journal.altered)
        yield WorkerEvent(event="failed", chunk=job.spec.id, text="it fails")

    monkeypatch.setattr(coordinator, "TRIES", 1)
    monkeypatch.setattr(coordinator, "WorkerPool", ScriptedPool(fails))
    with pytest.raises(StoppedError):
        measure(setting_of(case), Silent())
    return tuple(altered)


def test_a_journal_that_was_taken_away_reruns_nothing(case: Case, monkeypatch: pytest.MonkeyPatch):
    assert dead_run_without_its_journal(monkeypatch, case)[0] == MISSING
    tallies = [case.state.tally(*key) for key in plan_keys(case)]
    (tally,) = [each for each in tallies if each.recorded]
    assert tally.attempt().unmeasured().by_kind == {"lost-instrument": 8}


def test_twin_without_the_row_of_its_execution_it_would_run_again(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(JobTable, "begin", lambda _self, _lease: 0)
    assert dead_run_without_its_journal(monkeypatch, case)[0] == ""


def plan_keys(case: Case) -> list[RunKey]:
    return sorted({key for _, key in plan_chunks(case, reopen(case)).values()})


def job_ids(case: Case) -> tuple[str, ...]:
    return tuple(plan_chunks(case, reopen(case)))


def test_where_every_item_runs_a_verdict_drops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with small_case(tmp_path) as case:
        seal(case, 16, "confined", accepted=True, whole=True)
        probed(case)

        def runs(job: WorkerJob) -> Iterable[WorkerEvent]:
            if case.state.verdicts:
                raise KilledError
            yield from run_of(job)
            yield WorkerEvent(
                event="finished",
                chunk=job.spec.id,
                total=Usage(input=10 * len(job.items), output=5 * len(job.items)),
            )

        killed_while(monkeypatch, case, ScriptedPool(runs))
        (verdict,) = case.state.verdicts.values()
        assert (verdict.verdict, verdict.stop, verdict.counted) == ("above", None, 16)
        counts = case.installation.records.jobs.counts(case.id)
        assert counts["dropped"] == 0
        assert counts["waiting"] == len(job_ids(case)) - counts["finished"] - counts["leased"]


def told(case: Case, monkeypatch: pytest.MonkeyPatch) -> WorkerJob:
    """The first job of a process that is killed when it has heard of three outcomes of each."""
    jobs: list[WorkerJob] = []

    def tells(job: WorkerJob) -> Iterable[WorkerEvent]:
        jobs.append(job)
        return run_of(job, 3)

    probed(case)
    killed_while(monkeypatch, case, ScriptedPool(tells))
    return jobs[0]


def goes_on(job: WorkerJob) -> Iterable[WorkerEvent]:
    """What a worker does: it settles what it finds, runs the rest, tells all, and ends."""
    commitments = {item.index: item.commitment for item in job.items}
    with Journal(Path(job.folder), job.spec.id) as journal:
        journal.settle(commitments, job.rule, "its worker died")
        left = [index for index in job.spec.indices if index not in journal.outcomes]
        found = [*journal.outcomes.values()]
    assert left == [] or left == list(job.spec.indices[3:])
    for outcome in found:
        yield WorkerEvent(event="known", chunk=job.spec.id, outcome=outcome)
    yield WorkerEvent(event="finished", chunk=job.spec.id, missing=tuple(left))


@pytest.mark.parametrize("lost", [False, True])
def test_what_a_worker_told_is_recorded_once_whatever_becomes_of_both(
    case: Case, monkeypatch: pytest.MonkeyPatch, lost: bool
):
    """The measuring process is killed when it has heard of outcomes, and the disk is lost or not.

    The samples keep those outcomes; where the disk is lost no other of the chunk runs again.
    """
    job = told(case, monkeypatch)
    evidence = case.installation.records.outcomes
    assert sorted(evidence.kept(case.id, job.spec.id)) == list(job.spec.indices[:3])
    if lost:
        shutil.rmtree(job.folder)
    first: list[str] = []

    def one(next_job: WorkerJob) -> Iterable[WorkerEvent]:
        if first:
            raise KilledError
        first.append(next_job.spec.id)
        return goes_on(next_job)

    killed_while(monkeypatch, case, ScriptedPool(one))
    assert first == [job.spec.id]
    key = plan_chunks(case, reopen(case))[job.spec.id][1]
    attempt = case.state.tally(*key).attempt()
    assert (attempt.recorded, attempt.solved) == (0xFF if lost else 0b111, 0b111)
    assert job.spec.id not in evidence.unrecorded(case.id)


def test_what_was_told_is_recorded_also_where_nothing_runs_any_more(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    job = told(case, monkeypatch)
    shutil.rmtree(Path(job.folder).parent)
    halted = worded(
        case, measuring.ReviewHalted, case.participants.centre, texts={"reason": "a look"}
    )
    case.record([halted])
    case.installation.records.jobs.halt(case.id)
    monkeypatch.setattr(coordinator, "WorkerPool", ScriptedPool())
    for _ in range(2):
        with pytest.raises(StoppedError):
            measure(setting_of(case), Silent())
        key = plan_chunks(case, reopen(case))[job.spec.id][1]
        attempt = case.state.tally(*key).attempt()
        assert attempt.recorded & 0xFF == attempt.solved & 0xFF == 0b111
        assert case.installation.records.outcomes.unrecorded(case.id) == set()


def test_twin_what_is_not_kept_is_lost_with_the_disk(case: Case, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(OutcomeTable, "keep", lambda *_: True)
    with pytest.raises(AssertionError):
        test_what_was_told_is_recorded_also_where_nothing_runs_any_more(case, monkeypatch)


def test_an_outcome_that_comes_second_is_told_of_and_not_used(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    said: list[str] = []

    class Listening(Silent):
        def step(self, text: str) -> None:
            said.append(text)

    def differs(job: WorkerJob) -> Iterable[WorkerEvent]:
        for event in run_of(job, 1):
            assert event.outcome is not None
            yield event
            other = event.outcome.model_copy(update={"result": "unsolved", "score": "0"})
            yield event.model_copy(update={"outcome": other})

    probed(case)
    monkeypatch.setattr(coordinator, "WorkerPool", ScriptedPool(differs))
    with pytest.raises(KilledError):
        measure(setting_of(case), Listening())
    assert "Note: an outcome of a sample came second, and is not used" in said
    told_outcomes.record_told(setting_of(case), plan_chunks(case, reopen(case)))
    solved = [case.state.tally(*key).attempt().solved for key in plan_keys(case)]
    assert {each & 0xFF for each in solved} == {1}


def test_a_chunk_that_finishes_is_recorded_from_what_was_told(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    """Not from a folder: there is none when it ends."""

    def elsewhere(job: WorkerJob) -> Iterable[WorkerEvent]:
        told = run_of(job)
        shutil.rmtree(job.folder)
        yield from told
        yield WorkerEvent(event="finished", chunk=job.spec.id)

    probed(case)
    job = one_job(case, elsewhere, monkeypatch)
    key = plan_chunks(case, reopen(case))[job.spec.id][1]
    assert case.state.tally(*key).recorded == len(job.spec.indices)
    assert case.installation.records.outcomes.unrecorded(case.id) == set()


def test_a_worker_that_ends_and_told_too_little_loses_nothing(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    """Its folder would go with what it kept to itself: what is in its journal is recorded."""

    def silent(job: WorkerJob) -> Iterable[WorkerEvent]:
        yield from run_of(job)[:2]
        yield WorkerEvent(event="finished", chunk=job.spec.id)

    probed(case)
    job = one_job(case, silent, monkeypatch)
    key = plan_chunks(case, reopen(case))[job.spec.id][1]
    assert case.state.tally(*key).recorded == len(job.spec.indices)
