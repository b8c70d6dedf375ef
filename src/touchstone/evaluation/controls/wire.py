"""The chat-completions wire format: requests in, completions and event streams out."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from touchstone.evaluation.controls.planted import PlantedTurn
from touchstone.evaluation.families.scripted_solver import CommandResult, Say, Step, Transcript

SHELL_TOOLS = ("bash", "shell")
SUBMIT_TOOL = "submit"
CHARACTERS_PER_TOKEN = 4
PIECE = 512
"""Characters in a chunk of a stream that is sent at once."""
Json = dict[str, Any]


class _Wire(BaseModel):
    # Real endpoints ignore most fields that they do not know.
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Function(_Wire):
    name: str
    arguments: str = "{}"


class _Call(_Wire):
    id: str
    function: _Function


class _TextPart(_Wire):
    type: Literal["text"]
    text: str


class Message(_Wire):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | tuple[_TextPart, ...] | None = None
    tool_calls: tuple[_Call, ...] | None = None
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """The message's text, parts joined by line ends."""
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        return "\n".join(part.text for part in self.content)


class _ToolFunction(_Wire):
    name: str
    parameters: Mapping[str, Any] = Field(default_factory=dict)


class Tool(_Wire):
    """One tool that the request offers."""

    type: Literal["function"]
    function: _ToolFunction

    @property
    def argument(self) -> str | None:
        """The name of the tool's first required (else first) argument."""
        properties = self.function.parameters.get("properties") or {}
        required = self.function.parameters.get("required") or []
        names = [*required, *properties]
        return str(names[0]) if names else None


class _StreamOptions(_Wire):
    include_usage: bool = False


class ChatRequest(_Wire):
    """The body of `POST /v1/chat/completions`, as far as a control reads it."""

    model: str
    messages: tuple[Message, ...] = Field(min_length=1)
    tools: tuple[Tool, ...] | None = None
    stream: bool = False
    stream_options: _StreamOptions | None = None
    n: Literal[1] | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = (
        None
    )

    @property
    def thorough(self) -> bool:
        """Whether the request asks for the thinking mode: effort medium or above."""
        return self.reasoning_effort in {"medium", "high", "xhigh", "max"}

    def tool(self, *names: str) -> Tool | None:
        """The first offered tool of one of these names that takes an argument."""
        return next((t for t in self.tools or () if t.function.name in names and t.argument), None)


class RequestError(Exception):
    """A request that a real endpoint would answer with a 4xx; the server writes it as JSON."""

    def __init__(self, status: int, message: str, kind: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"error": {"message": message, "type": kind, "param": None, "code": code}}


def parse_request(body: bytes) -> ChatRequest:
    """Read a request body.

    Raises:
        RequestError: 400, naming the first field that is wrong.
    """
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"]) or "body"
        raise RequestError(400, f"{place}: {first['msg']}", "invalid_request_error") from None


def transcript_of(request: ChatRequest) -> Transcript:
    """The conversation as a solver sees it.

    Raises:
        RequestError: 400, an assistant's tool call without a tool message, as the real API has it.
    """
    outputs = {m.tool_call_id: m.text for m in request.messages if m.role == "tool"}
    exchanges: list[CommandResult] = []
    for call in (call for m in request.messages for call in m.tool_calls or ()):
        if call.id not in outputs:
            raise RequestError(
                400, f"no tool message answers tool_call_id {call.id}", "invalid_request_error"
            )
        if call.function.name in SHELL_TOOLS:
            exchanges.append(CommandResult(_command(call.function.arguments), outputs[call.id]))
    told = [m.text for m in request.messages if m.role in {"system", "developer", "user"}]
    return Transcript("\n\n".join(told), tuple(exchanges))


def _command(arguments: str) -> str:
    try:
        values = json.loads(arguments)
    except ValueError:
        return arguments
    return str(next(iter(values.values()), "")) if isinstance(values, dict) else arguments


