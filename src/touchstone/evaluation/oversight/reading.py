"""A transcript as detectors read it: read once, for all of them.

Three records of one tool call are kept apart: what the model was shown, what the tool's event says,
and what the sandbox logged while the call ran. Where they differ, somebody wrote a result.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from inspect_ai.event import Event, ModelEvent, SampleInitEvent, SandboxEvent, ToolEvent
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ContentReasoning,
    ContentText,
    ContentToolUse,
)
from inspect_ai.tool import ToolCall

_TAGGED = "<think"


@dataclass(frozen=True, slots=True)
class ShownResult:
    """A tool's answer as the model was shown it."""

    message: str
    """The message's id."""
    call: str
    """The id of the call that it answers; empty where it names none."""
    text: str
    error: str


@dataclass(slots=True)
class LoggedCall:
    """A tool's answer as its event has it."""

    call: str
    function: str
    message: str
    """The id of the message that carries the answer, as the event names it."""
    text: str
    error: str
    shortened: bool
    """Whether Inspect cut it for the model."""
    handed_over: bool
    """Whether the call went to another agent: the model is told so in words of the scaffold's."""
    outputs: list[str] = field(default_factory=list)
    """What the sandbox logged of programs that ran in the call: each by its first 20 lines."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model said at once."""

    message: str
    text: str
    reasoning: tuple[str, ...]
    """Its readable parts."""
    redacted: int
    """Parts of its reasoning that only the endpoint can read."""
    summaries: int
    """Parts that are a summary of it."""
    calls: tuple[tuple[str, str, str], ...]
    """Tool calls: id, function, and the texts of its arguments, of their names too, and of what
    could not be parsed of them."""
    served: tuple[tuple[str, str, str], ...]
    """Tools that the endpoint ran itself: name, arguments, and the result that it states."""
    stopped: str
    """Inspect's word for why the answer ended; empty where it is not told."""
    unsent: int = 0
    """Tokens of reasoning that the endpoint counted, where it sent nothing of it."""

    @property
    def words(self) -> str:
        """Text and readable reasoning."""
        return "\n".join((*self.reasoning, self.text)) if self.reasoning else self.text

    @property
    def deeds(self) -> str:
        """What it asked tools to do."""
        return "\n".join(text for _, _, text in self.calls)

    @property
    def written(self) -> str:
        """All that it wrote or was served at once, names of tools too: where a secret may stand."""
        names = (name for _, name, _ in self.calls)
        served = (text for each in self.served for text in each)
        return "\n".join((self.words, self.deeds, *names, *served))


@dataclass(frozen=True, slots=True)
class TranscriptReading:
    """One sample's transcript."""

    given: str
    """What the task and its scaffold told the model: system's and user's messages."""
    turns: tuple[Turn, ...]
    shown: tuple[ShownResult, ...]
    logged: tuple[LoggedCall, ...]
    authored: frozenset[tuple[str, str]]
    """Call and text of tool messages that the task itself gives as history."""
    item_secrets: frozenset[str] = frozenset()
    """What stands as a secret in the item itself, as it was sealed."""

    @property
    def results(self) -> str:
        """All that tools gave, as their events have it."""
        return "\n".join(f"{each.text}\n{each.error}" for each in self.logged)


def read_transcript(
    messages: Sequence[ChatMessage], events: Iterable[Event], item_secrets: Iterable[str] = ()
) -> TranscriptReading:
    """Read a sample's messages and events, as Inspect's log has them; see `item_secrets.py`."""
    reader = _Reader()
    for event in events:
        reader.take(event)
    # Those that came after the last call to the model, or in a log without events of calls.
    reader.see(messages)
    return replace(reader.done(), item_secrets=frozenset(item_secrets))


