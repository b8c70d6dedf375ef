"""The state of one chunk while Inspect runs it: who may begin, what was used, what was recorded."""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

import anyio
from inspect_ai.log import EvalSample
from inspect_ai.model import ChatMessageAssistant, ContentReasoning

from touchstone.evaluation.chunks import ChunkSpec
from touchstone.evaluation.elicitation import Elicitation
from touchstone.evaluation.endpoints import Watch
from touchstone.evaluation.errors import ChunkError, JournalError
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.journal import Journal
from touchstone.evaluation.limits import Allowance
from touchstone.evaluation.outcomes import (
    REASON_LENGTH,
    AdjudicationRule,
    Outcome,
    Result,
    SandboxEvent,
    Usage,
)
from touchstone.evaluation.quota import Quota
from touchstone.evaluation.sandbox.events import SandboxEvent as Noticed
from touchstone.evaluation.sandbox.events import events_of, on_event
from touchstone.printable import printable_line

Cause = Literal["", "endpoint", "sandbox", "judge", "engine"]
ENDPOINT_FAULTS = 3
"""Samples in a row that the endpoint fails before the chunk stops asking it."""
_POLL = 0.05


@dataclass(frozen=True)
class ChunkItem:
    """One position of the committed permutation, ready to run."""

    index: int
    commitment: str
    """Hex, from the sealed battery."""
    item: Item


@dataclass
class _Sample:
    """What is known of one running sample."""

    attempt: int
    usage: Usage = field(default_factory=Usage)
    calls: int = 0
    models: set[str] = field(default_factory=set)
    fingerprints: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    cause: Cause = ""
    fault: str = ""
    solved: bool = False
    reason: str = ""
    cut: bool = False
    """Stopped by us, not by its own limits: it has no outcome yet."""
    foreign: str = ""
    """A model name that is not the snapshot's."""