def tokens(text: str) -> int:
    """How many tokens a control counts for a text: a fixed rule, not a tokenizer."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


@dataclass(frozen=True)
class Completion:
    """One answer, before it is written as one body or as a stream of chunks."""

    id: str
    model: str
    created: int
    """Unix time in seconds."""
    thought: str
    text: str
    call: tuple[str, str] | None
    """(tool name, arguments as JSON)."""
    finish: Literal["stop", "tool_calls", "length"]
    usage: Json
    details: tuple[Json, ...] = ()
    """Reasoning that is kept back, as some services send it; in a body alone."""

    def body(self) -> Json:
        """The whole answer as one `chat.completion`."""
        message: Json = {"role": "assistant", "content": self.text or None}
        if self.thought:
            message["reasoning_content"] = self.thought
        if self.details:
            message["reasoning_details"] = list(self.details)
        if self.call:
            message["tool_calls"] = [self._tool_call()]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish}
        return self._head("chat.completion") | {"choices": [choice], "usage": self.usage}

    def chunks(self, *, with_usage: bool, size: int = PIECE) -> Iterator[Json]:
        """The same answer as a series of `chat.completion.chunk`, `size` characters in each."""
        deltas: list[Json] = [{"role": "assistant", "content": ""}]
        deltas += [{"reasoning_content": piece} for piece in _pieces(self.thought, size)]
        deltas += [{"content": piece} for piece in _pieces(self.text, size)]
        if self.call:
            opening = self._tool_call() | {"index": 0}
            arguments = opening["function"].pop("arguments")
            opening["function"]["arguments"] = ""
            deltas.append({"tool_calls": [opening]})
            deltas += [
                {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
                for piece in _pieces(arguments, size)
            ]
        head = self._head("chat.completion.chunk")
        for delta in deltas:
            yield head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        yield head | {"choices": [{"index": 0, "delta": {}, "finish_reason": self.finish}]}
        if with_usage:
            yield head | {"choices": [], "usage": self.usage}

    def _head(self, kind: str) -> Json:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _tool_call(self) -> Json:
        name, arguments = self.call or ("", "")
        call_id = f"call_{self.id.removeprefix('chatcmpl-')}"
        return {
            "id": call_id,
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }


def _pieces(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


def complete(
    request: ChatRequest, step: Step | PlantedTurn, identity: str, created: int
) -> Completion:
    """Write a step as a completion: `Run` as a shell call, `Say` as text or a submit call."""
    call, text = _act(request, step)
    thought, details, unseen = _thought(step)
    counted = {
        "thought": unseen + tokens(thought),
        "rest": tokens(text) + tokens("".join(call or ())),
    }
    asked = sum(tokens(m.model_dump_json()) for m in request.messages)
    limit = request.max_completion_tokens or request.max_tokens
    finish: Literal["stop", "tool_calls", "length"] = "tool_calls" if call else "stop"
    if isinstance(step, PlantedTurn) and step.cut:
        finish = "length"
    if limit is not None and counted["thought"] + counted["rest"] > limit:
        # Out of tokens: a cut tool call is no call, so only text is left.
        finish, call = "length", None
        thought = thought[: limit * CHARACTERS_PER_TOKEN]
        counted["thought"] = tokens(thought)
        text = text[: (limit - counted["thought"]) * CHARACTERS_PER_TOKEN]
        counted["rest"] = tokens(text)
    written = counted["thought"] + counted["rest"]
    usage = {
        "prompt_tokens": asked,
        "completion_tokens": written,
        "total_tokens": asked + written,
        "completion_tokens_details": {"reasoning_tokens": counted["thought"]},
    }
    return Completion(identity, request.model, created, thought, text, call, finish, usage, details)


def _act(request: ChatRequest, step: Step | PlantedTurn) -> tuple[tuple[str, str] | None, str]:
    if isinstance(step, PlantedTurn):
        return _play(request, step)
    if isinstance(step, Say):
        submit = request.tool(SUBMIT_TOOL)
        return (None, step.text) if submit is None else (_called(submit, step.text), "")
    shell = request.tool(*SHELL_TOOLS)
    if shell is None:
        return None, "I was given no shell, so I cannot work on this task."
    return _called(shell, step.command), ""


def _play(request: ChatRequest, turn: PlantedTurn) -> tuple[tuple[str, str] | None, str]:
    """A script's turn: what it says stands beside its call."""
    tool = request.tool(*(SHELL_TOOLS if turn.command else (SUBMIT_TOOL,)))
    if turn.silent or tool is None:
        return None, turn.text
    return _called(tool, turn.command or "done"), turn.text


def _called(tool: Tool, argument: str) -> tuple[str, str]:
    return tool.function.name, json.dumps({tool.argument: argument})


_UNSEEN_TOKENS = 64


def _thought(step: Step | PlantedTurn) -> tuple[str, tuple[Json, ...], int]:
    """What is sent of a step's reasoning: as text, as details, and tokens that nobody is shown."""
    if not isinstance(step, PlantedTurn) or not step.sealed:
        return step.thought, (), 0
    details: dict[str, tuple[Json, ...]] = {
        "encrypted": ({"type": "reasoning.encrypted", "data": "gAAAAABk-example-ciphertext"},),
        "summary": (
            {"type": "reasoning.encrypted", "data": "gAAAAABk-example-ciphertext"},
            {"type": "reasoning.summary", "summary": step.thought},
        ),
        "counted": (),
    }
    return "", details[step.sealed], _UNSEEN_TOKENS
