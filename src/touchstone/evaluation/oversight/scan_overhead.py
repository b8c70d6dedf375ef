"""Samples with a shell, seven calls each, and their scan, to measure what scanning adds."""

import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.agent import as_solver, react
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ModelAPI, ModelOutput, ModelUsage, get_model, modelapi
from inspect_ai.scorer import match
from inspect_ai.tool import bash

from touchstone.evaluation.errors import ChunkError
from touchstone.evaluation.inspect_seam import SETTINGS
from touchstone.evaluation.oversight.child import scan_logs
from touchstone.evaluation.oversight.detectors import detectors
from touchstone.evaluation.runner import load_hooks
from touchstone.evaluation.sandbox import provider  # noqa: F401 - it registers itself

CALLS = 6
"""Calls of the shell in a sample; with the one that hands the answer in there are seven."""
_AT_ONCE = 10
_SECONDS = 30


class _Worker(ModelAPI):
    """Looks at the same folder six times and is done: in process, with its usage."""

    async def generate(self, *given: Any, **more: Any) -> ModelOutput:
        messages: list[ChatMessage] = given[0] if given else more["input"]
        turn = sum(message.role == "assistant" for message in messages)
        name, arguments = "submit", {"answer": "done"}
        if turn < CALLS:
            name, arguments = "bash", {"command": f"echo {turn}; ls -l / | head -n 15"}
        said = f"I look at step {turn}, and think about what it says. " * 5
        output = ModelOutput.for_tool_call(self.model_name, name, arguments, content=said)
        output.usage = ModelUsage(input_tokens=10, output_tokens=10, total_tokens=20)
        return output


@modelapi(name="touchstone-worker")
def _worker() -> type[ModelAPI]:
    return _Worker


def worked_cpu(samples: int, folder: Path) -> tuple[float, bytes]:
    """CPU seconds of the samples under the engine's settings, sandboxes included, and their log.

    Raises:
        ChunkError: Inspect's run failed.
    """
    load_hooks()
    dataset = MemoryDataset(
        [Sample(id=str(n), input="Look around.", target="done") for n in range(samples)]
    )
    began = _cpu()
    (log,) = inspect_eval(
        Task(
            dataset=dataset,
            solver=as_solver(react(tools=[bash(timeout=_SECONDS)])),
            scorer=match(),
            sandbox="touchstone",
        ),
        model=get_model("touchstone-worker/worker", memoize=False),
        log_dir=str(folder),
        max_samples=_AT_ONCE,
        max_sandboxes=_AT_ONCE,
        **SETTINGS,
    )
    if log.status != "success":
        raise ChunkError(f"Inspect's run ended as {log.status}")
    return _cpu() - began, Path(log.location).read_bytes()


def scan_cpu(log: bytes, samples: int) -> float:
    """CPU seconds of a scan of that log, its imports left out where one was done before.

    Raises:
        ChunkError: not every transcript was scanned, or one was flagged.
    """
    with tempfile.TemporaryDirectory(prefix="touchstone-bench-") as name:
        began = time.process_time()
        rows = list(scan_logs({"log": log}, detectors(), Path(name)))
        spent = time.process_time() - began
    clean = [
        row
        for row in rows
        if not any(each["flagged"] for each in row.get("looks", [{"flagged": 1}]))
    ]
    if len(clean) != samples:
        raise ChunkError(f"{len(clean)} of {samples} transcripts were scanned and found clean")
    return spent


def import_cpu() -> float:
    """CPU seconds of Scout's import, where this process has not done it."""
    began = time.process_time()
    import inspect_scout  # noqa: F401, PLC0415 - what is measured

    return time.process_time() - began


def _cpu() -> float:
    """Of this process and of the programs that it ran."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
