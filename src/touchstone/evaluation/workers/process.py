"""The worker's side: jobs from stdin, one chunk after another, events as JSON lines on stdout."""

import os
import queue
import sys
import threading
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from touchstone.errors import TouchstoneError
from touchstone.evaluation.chunk_session import DRAINING, ChunkItem
from touchstone.evaluation.errors import ChunkError
from touchstone.evaluation.families.code import SHIPPED, FamilyCode
from touchstone.evaluation.families.loading import load_family
from touchstone.evaluation.families.naming import parse_item_id
from touchstone.evaluation.limits import Allowance
from touchstone.evaluation.outcomes import Outcome
from touchstone.evaluation.runner import ChunkResult, SandboxChoice, run_chunk
from touchstone.evaluation.seals import item_digest
from touchstone.evaluation.workers.messages import JobItem, WorkerEvent, WorkerJob
from touchstone.evaluation.workers.pack_jobs import PACK, run_pack_job
from touchstone.handin import printable_line

HALT = "halt"
HEARTBEAT_SECONDS = 1.0
ORPHAN_SECONDS = 10.0
_ORPHANED = 3


class _Worker:
    def __init__(self, commands: TextIO, events: TextIO) -> None:
        self._commands = commands
        self._events = events
        self._lock = threading.Lock()
        self._jobs: queue.Queue[str | None] = queue.Queue()
        self._chunk = ""
        self._told: set[int] = set()
        """Positions of this chunk of which an outcome was told."""
        self._halted = ""

    def run(self) -> int:
        """Until stdin closes."""
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._beat, daemon=True).start()
        self._say(WorkerEvent(event="ready"))
        while (line := self._jobs.get()) is not None:
            try:
                job = WorkerJob.model_validate_json(line)
            except ValidationError as error:
                self._say(
                    WorkerEvent(event="failed", text=f"not a job: {error.error_count()} faults")
                )
                continue
            self._run(job)
        return 0

    def _run(self, job: WorkerJob) -> None:
        self._chunk = job.spec.id
        # Positions of the last chunk are those of other items here.
        self._told.clear()
        self._say(WorkerEvent(event="started", chunk=self._chunk))
        try:
            result = self._run_chunk(job)
            for outcome in result.outcomes:
                # A parent that died may have heard of them and not recorded them.
                if outcome.index not in self._told:
                    self._say(WorkerEvent(event="known", chunk=self._chunk, outcome=outcome))
            self._say(_finished(result))
        except TouchstoneError as error:
            self._say(WorkerEvent(event="failed", chunk=self._chunk, text=str(error)))
        except Exception as error:  # noqa: BLE001 - the parent must hear of any death of a chunk
            text = printable_line(f"{type(error).__name__}: {error}", 500)
            self._say(WorkerEvent(event="failed", chunk=self._chunk, text=text))
        self._chunk = ""

    def _run_chunk(self, job: WorkerJob) -> ChunkResult:
        if job.made_by is not None and job.made_by.distribution.startswith(PACK):
            return run_pack_job(job, self._outcome, lambda: self._halted)
        # Families whose programs are assets look where the commands do.
        os.environ.setdefault("TOUCHSTONE_HOME", job.home)
        return run_chunk(
            job.spec,
            folder=Path(job.folder),
            home=Path(job.home),
            mode=job.mode,
            api_key=os.environ.get(job.mode.api_key_env, ""),
            items=[make_item(part, job.made_by) for part in job.items],
            elicitation=job.elicitation,
            rule=job.rule,
            asking=job.asking,
            allowance=Allowance(job.tokens, job.seconds),
            expected_models=frozenset(job.expected_models),
            sandbox=SandboxChoice(provider=job.provider, config=job.config),
            on_outcome=self._outcome,
            stop=lambda: self._halted,
        )

    def _outcome(self, outcome: Outcome) -> None:
        self._told.add(outcome.index)
        self._say(WorkerEvent(event="outcome", chunk=self._chunk, outcome=outcome))

    def _listen(self) -> None:
        for line in self._commands:
            command, _, reason = line.strip().partition(" ")
            if command == HALT:
                # A reason that cuts comes after one that lets samples end, and never the other way.
                if self._halted in {"", *DRAINING}:
                    self._halted = reason or "halted"
            else:
                self._jobs.put(line)
        self._jobs.put(None)
        if self._chunk:
            # The parent is gone. What is in flight may hang; it must not outlive its reader.
            self._halted = "halted"
            threading.Timer(ORPHAN_SECONDS, os._exit, (_ORPHANED,)).start()

    def _beat(self) -> None:
        quiet = threading.Event()
        while not quiet.wait(HEARTBEAT_SECONDS):
            self._say(WorkerEvent(event="heartbeat", chunk=self._chunk))

    def _say(self, event: WorkerEvent) -> None:
        with self._lock:
            try:
                # Under the lock: the heartbeat's thread writes too, and half a line would end this
                # worker.
                self._events.write(event.model_dump_json(exclude_defaults=True) + "\n")
                self._events.flush()
            except OSError:
                # Nobody listens: every outcome is in its journal.
                self._halted = self._halted or "halted"


def make_item(part: JobItem, made_by: FamilyCode | None) -> ChunkItem:
    """A position's item, made again by its family.

    Raises:
        ChunkError: the family is other code, or makes another item than was sealed.
    """
    try:
        name, seed, difficulty = parse_item_id(part.item_id)
        family, code = load_family(name, made_by.distribution if made_by else SHIPPED)
        if made_by and made_by.distribution != SHIPPED and code != made_by:
            raise ChunkError(f"family {name!r} was sealed as {made_by}, and is {code} in a worker")
        item = family.generate(seed, difficulty)
    except ValueError as error:
        raise ChunkError(f"position {part.index}: {error}") from error
    # Made again here and not sent: an item is sealed, and its digest is what the record knows.
    if item_digest(item) != part.digest:
        raise ChunkError(f"position {part.index}: the family made another item than was sealed")
    return ChunkItem(part.index, part.commitment, item)


def _finished(result: ChunkResult) -> WorkerEvent:
    return WorkerEvent(
        event="finished",
        chunk=result.chunk,
        missing=result.missing,
        repeated=result.repeated,
        stopped=result.stopped,
        begun=result.begun,
        lost=result.lost,
        total=result.total,
        log=str(result.log or ""),
    )


def main() -> int:
    """Serve the parent on stdin and stdout."""
    # Whatever prints to stdout must not be taken for an event.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return _Worker(sys.stdin, events).run()
