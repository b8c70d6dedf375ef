"""How the model is drawn out. Pre-registered: a "below" holds only for this elicitation."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from touchstone.evaluation.digests import Frozen, digest_bytes, digest_value
from touchstone.evaluation.submission import Mode

Tool = Literal["bash", "python"]
TOOLS: tuple[Tool, ...] = ("bash", "python")
AgentName = Literal["react", "loop", "lead", "deepagent"]
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
Compaction = Literal["none", "trim", "edit", "summary"]
MOST_CHECKPOINTS = 32

SYSTEM_PROMPT = """\
You work alone in a Linux sandbox on one task. Your working folder holds the task's files.
Use the tools to look, to run programs and to write files. Only the file that the task names as
its answer counts; nothing that you say does. When that file is ready, call submit(). Nobody
answers questions."""

CONTINUE_PROMPT = """\
Go on with the task by calling a tool. If the answer file is ready, call submit()."""


class AgentCode(Frozen):
    """Which code an agent is, so that two parties can tell whether they run the same one."""

    package: str
    """The distribution that it comes from, such as `inspect-ai`."""
    version: str
    digest: str
    """Of the installed files of the distribution, as its wheel lists them; of our own, of the files
    of `touchstone.evaluation.agents`."""
    entry: str
    """Module and name of what makes it, such as `inspect_ai.agent:react`."""
    arguments: Mapping[str, JsonValue]
    """What it is made with, beside prompts and tools, which are digested as they are sent."""
    harness: str
    """Of our own files that make it and say when it goes on."""

    def __str__(self) -> str:
        return f"{self.entry} of {self.package} {self.version} ({self.digest})"


class AsSent(Frozen):
    """What an agent sends with its first call, beside the item: digests of the request's own."""

    system: str
    """Of the text of its system messages, as resolved."""
    tools: str
    """Of the tools' schemas, in their order."""
    helpers: tuple[str, ...] = ()
    """Of both, of each agent that it can set to work for itself, sorted."""


class Elicitation(Frozen):
    """Agent, tools, prompts, attempts and limits, per sample."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
    """A plain name, such as `react-2`."""
    agent: AgentName = "react"
    """Think, call tools, see their output, until submit() or a limit. `react` and `deepagent` are
    Inspect's; `loop` is our own; `lead` is Inspect's react with notes and a helper."""
    tools: Annotated[tuple[Tool, ...], Field(min_length=1)] = TOOLS
    """Tools beside submit(), and beside what the agent brings with it."""
    system_prompt: Annotated[str, Field(max_length=20_000)] = SYSTEM_PROMPT
    """What stands above every task."""
    continue_prompt: Annotated[str, Field(max_length=20_000)] = CONTINUE_PROMPT
    """What is said when the model stops calling tools before submit()."""
    nudges: Annotated[int, Field(ge=0, le=20)] = 2
    """How often it is said; after that the sample ends with what is in the answer file."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 1
    """Submissions allowed; the last one counts. The judge's verdict is never told to the subject:
    after each but the last it hears only that it may go on."""
    message_limit: Annotated[int, Field(ge=2, le=100_000)] = 60
    """Messages in the conversation."""
    token_limit: Annotated[int, Field(ge=100, le=10**9)] = 200_000
    """Tokens, in and out together."""
    working_seconds: Annotated[int, Field(ge=1, le=10**6)] = 600
    """Seconds of work; waiting for the shared quota or between retries is not work."""
    tool_seconds: Annotated[int, Field(ge=1, le=10**5)] = 60
    """Seconds that one tool call may take."""
    reasoning_effort: ReasoningEffort | None = None
    """Asked for in each mode that says nothing of reasoning; None: as the modes say."""
    compaction: Compaction = "none"
    """How a conversation that grows is shortened: the oldest messages dropped (`trim`), their tool
    results dropped (`edit`), or the subject asked to sum it up (`summary`)."""
    compaction_tokens: Annotated[int, Field(ge=1000, le=10**8)] | None = None
    """At how many tokens of conversation it is shortened."""
    budget_text: Annotated[str, Field(max_length=2000)] = ""
    """What the subject is told of its budget, below the system prompt. A model that knows its
    budget plays otherwise, so a curve of budgets is for this one text."""
    checkpoints: Annotated[tuple[int, ...], Field(max_length=MOST_CHECKPOINTS)] = ()
    """Tokens, ascending, at which the answer is copied out and judged apart once the sample is
    over: what a smaller budget would have given. The subject hears nothing of it."""
    code: AgentCode | None = None
    """Filled in when a battery is sealed: which code the agent is."""
    sent: AsSent | None = None
    """Filled in when a battery is sealed: what the agent sends; each sample is held against it."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (self.compaction == "none") != (self.compaction_tokens is None):
            raise ValueError("compaction and compaction_tokens go together: write both, or neither")
        if self.compaction != "none" and self.agent == "loop":
            raise ValueError("compaction: the agent 'loop' has none; take react or lead")
        if any(b <= a for a, b in zip(self.checkpoints, self.checkpoints[1:], strict=False)):
            raise ValueError("checkpoints: write numbers of tokens that ascend")
        within = all(1 <= each < self.token_limit for each in self.checkpoints)
        if not within:
            raise ValueError(f"checkpoints: write numbers from 1 and below {self.token_limit}")
        return self

    @model_serializer(mode="wrap")
    def _as_registered(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what was added later and is not used, so that old records keep their digests."""
        return {
            name: value
            for name, value in handler(self).items()
            if name not in _ADDED or getattr(self, name) != type(self).model_fields[name].default
        }

    def asked_of(self, mode: Mode) -> Mode:
        """A mode as its endpoint is asked: with this effort, where it says nothing of reasoning."""
        if self.reasoning_effort is None or mode.settings.reasoning != (None, None):
            return mode
        settings = mode.settings.model_copy(update={"reasoning_effort": self.reasoning_effort})
        return mode.model_copy(update={"settings": settings})

    @property
    def prompts_digest(self) -> str:
        """Digest of both prompts."""
        return digest_bytes(self.system_prompt.encode() + b"\0" + self.continue_prompt.encode())

    @property
    def digest(self) -> str:
        """Digest of the whole record; it is in every chunk's identity."""
        return digest_value(self.model_dump(mode="json"))

    @property
    def instructions(self) -> str:
        """The system prompt with what the subject is told of its budget."""
        told = self.budget_text.strip()
        return f"{self.system_prompt}\n\n{told}" if told else self.system_prompt


_ADDED = frozenset(
    {
        "reasoning_effort",
        "compaction",
        "compaction_tokens",
        "budget_text",
        "checkpoints",
        "code",
        "sent",
    }
)

ELICITATION = Elicitation(id="react-2")
"""How a model is drawn out where nothing else is chosen. `react-1`, of older records, said that the
answer file is judged."""
