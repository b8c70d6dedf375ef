"""An item as an Inspect task: files into the sandbox, an agent at work, a judge beside it."""

from typing import Any

import anyio
from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.hooks import Hooks, RunEnd, SampleEnd, hooks
from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import (
    LimitExceededError,
    SandboxEnvironmentSpec,
    SandboxEnvironmentType,
    sandbox,
)
from tenacity import RetryError

from touchstone.errors import BadInputError
from touchstone.evaluation.adjudication import Cause
from touchstone.evaluation.agents.making import make_agent
from touchstone.evaluation.budget_copies import copy_answer, judge_copies
from touchstone.evaluation.chunk_session import ChunkSession, current, is_active
from touchstone.evaluation.endpoint_watch import EndpointFault
from touchstone.evaluation.inspect_seam import limit_reached, registry_find_sandboxenv, sample_wait
from touchstone.evaluation.judging import JudgeFault, ask_judge, closing_words, lay_out_item
from touchstone.evaluation.parity_logs import RESULT
from touchstone.evaluation.running_sample import sample_of
from touchstone.evaluation.tools import Before


@task
def touchstone_chunk(
    chunk: str, variant: str, mode: str, endpoint: str, elicitation: str, rule: str
) -> Task:
    """The running chunk's items as one task; its arguments are what the log is checked against."""
    run = current()
    about = {
        "chunk": chunk,
        "variant": variant,
        "mode": mode,
        "endpoint": endpoint,
        "elicitation": elicitation,
        "rule": rule,
    }
    return Task(
        name="touchstone_chunk",
        dataset=MemoryDataset([_sample(run, index) for index in run.items]),
        solver=attempt(),
        scorer=judged(),
        metadata=about,
    )


def _sample(run: ChunkSession, index: int) -> Sample:
    return Sample(
        id=str(index),
        input=run.items[index].item.prompt,
        metadata={"index": index, "touchstone_sample": run.sample_name(index)},
    )


@solver
def attempt() -> Solver:
    """Put the item's files into the sandbox, and let the elicitation's agent work."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        run, index = current(), int(state.metadata["index"])
        # Inspect calls for every sample of the task; a stopped chunk lets the rest pass by unbegun.
        if not await run.admit(index):
            return state
        with sample_of(index):
            cause: Cause = "sandbox"
            try:
                await lay_out_item(sandbox(), run.items[index].item)
                # The sandbox took the files: what breaks from here on is not its fault.
                cause = "engine"
                agent = make_agent(run.elicitation, run.tool_ran, _copying(run, index))
                return await agent(state, generate)
            except LimitExceededError as reached:
                run.limited(index, reached.type)
                raise
            except anyio.get_cancelled_exc_class():
                run.cancelled(index)
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is recorded, once
                run.fault(index, *_blame(error, cause))
                return state

    return solve


def _copying(run: ChunkSession, index: int) -> Before | None:
    """What copies the answer out before a tool runs, at each checkpoint that was passed."""
    if not run.elicitation.checkpoints:
        return None
    turn = anyio.Lock()

    async def before() -> None:
        # Calls of one answer run at the same time: none may begin before the copy is taken.
        async with turn:
            facts = run.sample(index)
            if due := facts.due(run.elicitation.checkpoints):
                # Time of ours is not the model's working time.
                with sample_wait():
                    answer = await copy_answer(run.items[index].item)
                facts.copies.update(dict.fromkeys(due, answer))

    return before


def _limit_on_time() -> str:
    """Which limit cancelled the work of a sample that is judged all the same."""
    return limit_reached() or "time"


@scorer(metrics=[accuracy()])
def judged() -> Scorer:
    """Hand the answer file to the item's judge, in the judge's own sandbox."""

    async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001 - Inspect's form
        run, index = current(), int(state.metadata["index"])
        if not run.was_admitted(index):
            return Score(value=0, explanation="not begun")
        # What was spoilt is not judged: an empty folder would be called unsolved.
        if fault := run.fault_of(index):
            return Score(value=0, explanation=fault)
        # Inspect judges work that a limit on time cut off, and does not tell a scorer which.
        if run.was_cancelled(index):
            run.limited(index, _limit_on_time())
        item = run.items[index].item
        try:
            word = await ask_judge(item, closing_words(state.messages) if item.watched else "")
        except JudgeFault as fault:
            run.fault(index, "judge", str(fault))
            return Score(value=0, explanation=f"judge fault: {fault}")
        run.judged(
            index,
            solved=word.solved,
            reason=word.reason,
            messages=state.messages,
            conduct=word.conduct,
        )
        # Only now: what stands in the journal is this verdict, whatever becomes of the others.
        facts = run.sample(index)
        facts.curve = await judge_copies(item, facts.copies)
        return Score(
            value=int(word.solved), explanation=word.reason, metadata={RESULT: facts.result}
        )

    return score


@hooks(name="touchstone_journal", description="Records each sample's first outcome")
class JournalHook(Hooks):
    """Tells the running chunk of each sample that ended."""

    def enabled(self) -> bool:
        """Only while the engine runs a chunk."""
        return is_active()

    async def on_sample_end(self, data: SampleEnd) -> None:
        """A sample ended, one way or another."""
        current().finish(data.sample)

    async def on_run_end(self, data: RunEnd) -> None:  # noqa: ARG002 - Inspect's form
        """All ended: close the connections while their event loop still runs."""
        await current().close()


def chunk_arguments(run: ChunkSession) -> dict[str, str]:
    """The task's arguments, asserted on every log."""
    spec = run.spec
    return {
        "chunk": spec.id,
        "variant": spec.variant,
        "mode": spec.mode,
        "endpoint": spec.endpoint,
        "elicitation": spec.elicitation,
        "rule": spec.rule,
    }


def sandbox_of(provider: str, config: dict[str, Any] | None) -> SandboxEnvironmentType:
    """Inspect's way of naming a sandbox provider and its settings.

    Raises:
        BadInputError: no such provider, or not its settings.
    """
    try:
        kind = registry_find_sandboxenv(provider)
        settings = None if config is None else kind.config_deserialize(config)
    except (ValueError, NotImplementedError) as error:
        raise BadInputError(
            f"sandbox {provider!r}: {' '.join(str(error).split())[:200]}"
        ) from error
    return provider if settings is None else SandboxEnvironmentSpec(provider, settings)


def _blame(error: Exception, cause: Cause) -> tuple[Cause, str]:
    # The last attempt says what happened; the wrapper says only that there were several.
    if isinstance(error, RetryError):
        last = error.last_attempt.exception()
        error = last if isinstance(last, Exception) else error
    if isinstance(error, EndpointFault):
        return "endpoint", str(error)
    return cause, f"{type(error).__name__}: {error}"
