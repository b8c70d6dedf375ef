"""The door for strangers' answers: what an endpoint sent becomes a plain completion, once, here.

Behind it stand a log writer, a conversation and a sandbox that each fail in ways of their own over
half a surrogate pair, a NUL, a list where a text belongs or a thousand brackets. An endpoint that
can make them fail chooses which samples have an outcome. So nothing passes but the fields that are
used, of the types that they have in the protocol, with bounded sizes; each change leaves a note.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from touchstone.evaluation.endings import BrokenOffError, Ending, Stop, ending_of
from touchstone.evaluation.redaction import HIDDEN, Redactor
from touchstone.evaluation.usage import text_bytes
from touchstone.handin import is_unseen

MOST_DEPTH = 24
"""Levels of objects and lists within one another that are kept."""
MOST_TEXT = 1_000_000
"""Characters of one text."""
MOST_CALLS = 64
"""Tool calls of one answer."""
MOST_NAME = 200
MOST_MARKS = 16
"""Marks of each kind with which thoughts may begin in a text."""
SUBMIT = "submit"
_THOUGHTS = ("text", "summary")
_THOUGHT_FIELDS = ("reasoning_content", "reasoning")
_MARKS = ("<think", "<summary>")
_MOST_INTEGER = 2**53
_REPLACED = "\N{REPLACEMENT CHARACTER}"
_ODD = re.compile("[\0\ud800-\udfff]")


class NotAnAnswerError(ValueError):
    """What came is no chat completion; the text says why, in one line."""


@dataclass(frozen=True)
class ServedCompletion:
    """One completion as it passed the door."""

    completion: dict[str, Any]
    """A chat completion in the protocol's own shape, with one choice; its usage as it came."""
    size: int
    """Bytes of the message as it came, as far as it was kept."""
    stop: Stop
    """`length` for whatever was cut, and for what is not said to be whole."""
    unknown_end: str
    """What was told of its end, where that is no word for one: one line; else an empty text."""
    refused: bool
    """Whether the message is a refusal, by the filter or by the model."""
    submitted: bool
    """Whether `submit` was called with arguments that are an object."""
    asked: int
    """Calls of other tools."""
    said: str
    """Digest (hex) of all that the model said: texts, reasoning, tool calls; no id, no number."""
    notes: tuple[str, ...]


@dataclass
class _Door:
    """What is known while one answer passes."""

    redactor: Redactor
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def text(self, value: Any, what: str, most: int = MOST_TEXT) -> str:
        """Any value as clean text; what is no text is written as JSON."""
        if not isinstance(value, str):
            self.note(f"{what} was no text")
            value = json.dumps(self.plain(value, what))
        # First: what is replaced here could otherwise stand within a key and hide it.
        clean = _ODD.sub(_REPLACED, value)
        if clean != value:
            self.note(f"{what} held half a surrogate pair or a NUL; replaced by U+FFFD")
        if len(clean) > most:
            self.note(f"{what} was cut to {most} characters")
            clean = clean[:most]
        # Last: a key must be looked for in what will be kept, and in nothing else.
        hidden = self.redactor.of_answer(clean)
        if hidden != clean:
            self.note(f"{what} held the endpoint's key; taken out")
        return hidden

    def plain(self, value: Any, what: str, depth: int = 0) -> Any:
        """Any JSON, with clean texts, numbers that fit and a bounded depth."""
        if isinstance(value, str):
            return self.text(value, what)
        if not isinstance(value, Mapping | list):
            return self._number(value, what)
        # Readers behind the door recurse, and each has another bound.
        if depth >= MOST_DEPTH:
            self.note(f"{what} was more than {MOST_DEPTH} levels deep; cut there")
            return _REPLACED
        if isinstance(value, list):
            return [self.plain(each, what, depth + 1) for each in value]
        return {
            self.text(k, what, MOST_NAME): self.plain(v, what, depth + 1) for k, v in value.items()
        }

    def _number(self, value: Any, what: str) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            self.note(f"{what} held a number that is none")
            return str(value)
        # The record's canonical JSON holds no larger one.
        if isinstance(value, int) and abs(value) > _MOST_INTEGER:
            self.note(f"{what} held a number beyond 2^53")
            value = str(value)
        if self.redactor.of_answer(str(value)) != str(value):
            self.note(f"{what} held the endpoint's key; taken out")
            return HIDDEN
        return value

    def name(self, value: Any, otherwise: str, what: str) -> str:
        """A short printable name, without the key."""
        if not isinstance(value, str) or not value:
            if value not in (None, ""):
                self.note(f"{what} was no text")
            return otherwise
        # A name is short: six characters in common are enough to give it up.
        hidden = self.redactor.of_error(value)
        clean = "".join(_REPLACED if is_unseen(c) else c for c in hidden)[:MOST_NAME]
        if clean != value:
            self.note(f"{what} was no short printable name; changed")
        return clean


