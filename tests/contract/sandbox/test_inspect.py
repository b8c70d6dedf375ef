"""Whole Inspect evaluations: its tools work here, and both sandboxes end with the sample."""

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval_async
from inspect_ai.dataset import Sample
from inspect_ai.event import ToolEvent
from inspect_ai.log import EvalLog, read_eval_log_sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer
from inspect_ai.solver import TaskState, basic_agent
from inspect_ai.tool import ToolCall, bash, bash_session, python
from inspect_ai.util import SandboxEnvironmentSpec, sandbox

from touchstone.evaluation.oversight.reading import read_transcript
from touchstone.evaluation.oversight.tool_results import spoofed_results
from touchstone.evaluation.sandbox import GuardHits, SandboxConfig, events_of, on_event
from touchstone.evaluation.sandbox.provider import SAMPLE_KEY, TouchstoneSandbox
from touchstone.evaluation.witnessed_output import SOURCE

pytestmark = [
    pytest.mark.needs_sandbox,
    pytest.mark.asyncio,
    # Inspect calls tenacity in an old way, and leaves a stream to the garbage collector.
    pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning"),
]

SEEN: list[dict[str, Any]] = []


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("INSPECT_DISPLAY", "none")
    yield
    # What Inspect leaves is collected here, where its warning is allowed.
    gc.collect()


@scorer(metrics=[accuracy()])
def judged() -> Scorer:
    """Copies the answer out of the subject's sandbox and judges it in the other one."""

    async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001 - named so
        subject = sandbox().as_type(TouchstoneSandbox)
        judge = sandbox("judge").as_type(TouchstoneSandbox)
        early = judge.started
        await judge.write_file("answer", await subject.copy_out("answer", 100))
        listing = (await judge.exec(["sh", "-c", "ls /tmp; cat answer"])).stdout
        SEEN.append({"early": early, "listing": listing, "both": (subject, judge)})
        return Score(value=int(target.text in listing))

    return score


def call(tool: str, **arguments: Any) -> ModelOutput:
    output = ModelOutput.for_tool_call("mockllm/model", tool, arguments)
    # With usage given, nothing needs a tokenizer from the network.
    output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return output


async def review(tmp_path: Path, *outputs: ModelOutput) -> EvalLog:
    SEEN.clear()
    task = Task(
        dataset=[
            Sample(input="Go", target="done", files={"start": "s"}, metadata={SAMPLE_KEY: "s-1"})
        ],
        solver=basic_agent(
            tools=[bash(timeout=20), python(timeout=20), bash_session()],
            message_limit=40,
        ),
        scorer=judged(),
        sandbox=SandboxEnvironmentSpec("touchstone", SandboxConfig()),
    )
    model = get_model("mockllm/model", custom_outputs=[*outputs, call("submit", answer="x")])
    logs = await eval_async(task, model=model, log_dir=str(tmp_path))
    assert logs[0].status == "success", logs[0].error
    return logs[0]


def tool_texts(log: EvalLog) -> list[str]:
    assert log.samples
    return [message.text for message in log.samples[0].messages if message.role == "tool"]


async def test_tools_and_judge(tmp_path: Path):
    log = await review(
        tmp_path,
        call("bash", command="cat start; id -un; echo secret > /tmp/of-the-subject"),
        call("python", code="print(6 * 7)"),
        call("bash_session", action="type_submit", input="cd /tmp; export KEPT=kept-value"),
        call("bash_session", action="type_submit", input="pwd; echo $KEPT"),
        call("bash", command="echo done > answer"),
    )
    texts = tool_texts(log)
    assert "ssubject" in texts[0]
    assert "42" in texts[1]
    assert "kept-value" in texts[3]
    assert SEEN[0]["early"] is False
    assert SEEN[0]["listing"] == "done\n"
    for ended in SEEN[0]["both"]:
        with pytest.raises(Exception, match="ended"):
            await ended.exec(["true"])
    assert log.samples
    assert log.samples[0].scores
    assert log.samples[0].scores["judged"].value == 1
    assert json.loads(log.model_dump_json())["eval"]["sandbox"]["type"] == "touchstone"
    assert events_of("s-1") == ()


BESIDE = "sleep .{0}; for n in $(seq 1 {1}); do echo {2} $n of the listing; done"


async def test_answers_are_held_against_all_that_each_program_wrote(tmp_path: Path):
    """Two calls beside each other, one of which writes more than the model is shown."""
    asked = [BESIDE.format(3, 40, "first"), BESIDE.format(1, 3000, "second")]
    output = call("bash", command=asked[0])
    (choice,) = output.choices
    assert choice.message.tool_calls
    choice.message.tool_calls.append(ToolCall("beside", "bash", {"command": asked[1]}))
    log = await review(tmp_path, output, call("bash", command="echo done > answer"))
    assert log.samples
    # Long texts stand apart in a log: this reads them as a scan does.
    sample = read_eval_log_sample(
        log.location, id=log.samples[0].id, epoch=1, resolve_attachments=True
    )
    messages, events = sample.messages, sample.events
    # What the sandbox noted stands just before what Inspect logs of the program.
    noted = [n for n, each in enumerate(events) if getattr(each, "source", None) == SOURCE]
    assert [events[n + 1].event for n in noted] == ["sandbox"] * 2
    assert not list(spoofed_results(read_transcript(messages, events)))
    first, second = (
        each for each in events if isinstance(each, ToolEvent) and "listing" in str(each.result)
    )
    assert isinstance(first.result, str)
    assert second.truncated is not None
    assert not [why for why in (first.error, second.error) if why]
    for one, text in ((first, first.result.replace("30 of", "31 of")), (second, "second 1 of")):
        altered = one.model_copy(update={"result": text})
        events_then = [altered if each is one else each for each in events]
        found = [message for message, _, _ in spoofed_results(read_transcript([], events_then))]
        assert one.message_id in found
    swapped = {id(first): second, id(second): first}
    beside = [
        each.model_copy(update={"result": other.result, "truncated": other.truncated})
        if isinstance(each, ToolEvent) and (other := swapped.get(id(each))) is not None
        else each
        for each in events
    ]
    found = [message for message, _, _ in spoofed_results(read_transcript([], beside))]
    assert {first.message_id, second.message_id} <= set(found)


async def test_a_breach_reaches_who_listens(tmp_path: Path):
    heard: list[GuardHits] = []
    stop = on_event(heard.append)
    setns = (
        "import ctypes, os; fd = os.open('/proc/self/ns/net', 0); ctypes.CDLL(None).setns(fd, 0)"
    )
    await review(tmp_path, call("python", code=setns), call("bash", command="echo done > answer"))
    stop()
    assert [(event.detail, event.breach, event.sample) for event in heard] == [
        ("refused setns", True, "s-1")
    ]
    assert events_of("s-1") == tuple(heard)
