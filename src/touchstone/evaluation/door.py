"""The door for strangers' answers: what an endpoint sent becomes a plain completion, once, here.

Behind it stand a log writer, a conversation and a sandbox that each fail in ways of their own over
half a surrogate pair, a NUL, a list where a text belongs or a thousand brackets. An endpoint that
can make them fail chooses which samples have an outcome. So nothing passes but the fields that are
used, of the types that they have in the protocol, with bounded sizes; each change leaves a note.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from touchstone.evaluation.cleaning import (
    MOST_TEXT,
    Cleaner,
    NotAnAnswerError,
    answer_object,
    arguments_text,
    few_marks,
    list_of,
    model_named,
)
from touchstone.evaluation.endings import BrokenOffError, Ending, ending_of
from touchstone.evaluation.redaction import Redactor
from touchstone.evaluation.served import MOST_CALLS, SUBMIT, Served
from touchstone.evaluation.usage import text_bytes

_THOUGHTS = ("text", "summary")
_THOUGHT_FIELDS = ("reasoning_content", "reasoning")


@dataclass(frozen=True)
class ServedCompletion(Served):
    """One completion as it passed the door."""

    completion: dict[str, Any]
    """A chat completion in the protocol's own shape, with one choice; its usage as it came."""


def admit(data: bytes, offered: Mapping[str, str], redactor: Redactor) -> ServedCompletion:
    """Let one answer through the door.

    Args:
        data: The answer's body as it came; its size is bounded before.
        offered: The tools that were offered, each with the name of its first parameter.
        redactor: Of the endpoint's key.

    Raises:
        NotAnAnswerError: no JSON, or no choice with a message.
    """
    return admit_object(answer_object(data), offered, redactor)


def admit_object(
    body: Mapping[str, Any], offered: Mapping[str, str], redactor: Redactor
) -> ServedCompletion:
    """Let one answer through the door, read or translated already; else as `admit`."""
    door = Cleaner(redactor)
    choice, message = _choice(body, door)
    ending = _ending(body, choice, message, door)
    calls = [
        made
        for call in list_of(message.get("tool_calls"), "the list of tool calls", door)
        if (made := _call(call, offered, door)) is not None
    ]
    content = message.get("content")
    kept: dict[str, Any] = {"role": "assistant", "content": _content(content, door)}
    for name in _THOUGHT_FIELDS:
        if message.get(name):
            kept[name] = door.text(message[name], "the reasoning")
    if details := list_of(message.get("reasoning_details"), "the reasoning", door):
        # Sent back as it came with the next turn: some services need it to think on.
        kept["reasoning_details"] = door.plain(details, "the reasoning")
    elif not any(map(kept.get, _THOUGHT_FIELDS)):
        kept["content"] = few_marks(kept["content"], door)
    refusal = message.get("refusal")
    if refusal:
        kept["refusal"] = door.text(refusal, "the refusal")
    if calls:
        kept["tool_calls"] = calls[:MOST_CALLS]
    if len(calls) > MOST_CALLS:
        door.note(f"{len(calls)} tool calls in one answer; {MOST_CALLS} kept")
    completion = {
        "id": door.name(body.get("id"), "unnamed", "the answer's id"),
        "object": "chat.completion",
        # An endpoint's own clock; nothing is decided by it.
        "created": 0,
        "model": model_named(body.get("model"), door),
        "system_fingerprint": door.name(body.get("system_fingerprint"), "", "the fingerprint")
        or None,
        "choices": [{"index": 0, "finish_reason": ending.stop, "message": kept, "logprobs": None}],
        "usage": body.get("usage"),
    }
    return ServedCompletion(
        completion=completion,
        # Of what was kept: of padding that is thrown away the model has said nothing.
        size=text_bytes(kept),
        stop=ending.stop,
        unknown_end=_unknown_end(ending, door),
        refused=ending.stop == "content_filter" or bool(refusal) or _declines(content),
        submitted=any(_is_submission(call) for call in calls),
        asked=sum(call["function"]["name"] != SUBMIT for call in calls),
        said=_said(kept),
        notes=tuple(door.notes),
    )


def _said(kept: Mapping[str, Any]) -> str:
    """Of what an endpoint draws anew for each answer, ids and signatures, nothing goes in."""
    details = kept.get("reasoning_details", ())
    texts = [
        *(kept.get(name, "") for name in ("content", "reasoning_content", "reasoning", "refusal")),
        *(
            part[name]
            for part in details
            if isinstance(part, Mapping)
            for name in _THOUGHTS
            if part.get(name)
        ),
    ]
    calls = [
        [call["function"]["name"], call["function"]["arguments"]]
        for call in kept.get("tool_calls", ())
    ]
    return hashlib.sha256(json.dumps([texts, calls]).encode()).hexdigest()


def _choice(body: Mapping[str, Any], door: Cleaner) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, Mapping) else None
    if not isinstance(choice, Mapping) or not isinstance(message, Mapping) or not message:
        told = body.get("error")
        told = told.get("message") if isinstance(told, Mapping) else told
        more = f": {door.redactor.of_error(str(told)[:MOST_TEXT])}" if told else ""
        raise NotAnAnswerError(f"the answer holds no choice with a message{more}")
    if isinstance(choices, list) and len(choices) > 1:
        door.note(f"{len(choices)} choices; the first was taken")
    return choice, message


def _ending(
    body: Mapping[str, Any], choice: Mapping[str, Any], message: Mapping[str, Any], door: Cleaner
) -> Ending:
    try:
        ending = ending_of(body, choice, message)
    except BrokenOffError as error:
        raise NotAnAnswerError(f"the answer was broken off: finish_reason {error}") from None
    if unknown := _unknown_end(ending, door):
        door.note(f"{unknown}; taken as cut")
    return ending


def _unknown_end(ending: Ending, door: Cleaner) -> str:
    """What was told of an answer's end that is no word for one, as a line; else an empty text."""
    if ending.silent:
        return "no finish_reason"
    if ending.unknown is None:
        return ""
    return f"finish_reason {door.name(ending.unknown, 'of another type', 'finish_reason')!r}"


def _declines(content: Any) -> bool:
    """Whether one part of a message is a refusal."""
    return isinstance(content, list) and any(
        isinstance(part, Mapping) and part.get("type") == "refusal" for part in content
    )


def _content(content: Any, door: Cleaner) -> str:
    """The text of a message; a list of parts as their texts, one after another."""
    if content is None:
        return ""
    if isinstance(content, list) and all(
        isinstance(part, Mapping) and isinstance(part.get("text"), str) for part in content
    ):
        content = "".join(part["text"] for part in content)
    return door.text(content, "the text")


def _call(call: Any, offered: Mapping[str, str], door: Cleaner) -> dict[str, Any] | None:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(call, Mapping) or not isinstance(function, Mapping):
        door.note("a tool call was none; left out")
        return None
    name = door.name(function.get("name"), "unnamed", "a tool's name")
    return {
        "id": door.name(call.get("id"), "call", "a tool call's id"),
        "type": "function",
        "function": {
            "name": name,
            "arguments": arguments_text(function.get("arguments"), offered.get(name), door),
        },
    }


def _is_submission(call: Mapping[str, Any]) -> bool:
    function = call["function"]
    if function["name"] != SUBMIT:
        return False
    try:
        return isinstance(json.loads(function["arguments"]), dict)
    except (ValueError, RecursionError):
        return False