def admit(data: bytes, offered: Mapping[str, str], redactor: Redactor) -> ServedCompletion:
    """Let one answer through the door.

    Args:
        data: The answer's body as it came; its size is bounded before.
        offered: The tools that were offered, each with the name of its first parameter.
        redactor: Of the endpoint's key.

    Raises:
        NotAnAnswerError: no JSON, or no choice with a message.
    """
    body = _parse(data)
    door = _Door(redactor)
    choice, message = _choice(body, door)
    ending = _ending(body, choice, message, door)
    calls = [
        made
        for call in _listed(message.get("tool_calls"), "the list of tool calls", door)
        if (made := _call(call, offered, door)) is not None
    ]
    content = message.get("content")
    kept: dict[str, Any] = {"role": "assistant", "content": _content(content, door)}
    for name in _THOUGHT_FIELDS:
        if message.get(name):
            kept[name] = door.text(message[name], "the reasoning")
    if details := _listed(message.get("reasoning_details"), "the reasoning", door):
        # Sent back as it came with the next turn: some services need it to think on.
        kept["reasoning_details"] = door.plain(details, "the reasoning")
    elif not any(map(kept.get, _THOUGHT_FIELDS)):
        kept["content"] = _few_marks(kept["content"], door)
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
        "model": _model(body.get("model"), door),
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


def _parse(data: bytes) -> Mapping[str, Any]:
    try:
        # "surrogatepass" takes halves of pairs that were sent as bytes; the door replaces them.
        body = json.loads(data.decode("utf-8", "surrogatepass"), parse_int=_integer)
    except RecursionError:
        raise NotAnAnswerError("the answer is nested too deeply") from None
    except UnicodeDecodeError:
        raise NotAnAnswerError("the answer is not JSON: it is not UTF-8") from None
    except ValueError as error:
        why = getattr(error, "msg", "a number is too long")
        raise NotAnAnswerError(f"the answer is not JSON: {why}") from None
    if not isinstance(body, Mapping):
        raise NotAnAnswerError("the answer is not a JSON object")
    return body


def _integer(digits: str) -> int | str:
    """Numbers beyond Python's own bound on digits stay text."""
    # Python refuses to read a number of 4,300 digits, and the whole answer with it.
    return int(digits) if len(digits) < MOST_NAME else digits[:MOST_NAME]


def _choice(body: Mapping[str, Any], door: _Door) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
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
    body: Mapping[str, Any], choice: Mapping[str, Any], message: Mapping[str, Any], door: _Door
) -> Ending:
    try:
        ending = ending_of(body, choice, message)
    except BrokenOffError as error:
        raise NotAnAnswerError(f"the answer was broken off: finish_reason {error}") from None
    if unknown := _unknown_end(ending, door):
        door.note(f"{unknown}; taken as cut")
    return ending


def _unknown_end(ending: Ending, door: _Door) -> str:
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


def _content(content: Any, door: _Door) -> str:
    """The text of a message; a list of parts as their texts, one after another."""
    if content is None:
        return ""
    if isinstance(content, list) and all(
        isinstance(part, Mapping) and isinstance(part.get("text"), str) for part in content
    ):
        content = "".join(part["text"] for part in content)
    return door.text(content, "the text")


def _few_marks(text: str, door: _Door) -> str:
    """A text in which thoughts are looked for, by Inspect, once more from each mark of them.

    Beyond a number that no answer needs, a mark loses its bracket.
    """
    for mark in _MARKS:
        first, *more = text.split(mark)
        if len(more) > MOST_MARKS:
            door.note(f"the text held more than {MOST_MARKS} marks of thoughts; changed")
            kept = mark.join([first, *more[:MOST_MARKS]])
            text = (_REPLACED + mark[1:]).join([kept, *more[MOST_MARKS:]])
    return text


def _listed(value: Any, what: str, door: _Door) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        door.note(f"{what} was no list; left out")
        return []
    return value


def _call(call: Any, offered: Mapping[str, str], door: _Door) -> dict[str, Any] | None:
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
            "arguments": _arguments(function.get("arguments"), offered.get(name), door),
        },
    }


def _arguments(told: Any, first: str | None, door: _Door) -> str:
    """Arguments as JSON text.

    An object passes, cleaned within as well. A bare text becomes the tool's first argument, which
    is what Inspect makes of it by way of YAML, where a few bytes can stand for gigabytes. What
    begins as an object and is none passes as text: the model is told so, as a tool's error.
    """
    what = "a tool call's arguments"
    if told is None:
        return "{}"
    if isinstance(told, Mapping):
        return json.dumps(door.plain(told, what))
    text = door.text(told, what).strip()
    # Inspect reads anything else as YAML, in which an alias can stand for gigabytes.
    if not text.startswith("{"):
        return json.dumps({first: text}) if first and text else "{}"
    try:
        value = json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError):
        # Nothing that Python's own reader stumbles over in another way than "this is no JSON".
        return "{" + text[:MOST_NAME] if re.search(r"\d{200}", text) else text
    return json.dumps(door.plain(value, what))


def _is_submission(call: Mapping[str, Any]) -> bool:
    function = call["function"]
    if function["name"] != SUBMIT:
        return False
    try:
        return isinstance(json.loads(function["arguments"]), dict)
    except (ValueError, RecursionError):
        return False


def _model(told: Any, door: _Door) -> str:
    if isinstance(told, str) and 0 < len(told) <= MOST_NAME and not any(map(is_unseen, told)):
        return door.redactor.of_answer(told)
    door.note("the endpoint named no model")
    return "unnamed"
