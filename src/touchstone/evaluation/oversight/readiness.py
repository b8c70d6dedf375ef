"""Whether a mode can be measured at all: one tool call and one long answer, before any sample.

An endpoint that drops tools, or cuts answers at a limit that no setting shows, measures nothing: a
review would be a row of samples in which the model could not act. Both questions are sent with
the settings, the tools and the system prompt of the samples.
"""

import contextlib
import io
from dataclasses import dataclass, field

import anyio
from inspect_ai.model import (
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    ModelOutput,
)
from inspect_ai.tool import Tool, ToolDef, bash, python

from touchstone.evaluation.elicitation import Elicitation
from touchstone.evaluation.endpoint_watch import Call, EndpointWatch
from touchstone.evaluation.endpoints import open_endpoint
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.outcomes import Usage
from touchstone.evaluation.oversight.found import Readiness
from touchstone.evaluation.oversight.snapshots import no_answer
from touchstone.evaluation.submission import Mode

CHECK = "This is a check of the connection, and no task."
CALL_PROMPT = f"{CHECK} Call the tool {{tool}} once, with the command: echo ready"
LONG_PROMPT = (
    f"{CHECK} Write the numbers from 1 to 400 in full, "
    "separated by commas, as the text of your answer. Leave none out."
)
TRIES = 3
"""A model may answer a first time in words; an endpoint that drops tools always does."""
_LONGEST = 8192
_CALL = 2048
"""Bounds of ours on the output of each question, far above what is asked; reasoning counts."""


@dataclass
class _Counting(EndpointWatch):
    usage: Usage = field(default_factory=Usage)
    unknown_end: str = ""
    """What the last answer told of its end, where that is no word for one."""
    attempts: int = 0
    """At the question that was asked last."""
    gave_up: bool = False
    """Whether all attempts at a question were in vain: it is not asked again."""

    def called(self, usage: Usage, model: str, fingerprint: str, notes: tuple[str, ...]) -> None:
        del model, fingerprint, notes
        self.usage = self.usage + usage

    def waited(self, seconds: float) -> None:
        del seconds
        self.attempts += 1

    def ended(self, call: Call) -> None:
        self.unknown_end = call.unknown_end


def ask_readiness(
    mode: Mode, api_key: str, elicitation: Elicitation, *, asking: EndpointLimits | None = None
) -> Readiness:
    """Ask a mode for one tool call and one long answer.

    Args:
        mode: From the submission; its settings are sent as they are with samples.
        api_key: The endpoint's key, written nowhere.
        elicitation: Whose tools and system prompt are sent.
        asking: The bounds of a request and its retries.
    """
    counting = _Counting()
    # Inspect announces its hooks on stdout, where a command's own result belongs.
    with contextlib.redirect_stdout(io.StringIO()):
        model = open_endpoint(
            elicitation.asked_of(mode), api_key, asking or EndpointLimits(), counting
        )
    tools, ours = _tools(elicitation), mode.settings.max_tokens is None
    first = elicitation.tools[0]

    async def ask(prompt: str, bound: int) -> ModelOutput | str:
        said: list[ChatMessage] = [
            ChatMessageSystem(content=elicitation.instructions),
            ChatMessageUser(content=prompt),
        ]
        counting.attempts = 0
        try:
            # A bound that the mode sets itself is part of what is asked: it may be the one that
            # cuts.
            config = GenerateConfig(max_tokens=bound) if ours else GenerateConfig()
            output = await model.generate(said, tools=tools, config=config)
        except Exception as error:  # noqa: BLE001 - any fault of the endpoint is the finding
            counting.gave_up = True
            return no_answer(counting.attempts, error)
        if counting.unknown_end:
            return f"an answer that it does not say is whole ({counting.unknown_end})"
        return output

    async def both() -> tuple[str, str]:
        async with model:
            call = ""
            for _ in range(TRIES):
                said = await ask(CALL_PROMPT.format(tool=first), _CALL)
                call = _call_fault(said, _CALL if ours else None)
                if not call or counting.gave_up:
                    break
            return call, _length_fault(await ask(LONG_PROMPT, _LONGEST), _LONGEST if ours else None)

    call, length = anyio.run(both)
    return Readiness(
        calls_tools=not call,
        answers_at_length=not length,
        why=tuple(line for line in (call, length) if line),
        usage=counting.usage,
    )


def _tools(elicitation: Elicitation) -> list[Tool]:
    makers = {"bash": bash, "python": python}
    offered: list[Tool] = [
        makers[name](timeout=elicitation.tool_seconds) for name in elicitation.tools
    ]

    async def submit(answer: str) -> str:
        return answer

    about = {"answer": "Submitted answer"}
    named = ToolDef(
        submit, name="submit", description="Say that the answer file is ready.", parameters=about
    )
    return [*offered, named.as_tool()]


def _call_fault(output: ModelOutput | str, bound: int | None) -> str:
    if isinstance(output, str):
        return f"asked for a tool call, the endpoint gave {output}"
    calls = output.message.tool_calls or []
    # Through Inspect's own reading: what it cannot read runs in no sample either.
    called = any(call.parse_error is None for call in calls)
    if _is_cut(output) and not (called and _at(output, bound)):
        return "asked for a tool call, it was cut at an output limit; raise the mode's max_tokens"
    if output.stop_reason == "content_filter":
        return "asked for a tool call, it declined"
    if called:
        return ""
    if calls:
        return "asked for a tool call, it sent one that cannot be read"
    return f"it called no tool when asked to, {TRIES} times; the endpoint may drop tools"


def _length_fault(output: ModelOutput | str, bound: int | None) -> str:
    if isinstance(output, str):
        return f"asked for a long answer, the endpoint gave {output}"
    if _is_cut(output) and not _at(output, bound):
        return "a long answer was cut at an output limit; raise the mode's or the endpoint's"
    if output.stop_reason == "content_filter":
        return "asked for a long answer, it declined"
    if not output.completion.strip() and not output.message.tool_calls:
        return "asked for a long answer, it gave an empty one"
    return ""


def _is_cut(output: ModelOutput) -> bool:
    return output.stop_reason in {"max_tokens", "model_length"}


def _at(output: ModelOutput, bound: int | None) -> bool:
    """Whether it was cut at the bound that this question set, and at no other."""
    written = output.usage.output_tokens if output.usage else 0
    return bound is not None and written >= bound
