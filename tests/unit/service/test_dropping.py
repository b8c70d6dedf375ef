"""A verdict that lands: what nobody needs any more is dropped, and what had run of it is kept."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.silent import Silent
from support.small_case import measure, probed, record_chunk, small_case
from touchstone.evaluation import Outcome, Usage
from touchstone.evaluation.journal import Journal
from touchstone.evaluation.workers import WorkerEvent
from touchstone.review.events import measuring
from touchstone.service.case import Case
from touchstone.service.measuring.issuing import Chunks, plan_chunks
from touchstone.service.measuring.scheduling import Setting, _Measuring
from touchstone.service.measuring.sealing import reopen, seal
from touchstone.service.recording import Deed

ITEMS = 40


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with small_case(tmp_path) as opened:
        seal(opened, ITEMS, "confined", accepted=True)
        yield opened


def measuring_of(case: Case) -> tuple[_Measuring, Chunks]:
    prepared = reopen(case)
    chunks = plan_chunks(case, prepared)
    for chunk, (spec, _) in chunks.items():
        case.installation.records.jobs.put(case.id, chunk, spec.model_dump_json())
    setting = Setting(case, prepared, {}, {}, 1, {})
    return _Measuring(setting, chunks, Silent()), chunks


def decide_first_run(case: Case) -> None:
    """Record the first chunk of the first run, all of it solved: its verdict is "above"."""
    prepared = reopen(case)
    probed(case)
    record_chunk(case, prepared, prepared.runs[0], range(8), lambda _: True)


def begun_by_a_dead_run(run: _Measuring, chunk: str, outcomes: int) -> None:
    spec = run.chunks[chunk][0]
    committed = run.setting.prepared.battery.sealed.find(spec.item_set).commitments
    with Journal(run.setting.folder(chunk), chunk) as journal:
        for index in spec.indices[: outcomes + 1]:
            journal.begin(index)
            journal.use(index, Usage(input=10, output=5))
        for index in spec.indices[:outcomes]:
            journal.record(
                Outcome(index=index, commitment=committed[index], result="solved", score="1",
                        reason="as it is", seconds="1", usage=Usage(input=10, output=5))
            )  # fmt: skip


def test_a_decided_run_runs_no_more_and_keeps_what_a_dead_run_had_done(case: Case):
    decide_first_run(case)
    run, chunks = measuring_of(case)
    jobs = case.installation.records.jobs
    mine = [chunk for chunk, (_, key) in chunks.items() if key == run.agenda.decided()[0]]
    flying = jobs.lease(case.id, "dead", 0, 10, mine[1])
    assert flying is not None
    begun_by_a_dead_run(run, mine[1], outcomes=3)
    (key,) = run.agenda.decided()
    run._land(key)
    state = case.state
    verdict = state.verdicts[key]
    assert (verdict.verdict, verdict.counted) == ("above", verdict.solved)
    assert verdict.counted <= 8
    # The fourth was answered and never judged: it is lost to the instrument, and no hole.
    assert state.tally(*key).recorded == 8 + 4
    assert state.tally(*key).attempt().unmeasured().by_kind == {"lost-instrument": 1}
    assert not run.setting.folder(mine[1]).exists()
    assert jobs.counts(case.id)["dropped"] == len(mine)
    assert all(jobs.lease(case.id, "w", 1000, 10, chunk) is None for chunk in mine)
    assert not jobs.finish(flying, 1000)
    assert run.tracker.row(key).ended
    # Once more, as after another crash: nothing is recorded twice.
    size = case.state.size
    again, _ = measuring_of(case)
    again._land(key)
    assert case.state.size == size


def test_a_chunk_that_fails_leaves_its_outcomes_in_the_record(case: Case):
    """Three outcomes, one answer that was never judged, one sample never answered; thrice."""
    probed(case)
    run, chunks = measuring_of(case)
    jobs, (chunk, (spec, key)) = case.installation.records.jobs, next(iter(chunks.items()))
    begun_by_a_dead_run(run, chunk, outcomes=3)
    died = WorkerEvent(event="died", chunk=chunk, text="worker 1 was killed by signal 9")
    for times in (1, 2, 3):
        lease = jobs.lease(case.id, "w", 1000 * times, 10, chunk)
        assert lease is not None
        run.leases[chunk] = lease
        with Journal(run.setting.folder(chunk), chunk) as journal:
            journal.begin(spec.indices[5])
        assert not run.stopped
        run._failed(died)
        seen = case.state.tally(*key).attempt()
        assert (seen.recorded, seen.solved) == (0b1111 | (times == 3) << 5, 0b111)
        assert run.budget.spent == Usage(input=40, output=20)
    assert case.state.tally(*key).attempt().unmeasured().by_kind == {"lost-instrument": 2}
    assert run.stopped == "a chunk failed 3 times: worker 1 was killed by signal 9"
    assert jobs.counts(case.id)["waiting"] == len(chunks)


def test_a_chunk_all_of_which_is_recorded_when_its_worker_dies_is_finished(case: Case):
    probed(case)
    run, chunks = measuring_of(case)
    jobs, (chunk, (spec, key)) = case.installation.records.jobs, next(iter(chunks.items()))
    begun_by_a_dead_run(run, chunk, outcomes=len(spec.indices))
    lease = jobs.lease(case.id, "w", 1000, 10, chunk)
    assert lease is not None
    run.leases[chunk] = lease
    run._failed(WorkerEvent(event="failed", chunk=chunk, text="Inspect's log is of another"))
    assert case.state.tally(*key).recorded == len(spec.indices)
    assert jobs.counts(case.id)["finished"] == 1
    assert not run.setting.folder(chunk).exists()
    assert case.state.verdicts[key].verdict == "above"


def test_a_chunk_whose_journal_was_altered_is_lost_and_runs_no_more(case: Case):
    probed(case)
    run, chunks = measuring_of(case)
    jobs, (chunk, (spec, key)) = case.installation.records.jobs, next(iter(chunks.items()))
    begun_by_a_dead_run(run, chunk, outcomes=1)
    path = run.setting.folder(chunk) / "outcomes.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"use"', b'"odd"'))
    lease = jobs.lease(case.id, "w", 1000, 10, chunk)
    assert lease is not None
    run.leases[chunk] = lease
    run._failed(WorkerEvent(event="failed", chunk=chunk, text="it died"))
    lost = case.state.tally(*key).attempt().unmeasured().by_kind
    assert lost == {"lost-instrument": len(spec.indices)}
    assert jobs.counts(case.id)["finished"] == 1
    assert not run.stopped


def test_while_halted_a_verdict_waits_and_nothing_fails(case: Case):
    decide_first_run(case)
    run, _ = measuring_of(case)
    common: dict[str, Any] = {
        "actor": case.cast.centre,
        "at": case.now(),
        "marking": case.marks.case,
    }
    case.record([Deed(measuring.ReviewHalted(**common, reason="a look"))])
    (key,) = run.agenda.decided()
    run._land(key)
    assert case.state.verdicts == {}
    case.record([Deed(measuring.ReviewResumed(**common, reason="seen"))])
    again, _ = measuring_of(case)
    again._land(key)
    assert set(case.state.verdicts) == {key}


class NoPool:
    """A pool that is never asked to start anything."""

    def idle(self) -> int:
        """One worker is free."""
        return 1


def test_what_a_dead_run_recorded_and_did_not_finish_keeps_no_review_open(tmp_path: Path):
    with small_case(tmp_path) as case:
        measure(case, 16, whole=True)
        run, chunks = measuring_of(case)
        jobs = case.installation.records.jobs
        assert jobs.lease(case.id, "dead", 0, 10, next(iter(chunks))) is not None
        run.go(NoPool())  # type: ignore[arg-type]  # all that is asked of it
        assert not run.stopped
        counts = jobs.counts(case.id)
        assert counts["waiting"] + counts["leased"] == 0


def test_where_every_item_runs_nothing_is_dropped(tmp_path: Path):
    with small_case(tmp_path) as case:
        measure(case, 16, whole=True)
        run, chunks = measuring_of(case)
        assert run.agenda.decided() == ()
        assert run.agenda.over
        key = next(iter(chunks.values()))[1]
        run._land(key)
        assert case.state.verdicts[key].stop is None
        assert case.installation.records.jobs.counts(case.id)["dropped"] == 0
