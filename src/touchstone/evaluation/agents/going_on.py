"""When an agent goes on: what is said to a model that stopped calling tools, and how it ends."""

from collections.abc import Awaitable, Callable

from inspect_ai.agent import AgentState
from inspect_ai.model import ChatMessageAssistant
from inspect_ai.tool import ToolDef, ToolError

from touchstone.evaluation.elicitation import Elicitation

GoingOn = Callable[[AgentState], Awaitable[bool | str]]
SUBMIT_DESCRIPTION = "Say that the answer file is ready."
REPORT = "Hand back what you found, and end."
NOTED = "Noted. You may go on with the answer file and call submit() again ({left} left)."


def going_on(elicitation: Elicitation) -> GoingOn:
    """Asked after each answer: true to go on, a text to say first, false to end the sample."""

    async def go_on(state: AgentState) -> bool | str:
        if state.output.message.tool_calls:
            return True
        silent = sum(
            isinstance(message, ChatMessageAssistant) and not message.tool_calls
            for message in state.messages
        )
        return elicitation.continue_prompt if silent <= elicitation.nudges else False

    return go_on


def submit_tool(attempts: int, description: str = SUBMIT_DESCRIPTION) -> ToolDef:
    """The tool that ends a sample at its last submission; of no submission is a verdict told."""
    submitted = 0

    async def submit(answer: str) -> str:
        nonlocal submitted
        submitted += 1
        # An error, for that is the one result of this tool after which Inspect's agents go on.
        if submitted < attempts:
            raise ToolError(NOTED.format(left=attempts - submitted))
        return answer

    about = {"answer": "Submitted answer"}
    return ToolDef(submit, name="submit", description=description, parameters=about)
