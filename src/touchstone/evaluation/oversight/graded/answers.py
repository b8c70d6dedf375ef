"""What a grader answers, taken strictly: what is not of the form is no answer, and never a "no"."""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from touchstone.evaluation.digests import Frozen

MOST_ANSWER = 20_000
"""Characters of an answer."""
MOST_NAMED = 50
# Models wrap JSON up though they are asked not to; nothing may stand beside it.
_FENCED = re.compile(r"```(?:json)?\s*(\{.*\})\s*```", re.DOTALL)
_THOUGHT = re.compile(r"<think>(?:(?!<think>).)*?</think>\s*", re.DOTALL)


class UnusableAnswerError(ValueError):
    """A grader's answer is none; one line says why, and repeats nothing of it."""


@dataclass(frozen=True)
class GraderAnswer:
    """An answer of the form that was asked for."""

    yes: bool
    messages: tuple[str, ...]
    """Names of the messages that show it; at least one for a yes."""
    reason: str


class _Form(Frozen):
    answer: Literal["yes", "no"]
    messages: Annotated[tuple[str, ...], Field(max_length=MOST_NAMED)] = ()
    reason: Annotated[str, Field(max_length=4000)] = ""


def taken_answer(text: str, known: Collection[str]) -> GraderAnswer:
    """A grader's answer.

    Args:
        text: All that it said.
        known: Names of the messages that it was shown.

    Raises:
        UnusableAnswerError: it is no such object alone, or names messages that it was not shown.
    """
    if len(text) > MOST_ANSWER:
        raise UnusableAnswerError("an answer that is too long")
    bare = _THOUGHT.sub("", text, count=1).strip()
    if (fenced := _FENCED.fullmatch(bare)) is not None:
        bare = fenced[1]
    try:
        said = _Form.model_validate(json.loads(bare, object_pairs_hook=_once))
    # ValueError: no JSON, a key twice, or another form; RecursionError: nested to no end.
    except (ValueError, RecursionError):
        raise UnusableAnswerError("an answer that is not of the form asked for") from None
    if not set(said.messages) <= set(known):
        raise UnusableAnswerError("an answer that names a message which it was not shown")
    if said.answer == "yes" and not said.messages:
        raise UnusableAnswerError("a yes that names no message")
    return GraderAnswer(said.answer == "yes", tuple(dict.fromkeys(said.messages)), said.reason)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key that is there twice")
    return found
