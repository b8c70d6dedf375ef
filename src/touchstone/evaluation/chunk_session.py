"""The state of one chunk while Inspect runs it: who may begin, what was used, what was recorded."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from time import monotonic as clock
from typing import Any

import anyio
from inspect_ai.log import EvalSample
from inspect_ai.model import ChatMessage

from touchstone.evaluation.adjudication import Cause, SampleFacts, adjudicate, reasoning_of
from touchstone.evaluation.agents.sending import sent_in
from touchstone.evaluation.alterations import sample_alterations
from touchstone.evaluation.chunks import ChunkSpec
from touchstone.evaluation.conduct import Conduct
from touchstone.evaluation.elicitation import Elicitation
from touchstone.evaluation.endpoint_watch import Call, EndpointFault
from touchstone.evaluation.errors import ChunkError, JournalError
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.inspect_seam import sample_working_time
from touchstone.evaluation.journal import MOST_EXECUTIONS, Journal
from touchstone.evaluation.kept_answers import KeptAnswers
from touchstone.evaluation.limits import Allowance
from touchstone.evaluation.outcomes import (
    REASON_LENGTH,
    AdjudicationRule,
    Outcome,
    SandboxEvent,
    Usage,
)
from touchstone.evaluation.quota import Quota
from touchstone.evaluation.resuming import ResumingWatch
from touchstone.evaluation.running_sample import running_index
from touchstone.evaluation.sandbox.events import GuardHits as Noticed
from touchstone.evaluation.sandbox.events import events_of, on_event
from touchstone.handin import printable_line

ENDPOINT_FAULTS = 3
"""Samples in a row that the endpoint fails before the chunk stops asking it."""
DRAINING = frozenset({"cap", "endpoint-failing", "interrupted"})
"""Reasons to begin no further sample that let those under way come to their own end: which of them
would still be running when a clock strikes depends on how they go."""
_POLL = 0.05


@dataclass(frozen=True)
class ChunkItem:
    """One position of the committed permutation, ready to run."""

    index: int
    commitment: str
    """Hex, from the sealed battery."""
    item: Item


class ChunkSession(ResumingWatch):
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
        super().__init__()
        self._began = clock()
        self._samples: dict[int, SampleFacts] = {}
        self._running: set[int] = set()
        self._used = 0
        self._answers = 0
        self._faults_in_a_row = 0
        self._held_back: dict[int, Outcome] = {}
        """Lost to the endpoint before the model said anything; the next answer makes them final."""

    # ------------------------------------------------ asked by the solver and the endpoint
    async def admit(self, index: int) -> bool:
        """Whether a sample may begin now; waits while others hold what it would need."""
        while True:
            if self.closed():
                return False
            cap, spent = self._allowance.tokens, self.journal.spent(index)
            each = max(0, self.elicitation.token_limit - spent)
            # What others may still use counts as used, so that no two pass the cap together.
            if cap is None or self._used_and_reserved() + each <= cap:
                break
            # Nobody is left who could give anything back: to wait on would be to wait for ever.
            if not self._running:
                self._stop_for("cap")
                return False
            await anyio.sleep(_POLL)
        self._running.add(index)
        try:
            paid = self.journal.answers.get(index, 0)
            self._samples[index] = SampleFacts(self.journal.begin(index), paid=paid, spent=spent)
        except JournalError as error:
            self._fail(error)
            return False
        return True

    def closed(self) -> str:
        """Why no further sample may begin, or an empty text."""
        if self._stop is not None and self.stopped in {"", *DRAINING}:
            self._stop_for(self._stop())
        # By the clock of this process: a wall clock that is set would lengthen or end a review.
        seconds = self._allowance.seconds
        if seconds is not None and clock() - self._began >= seconds:
            self._stop_for("cap")
        return self.stopped

    def _stop_for(self, reason: str) -> None:
        """The first reason stands; one that cuts comes before one that lets samples end."""
        if not self.stopped or (self.stopped in DRAINING and reason and reason not in DRAINING):
            self.stopped = reason

    def refuse(self) -> str:
        """Why nothing further may be asked even for what has begun, or an empty text."""
        reason = self.closed()
        if reason in DRAINING:
            return ""
        if reason and (facts := self._current()) is not None:
            facts.halted = True
        return reason

    def called(self, usage: Usage, model: str, fingerprint: str, notes: tuple[str, ...]) -> None:
        """Count an answer; notice another model's."""
        if (facts := self._heard(usage)) is None:
            return
        facts.usage = facts.usage + usage
        # The caps of a review count what was asked, over a death: this was counted then.
        self._used += 0 if facts.calls <= facts.paid else usage.total
        facts.models.add(model)
        if fingerprint:
            facts.fingerprints.add(fingerprint)
        facts.note(*notes)
        if self._expected and model not in self._expected:
            # The whole chunk stops, for what answers is not what was handed in; this sample is
            # lost.
            facts.foreign = model
            self._stop_for("snapshot-changed")

    def declined(self, call: Call) -> None:
        """A refusal, or that no more fits, is an answer as well."""
        self._heard(Usage())
        self.ended(call)

    def _heard(self, usage: Usage) -> SampleFacts | None:
        """Note, before all else, that an answer came: from here on the sample never runs again."""
        index, facts = running_index(), self._current()
        if index is None or facts is None:
            return None
        known, again, facts.again = facts.calls < facts.paid, facts.again, False
        facts.resumed += again
        try:
            # First: killed in the next moment, this sample must not be asked again (ADR 176).
            if not known:
                self.journal.use(index, usage)
            if not again:
                self._answered()
        except Exception as error:  # noqa: BLE001 - within Inspect it would be taken for the endpoint's
            self._fail(error)
        facts.calls += 1
        return facts

    def ended(self, call: Call) -> None:
        """Count how a call ended."""
        if (facts := self._current()) is not None:
            facts.heard(call)

    def sending(self, request: Mapping[str, Any]) -> None:
        """Hold a sample's first request against what was registered; another one fails the run."""
        facts, registered = self._current(), self.elicitation.sent
        if facts is None or facts.sent or registered is None:
            return
        facts.sent, said = True, sent_in(request)
        if (said.system_digest, said.tools_digest) != (registered.system, registered.tools):
            text = f"chunk {self.spec.id}: the agent sends other prompts or tools than registered"
            self._fail(ChunkError(text))
            facts.halted = True
            # Not sent: what it was answered would be an answer to another question.
            raise EndpointFault(text, retryable=False)

    def waited(self, seconds: float) -> None:
        """Count the time that the endpoint took."""
        if (facts := self._current()) is not None:
            facts.waited += seconds

    def tool_ran(self, *, timed_out: bool, started: bool) -> None:
        """Count a tool call that ran, or was to run and could not start."""
        if (facts := self._current()) is not None:
            facts.tools += 1
            facts.timeouts += timed_out
            facts.unstarted += not started

    def slot(self) -> AbstractAsyncContextManager[None] | None:
        """The shared quota's slot."""
        return self._quota.slot() if self._quota else None

    def token_limit(self) -> int | None:
        """The sample's token limit, where the chunk's tokens are capped."""
        return None if self._allowance.tokens is None else self.elicitation.token_limit

    def fault(self, index: int, cause: Cause, text: str) -> None:
        """Say whose fault ended a sample; the first one stands."""
        facts = self._samples[index]
        if not facts.cause:
            facts.cause, facts.fault = cause, text

    def fault_of(self, index: int) -> str:
        """What ended the sample before it could be judged, or an empty text."""
        facts = self._samples[index]
        return facts.cause and f"{facts.cause}: {facts.fault}"

    def limited(self, index: int, limit: str) -> None:
        """A limit ended the sample's work; it is judged all the same."""
        self._samples[index].limit = limit

    def cancelled(self, index: int) -> None:
        """The sample's work was cancelled: by a limit on time, or with the whole run."""
        if index in self._samples:
            self._samples[index].cancelled = True

    def was_cancelled(self, index: int) -> bool:
        """Whether it was."""
        return self._samples[index].cancelled

    def judged(
        self,
        index: int,
        *,
        solved: bool,
        reason: str,
        messages: Sequence[ChatMessage] = (),
        conduct: Conduct | None = None,
    ) -> None:
        """The judge's word: in the journal at once, whatever becomes of Inspect's log."""
        facts = self._samples[index]
        facts.judged, facts.solved, facts.reason = True, solved, reason
        facts.conduct = conduct
        # The judge saw a half-finished folder: that the run was ended is not the model's doing.
        if self._is_cut(index, facts, facts.limit):
            return
        try:
            seconds = sample_working_time()
            outcome = self._outcome(index, facts, facts.limit, "", seconds, messages)
            facts.result = outcome.result
            self.journal.judge(outcome)
        except Exception as error:  # noqa: BLE001 - the same
            self._fail(error)

    def sample(self, index: int) -> SampleFacts:
        """What is known of a sample that has begun."""
        return self._samples[index]

    def was_admitted(self, index: int) -> bool:
        """Whether the sample began in this run."""
        return index in self._samples

    # ------------------------------------------------ told by the hook
    def finish(self, ended: EvalSample) -> None:
        """Record the first outcome of a sample that Inspect has ended.

        What could have changed its score fails the whole run, as `failure`.
        """
        try:
            self._finish(int((ended.metadata or {})["index"]), ended)
        except Exception as error:  # noqa: BLE001 - Inspect swallows what a hook raises; we must not
            self._fail(error)

    def _finish(self, index: int, ended: EvalSample) -> None:
        # Here, where it is at hand: to read all of them from the log again costs a sixth of a run.
        for change in sample_alterations(ended):
            raise ChunkError(f"chunk {self.spec.id}, position {index}: {change}")
        facts = self._samples.get(index)
        if facts is None:
            return
        # Before anything can fail: what was set aside for it is free again.
        self._running.discard(index)
        limit = ended.limit.type if ended.limit else facts.limit
        error = ended.error.message if ended.error else ""
        if self._is_cut(index, facts, limit) or (error and facts.cancelled and not facts.judged):
            # It has no outcome yet; `wind_up`, or the next run, sees to what had been answered.
            return
        seconds = ended.working_time or ended.total_time or 0
        outcome = self._outcome(index, facts, limit, error, seconds, ended.messages)
        outcome = outcome.model_copy(update={"uuid": ended.uuid or ""})
        failed = outcome.result == "lost-endpoint"
        self._faults_in_a_row = self._faults_in_a_row + 1 if failed else 0
        if self._faults_in_a_row >= ENDPOINT_FAULTS:
            self._stop_for("endpoint-failing")
        # An endpoint that fails before a first answer has told nothing yet: it may be tried again.
        if failed and not facts.calls:
            self.journal.lose(index, outcome.reason)
            if facts.executions < MOST_EXECUTIONS:
                self._held_back[index] = outcome
                return
        self._record(outcome)

    def wind_up(self) -> None:
        """After Inspect's run, however it ended: no sample that was answered is left without word.

        Where a person halted or the sandbox was breached, what was cut stays begun, and is told.
        """
        # No sample at all was answered: that is an endpoint that is down, and no property of items.
        if not self.stopped and self._held_back and not self._answers:
            self.stopped = "endpoint-failing"
        if not self.stopped or self.stopped in DRAINING:
            self.settle("Inspect's run broke off")

    def go_on(self, kept: KeptAnswers | None = None) -> None:
        """Settle what an earlier run left, and keep to what may still run.

        A sample of which an answer was recorded, and not kept, is lost to the instrument.

        Args:
            kept: What earlier runs were answered, and this one will be; None: nothing is kept.
        """
        self._kept = kept
        self.settle(f"its worker died or was stopped{self.spoilt()}", self.held())
        done = self.journal.outcomes
        self.items = {index: part for index, part in self.items.items() if index not in done}

    def settle(self, why: str, kept: Mapping[int, int] | None = None) -> None:
        """Give their outcomes to samples that were interrupted and may not run again."""
        commitments = {index: part.commitment for index, part in self.items.items()}
        for outcome in self.journal.settle(commitments, self.rule, why, kept=kept or {}):
            self._tell(outcome)

    def _answered(self) -> None:
        """The endpoint answers: what it failed before was lost by itself, not with the endpoint."""
        self._answers += 1
        if self.stopped != "endpoint-failing":
            for index in tuple(self._held_back):
                self._record(self._held_back.pop(index))

    def _record(self, outcome: Outcome) -> None:
        if self.journal.record(outcome):
            self._tell(outcome)

    def _tell(self, outcome: Outcome) -> None:
        if self._on_outcome:
            self._on_outcome(outcome)

    def noticed(self, event: Noticed) -> None:
        """A sandbox recorded something; a breach stops the chunk at once."""
        if event.breach and event.sample.startswith(self.spec.id):
            self._stop_for("breach")

    def sample_name(self, index: int) -> str:
        """The name by which the sandbox knows the sample."""
        return f"{self.spec.id}-{index}"

    def _is_cut(self, index: int, facts: SampleFacts, limit: str) -> bool:
        """Whether the run's end cut the sample: it has no outcome by its own doing."""
        own = limit in {"message", "token", "time", "working"}
        return facts.halted and not (own or facts.foreign or self._breached(index))

    def _breached(self, index: int) -> bool:
        return any(event.breach for event in events_of(self.sample_name(index)))

    def _outcome(
        self,
        index: int,
        facts: SampleFacts,
        limit: str,
        error: str,
        seconds: float,
        messages: Sequence[ChatMessage],
    ) -> Outcome:
        events = events_of(self.sample_name(index))
        facts.limit = limit
        # Asked at the end: the watching thread may have noticed something after the last call.
        breached = self._breached(index)
        verdict = adjudicate(facts, self.elicitation, error=error, breached=breached)
        result, cause, reason = verdict
        return Outcome(
            index=index,
            commitment=self.items[index].commitment,
            result=result,
            score=self.rule.score(result),
            reason=_plain(reason),
            cause=cause,
            limit=limit,
            usage=facts.usage,
            seconds=f"{seconds:.3f}",
            models=tuple(sorted(facts.models)),
            reasoning=reasoning_of(messages),
            calls=facts.calls,
            resumed=facts.resumed,
            said=facts.said,
            conduct=facts.conduct,
            executions=facts.executions,
            curve=facts.curve,
            notes=tuple(_plain(note) for note in facts.notes),
            events=tuple(
                SandboxEvent(kind=e.kind, detail=_plain(e.detail), count=e.count) for e in events
            ),
        )

    def _current(self) -> SampleFacts | None:
        index = running_index()
        return None if index is None else self._samples.get(index)

    def _used_and_reserved(self) -> int:
        running = sum(
            max(0, self.elicitation.token_limit - max(facts.usage.total, facts.spent))
            for facts in (self._samples[index] for index in self._running if index in self._samples)
        )
        return self._used + running

    def _fail(self, error: Exception) -> None:
        self.failure = self.failure or error
        self._stop_for("failed")


_CURRENT: list[ChunkSession] = []


@contextmanager
def active(run: ChunkSession) -> Iterator[None]:
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


def current() -> ChunkSession:
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


def _plain(text: str) -> str:
    return printable_line(text, REASON_LENGTH)
