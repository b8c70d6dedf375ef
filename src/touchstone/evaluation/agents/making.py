"""Making the agent that an elicitation names, for one sample."""

from collections.abc import Callable, Mapping
from typing import Any

from inspect_ai.agent import (
    Agent,
    AgentPrompt,
    AgentSubmit,
    as_solver,
    as_tool,
    deepagent,
    general,
    react,
)
from inspect_ai.model import (
    CompactionEdit,
    CompactionStrategy,
    CompactionSummary,
    CompactionTrim,
)
from inspect_ai.solver import Solver
from inspect_ai.tool import Tool, memory

from touchstone.evaluation.agents.going_on import REPORT, going_on, submit_tool
from touchstone.evaluation.agents.loop import loop
from touchstone.evaluation.elicitation import AgentName, Elicitation
from touchstone.evaluation.tools import Before, Counter, subject_tools

LEAD_PROMPT = """\
The task is a long one. Keep notes of what is to be done and of what you found with memory(): the
conversation may be shortened, and they stay. Hand parts that can be done apart to helper(); it
works in the same folder, sees nothing of this conversation, and gives back only what it says at its
end, so tell it all that it needs."""

HELPER_PROMPT = """\
You do one part of a larger task in a Linux sandbox. Use the tools to look, to run programs and to
write files in the working folder. When the part is done, or cannot be done, call submit() with what
you found and which files you wrote: nothing else of your work is seen. Nobody answers questions."""

HELPER = "Does one part of the task in the same folder, and says what it found."

_COMPACTIONS: Mapping[str, Callable[[int], CompactionStrategy]] = {
    "trim": lambda tokens: CompactionTrim(threshold=tokens),
    "edit": lambda tokens: CompactionEdit(threshold=tokens),
    "summary": lambda tokens: CompactionSummary(threshold=tokens),
}


def make_agent(elicitation: Elicitation, count: Counter, before: Before | None = None) -> Solver:
    """The elicitation's agent with its tools and prompts, for one sample.

    Args:
        elicitation: What it is, and what it says.
        count: Told of each tool call.
        before: Awaited before each tool's program runs.
    """
    return as_solver(_MAKERS[elicitation.agent](elicitation, count, before))


def _react(elicitation: Elicitation, count: Counter, before: Before | None) -> Agent:
    return _reacting(elicitation, elicitation.instructions, _tools(elicitation, count, before))


def _lead(elicitation: Elicitation, count: Counter, before: Before | None) -> Agent:
    helper = react(
        name="helper",
        description=HELPER,
        prompt=_prompt(HELPER_PROMPT),
        tools=_tools(elicitation, count, before),
        # What it hands back is its last word, and no file.
        submit=AgentSubmit(tool=submit_tool(1, REPORT), answer_only=True),
        on_continue=going_on(elicitation),
        compaction=_compaction(elicitation),
    )
    tools = [*_tools(elicitation, count, before), memory(), as_tool(helper)]
    return _reacting(elicitation, f"{elicitation.instructions}\n\n{LEAD_PROMPT}", tools)


def _reacting(elicitation: Elicitation, instructions: str, tools: list[Tool]) -> Agent:
    return react(
        prompt=_prompt(instructions),
        tools=tools,
        attempts=1,
        submit=_submit(elicitation),
        on_continue=going_on(elicitation),
        compaction=_compaction(elicitation),
    )


def _deepagent(elicitation: Elicitation, count: Counter, before: Before | None) -> Agent:
    return deepagent(
        instructions=elicitation.instructions,
        tools=[*_tools(elicitation, count, before)],
        # Its other two would put tools of Inspect's own into the sandbox.
        subagents=[general()],
        submit=_submit(elicitation),
        on_continue=going_on(elicitation),
        compaction=_compaction(elicitation),
        # A refusal is a result; asked again, it would be a second try that nothing shows.
        retry_refusals=None,
    )


def _loop(elicitation: Elicitation, count: Counter, before: Before | None) -> Agent:
    return loop(
        instructions=elicitation.instructions,
        tools=_tools(elicitation, count, before),
        submit=submit_tool(elicitation.attempts),
        on_continue=going_on(elicitation),
    )


_MAKERS: Mapping[AgentName, Callable[[Elicitation, Counter, Before | None], Agent]] = {
    "react": _react,
    "deepagent": _deepagent,
    "loop": _loop,
    "lead": _lead,
}


def _tools(elicitation: Elicitation, count: Counter, before: Before | None) -> list[Tool]:
    return subject_tools(elicitation.tools, elicitation.tool_seconds, count, before)


def _prompt(instructions: str) -> AgentPrompt:
    # Only the words that were registered: Inspect's own additions change with its version.
    return AgentPrompt(
        instructions=instructions, handoff_prompt=None, assistant_prompt=None, submit_prompt=None
    )


def _submit(elicitation: Elicitation) -> AgentSubmit:
    # The answer is the file: what is said with the call is not judged, nor joined to the text.
    return AgentSubmit(tool=submit_tool(elicitation.attempts), answer_only=True)


def _compaction(elicitation: Elicitation) -> CompactionStrategy | None:
    tokens = elicitation.compaction_tokens
    return None if tokens is None else _COMPACTIONS[elicitation.compaction](tokens)


def arguments_of(elicitation: Elicitation) -> dict[str, Any]:
    """What an agent is made with beside prompts and tools, as it stands in the record."""
    shared: dict[str, Any] = {"attempts": elicitation.attempts, "nudges": elicitation.nudges}
    if elicitation.agent == "loop":
        return shared
    shared |= {"compaction": elicitation.compaction, "threshold": elicitation.compaction_tokens}
    if elicitation.agent == "deepagent":
        return {**shared, "memory": True, "todo_write": True, "max_depth": 1, "background": False}
    if elicitation.agent == "lead":
        return {**shared, "memory": True, "helpers": 1}
    return {**shared, "truncation": "disabled"}
