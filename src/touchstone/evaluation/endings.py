"""How an answer ended: in the words of the protocol, and of those that gateways translate from.

Few words say that an answer is whole, and every service has its own for one that is not: a word
that is not known, or none at all, says nothing. So the words that end an answer well are listed,
and whatever else is told is taken for an answer that was cut. Beside the protocol's own field there
may stand those of another protocol, passed on as they were by a gateway that translates: they can
say that an answer was cut or filtered, and never that it is whole where the first denies it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Stop = Literal["stop", "length", "tool_calls", "content_filter"]
_WHOLE: Mapping[str, Stop] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "endoftext": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "complete": "stop",
    "completed": "stop",
    "finish": "stop",
    "finished": "stop",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
}
_FILTERED = frozenset(
    {
        "content_filter",
        "content_filtered",
        "content_policy",
        "content_policy_violation",
        "safety",
        "image_safety",
        "refusal",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "guardrail_intervened",
        "guardrail",
        "error_toxic",
        "sensitive",
        "moderation",
        "blocked",
    }
)
# What is not here is taken for the same where it stands in the protocol's own field.
_CUT = frozenset(
    {
        "length",
        "max_length",
        "max_tokens",
        "max_new_tokens",
        "max_output_tokens",
        "max_completion_tokens",
        "max_token",
        "token_limit",
        "model_length",
        "model_context_window_exceeded",
        "context_length",
        "context_length_exceeded",
        "context_window_exceeded",
        "error_limit",
        "truncated",
        "incomplete",
        "in_progress",
        "queued",
        "pause_turn",
        "timeout",
        "time_limit",
        "failed",
        "failure",
        "cancelled",
        "canceled",
        "user_cancel",
        "interrupted",
        "malformed_function_call",
        "unexpected_tool_call",
        "load",
        "unload",
    }
)
_BROKEN_OFF = frozenset({"error", "abort", "aborted", "insufficient_system_resource"})
# `stop_reason` of vLLM is the stop text or token that was met, so a number there tells nothing.
_FIELDS = ("finish_reason", "stop_reason", "native_finish_reason", "done_reason", "status")
_FILTERS = (
    "content_filter_results",
    "content_filter_result",
    "prompt_filter_results",
    "safety_ratings",
    "safetyRatings",
)
_DEPTH = 4


class BrokenOffError(ValueError):
    """The answer's own word for its end is that it was broken off; the text is that word."""


@dataclass(frozen=True)
class Ending:
    """How one answer ended."""

    stop: Stop
    """`length` for whatever was cut, and for what is not said to be whole."""
    unknown: Any = None
    """What was told, where that is no word for an end; a text, or of any other type."""
    silent: bool = False
    """Whether nothing at all was told."""

    @property
    def whole(self) -> bool:
        """Whether the answer came to its own end."""
        return self.stop in {"stop", "tool_calls"}


def ending_of(
    body: Mapping[str, Any], choice: Mapping[str, Any], message: Mapping[str, Any]
) -> Ending:
    """How an answer ended, by the worst that is told of it.

    Args:
        body: The answer; anything may stand in any field.
        choice: The choice that is taken.
        message: Its message.

    Raises:
        BrokenOffError: its first word is that it was broken off, so that it may be asked again.
    """
    told = list(_told(body, choice, message))
    if not told:
        first = Ending("length", silent=True)
    elif (word := _word(told[0])) in _BROKEN_OFF:
        raise BrokenOffError(word)
    else:
        first = _ending(told[0])
    # A filter's mark anywhere: some gateways say "stop" and put it beside.
    if first.stop == "content_filter" or _filtered(body, choice, message, told):
        return Ending("content_filter")
    if not first.whole:
        return first
    ends = {_word(each) for each in told}
    # Another field can take "whole" back, and never give it (ADR 206).
    cut = ends & _CUT or ends & _BROKEN_OFF or _is_incomplete(body, choice, message)
    return Ending("length") if cut else first


def _ending(told: Any) -> Ending:
    word = _word(told)
    if word in _WHOLE:
        return Ending(_WHOLE[word])
    if word in _FILTERED:
        return Ending("content_filter")
    return Ending("length", unknown=None if word in _CUT else told)


def _word(told: Any) -> str:
    """A word as the lists have it; empty for what is none."""
    # Not all that casefold makes the same letter: a word in other letters is another word.
    plain = isinstance(told, str) and told.isascii()
    return told.strip().lower().replace("-", "_") if plain else ""


def _told(*parts: Mapping[str, Any]) -> Iterator[Any]:
    """What is told of the end, the protocol's own field first, then from inside to outside."""
    body, choice, message = parts
    for place, name in ((choice, "finish_reason"), *_others(body, choice, message)):
        value = place.get(name)
        if value is not None and not (name != "finish_reason" and isinstance(value, int | float)):
            yield value
    # An older form of the protocol, which some servers still send.
    details = choice.get("finish_details")
    if isinstance(details, Mapping) and details.get("type") is not None:
        yield details["type"]


def _others(*parts: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    body, choice, message = parts
    for place in (choice, message, body):
        for name in _FIELDS:
            if not (place is choice and name == "finish_reason"):
                yield place, name


def _is_incomplete(*parts: Mapping[str, Any]) -> bool:
    return any(part.get("incomplete_details") or part.get("error") for part in parts)


def _filtered(
    body: Mapping[str, Any], choice: Mapping[str, Any], message: Mapping[str, Any], told: list[Any]
) -> bool:
    reasons = [
        details.get("reason")
        for part in (body, choice, message)
        if isinstance(details := part.get("incomplete_details"), Mapping)
    ]
    marks = [part.get(name) for part in (body, choice, message) for name in _FILTERS]
    spoken = any(_word(each) in _FILTERED for each in (*told, *reasons))
    return spoken or any(_is_marked(mark, 0) for mark in marks)


def _is_marked(value: Any, depth: int) -> bool:
    """Whether a filter says, anywhere in its results, that it took something away."""
    # The endpoint chooses how deep it goes.
    if depth > _DEPTH:
        return False
    if isinstance(value, list):
        return any(_is_marked(each, depth + 1) for each in value)
    if not isinstance(value, Mapping):
        return False
    return any(
        (name in {"filtered", "blocked"} and inner is True) or _is_marked(inner, depth + 1)
        for name, inner in value.items()
    )
