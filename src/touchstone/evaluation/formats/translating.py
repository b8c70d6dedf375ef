"""What the formats share: a request of the chat format taken apart, and an answer put into it.

Everything behind an endpoint's door speaks the chat format: digests of what was sent, kept answers,
the relay of packs. So an endpoint of another format is asked by translating at the wire, and what
it says comes through the same door, in the chat format's shape and no more trusted than before.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_DATA_URL = re.compile(r"data:(image/[a-z0-9.+-]{1,40});base64,([A-Za-z0-9+/=\s]+)")
MOST_PARTS = 10_000
"""Parts of one answer that are looked at."""


class NotTranslatableError(ValueError):
    """A request asks for what its format has no word for; the text names it, in one line."""


@dataclass(frozen=True)
class Translated:
    """A request as it goes out."""

    path: str
    """Below the base URL."""
    body: dict[str, Any]
    notes: tuple[str, ...] = ()
    """What was asked for and is not sent, one line each."""


@dataclass(frozen=True)
class Wire:
    """One format: how a request of the chat format is sent in it, and how its answers are read."""

    id: str
    request: Callable[[Mapping[str, Any], int | None], Translated]
    """Of a request and the budget for reasoning (tokens), if the mode sets one.

    Raises:
        NotTranslatableError: the format has no word for a part of it.
    """
    answer: Callable[[Mapping[str, Any], Mapping[str, Any], "Pieces"], dict[str, Any]]
    """Of an answer's JSON, the request, and what is to be filled: the answer beside its message."""
    headers: Callable[[str], dict[str, str]]
    """That carry the key."""


@dataclass
class Pieces:
    """What an answer says, while its parts are gone through; anything may stand in any field."""

    texts: list[Any] = field(default_factory=list)
    thoughts: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    refusal: Any = None
    notes: list[str] = field(default_factory=list)

    def think(self, kind: str, **more: Any) -> None:
        """Take a thought in: `text`, `summary` or `encrypted`, as the chat format's services do."""
        self.thoughts.append({"type": f"reasoning.{kind}", **more})

    def call(self, id: Any, name: Any, arguments: Any) -> None:  # noqa: A002 - the formats' word
        """Take a tool call in."""
        function = {"name": name, "arguments": arguments}
        self.calls.append({"id": id, "type": "function", "function": function})

    def strange(self) -> None:
        """Say once that a part was of no kind that a request here asks for."""
        note = "a part of a kind that was not asked for was left out of the answer"
        if note not in self.notes:
            self.notes.append(note)

    def completion(self, answer: Mapping[str, Any], end: Any) -> dict[str, Any]:
        """The whole in the shape of the chat format, as the door reads it."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": [{"type": "text", "text": text} for text in self.texts],
        }
        if self.thoughts:
            message["reasoning_details"] = self.thoughts
        if self.calls:
            message["tool_calls"] = self.calls
        if self.refusal:
            message["refusal"] = self.refusal
        choice = {"index": 0, "message": message, "finish_reason": end}
        return {**answer, "choices": [choice]}


def objects(value: Any, said: Pieces) -> Iterator[Mapping[str, Any]]:
    """The objects of a list of parts; whatever else stands in it is left out, with a note."""
    for place, part in enumerate(value if isinstance(value, list) else []):
        if isinstance(part, Mapping) and place < MOST_PARTS:
            yield part
        else:
            said.strange()


def field_of(value: Any, name: str) -> Any:
    """A field of what may be an object or anything else."""
    return value.get(name) if isinstance(value, Mapping) else None


def counted(value: Any, *names: str) -> Any:
    """The sum of the counts that are there; None, or what stands there, where none is a count."""
    found = [field_of(value, name) for name in names]
    counts = [each for each in found if type(each) is int]
    return sum(counts) if counts else next((each for each in found if each is not None), None)


def usage_of(sent: Any, answered: Any, reasoning: Any, cached: Any) -> dict[str, Any]:
    """Usage under the names of the chat format; whether it is possible is looked at later."""
    return {
        "prompt_tokens": sent,
        "completion_tokens": answered,
        "completion_tokens_details": {"reasoning_tokens": reasoning},
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def output_bound(request: Mapping[str, Any]) -> int | None:
    """Most tokens of an answer that a request allows, if it says."""
    return request.get("max_completion_tokens") or request.get("max_tokens")


def instructions(request: Mapping[str, Any]) -> str:
    """The system messages of a request as one text."""
    texts = [message_text(each) for each in request["messages"] if is_system(each)]
    return "\n\n".join(text for text in texts if text)


def is_system(message: Mapping[str, Any]) -> bool:
    """Whether a message is the system's."""
    return message.get("role") in {"system", "developer"}


