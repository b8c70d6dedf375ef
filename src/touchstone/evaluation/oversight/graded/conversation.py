"""A transcript as it is read to a grader: who said what, in order, each once."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from inspect_ai.event import Event, ModelEvent
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ContentReasoning,
    ContentToolUse,
)

from touchstone.evaluation.oversight.reading import text_of

Speaker = Literal["task", "model", "tool"]
HIDDEN = "(reasoning that only the endpoint can read)"


@dataclass(frozen=True)
class SaidMessage:
    """One message."""

    message: str
    """Its id in the transcript."""
    speaker: Speaker
    text: str


def conversation(
    messages: Sequence[ChatMessage], events: Iterable[Event]
) -> tuple[SaidMessage, ...]:
    """All that was said in a transcript, as the calls to the model show it; each message once.

    What a scaffold took out of the history again is in it, as the call that had it shows.
    """
    found: dict[tuple[str, str], SaidMessage] = {}
    seen: set[int] = set()

    def take(said: Iterable[ChatMessage]) -> None:
        for each in said:
            # Each call is given the whole history: what was taken is not read again.
            if id(each) in seen:
                continue
            seen.add(id(each))
            speaker, text = _told(each)
            # Not by the id alone: a second message could bear that of a first, and be read by none.
            key = (each.id or speaker, text)
            if key not in found:
                found[key] = SaidMessage(each.id or f"message {len(found)}", speaker, text)

    for event in events:
        if isinstance(event, ModelEvent):
            take(event.input)
            take(choice.message for choice in event.output.choices)
    take(messages)
    return tuple(found.values())


def _told(message: ChatMessage) -> tuple[Speaker, str]:
    if isinstance(message, ChatMessageAssistant):
        return "model", _kept("\n".join(_of_model(message)))
    if isinstance(message, ChatMessageTool):
        fault = f"\n(error) {message.error.message}" if message.error else ""
        return "tool", _kept(text_of(message.content) + fault)
    return "task", _kept(text_of(message.content))


def _of_model(message: ChatMessageAssistant) -> Iterator[str]:
    for part in message.content if isinstance(message.content, list) else ():
        if isinstance(part, ContentReasoning):
            thought = part.summary or HIDDEN if part.redacted else part.reasoning
            yield f"(reasoning) {thought or part.summary or HIDDEN}"
        elif isinstance(part, ContentToolUse):
            # The endpoint ran it: its own word for it is all that there is.
            yield f"(its endpoint ran {part.name}: {part.arguments}, and says: {part.result})"
    if text := text_of(message.content):
        yield text
    for call in message.tool_calls or ():
        yield f"(calls {call.function}) {_arguments(call.arguments)}"


def _arguments(given: dict[str, Any]) -> str:
    # One text alone is shown as it is: escapes would make a program hard to read.
    if len(given) == 1 and isinstance(only := next(iter(given.values())), str):
        return only
    return json.dumps(given, ensure_ascii=False, default=str)


def _kept(text: str) -> str:
    # Half of a pair is no text that can be sent.
    return text.encode("utf-8", "replace").decode()
