"""Chunks on workers: leased, run, recorded; a death or a second call repeats what was in flight.

A verdict is recorded as soon as the record carries it, and its run is issued no further: what is
under way then ends and is recorded, as overshoot.
"""

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import get_args

from touchstone.editions.run_text import landed
from touchstone.errors import TouchstoneError
from touchstone.evaluation import (
    ChunkSpec,
    Outcome,
)
from touchstone.evaluation.chunk_session import DRAINING
from touchstone.evaluation.errors import JournalError
from touchstone.evaluation.journal import Journal
from touchstone.evaluation.ports import HeldJob
from touchstone.evaluation.token_bounds import probe_tokens
from touchstone.evaluation.workers import WorkerEvent, WorkerPool, make_job
from touchstone.handin import seconds_of
from touchstone.review import RunKey
from touchstone.review.events.measuring import StopReason
from touchstone.service.errors import StoppedError
from touchstone.service.measurement.caps import CAP_REACHED, budget_of
from touchstone.service.measurement.chunk_logs import logs_left
from touchstone.service.measurement.chunk_queue import ChunkQueue, Chunks, plan_chunks
from touchstone.service.measurement.interrupting import (
    INTERRUPTED,
    TOLD,
    interrupted_in_order,
)
from touchstone.service.measurement.outcomes import (
    PROBES,
    left_by_a_dead_run,
    record_breach,
    record_not_run,
    record_outcomes,
)
from touchstone.service.measurement.record_verdicts import record_verdict
from touchstone.service.measurement.setting import KEY_CHANGED, Setting
from touchstone.service.measurement.stopping import end_measuring, has_ended
from touchstone.service.measurement.told_outcomes import record_told, told_of
from touchstone.service.measurement.tracking import Tracker, tracker_of
from touchstone.verdicts.fixed_verdicts import Judged, judge
from touchstone.verdicts.modes_compared import ANSWERED, Answers, may_wait
from touchstone.verdicts.run_progress import Observer
from touchstone.verdicts.sequential_verdicts import EarlyVerdict, reached

LEASE_SECONDS = 15
RENEW_SECONDS = 5
POLL_SECONDS = 0.25
TRIES = 3
SPARE = 2
"""Chunks of a run that are looked at beyond one for each worker."""
WORDS = {
    "cap": CAP_REACHED,
    "halted": "the review was halted",
    "breach": "the sandbox was breached",
    "snapshot-changed": "another model answers at the endpoint",
    "endpoint-failing": "the endpoint keeps failing; run again when it is back",
}


def measure(setting: Setting, observer: Observer) -> Tracker:
    """Run the chunks of the sealed battery whose question is open, and record their outcomes.

    Raises:
        StoppedError: a halt, a breach, a cap, a changed snapshot or a failing endpoint. What ran
            is in the record; the same call goes on.
        EndedError: somebody withdrew, closed or destroyed the case meanwhile.
        KeyboardInterrupt: Ctrl-C was pressed; all that ran is recorded, unless it was twice.
    """
    chunks = plan_chunks(setting.case, setting.prepared)
    for chunk, (spec, _) in chunks.items():
        setting.jobs.put(setting.case.id, chunk, spec.model_dump_json())
    run = RunCoordinator(setting, chunks, observer)
    try:
        with (
            interrupted_in_order() as run.pressed,
            WorkerPool(setting.workers, keys=setting.keys) as pool,
        ):
            run.go(pool)
    except (TouchstoneError, OSError):
        # Whatever it was that a case which ended meanwhile does not take.
        if not has_ended(setting.case):
            raise
    finally:
        # Where it was interrupted: its workers have ended, and nobody need wait for it.
        with suppress(TouchstoneError):
            run.release()
    if has_ended(setting.case):
        raise end_measuring(setting.case, chunks, run.unrecorded)
    # Of chunks that an earlier process heard of and that ran no more: nothing told is passed over.
    record_told(setting, chunks)
    observer.progress(run.tracker.rows())
    if run.stopped == INTERRUPTED:
        # Only now: what was under way when it was pressed is recorded.
        raise KeyboardInterrupt
    if run.stopped:
        raise StoppedError(
            f"{WORDS.get(run.stopped, run.stopped)}; what ran is recorded", _reason(run.stopped)
        )
    # Only at the end of all: said earlier, it would tell who counts entries that a verdict stands.
    record_not_run(setting.case, setting.prepared.battery, chunks)
    return run.tracker


