"""What is relied on of Inspect's private names: an upgrade that changes one fails here first."""

import logging
import subprocess
import sys
import time
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import anyio
import httpx2
import openai
import pytest
from inspect_ai import Task, task
from inspect_ai import eval as inspect_eval
from inspect_ai._display.core import active
from inspect_ai._display.log.display import LogDisplay
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessageUser, GenerateConfig, ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import SandboxEnvironment
from openai import APIStatusError, DefaultAsyncHttpxClient
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice

from touchstone.evaluation import inspect_seam as seam
from touchstone.evaluation.agents.dry_call import resolve
from touchstone.evaluation.elicitation import ELICITATION

UNUSED = """
import sys
from touchstone.evaluation import inspect_seam
from touchstone.evaluation.runner import load_hooks
load_hooks()
print("inspect_swe", "inspect_swe" in sys.modules)
"""


def status_error(status: int, **headers: str) -> APIStatusError:
    answer = httpx2.Response(
        status, headers=headers, request=httpx2.Request("POST", "http://127.0.0.1")
    )
    return APIStatusError("said", response=answer, body=None)


class Provider(seam.ProviderSeam):
    made = 0

    def make_client(self) -> DefaultAsyncHttpxClient:
        type(self).made += 1
        return DefaultAsyncHttpxClient(**seam.default_client_kwargs(follow_redirects=False))

    async def complete(self, request: dict[str, Any]) -> ChatCompletion:
        message = ChatCompletionMessage(role="assistant", content=request["messages"][0]["content"])
        choice = Choice(index=0, finish_reason="stop", message=message)
        return ChatCompletion(
            id="1", choices=[choice], created=0, model="m", object="chat.completion"
        )


def test_a_provider_asks_its_subclass_for_the_client():
    made = Provider.made
    provider = Provider("touchstone/m", "http://127.0.0.1:9/v1", "key", GenerateConfig())
    assert Provider.made > made
    assert isinstance(provider.http_client, DefaultAsyncHttpxClient)
    assert provider.api_key == "key"
    made = Provider.made
    provider.initialize()
    assert Provider.made >= made


@pytest.mark.asyncio
async def test_a_provider_asks_its_subclass_for_each_answer():
    provider = Provider("touchstone/m", "http://127.0.0.1:9/v1", "key", GenerateConfig())
    answer = await provider.generate([ChatMessageUser(content="x")], [], "none", GenerateConfig())
    output = answer[0] if isinstance(answer, tuple) else answer
    assert isinstance(output, ModelOutput)
    assert output.completion == "x"


def test_the_clients_arguments_have_a_transport_and_mounts_to_put_bounds_around():
    kwargs = seam.default_client_kwargs(follow_redirects=False)
    assert kwargs["follow_redirects"] is False
    assert isinstance(kwargs["transport"], httpx2.AsyncBaseTransport)
    assert all(each is None or each.handle_async_request for each in kwargs["mounts"].values())


@pytest.mark.parametrize(("status", "again"), [(500, True), (429, True), (400, False)])
def test_what_may_be_asked_again(status: int, again: bool):
    decision = seam.openai_classify_retry(status_error(status))
    assert bool(decision is not None and decision.retry) is again
    asked = seam.openai_classify_retry(status_error(429, **{"retry-after": "3"}))
    assert asked is not None
    assert asked.retry_after == 3
    assert (seam.RetryDecision.transient().retry, seam.RetryDecision.no().retry) == (True, False)
    assert issubclass(openai.APIStatusError, Exception)


def test_a_sandbox_is_found_by_its_name():
    assert issubclass(seam.registry_find_sandboxenv("local"), SandboxEnvironment)


def test_hooks_are_loaded_and_nothing_is_drawn():
    seam.init_hooks()
    seam.draw_nothing()
    assert isinstance(active.display(), LogDisplay)


@pytest.mark.parametrize("name", seam.LOADED_LATE)
def test_what_is_loaded_late_is_there(name: str):
    assert import_module(name).__name__ == name


def test_outside_of_a_sample_there_is_nothing_to_say():
    assert seam.limit_reached() is None
    assert seam.asking_sample() == ""
    assert seam.sample_total_tokens() == 0
    with seam.sample_wait():
        assert seam.limit_reached() is None


SAID: dict[str, float | str | None] = {}


@solver
def looking() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        began, start = seam.sample_working_time(), time.monotonic()
        with seam.sample_wait():
            await anyio.sleep(0.3)
        SAID["worked"] = seam.sample_working_time() - began
        SAID["passed"] = time.monotonic() - start
        await generate(state)
        SAID["tokens"] = seam.sample_total_tokens()
        SAID["limit before"] = seam.limit_reached()
        SAID["sample"] = seam.asking_sample()
        await anyio.sleep_forever()
        return state

    return solve


@scorer(metrics=[])
def looking_back() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001 - its form
        SAID["limit"] = seam.limit_reached()
        return Score(value=1)

    return score


@task
def one_sample() -> Task:
    samples = MemoryDataset([Sample(input="x", id="the-one")])
    return Task(samples, solver=looking(), scorer=looking_back(), working_limit=1)


# Inspect's own: a parameter of tenacity's, and a stream left open where a limit ends a sample.
@pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_within_a_sample_waiting_tokens_and_limits_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    output = ModelOutput.from_content("mockllm", "y")
    output.usage = ModelUsage(input_tokens=3, output_tokens=4, total_tokens=7)
    model = get_model("mockllm/model", custom_outputs=[output])
    (log,) = inspect_eval(one_sample(), model=model, log_dir=str(tmp_path), display="none")
    assert isinstance(log, EvalLog)
    assert isinstance(SAID["worked"], float)
    assert isinstance(SAID["passed"], float)
    # However long the machine took: the time of waiting is not in it.
    assert SAID["worked"] < SAID["passed"] - 0.29
    assert SAID["tokens"] == 7
    assert (SAID["limit before"], SAID["limit"]) == (None, "working")
    assert SAID["sample"] == "the-one"


def test_a_scorer_is_called_in_a_log_as_it_is_here():
    assert seam.unqualified_name(looking_back()) == "looking_back"


def test_extensions_that_nothing_uses_are_not_loaded():
    """Scout brings one: looked for among what is installed, so that this fails where it is not."""
    here = {each.name for each in entry_points(group="inspect_ai")}
    # The other is no dependency, and comes as an asset where a pack brings it.
    assert here & seam.UNLOADED == {"inspect_swe"}
    done = subprocess.run(
        [sys.executable, "-c", UNUSED], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["inspect_swe", "False"]


def test_a_run_in_a_process_that_does_more_leaves_its_logging_alone(
    caplog: pytest.LogCaptureFixture,
):
    before = logging.getLogger().level, [*logging.getLogger().handlers]
    # Another than any before: what was resolved is kept.
    resolve(ELICITATION.model_copy(update={"message_limit": 61}))
    assert (logging.getLogger().level, logging.getLogger().handlers) == before
    logging.getLogger("touchstone.test").warning("heard")
    assert "heard" in caplog.text
