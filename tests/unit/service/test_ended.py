"""A case that ends while it is measured: what ran is told as lost, and there are editions."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.scripted_pool import ScriptedPool, run_of
from support.silent import Silent
from support.small_case import probed, record_chunk, small_case, solves
from touchstone.deeds.cases import case_closed, review_withdrawn
from touchstone.evaluation import Outcome
from touchstone.evaluation.journal import FORMAT, Journal
from touchstone.evaluation.workers import WorkerEvent
from touchstone.evaluation.workers.messages import WorkerJob
from touchstone.review import State
from touchstone.service.case_context import Case
from touchstone.service.cases.destroying import destroy_case
from touchstone.service.errors import EndedError, RefusedDeed
from touchstone.service.measurement import coordinator, told_outcomes
from touchstone.service.measurement.chunk_queue import Chunks, plan_chunks
from touchstone.service.measurement.coordinator import measure
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.service.measurement.setting import Setting
from touchstone.service.measurement.stopping import end_measuring, has_ended
from touchstone.service.reviews.results import ended_review


def begun(case: Case) -> Chunks:
    """Sealed, the first chunk of one run recorded, and another under way: two samples begun."""
    seal(case, 8, "confined", accepted=True)
    prepared = reopen(case)
    probed(case)
    record_chunk(case, prepared, prepared.runs[0], range(2), solves("instant"))
    chunks = plan_chunks(case, prepared)
    chunk, (spec, _) = next(
        (name, each)
        for name, each in chunks.items()
        if not case.state.is_recorded(each[1], 1, each[0].indices[0])
    )
    with Journal(case.installation.records.work(case.id) / chunk, chunk) as journal:
        for index in spec.indices[:2]:
            journal.begin(index)
    return chunks


def withdraw(case: Case) -> None:
    case.record([review_withdrawn(case, case.participants.developer)])


def close(case: Case) -> None:
    case.record([case_closed(case, case.participants.centre, "over")])


def destroy(case: Case) -> None:
    destroy_case(case.installation, case.id)


ENDINGS: dict[str, tuple[Callable[[Case], None], str]] = {
    "withdrawn": (withdraw, "the developer withdrew from the review"),
    "closed": (close, "the case was closed"),
    "destroyed": (destroy, "the case was destroyed"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_was_under_way_is_told_and_deleted(tmp_path: Path, ending: str):
    end, says = ENDINGS[ending]
    with small_case(tmp_path) as case:
        chunks = begun(case)
        assert not has_ended(case)
        end(case)
        assert has_ended(case)
        # Of a destroyed case what lay here is deleted with it, and cannot be counted any more.
        lost = "what was under way is gone with it"
        if ending != "destroyed":
            lost = "2 samples under way went unrecorded"
        told = end_measuring(case, chunks)
        assert str(told) == f"{says}: nothing more is run, and {lost}"
        assert not case.installation.records.work(case.id).exists()
        counts = case.installation.records.jobs.counts(case.id)
        assert counts["waiting"] + counts["leased"] == 0


def test_where_nothing_was_under_way_all_is_recorded(tmp_path: Path):
    with small_case(tmp_path) as case:
        begun(case)
        shutil.rmtree(case.installation.records.work(case.id))
        withdraw(case)
        told = ended_review(case, None, tmp_path / "out", Silent()).stopped
        assert told.endswith("nothing more is run, and all that ran is recorded")


def test_what_an_earlier_run_left_is_told_whatever_met_the_end(tmp_path: Path):
    with small_case(tmp_path) as case:
        begun(case)
        withdraw(case)
        told = ended_review(case, None, tmp_path / "out", Silent()).stopped
        assert "2 samples under way went unrecorded" in told


def test_what_of_it_ran_is_said_to_be_unknown_where_no_journal_tells(tmp_path: Path):
    with small_case(tmp_path) as case:
        chunks = begun(case)
        withdraw(case)
        (journal, *_) = sorted(case.installation.records.work(case.id).glob("*/outcomes.jsonl"))
        held = json.dumps({"line": "chunk", "chunk": "other", "format": FORMAT})
        journal.write_text(held + "\n", "utf-8")
        told = str(end_measuring(case, chunks))
    assert told.endswith("how much ran of 1 chunk is not known, as no journal of it can be read")


def test_what_this_process_heard_counts_once(tmp_path: Path):
    with small_case(tmp_path) as case:
        chunks = begun(case)
        destroy(case)
        (first, (spec, _)), *_ = chunks.items()
        # The first two are in the record; of the others one was heard of.
        told = str(end_measuring(case, chunks, {first: set(spec.indices[:3])}))
        assert "1 sample under way went unrecorded" in told


@pytest.mark.parametrize("ending", ["withdrawn", "closed"])
def test_there_are_editions_of_what_its_record_holds(tmp_path: Path, ending: str):
    with small_case(tmp_path) as case:
        chunks = begun(case)
        ENDINGS[ending][0](case)
        told = end_measuring(case, chunks)
        result = ended_review(case, told, tmp_path / "out", Silent())
        assert (result.stopped, result.designation) == (str(told), "")
        assert all(edition.report.exists() for edition in result.editions)
        assert not any(line.startswith("Proposed") for line in result.lines())
        reports = case.state.reports
        # A withdrawn case takes no reports: its editions are written, and nothing of them is kept.
        assert bool(reports) is (ending == "closed")


def test_twin_concluding_an_ended_case_is_refused(tmp_path: Path):
    with small_case(tmp_path) as case:
        begun(case)
        withdraw(case)
        with pytest.raises(RefusedDeed):
            conclude(case, "battery-1")


def test_of_a_destroyed_case_nothing_is_written(tmp_path: Path):
    with small_case(tmp_path) as case:
        chunks = begun(case)
        destroy(case)
        told = end_measuring(case, chunks)
        with pytest.raises(EndedError, match="was destroyed"):
            ended_review(case, told, tmp_path / "out", Silent())
        assert not (tmp_path / "out").exists()
        assert isinstance(case.state, State)


def setting_of(case: Case) -> Setting:
    return Setting(case, reopen(case), {}, {}, 1, {})


def sealed(case: Case) -> None:
    seal(case, 8, "confined", accepted=True)
    probed(case)


@pytest.mark.parametrize("ending", ENDINGS)
def test_measuring_ends_with_its_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str):
    """As for a halt: workers end, and what they had run is told."""
    end, says = ENDINGS[ending]
    with small_case(tmp_path) as case:
        sealed(case)
        jobs: list[WorkerJob] = []

        def does(job: WorkerJob) -> list[WorkerEvent]:
            jobs.append(job)
            events = run_of(job)
            end(case)
            return events

        pool = ScriptedPool(does)
        monkeypatch.setattr(coordinator, "WorkerPool", pool)
        with pytest.raises(EndedError, match=says) as told:
            measure(setting_of(case), Silent())
        # One was heard of; of a destroyed case the journal of the others is gone with it.
        (job,) = jobs
        count = 1 if ending == "destroyed" else len(job.spec.indices)
        assert f" {count} sample" in str(told.value)
        assert pool.stopped == "halted"
        assert (case.state.tallies, case.state.stopped) == ({}, None)
        assert not case.installation.records.work(case.id).exists()


def ends_at_the_last_moment(case: Case, patch: pytest.MonkeyPatch, ending: str) -> None:
    """Let the case end between the end of a chunk and the recording of what ran in it."""

    def meanwhile(setting: Setting, chunk: str) -> list[Outcome]:
        told = told_outcomes.told_of(setting, chunk)
        if not has_ended(case):
            ENDINGS[ending][0](case)
        return told

    def whole(job: WorkerJob) -> list[WorkerEvent]:
        return [*run_of(job), WorkerEvent(event="finished", chunk=job.spec.id)]

    patch.setattr(coordinator, "WorkerPool", ScriptedPool(whole))
    patch.setattr(coordinator, "told_of", meanwhile)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_the_record_refuses_meanwhile_is_told_as_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
):
    with small_case(tmp_path) as case:
        sealed(case)
        ends_at_the_last_moment(case, monkeypatch, ending)
        with pytest.raises(EndedError, match=r"samples? under way went unrecorded"):
            measure(setting_of(case), Silent())
        assert case.state.tallies == {}


def test_twin_without_the_look_the_refusal_is_all_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with small_case(tmp_path) as case:
        sealed(case)
        ends_at_the_last_moment(case, monkeypatch, "withdrawn")
        monkeypatch.setattr(coordinator, "has_ended", lambda _: False)
        with pytest.raises(RefusedDeed):
            measure(setting_of(case), Silent())
