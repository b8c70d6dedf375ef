"""What the adapters share: fields by name, and every word about reasoning as one setting.

Only fields that an API is known to have are taken. An unknown one could be read by an upstream,
in any spelling, and change the mode unseen.
"""

from collections.abc import Mapping
from typing import Any

from touchstone.gateway.adapters.base import NOT_ASKED, Admits, Ask, unreadable
from touchstone.gateway.adapters.shapes import Table, refuse_unknown

MAX_NAME = 128
MOST_TOKENS = 1 << 40
COUNTS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "n", "best_of")
_TEMPLATE_SWITCHES = ("enable_thinking", "thinking")


def model_of(body: Mapping[str, Any]) -> str:
    """The model that a body names; RefusedError where it names none."""
    model = body.get("model")
    if not isinstance(model, str) or not 0 < len(model) <= MAX_NAME:
        raise unreadable("model is missing or no text: name one model", "model_missing")
    return model


def read_ask(body: Mapping[str, Any], shape: Table, settings: list[str], admits: Admits) -> Ask:
    """Model, setting and stream of a body that holds what its shape allows; else RefusedError."""
    # Before the shapes, which would only say that the field is not known.
    refuse_models_in_tools(body.get("tools"))
    options = body.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise unreadable("stream_options is neither an object nor null")
    shape.check(body, "", admits)
    stream = body.get("stream")
    # Some servers take 1 or "true" for true, and stream what was not judged as a stream.
    if stream is not None and type(stream) is not bool:
        raise unreadable("stream is neither true nor false")
    for name in COUNTS:
        _check_count(body, name)
    return Ask(model_of(body), "+".join(settings) or NOT_ASKED, stream is True, body)


def _check_count(body: Mapping[str, Any], name: str) -> None:
    value = body.get(name)
    # It bounds what is held of a budget: below 0 it would give tokens to who asks.
    if value is not None and (type(value) is not int or not 0 <= value <= MOST_TOKENS):
        raise unreadable(f"{name} is not a whole number up to {MOST_TOKENS}")


def word(value: object, name: str) -> list[str]:
    """A setting that is one word; none where it is absent or null."""
    if value is None:
        return []
    # So that `+` and `=`, which join settings into one, stand in none.
    if not isinstance(value, str) or not value.isidentifier() or len(value) > MAX_NAME:
        raise unreadable(f"{name} is not a word")
    return [value]


def inner_object(value: object, known: frozenset[str], name: str) -> Mapping[str, Any]:
    """An inner object with known fields alone; empty where it is absent or null."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise unreadable(f"{name} is not an object")
    refuse_unknown(value, known, f"{name}.")
    return value


def template_switch(value: object) -> list[str]:
    """`chat_template_kwargs`, by which some servers switch thinking on and off."""
    found = inner_object(value, frozenset(_TEMPLATE_SWITCHES), "chat_template_kwargs")
    # Templates take 0, "false" and null each in their own way.
    if any(type(each) is not bool for each in found.values()):
        raise unreadable("chat_template_kwargs holds something other than true and false")
    return [f"{key}={str(found[key]).lower()}" for key in _TEMPLATE_SWITCHES if key in found]


def one_place(*places: list[str]) -> list[str]:
    """The settings of the only place that has any; RefusedError where several speak."""
    speaking = [place for place in places if place]
    # Which of them an endpoint obeys is not known here.
    if len(speaking) > 1:
        raise unreadable(
            "the request sets its reasoning in more than one place: keep one", "mode_ambiguous"
        )
    return speaking[0] if speaking else []


def refuse_models_in_tools(tools: object) -> None:
    """A tool that runs a model by itself would be a way around the decision about that model."""
    if tools is None:
        return
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise unreadable("tools is not a list of objects")
    for tool in tools:
        if "model" in tool:
            raise unreadable("a tool names a model of its own: take it out", "model_in_tool")
