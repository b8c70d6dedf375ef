"""Workers whose doings a test writes: a simulator of the pool that a measuring of a case drives."""

from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from touchstone.evaluation import Outcome, Usage
from touchstone.evaluation.journal import Journal
from touchstone.evaluation.workers import WorkerEvent
from touchstone.evaluation.workers.messages import WorkerJob


class KilledError(Exception):
    """The measuring process ended here, with whatever it had recorded."""


def nobody(_: WorkerJob) -> Iterable[WorkerEvent]:
    """No worker is free, so no job begins."""
    raise AssertionError("a job began though no worker is free")


class ScriptedPool:
    """A pool of one worker (or none) that does with a job what a function says.

    Where nothing more would happen the process that waits for it is killed, as a machine that
    loses its power does: `KilledError`. Unless it is halted: then nothing happens, and it ends.
    """

    def __init__(self, does: Callable[[WorkerJob], Iterable[WorkerEvent]] = nobody) -> None:
        self._does = does
        self._events: deque[WorkerEvent] = deque()
        self.stopped = ""

    def __call__(self, workers: int, *, keys: object) -> Self:
        """Takes the place of the pool's class."""
        del workers, keys
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing runs that would have to end."""

    def idle(self) -> int:
        """Workers that are free: one begins the next job when the last one's events were read."""
        return int(self._does is not nobody and not self._events)

    def start(self, job: WorkerJob) -> None:
        """Do all of the job at once; what is told of it waits to be read."""
        self._events.extend(self._does(job))

    def next(self, seconds: float) -> WorkerEvent | None:
        """The next thing that a worker tells; there is no need to wait for it."""
        del seconds
        if self._events:
            return self._events.popleft()
        if not self.stopped:
            raise KilledError
        return None

    def halt(self, reason: str = "halted") -> None:
        """Begin nothing more."""
        self.stopped = reason

    def kill(self) -> None:
        """End everything."""
        self.stopped = "killed"


def run_of(job: WorkerJob, count: int | None = None, more: int = 0) -> list[WorkerEvent]:
    """Write the journal of a job that solved its first `count` items (None: all).

    The next `more` are begun and answered, and never judged. Each takes 10 tokens in and 5 out.
    Gives what a worker tells of it: the outcomes, each of which is in the journal.
    """
    indices, items = job.spec.indices, {item.index: item.commitment for item in job.items}
    count = len(indices) if count is None else count
    with Journal(Path(job.folder), job.spec.id) as journal:
        for index in indices[: count + more]:
            journal.begin(index)
            journal.use(index, Usage(input=10, output=5))
        for index in indices[:count]:
            journal.record(
                Outcome(
                    index=index,
                    commitment=items[index],
                    result="solved",
                    score="1",
                    reason="as it is",
                    seconds="1",
                    usage=Usage(input=10, output=5),
                )
            )
        return [
            WorkerEvent(event="outcome", chunk=job.spec.id, outcome=journal.outcomes[index])
            for index in sorted(journal.outcomes)
        ]
