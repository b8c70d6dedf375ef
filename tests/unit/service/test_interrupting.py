"""Ctrl-C while samples run costs none of them: those under way end, and are recorded."""

import signal
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from support.scripted_pool import ScriptedPool, run_of
from support.small_case import probed, small_case
from touchstone.evaluation import Usage
from touchstone.evaluation.workers import WorkerEvent
from touchstone.evaluation.workers.messages import WorkerJob
from touchstone.service.cases.case_admin import list_cases, show_case
from touchstone.service.measurement import coordinator
from touchstone.service.measurement.coordinator import measure
from touchstone.service.measurement.interrupting import interrupted_in_order
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.service.measurement.setting import Setting
from touchstone.verdicts.run_progress import RunProgress

IDLE = "measuring, and no sample runs now"


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """What runs in a shell's background is started with this signal ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Steps:
    def __init__(self) -> None:
        self.said: list[str] = []

    def step(self, text: str) -> None:
        self.said.append(text)

    def progress(self, rows: Iterable[RunProgress]) -> None:
        del rows


def test_the_first_is_noted_and_the_second_ends():
    with interrupted_in_order() as pressed:
        assert not pressed.is_set()
        signal.raise_signal(signal.SIGINT)
        assert pressed.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_who_has_a_way_of_its_own_with_signals_keeps_it(monkeypatch: pytest.MonkeyPatch):
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        with interrupted_in_order() as pressed:
            signal.raise_signal(signal.SIGINT)
        assert heard == [signal.SIGINT]
        assert not pressed.is_set()
    finally:
        signal.signal(signal.SIGINT, before)
    # In no other thread may signals be asked for.
    other = threading.Thread(target=lambda: interrupted_in_order().__enter__())
    monkeypatch.setattr(threading, "excepthook", lambda _: heard.append(-1))
    other.start()
    other.join()
    assert heard == [signal.SIGINT]


def test_what_is_under_way_is_recorded_and_the_list_says_that_nobody_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    jobs: list[str] = []

    def interrupted(job: WorkerJob) -> list[WorkerEvent]:
        jobs.append(job.spec.id)
        assert list_cases(case.installation)[0].status == "measuring"
        signal.raise_signal(signal.SIGINT)
        told, rest = run_of(job, 2), job.spec.indices[2:]
        total = Usage(input=20, output=10)
        end = {"event": "finished", "chunk": job.spec.id, "missing": rest, "total": total}
        return [*told, WorkerEvent.model_validate(end | {"stopped": "interrupted"})]

    with small_case(tmp_path) as case:
        seal(case, 40, "confined", accepted=True)
        probed(case)
        assert list_cases(case.installation)[0].status == IDLE
        pool, steps = ScriptedPool(interrupted), Steps()
        monkeypatch.setattr(coordinator, "WorkerPool", pool)
        with pytest.raises(KeyboardInterrupt):
            measure(Setting(case, reopen(case), {}, {}, 1, {}), steps)
        assert (len(jobs), pool.stopped) == (1, "interrupted")
        assert sum("Ctrl-C again ends at once" in said for said in steps.said) == 1
        assert (
            sum(tally.attempt().recorded.bit_count() for tally in case.state.tallies.values()) == 2
        )
        assert list_cases(case.installation)[0].status == IDLE
        assert show_case(case.installation, case.id).status == IDLE
