"""Our own agent: one conversation, every tool call run, nothing shortened, nothing retried."""

from inspect_ai.agent import Agent, AgentState, agent
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, execute_tools, get_model
from inspect_ai.tool import Tool, ToolDef

from touchstone.evaluation.agents.going_on import GoingOn

SUBMIT = "submit"


@agent
def loop(*, instructions: str, tools: list[Tool], submit: ToolDef, on_continue: GoingOn) -> Agent:
    """The plainest agent that can do a task.

    Args:
        instructions: Its system prompt.
        tools: What it may call, `submit` aside.
        submit: The tool that ends the sample where its call is no error.
        on_continue: Says, after each answer, whether to go on and what to say.
    """
    offered = [*tools, submit.as_tool()]

    async def execute(state: AgentState) -> AgentState:
        state.messages.insert(0, ChatMessageSystem(content=instructions))
        model = get_model()
        while True:
            state.output = await model.generate(state.messages, offered)
            state.messages.append(state.output.message)
            # More would only be declined again: the conversation does not fit any more.
            if state.output.stop_reason == "model_length":
                return state
            results, _ = await execute_tools([state.output.message], offered)
            state.messages.extend(results)
            if any(
                each.role == "tool" and each.function == SUBMIT and each.error is None
                for each in results
            ):
                return state
            said = await on_continue(state)
            if said is False:
                return state
            if isinstance(said, str):
                state.messages.append(ChatMessageUser(content=said))

    return execute
