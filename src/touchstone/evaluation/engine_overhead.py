"""The same samples through the engine and through Inspect alone, to measure what the engine adds.

A sample asks its model so many times; the model answers at once, in process.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inspect_ai import Task, task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import Model, ModelAPI, ModelOutput, ModelUsage, get_model, modelapi
from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from touchstone.evaluation.chunk_session import ChunkItem, ChunkSession, active, current
from touchstone.evaluation.chunks import MAX_CHUNK, ChunkSpec
from touchstone.evaluation.elicitation import Elicitation
from touchstone.evaluation.errors import ChunkError
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.inspect_seam import SETTINGS
from touchstone.evaluation.journal import Journal
from touchstone.evaluation.limits import Allowance, EndpointLimits
from touchstone.evaluation.outcomes import AdjudicationRule, Usage
from touchstone.evaluation.runner import execute, load_hooks
from touchstone.evaluation.running_sample import sample_of
from touchstone.evaluation.tasks import chunk_arguments

_PROMPT = "Say yes."
_SAMPLES_AT_ONCE = 10
_SECONDS = 600
_USAGE = Usage(input=4, output=1)


class _Yes(ModelAPI):
    """Answers at once, in process, with its usage: nothing is counted and nothing downloaded."""

    async def generate(self, *_: Any, **__: Any) -> ModelOutput:
        current_usage = ModelUsage(input_tokens=4, output_tokens=1, total_tokens=5)
        output = ModelOutput.from_content(self.model_name, "yes")
        return output.model_copy(update={"usage": current_usage})


@modelapi(name="touchstone-yes")
def _yes() -> type[ModelAPI]:
    return _Yes


def plain_cpu(samples: int, calls: int, folder: Path) -> float:
    """CPU seconds of Inspect alone: one evaluation of all samples, the engine's log settings."""
    load_hooks()
    dataset = MemoryDataset([Sample(input=_PROMPT, target="yes") for _ in range(samples)])
    began = time.process_time()
    (log,) = inspect_eval(
        Task(dataset=dataset, solver=_asking(calls), scorer=_agrees()),
        model=_model(),
        log_dir=str(folder),
        max_samples=_SAMPLES_AT_ONCE,
        **SETTINGS,
    )
    if log.status != "success":
        raise ChunkError(f"Inspect's run ended as {log.status}")
    return time.process_time() - began


def engine_cpu(samples: int, calls: int, folder: Path, home: Path) -> float:
    """CPU seconds of the same samples as chunks: journal, admission, limits, checks of each log."""
    load_hooks()
    began = time.process_time()
    for first in range(0, samples, MAX_CHUNK):
        _chunk(tuple(range(first, min(first + MAX_CHUNK, samples))), calls, folder, home)
    return time.process_time() - began


def _chunk(indices: tuple[int, ...], calls: int, folder: Path, home: Path) -> None:
    elicitation, rule = Elicitation(id="yardstick"), AdjudicationRule()
    spec = ChunkSpec(
        case="yardstick",
        battery="",
        item_set="yes",
        variant="yes",
        mode="yes",
        endpoint="",
        elicitation=elicitation.digest,
        rule=rule.digest,
        indices=indices,
    )
    item = Item("yes", "yes", "1", 0, 1, _PROMPT, {}, "", 0, {}, (), 0, b"")
    with Journal(folder / spec.id, spec.id) as journal:
        run = ChunkSession(
            spec,
            {index: ChunkItem(index, "", item) for index in indices},
            journal,
            elicitation=elicitation,
            rule=rule,
            allowance=Allowance(tokens=10**9, seconds=_SECONDS),
            stop=lambda: "",
        )
        with active(run):
            result = execute(
                run,
                _model(),
                make_task=lambda run: _task_of(calls)(**chunk_arguments(run)),
                folder=folder / spec.id,
                home=home,
                asking=EndpointLimits(max_samples=_SAMPLES_AT_ONCE),
                sandbox=None,
            )
    if any(outcome.result != "solved" for outcome in result.outcomes) or result.missing:
        raise ChunkError("a trivial sample was not solved")


def _task_of(calls: int) -> Callable[..., Task]:
    # Beside its arguments, which are the chunk's and nothing else.
    @task
    def yes_task(**_: str) -> Task:
        samples = [
            Sample(id=str(index), input=_PROMPT, target="yes", metadata={"index": index})
            for index in current().items
        ]
        return Task(dataset=MemoryDataset(samples), solver=_admitted(calls), scorer=_reported())

    return yes_task


@solver
def _asking(calls: int) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        asked = list(state.messages)
        for _ in range(calls):
            # Each time the same: a conversation that grew would cost both arms more and more.
            state.messages = [*asked]
            state = await generate(state)
        return state

    return solve


@solver
def _admitted(calls: int) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        run, index, asked = current(), int(state.metadata["index"]), list(state.messages)
        if not await run.admit(index):
            return state
        with sample_of(index):
            for _ in range(calls):
                state.messages = [*asked]
                state = await generate(state)
                run.called(_USAGE, state.output.model, "", ())
        return state

    return solve


@scorer(metrics=[accuracy()])
def _agrees() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=int(state.output.completion == target.text))

    return score


@scorer(metrics=[accuracy()])
def _reported() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        solved = state.output.completion == target.text
        current().judged(int(state.metadata["index"]), solved=solved, reason="yes")
        return Score(value=int(solved))

    return score


def _model() -> Model:
    return get_model("touchstone-yes/yes", memoize=False)
