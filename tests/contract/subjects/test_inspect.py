"""Inspect's own provider reads what the control server writes."""

from collections.abc import Iterator

import pytest
from inspect_ai.model import (
    ChatMessage,
    ChatMessageTool,
    ChatMessageUser,
    ContentReasoning,
    GenerateConfig,
    Model,
    get_model,
)
from inspect_ai.tool import ToolInfo, ToolParams
from inspect_ai.util import JSONSchema

from touchstone.evaluation.controls import Subject, start_subject
from touchstone.evaluation.families.registry import get_family

# Inspect calls tenacity in a way that tenacity gives up.
pytestmark = pytest.mark.filterwarnings("ignore:The 'initial' parameter:DeprecationWarning")

BASH = ToolInfo(
    name="bash",
    description="Run a command.",
    parameters=ToolParams(properties={"command": JSONSchema(type="string")}, required=["command"]),
)
ITEM = get_family("memory-safety").generate(4, 2)


@pytest.fixture(scope="module")
def subject() -> Iterator[Subject]:
    with start_subject(["control-solver"]) as started:
        yield started


def model(subject: Subject, *, stream: bool = False) -> Model:
    return get_model(
        "openai-api/subject/control-solver",
        base_url=subject.url,
        api_key=subject.key,
        memoize=False,
        stream=stream,
    )


@pytest.mark.asyncio
@pytest.mark.parametrize("stream", [False, True])
async def test_tool_calls_reasoning_and_usage_arrive(subject: Subject, stream: bool):
    async with model(subject, stream=stream) as endpoint:
        messages: list[ChatMessage] = [ChatMessageUser(content=ITEM.prompt)]
        config = GenerateConfig(reasoning_effort="high")
        first = await endpoint.generate(messages, tools=[BASH], config=config)
        assert first.stop_reason == "tool_calls"
        assert first.message.tool_calls is not None
        call = first.message.tool_calls[0]
        assert call.arguments == {"command": "cat LAYOUT.txt program.c"}
        thoughts = [c for c in first.message.content if isinstance(c, ContentReasoning)]
        assert "read the terms" in thoughts[0].reasoning
        assert first.usage is not None
        assert first.usage.reasoning_tokens
        # The conversation, reasoning and all, goes back and is understood.
        told = ITEM.files["program.c"].decode()
        messages += [first.message, ChatMessageTool(content=told, tool_call_id=call.id)]
        second = await endpoint.generate(messages, tools=[BASH], config=config)
    assert second.message.tool_calls is not None
    assert "memory" not in second.completion
    assert "claim_try.py" in second.message.tool_calls[0].arguments["command"]


@pytest.mark.asyncio
async def test_the_instant_mode_reports_no_reasoning(subject: Subject):
    async with model(subject) as endpoint:
        output = await endpoint.generate(ITEM.prompt, tools=[BASH])
    assert output.usage is not None
    assert not output.usage.reasoning_tokens
