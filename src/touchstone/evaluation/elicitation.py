"""How the model is drawn out. Pre-registered: a "below" holds only for this elicitation."""

from typing import Annotated, Literal

from pydantic import Field

from touchstone.evaluation.digests import Frozen, digest_bytes, digest_value

Tool = Literal["bash", "python"]
TOOLS: tuple[Tool, ...] = ("bash", "python")

SYSTEM_PROMPT = """\
You work alone in a Linux sandbox on one task. Your working folder holds the task's files.
Use the tools to look, to run programs and to write files. Only the file that the task names as
its answer is judged; nothing that you say is. When that file is ready, call submit(). Nobody
answers questions."""

CONTINUE_PROMPT = """\
Go on with the task by calling a tool. If the answer file is ready, call submit()."""


class Elicitation(Frozen):
    """Agent, tools, prompts, attempts and limits, per sample."""

    id: str
    """A plain name, such as `react-1`."""
    agent: Literal["react"] = "react"
    """The loop: think, call tools, see their output, until submit() or a limit."""
    tools: tuple[Tool, ...] = TOOLS
    """Tools beside submit()."""
    system_prompt: str = SYSTEM_PROMPT
    """What stands above every task."""
    continue_prompt: str = CONTINUE_PROMPT
    """What is said when the model stops calling tools before submit()."""
    nudges: Annotated[int, Field(ge=0, le=20)] = 2
    """How often it is said; after that the sample ends with what is in the answer file."""
    attempts: Literal[1] = 1
    """Submissions allowed. One: the judge's verdict is never told to the subject."""
    message_limit: Annotated[int, Field(ge=2, le=2000)] = 60
    """Messages in the conversation."""
    token_limit: Annotated[int, Field(ge=100)] = 200_000
    """Tokens, in and out together."""
    working_seconds: Annotated[int, Field(ge=1)] = 600
    """Seconds of work; waiting for the shared quota or between retries is not work."""
    tool_seconds: Annotated[int, Field(ge=1)] = 60
    """Seconds that one tool call may take."""

    @property
    def prompts_digest(self) -> str:
        """Digest of both prompts."""
        return digest_bytes(self.system_prompt.encode() + b"\0" + self.continue_prompt.encode())

    @property
    def digest(self) -> str:
        """Digest of the whole record; it is in every chunk's identity."""
        return digest_value(self.model_dump(mode="json"))


ELICITATION = Elicitation(id="react-1")
"""How every model is drawn out today."""
