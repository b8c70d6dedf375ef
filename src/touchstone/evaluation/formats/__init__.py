"""The formats in which an endpoint may be asked, beside the chat format that all else speaks."""

from collections.abc import Mapping
from typing import Any, Literal

from touchstone.evaluation.cleaning import answer_object
from touchstone.evaluation.formats import anthropic_messages, google_generate, openai_responses
from touchstone.evaluation.formats.translating import (
    NotTranslatableError,
    Pieces,
    Translated,
    Wire,
)

__all__ = [
    "CHAT",
    "Format",
    "NotTranslatableError",
    "Translated",
    "Wire",
    "chat_form",
    "setting_refused",
    "translate",
    "wire_of",
]

Format = Literal["chat", "anthropic-messages", "openai-responses", "google-generate"]
CHAT: Format = "chat"
_WIRES = {
    module.ID: module.WIRE for module in (anthropic_messages, openai_responses, google_generate)
}
_LACKING: Mapping[str, tuple[str, ...]] = {
    anthropic_messages.ID: ("seed",),
    openai_responses.ID: ("seed", "reasoning_tokens"),
}
"""Settings for which a format has no word. What none has is left to the endpoint to refuse."""
_EFFORTS = {anthropic_messages.ID: "minimal", google_generate.ID: "xhigh"}


def wire_of(format: Format) -> Wire | None:  # noqa: A002 - the submission's word
    """How a format is spoken; None for the chat format, which needs no translating."""
    return _WIRES.get(format)


def translate(wire: Wire, request: Mapping[str, Any], budget: int | None) -> Translated:
    """A request of the chat format as it is sent; it may be a pack's, and hold anything.

    Args:
        wire: The endpoint's format.
        request: As the chat format has it.
        budget: For reasoning, in tokens, if the mode sets one.

    Raises:
        NotTranslatableError: the format has no word for a part of it, or it is no request.
    """
    try:
        return wire.request(request, budget)
    except NotTranslatableError:
        raise
    except (TypeError, AttributeError, LookupError, ValueError, RecursionError):
        # Its author's mistake, which no second attempt mends and no endpoint made.
        raise NotTranslatableError(f"the request is none that {wire.id} can be asked") from None


def chat_form(
    wire: Wire, data: bytes, request: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """An answer's bytes in the shape of the chat format, for the door; and what was left out of it.

    Raises:
        NotAnAnswerError: it is no JSON object.
    """
    said = Pieces()
    completion = wire.answer(answer_object(data), request, said)
    return completion, tuple(said.notes)


def setting_refused(format: Format, settings: Mapping[str, Any]) -> str:  # noqa: A002
    """Why a mode of this format cannot have these settings, and the fix; else an empty text."""
    given = {name for name, value in settings.items() if value is not None}
    if lacking := [name for name in _LACKING.get(format, ()) if name in given]:
        return f"settings.{lacking[0]}: {format} has none; take it out"
    if (effort := settings.get("reasoning_effort")) and effort == _EFFORTS.get(format):
        return f"settings.reasoning_effort: {format} has no {effort!r}; write another"
    return anthropic_messages.unsuited(settings) if format == anthropic_messages.ID else ""
