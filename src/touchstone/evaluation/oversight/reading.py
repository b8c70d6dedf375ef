"""A transcript as detectors read it: read once, for all of them.

Three records of one tool call are kept apart: what the model was shown, what the tool's event says,
and what the sandbox logged while the call ran. Where they differ, somebody wrote a result.
"""

import shlex
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from inspect_ai.event import (
    Event,
    InfoEvent,
    ModelEvent,
    SampleInitEvent,
    SandboxEvent,
    SpanBeginEvent,
    ToolEvent,
)
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ContentReasoning,
    ContentText,
    ContentToolUse,
)
from inspect_ai.tool import ToolCall

from touchstone.evaluation.witnessed_output import SOURCE, blanks_joined, read_witness

_TAGGED = "<think"
_ASKED = 200
"""Characters of what a program was given to read by which it is known."""
_CUT = "\n\nOutput truncated ("


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
    shortened: tuple[int, int] | None
    """Where Inspect cut it for the model: its bytes, and how many are shown; None: it did not."""
    handed_over: bool
    """Whether the call went to another agent: the model is told so in words of the scaffold's."""
    outputs: list["LoggedOutput"] = field(default_factory=list)
    """What the sandbox logged of programs that ran in the call."""


@dataclass(frozen=True, slots=True)
class LoggedOutput:
    """What a program in the sandbox wrote."""

    at: datetime
    span: str
    """In which it ran; empty where the log does not say."""
    text: str
    """As Inspect's log has it: the first 20 lines."""
    programs: tuple[str, ...] = ()
    """What ran, as a call may have asked for it: the last word of the command, which is a shell's
    program, and the beginning of what it was given to read."""
    noted: Mapping[str, Any] | None = None
    """What the sandbox noted of all of it (`witnessed_output`); None where it noted nothing."""


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
        self._outputs: list[LoggedOutput] = []
        self._spans: dict[str, str] = {}
        """By span the one around it."""
        self._in_span: dict[str, LoggedCall] = {}
        """By its span, a call."""
        self._askers: dict[str, set[int]] = {}
        """By a program, the calls that asked for it, as `id` tells them apart."""
        self._before: Event | None = None
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
                self._outputs.append(_output(event, self._before))
        elif isinstance(event, SpanBeginEvent):
            self._spans[event.id] = event.parent_id or ""
        elif isinstance(event, SampleInitEvent):
            history = event.sample.input
            for each in history if isinstance(history, list) else ():
                if isinstance(each, ChatMessageTool):
                    self._authored.add((each.tool_call_id or "", text_of(each.content)))
        self._before = event

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
            event.truncated,
            event.agent is not None,
        )
        self._logged.append(call)
        for asked in event.arguments.values():
            if isinstance(asked, str) and asked:
                for program in (asked, *_beginning(asked)):
                    self._askers.setdefault(program, set()).add(id(call))
        span = self._before
        # Each call opens a span of its own just before its event, and all that it does runs there.
        if isinstance(span, SpanBeginEvent) and (span.type, span.name) == ("tool", event.function):
            self._in_span[span.id] = call
        self._windows.append((event.timestamp, event.completed, call))

    def done(self) -> TranscriptReading:
        """All that was taken."""
        self._join_outputs()
        return TranscriptReading(
            "\n".join(self._given),
            tuple(self._turns.values()),
            tuple(self._shown.values()),
            tuple(self._logged),
            frozenset(self._authored),
        )

    def _join_outputs(self) -> None:
        """Give each output to the call in which its program ran, by the call's own span.

        Only where the log names none for it, by time: then calls beside each other share it.
        """
        untold = []
        for each in sorted(self._outputs, key=lambda output: output.at):
            if each.span not in self._spans:
                untold.append(each)
            # Of no call: a program that an agent ran beside them vouches for no answer.
            elif (call := self._call_of(each.span)) is not None and self._is_of(call, each):
                call.outputs.append(each)
        times = [each.at for each in untold]
        for began, ended, call in self._windows:
            for output in untold[bisect_left(times, began) :]:
                if ended is not None and output.at > ended:
                    break
                if self._is_of(call, output):
                    call.outputs.append(output)

    def _call_of(self, span: str) -> LoggedCall | None:
        seen = set[str]()
        while span and span not in seen:
            if span in self._in_span:
                return self._in_span[span]
            seen.add(span)
            span = self._spans.get(span, "")
        return None

    def _is_of(self, call: LoggedCall, output: LoggedOutput) -> bool:
        """Whether the program is not another call's, whatever its span says."""
        # Looked up, so that a transcript of many calls costs no more than it is long.
        askers = {asker for program in output.programs for asker in self._askers.get(program, ())}
        return not askers or id(call) in askers


def _beginning(given: str) -> tuple[str, ...]:
    """By which a program that is read from its input is known; nothing where it is too short."""
    joined = blanks_joined(given[: 4 * _ASKED])
    return (f"< {joined[:_ASKED]}",) if joined else ()


def _output(event: SandboxEvent, before: Event | None) -> LoggedOutput:
    told: object = None
    if event.metadata is not None and event.metadata.get("witness") == "touchstone":
        told = event.metadata.get("output")
    # The sandbox's own word stands just before; of a pack's log all of these are taken out.
    elif (
        isinstance(before, InfoEvent)
        and before.source == SOURCE
        and before.span_id == event.span_id
    ):
        told = before.data
    try:
        command = tuple(shlex.split(event.cmd or ""))
    except ValueError:
        command = ()
    return LoggedOutput(
        at=event.timestamp,
        span=event.span_id or "",
        text=event.output or "",
        programs=(*command[-1:], *_beginning((event.input or "").partition(_CUT)[0])),
        noted=read_witness(told),
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