def message_text(message: Mapping[str, Any]) -> str:
    """A message's text, its parts one after another.

    Raises:
        NotTranslatableError: a part is no text.
    """
    return "".join(text for text, image in parts_of(message) if not _is_image(image))


def _is_image(image: tuple[str, str] | None) -> bool:
    if image is not None:
        raise NotTranslatableError("an image stands where this format takes text alone")
    return False


def parts_of(message: Mapping[str, Any]) -> list[tuple[str, tuple[str, str] | None]]:
    """A message's parts: a text, or an image as its media type and base64.

    Raises:
        NotTranslatableError: a part is neither, or an image by its address.
    """
    content = message.get("content")
    if content is None or isinstance(content, str):
        return [(content, None)] if content else []
    found: list[tuple[str, tuple[str, str] | None]] = []
    for part in content if isinstance(content, list) else [content]:
        if isinstance(text := field_of(part, "text"), str):
            found.append((text, None))
            continue
        # By its address it would be the endpoint that fetches it: not what is in the record.
        url = field_of(field_of(part, "image_url"), "url")
        image = _DATA_URL.fullmatch(url) if isinstance(url, str) else None
        if image is None:
            raise NotTranslatableError(
                "a part of a message is neither text nor an image given as data"
            )
        found.append(("", (image[1], image[2])))
    return found


def calls_of(message: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The tool calls of a message: id, name and arguments as they were written."""
    for call in message.get("tool_calls") or ():
        function = field_of(call, "function")
        name, arguments = field_of(function, "name"), field_of(function, "arguments")
        yield (
            str(field_of(call, "id")),
            str(name),
            arguments if isinstance(arguments, str) else "{}",
        )


def arguments_object(arguments: str) -> dict[str, Any]:
    """Arguments as an object, for formats that take nothing else."""
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        value = None
    # What the model wrote, so that it sees its own mistake beside what the tool said of it.
    return value if isinstance(value, dict) else {"unreadable": arguments}


def thoughts_of(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The thoughts of an earlier answer that go back with the next turn."""
    details = message.get("reasoning_details")
    return [each for each in details or () if isinstance(each, Mapping)]


def functions_of(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The tools that a request offers."""
    return [tool["function"] for tool in request.get("tools") or ()]


def chosen_tool(request: Mapping[str, Any]) -> tuple[str, str]:
    """Which tool is to be called: `auto`, `none`, `required`, or `one` and its name."""
    choice = request.get("tool_choice")
    if choice is None or choice in ("auto", "none", "required"):
        return choice or "auto", ""
    name = field_of(field_of(choice, "function"), "name")
    if not isinstance(name, str):
        raise NotTranslatableError("tool_choice names no function")
    return "one", name


def not_sent(format: str, request: Mapping[str, Any], *names: str) -> list[str]:  # noqa: A002
    """Notes of the sampling parameters that a format has no word for.

    Raises:
        NotTranslatableError: it asks for a form of the answer, which no note would make up for.
    """
    kind = field_of(request.get("response_format"), "type")
    if request.get("response_format") is not None and kind != "text":
        raise NotTranslatableError(f"response_format is not sent in {format}")
    return [f"{name} was not sent: {format} has none" for name in names if name in request]