class _Reader:
    def __init__(self) -> None:
        self._known: set[int] = set()
        self._kept: list[object] = []
        self._given: list[str] = []
        self._turns: dict[tuple[object, ...], Turn] = {}
        self._shown: dict[tuple[str, str, str], ShownResult] = {}
        self._logged: list[LoggedCall] = []
        self._windows: list[tuple[datetime, datetime | None, LoggedCall]] = []
        self._outputs: list[tuple[datetime, str]] = []
        self._authored: set[tuple[str, str]] = set()

    def take(self, event: Event) -> None:
        """Take the next event."""
        if isinstance(event, ModelEvent):
            self.see(event.input)
            usage = event.output.usage
            counted = usage.reasoning_tokens or 0 if usage else 0
            for choice in event.output.choices:
                self._say(choice.message, choice.stop_reason, counted)
        elif isinstance(event, ToolEvent):
            self._log(event)
        elif isinstance(event, SandboxEvent):
            if event.action == "exec":
                self._outputs.append((event.timestamp, event.output or ""))
        elif isinstance(event, SampleInitEvent):
            history = event.sample.input
            for each in history if isinstance(history, list) else ():
                if isinstance(each, ChatMessageTool):
                    self._authored.add((each.tool_call_id or "", text_of(each.content)))

    def see(self, messages: Iterable[ChatMessage]) -> None:
        """Take messages that the model was shown."""
        for message in messages:
            # Each call is given the whole history: what was read is not read again.
            if id(message) in self._known:
                continue
            self._known.add(id(message))
            self._kept.append(message)
            if isinstance(message, ChatMessageTool):
                shown = ShownResult(
                    message.id or "",
                    message.tool_call_id or "",
                    text_of(message.content),
                    message.error.message if message.error else "",
                )
                self._shown.setdefault((shown.call, shown.text, shown.error), shown)
            elif isinstance(message, ChatMessageAssistant):
                self._say(message, "")
            else:
                self._given.append(text_of(message.content))

    def _say(self, message: ChatMessageAssistant, stopped: str, counted: int = 0) -> None:
        name = message.id or f"turn {len(self._turns)}"
        turn = _turn(message, name, stopped, counted)
        # Not by the id alone: a second message could bear that of a first, and be read by nobody.
        # Without its reasoning, which an endpoint may want left out of the history.
        self._turns.setdefault((name, turn.text, turn.calls, turn.served), turn)

    def _log(self, event: ToolEvent) -> None:
        call = LoggedCall(
            event.id,
            event.function,
            event.message_id or "",
            text_of(event.result),
            event.error.message if event.error else "",
            event.truncated is not None,
            event.agent is not None,
        )
        self._logged.append(call)
        self._windows.append((event.timestamp, event.completed, call))

    def done(self) -> TranscriptReading:
        """All that was taken."""
        # By time and not by span: calls that run beside each other open theirs in any order.
        self._outputs.sort()
        for began, ended, call in self._windows:
            first = bisect_left(self._outputs, (began, ""))
            for at, output in self._outputs[first:]:
                if ended is not None and at > ended:
                    break
                call.outputs.append(output)
        return TranscriptReading(
            "\n".join(self._given),
            tuple(self._turns.values()),
            tuple(self._shown.values()),
            tuple(self._logged),
            frozenset(self._authored),
        )


def _turn(message: ChatMessageAssistant, name: str, stopped: str, counted: int) -> Turn:
    parts = message.content if isinstance(message.content, list) else ()
    thought = [part for part in parts if isinstance(part, ContentReasoning)]
    return Turn(
        name,
        text_of(message.content),
        tuple(text for part in thought for text in _thoughts(part)),
        sum(part.redacted for part in thought),
        sum(part.summary is not None and not part.redacted for part in thought),
        tuple(
            (call.id, call.function, "\n".join(_arguments(call)))
            for call in message.tool_calls or ()
        ),
        tuple(
            (part.name, str(part.arguments), part.result)
            for part in parts
            if isinstance(part, ContentToolUse)
        ),
        stopped,
        # Between tags in the text it was sent as well, whoever did not take it for reasoning.
        0 if thought or _TAGGED in text_of(message.content) else counted,
    )


def _thoughts(part: ContentReasoning) -> Iterator[str]:
    """What can be read of a part of reasoning; empty where nothing can."""
    if part.redacted:
        yield part.summary or ""
        return
    yield part.reasoning
    if part.summary:
        yield part.summary


def _arguments(call: ToolCall) -> Iterator[str]:
    yield from _texts(call.arguments)
    if call.parse_error:
        yield call.parse_error


def text_of(content: Any) -> str:
    """The text of a message's content or of a tool's result."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(part.text for part in content if isinstance(part, ContentText))
    return content.text if isinstance(content, ContentText) else str(content)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield str(name)
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