def _reason(stopped: str) -> StopReason:
    """The record's word for what a worker or this process said."""
    # Of an endpoint that nobody may ask any more the record says what it says of one that fails.
    said = "endpoint-failing" if stopped == KEY_CHANGED else stopped
    return next((known for known in get_args(StopReason) if known == said), "instrument-failing")


class RunCoordinator:
    """One process's share of the work: it leases, starts, listens and records."""

    def __init__(self, setting: Setting, chunks: Chunks, observer: Observer) -> None:
        self.setting = setting
        self.chunks = chunks
        self.observer = observer
        self.stopped = ""
        self.pressed = threading.Event()
        """Set where Ctrl-C was pressed."""
        self.leases: dict[str, HeldJob] = {}
        self.held_since: dict[str, float] = {}
        """When each lease was taken or renewed last, by this machine's monotonic clock."""
        self.failures: dict[str, int] = {}
        self.unrecorded: dict[str, set[int]] = {}
        """By chunk the positions whose outcome was told and is not in the record yet."""
        self.held: set[RunKey] = set()
        """Runs whose word waits for what other modes answer."""
        self.worker = f"{socket.gethostname()}:{os.getpid()}"
        self.renewed = 0.0
        self.budget = budget_of(setting, chunks)
        # The probe that follows the last sample must fit as well.
        self.budget.allow(PROBES, probe_tokens(setting.case.submission), 1, 0)
        began = setting.case.state.probed_at
        # Wall time is counted from there.
        self.began = _now() if began is None else seconds_of(began)
        self.jobs, self.evidence = setting.jobs, setting.evidence
        self.tracker = tracker_of(
            setting.case, chunks, setting.prepared.verdicts, setting.prepared.reported
        )
        self.agenda = ChunkQueue(setting.prepared, chunks, setting.case.state)
        self.answers = Answers.of_record(setting.case.entries_of(ANSWERED))

    def go(self, pool: WorkerPool) -> None:
        """Until no question is open, or something stops the review."""
        waiting_told = False
        for key in self.agenda.decided():
            self._land(key)
        while True:
            if not self.stopped:
                self._start(pool)
            if not self.leases:
                if self._over() or self.stopped:
                    return
                counts = self.jobs.counts(self.setting.case.id)
                if not counts["waiting"] + counts["leased"]:
                    self.stopped = "halted"
                    return
                if counts["leased"] and not waiting_told:
                    waiting_told = True
                    self.observer.step(
                        f"Waiting up to {LEASE_SECONDS} s for the lease of an earlier run to end"
                    )
            event = pool.next(POLL_SECONDS)
            if event is not None:
                self._handle(event, pool)
                self.observer.progress(self.tracker.rows())
            if self._keep(pool):
                return

    def release(self) -> None:
        """Give back what is leased: those whose workers have ended without an end of their own."""
        while self.leases:
            _, lease = self.leases.popitem()
            self.jobs.release(lease)

    def _over(self) -> bool:
        """Whether no question is open; then no chunk is needed any more.

        Not even one that a dead run recorded, and had no time to finish.
        """
        if self.agenda.over:
            for key in self.agenda.runs:
                self._drop(key)
        return self.agenda.over

    def _start(self, pool: WorkerPool) -> None:
        setting = self.setting
        while pool.idle() > 0 and not self.stopped:
            lease = self._lease()
            if lease is None:
                return
            spec, key = self.chunks[lease.job]
            allowance = self.budget.allow(
                spec.id,
                setting.prepared.token_limit(spec.item_set),
                len(spec.indices),
                max(0, _now() - self.began),
            )
            if allowance is None or not setting.keys_hold():
                self.jobs.release(lease)
                self.stopped = "cap" if allowance is None else KEY_CHANGED
                return
            self._begin(lease, spec)
            self.leases[spec.id] = lease
            self.tracker.flying[key] = self.tracker.flying.get(key, 0) + len(spec.indices)
            pool.start(
                make_job(
                    setting.prepared.battery,
                    spec,
                    setting.case.submission.mode(spec.mode),
                    setting.prepared.elicitation_of(spec.item_set),
                    folder=setting.folder(spec.id),
                    home=setting.case.installation.home,
                    rule=setting.prepared.rule,
                    asking=setting.asking,
                    tokens=allowance.tokens,
                    seconds=allowance.seconds,
                    expected_models=setting.expected_models.get(spec.mode, ()),
                    config=dict(setting.sandbox),  # type: ignore[arg-type]  # plain JSON
                )
            )

    def _lease(self) -> HeldJob | None:
        """The best chunk that may be issued and that no other process holds."""
        # Some more than there are workers: an earlier process may hold the first for a while.
        case, width = self.setting.case.id, self.setting.workers + SPARE
        for chunk in self.agenda.next(self.leases, width):
            lease = self.jobs.lease(case, self.worker, LEASE_SECONDS, chunk)
            if lease is not None:
                return lease
        return None

    def _begin(self, lease: HeldJob, spec: ChunkSpec) -> None:
        """Note that the chunk is executed, first in its journal and then in the record's table.

        So an execution that the table knows of has left a journal, or somebody took it away.
        """
        with Journal(self.setting.folder(spec.id), spec.id) as journal:
            journal.follow(self.jobs.begin(lease))
        self.held_since[spec.id] = time.monotonic()

    def _handle(self, event: WorkerEvent, pool: WorkerPool) -> None:
        if event.chunk not in self.leases:
            return
        if event.event in {"outcome", "known"} and event.outcome is not None:
            (spec, key), told = self.chunks[event.chunk], event.outcome.model_dump_json().encode()
            self.unrecorded.setdefault(event.chunk, set()).add(event.outcome.index)
            # From here on it needs neither this process nor the worker's disk.
            if self.evidence.keep(self.leases[event.chunk], event.outcome.index, told):
                self.tracker.hear(key, spec, event.outcome)
            else:
                self.observer.step("Note: an outcome of a sample came second, and is not used")
            self.tracker.flying[key] = max(0, self.tracker.flying.get(key, 0) - 1)
        elif event.event == "finished":
            self._finished(event, pool)
        elif event.event in {"failed", "died"}:
            self._failed(event)

    def _finished(self, event: WorkerEvent, pool: WorkerPool) -> None:
        spec, key = self.chunks[event.chunk]
        outcomes = told_of(self.setting, event.chunk)
        # A worker that says it has finished and told too little would let its folder be deleted,
        # and samples be run a second time.
        if not self._all_told(spec, key, event.missing, outcomes):
            self._failed(event.model_copy(update={"text": "its worker told too few outcomes"}))
            return
        lease = self.leases.pop(event.chunk)
        self.tracker.flying.pop(key, None)
        self.tracker.repeated += len(event.repeated)
        self.budget.settle(event.chunk, event.total)
        for outcome in outcomes:
            self.tracker.hear(key, spec, outcome)
        logs = logs_left(self.setting, event.chunk)
        battery = self.setting.prepared.battery
        case = self.setting.case
        told = self.answers
        state = record_outcomes(case, battery, spec, key, outcomes, event.total, logs, told)
        self.agenda.recorded(key, state)
        self._forget(event.chunk, outcomes)
        # Not finished: what is missing was begun by nobody, or stopped by us, and is to run.
        if event.missing:
            self.jobs.release(lease)
        else:
            self.jobs.finish(lease)
            # All of it is in the record now, under the case's key; here it would lie in the clear.
            shutil.rmtree(self.setting.folder(spec.id), ignore_errors=True)
        if event.stopped:
            self._stop(event.stopped, pool)
        if event.stopped == "breach":
            record_breach(self.setting.case, spec, outcomes)
        for each in {key, *self.held}:
            self._land(each)

    def _all_told(
        self, spec: ChunkSpec, key: RunKey, missing: Iterable[int], told: Iterable[Outcome]
    ) -> bool:
        """Whether each sample that is said to have an outcome has one here: its folder goes."""
        state, heard = self.setting.case.state, {outcome.index for outcome in told}
        ended = set(spec.indices) - set(missing) - heard
        return all(state.is_recorded(key, spec.attempt, index) for index in ended)

    def _land(self, key: RunKey) -> None:
        """Record the verdict of a run as soon as the record carries it, and issue no more of it."""
        case, battery = self.setting.case, self.setting.prepared.name
        ran = self.agenda.ran(key)
        said: EarlyVerdict | Judged | None
        if ran is not None:
            said = reached(ran)
        else:
            judged = judge(case.framework, case.state, battery)
            said = next((each for each in judged if each.key == key), None)
        if said is None or (isinstance(said, Judged) and said.criterion.reference):
            # A comparison waits for its reference: it is judged when everything has run.
            return
        known = key in self.tracker.said
        # A word that another mode's answers could still take back is not recorded: recorded words
        # stand.
        if may_wait(case.state, key, said.word):
            self.held.add(key)
        else:
            self.held.discard(key)
            self.tracker.heard(record_verdict(case, said))
        if key in self.tracker.said and not known:
            self.observer.step(landed(self.tracker.row(key)))
        if ran is not None:
            self._drop(key)

    def _drop(self, key: RunKey) -> None:
        """Give up the chunks of a run that are not under way; keep what had run of them."""
        setting = self.setting
        unneeded = [chunk for chunk in self.agenda.unneeded(key) if chunk not in self.leases]
        self.jobs.drop(setting.case.id, unneeded)
        for chunk in unneeded:
            spec, folder = self.chunks[chunk][0], setting.folder(chunk)
            if folder.exists():
                # Begun by a run that died: paid for, so it is recorded, as overshoot.
                self._keep_outcomes(spec, key, "its worker died or was stopped", final=True)
                shutil.rmtree(folder, ignore_errors=True)

    def _failed(self, event: WorkerEvent) -> None:
        """Record what the chunk's journal holds, and let the rest run again, or stop."""
        lease = self.leases.pop(event.chunk)
        spec, key = self.chunks[event.chunk]
        self.tracker.flying.pop(key, None)
        self.failures[event.chunk] = self.failures.get(event.chunk, 0) + 1
        self.observer.step(f"A chunk stopped: {event.text}")
        try:
            self._keep_outcomes(spec, key, event.text, final=False)
        except JournalError as error:
            self.observer.step(f"Its journal cannot be read: {error}")
            record_told(self.setting, {spec.id: (spec, key)}, self.answers)
        state = self.setting.case.state
        self.agenda.recorded(key, state)
        if all(state.is_recorded(key, spec.attempt, index) for index in spec.indices):
            self.jobs.finish(lease)
            shutil.rmtree(self.setting.folder(spec.id), ignore_errors=True)
        else:
            self.jobs.release(lease)
        if self.failures[event.chunk] >= TRIES:
            self.stopped = self.stopped or f"a chunk failed {TRIES} times: {event.text}"
        for each in {key, *self.held}:
            self._land(each)

    def _keep_outcomes(self, spec: ChunkSpec, key: RunKey, why: str, *, final: bool) -> None:
        """Record the outcomes that a run of a chunk left which never said that it had finished."""
        setting = self.setting
        battery, rule = setting.prepared.battery, setting.prepared.rule
        found, used = left_by_a_dead_run(setting.case, spec, battery, rule, why, final=final)
        self.budget.settle(spec.id, used)
        told = told_of(setting, spec.id)
        heard = {outcome.index for outcome in told}
        outcomes = [*told, *(each for each in found if each.index not in heard)]
        if outcomes:
            logs = logs_left(setting, spec.id)
            record_outcomes(setting.case, battery, spec, key, outcomes, used, logs, self.answers)
            self._forget(spec.id, outcomes)
        for outcome in outcomes:
            self.tracker.hear(key, spec, outcome)

    def _stop(self, reason: str, pool: WorkerPool) -> None:
        self.stopped = self.stopped or reason
        if reason == "breach":
            pool.kill()
        else:
            pool.halt(reason)

    def _keep(self, pool: WorkerPool) -> bool:
        """Renew leases, and look whether somebody halted the review; true where the case ended."""
        if self.pressed.is_set() and not self.stopped:
            self.observer.step(TOLD)
            self._stop(INTERRUPTED, pool)
        if time.monotonic() - self.renewed < RENEW_SECONDS / 5:
            return False
        self.renewed = time.monotonic()
        if has_ended(self.setting.case):
            # Nothing is waited for: what would be told could not be recorded.
            pool.halt()
            return True
        for chunk, lease in list(self.leases.items()):
            if self.renewed - self.held_since[chunk] < RENEW_SECONDS:
                continue
            renewed = self.jobs.renew(lease, LEASE_SECONDS)
            if renewed is None:
                # Halted, or taken by another process after a long sleep of this one.
                self._stop("halted", pool)
            else:
                self.leases[chunk] = renewed
                self.held_since[chunk] = self.renewed
        if self.stopped in {"", *DRAINING} and self.setting.case.state.halted:
            self._stop("halted", pool)
        return False

    def _forget(self, chunk: str, outcomes: Iterable[Outcome]) -> None:
        self.unrecorded.pop(chunk, None)
        indices = [outcome.index for outcome in outcomes]
        self.evidence.forget(self.setting.case.id, chunk, indices)


def _now() -> int:
    return int(time.time())