class ChunkRun(Watch):
    """One chunk being run. Inspect's solver, scorer and hook report here.

    Args:
        spec: What is run.
        items: The positions still to run.
        journal: Where outcomes go first.
        elicitation: Limits of a sample.
        rule: How results are adjudicated.
        allowance: What this run may spend.
        quota: Of the endpoint, or None.
        expected_models: Names that the snapshot may report; empty for any.
        on_outcome: Told of each outcome, once it is on disk.
        stop: Asked before each sample and call; gives a reason to stop, or an empty text.
    """

    def __init__(
        self,
        spec: ChunkSpec,
        items: Mapping[int, ChunkItem],
        journal: Journal,
        *,
        elicitation: Elicitation,
        rule: AdjudicationRule,
        allowance: Allowance,
        quota: Quota | None = None,
        expected_models: frozenset[str] = frozenset(),
        on_outcome: Callable[[Outcome], None] | None = None,
        stop: Callable[[], str] | None = None,
    ) -> None:
        self.spec = spec
        self.items = items
        self.journal = journal
        self.elicitation = elicitation
        self.rule = rule
        self.stopped = ""
        self.failure: Exception | None = None
        self.close: Callable[[], Awaitable[None]] = _nothing
        """Closes the model's connections; called on the event loop that opened them."""
        self._allowance = allowance
        self._quota = quota
        self._expected = expected_models
        self._on_outcome = on_outcome
        self._stop = stop
        self._began = time.monotonic()
        self._samples: dict[int, _Sample] = {}
        self._running: set[int] = set()
        self._used = 0
        self._faults_in_a_row = 0

    # ------------------------------------------------ asked by the solver and the endpoint
    async def admit(self, index: int) -> bool:
        """Whether a sample may begin now; waits while others hold what it would need."""
        while True:
            if self.refuse():
                return False
            cap, each = self._allowance.tokens, self.elicitation.token_limit
            if cap is None or self._used_and_reserved() + each <= cap:
                break
            if not self._running:
                self.stopped = self.stopped or "cap"
                return False
            await anyio.sleep(_POLL)
        self._running.add(index)
        try:
            self._samples[index] = _Sample(self.journal.begin(index))
        except JournalError as error:
            self._fail(error)
            return False
        return True

    def refuse(self) -> str:
        """Why nothing further may be asked, or an empty text."""
        if not self.stopped and self._stop is not None:
            self.stopped = self._stop()
        seconds = self._allowance.seconds
        if not self.stopped and seconds is not None and time.monotonic() - self._began >= seconds:
            self.stopped = "cap"
        if self.stopped and (sample := self._current()) is not None:
            sample.cut = True
        return self.stopped

    def called(self, usage: Usage, model: str, fingerprint: str, notes: tuple[str, ...]) -> None:
        """Count an answer; notice another model's."""
        index, sample = _INDEX.get(), self._current()
        if index is None or sample is None:
            return
        sample.calls += 1
        sample.usage = sample.usage + usage
        self._used += usage.total
        sample.models.add(model)
        if fingerprint:
            sample.fingerprints.add(fingerprint)
        sample.notes += [note for note in notes if note not in sample.notes]
        try:
            self.journal.use(index, usage)
        except JournalError as error:
            self._fail(error)
        if self._expected and model not in self._expected:
            sample.foreign = model
            self.stopped = self.stopped or "snapshot-changed"

    def slot(self) -> AbstractAsyncContextManager[None] | None:
        """The shared quota's slot."""
        return self._quota.slot() if self._quota else None

    def token_limit(self) -> int | None:
        """The sample's token limit, where the chunk's tokens are capped."""
        return None if self._allowance.tokens is None else self.elicitation.token_limit

    def fault(self, index: int, cause: Cause, text: str) -> None:
        """Say whose fault ended a sample."""
        sample = self._samples[index]
        sample.cause, sample.fault = cause, text

    def fault_of(self, index: int) -> str:
        """What ended the sample before it could be judged, or an empty text."""
        sample = self._samples[index]
        return sample.cause and f"{sample.cause}: {sample.fault}"

    def judged(self, index: int, *, solved: bool, reason: str) -> None:
        """The judge's word."""
        sample = self._samples[index]
        sample.solved, sample.reason = solved, reason

    def cut(self, index: int) -> None:
        """The sample was cancelled; unless a limit of its own did it, it has no outcome."""
        if index in self._samples:
            self._samples[index].cut = True

    def was_admitted(self, index: int) -> bool:
        """Whether the sample began in this run."""
        return index in self._samples

    # ------------------------------------------------ told by the hook
    def finish(self, ended: EvalSample) -> None:
        """Record the first outcome of a sample that Inspect has ended."""
        try:
            self._finish(int((ended.metadata or {})["index"]), ended)
        except Exception as error:  # noqa: BLE001 - Inspect swallows what a hook raises; we must not
            self._fail(error)

    def _finish(self, index: int, ended: EvalSample) -> None:
        sample = self._samples.get(index)
        if sample is None:
            return
        self._running.discard(index)
        outcome = self._outcome(index, sample, ended)
        if outcome is None:
            return
        if self.journal.record(outcome) and self._on_outcome:
            self._on_outcome(outcome)
        failed = outcome.result == "lost-endpoint"
        self._faults_in_a_row = self._faults_in_a_row + 1 if failed else 0
        if self._faults_in_a_row >= ENDPOINT_FAULTS:
            self.stopped = self.stopped or "endpoint-failing"

    def noticed(self, event: Noticed) -> None:
        """A sandbox recorded something; a breach stops the chunk at once."""
        if event.breach and event.sample.startswith(self.spec.id):
            self.stopped = self.stopped or "breach"

    def sample_name(self, index: int) -> str:
        """The name by which the sandbox knows the sample."""
        return f"{self.spec.id}-{index}"

    def _outcome(self, index: int, sample: _Sample, ended: EvalSample) -> Outcome | None:
        limit = ended.limit.type if ended.limit else ""
        events = events_of(self.sample_name(index))
        breached = any(event.breach for event in events)
        halted = sample.cut and limit not in {"message", "token", "time", "working"}
        if halted and not (sample.foreign or breached):
            return None
        result, cause, reason = self._adjudicate(sample, ended, limit, breached=breached)
        return Outcome(
            index=index,
            commitment=self.items[index].commitment,
            result=result,
            score=self.rule.score(result),
            reason=_plain(reason),
            cause=cause,
            limit=limit,
            usage=sample.usage,
            seconds=f"{ended.working_time or ended.total_time or 0:.3f}",
            models=tuple(sorted(sample.models)),
            reasoning=_reasoning(ended),
            calls=sample.calls,
            attempt=sample.attempt,
            notes=tuple(sample.notes),
            events=tuple(
                SandboxEvent(kind=e.kind, detail=_plain(e.detail), count=e.count) for e in events
            ),
        )

    def _adjudicate(
        self, sample: _Sample, ended: EvalSample, limit: str, *, breached: bool
    ) -> tuple[Result, Cause, str]:
        stop = "" if ended.output.empty else ended.output.stop_reason
        error = ended.error.message if ended.error else ""
        # The first that holds is the result; the order is part of the rule.
        cases: tuple[tuple[bool, tuple[Result, Cause, str]], ...] = (
            (
                bool(sample.foreign),
                ("lost-endpoint", "endpoint", f"another model: {sample.foreign}"),
            ),
            (breached, ("lost-instrument", "sandbox", "the sandbox's boundary was attacked")),
            (bool(sample.cause), (_lost_to(sample.cause), sample.cause, sample.fault)),
            (bool(error), ("lost-instrument", "engine", error)),
            (sample.solved, ("solved", "", sample.reason)),
            (limit == "time", ("cut", "", f"{limit} limit; {sample.reason}")),
            (bool(limit), ("limit", "", f"{limit} limit; {sample.reason}")),
            (stop == "content_filter", ("refused", "", f"declined; {sample.reason}")),
            (stop == "model_length", ("cut", "", f"context full; {sample.reason}")),
            (True, ("unsolved", "", sample.reason)),
        )
        return next(verdict for holds, verdict in cases if holds)

    def _current(self) -> _Sample | None:
        index = _INDEX.get()
        return None if index is None else self._samples.get(index)

    def _used_and_reserved(self) -> int:
        running = sum(
            max(self.elicitation.token_limit, self._samples[index].usage.total)
            - self._samples[index].usage.total
            for index in self._running
        )
        return self._used + running

    def _fail(self, error: Exception) -> None:
        self.failure = self.failure or error
        self.stopped = self.stopped or "failed"


_INDEX: ContextVar[int | None] = ContextVar("touchstone_index", default=None)
_CURRENT: list[ChunkRun] = []


@contextmanager
def sample_of(index: int) -> Iterator[None]:
    """While the block runs, calls to the endpoint are counted for this sample."""
    token = _INDEX.set(index)
    try:
        yield
    finally:
        _INDEX.reset(token)


@contextmanager
def active(run: ChunkRun) -> Iterator[None]:
    """Make `run` the one that Inspect's solver, scorer and hook report to.

    Raises:
        ChunkError: another chunk is running in this process.
    """
    if _CURRENT:
        raise ChunkError("one process runs one chunk at a time")
    _CURRENT.append(run)
    unsubscribe = on_event(run.noticed)
    try:
        yield
    finally:
        unsubscribe()
        _CURRENT.clear()


def current() -> ChunkRun:
    """The chunk that is running.

    Raises:
        ChunkError: none is: the task was started from outside the engine.
    """
    if not _CURRENT:
        raise ChunkError("the task runs only as part of a chunk")
    return _CURRENT[0]


def is_active() -> bool:
    """Whether a chunk is running in this process."""
    return bool(_CURRENT)


async def _nothing() -> None:
    """Nothing is open."""


def _lost_to(cause: Cause) -> Result:
    return "lost-endpoint" if cause == "endpoint" else "lost-instrument"


def _reasoning(ended: EvalSample) -> Literal["none", "summary", "redacted", "full"]:
    found: set[str] = set()
    for message in ended.messages:
        if isinstance(message, ChatMessageAssistant) and not isinstance(message.content, str):
            for part in message.content:
                if isinstance(part, ContentReasoning):
                    whole = "summary" if part.summary else "full"
                    found.add("redacted" if part.redacted and not part.summary else whole)
    if "redacted" in found:
        return "redacted"
    if "summary" in found:
        return "summary"
    return "full" if found else "none"


def _plain(text: str) -> str:
    return printable_line(text, REASON_LENGTH)
