"""Cleaning what an endpoint sent: texts, names, numbers and arguments, as the door lets them pass.

Each change leaves a note. What a text may hold does not hang on the format that it came in.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from touchstone.evaluation.redaction import HIDDEN, Redactor
from touchstone.handin import is_unseen

MOST_DEPTH = 24
"""Levels of objects and lists within one another that are kept."""
MOST_TEXT = 1_000_000
"""Characters of one text."""
MOST_NAME = 200
MOST_MARKS = 16
"""Marks of each kind with which thoughts may begin in a text."""
_MARKS = ("<think", "<summary>")
_MOST_INTEGER = 2**53
_REPLACED = "\N{REPLACEMENT CHARACTER}"
_ODD = re.compile("[\0\ud800-\udfff]")


class NotAnAnswerError(ValueError):
    """What came is no answer of its format; the text says why, in one line."""


@dataclass
class Cleaner:
    """What is known while one answer passes the door."""

    redactor: Redactor
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Say once what was changed."""
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


def answer_object(data: bytes) -> Mapping[str, Any]:
    """The JSON object that an answer's body holds.

    Raises:
        NotAnAnswerError: it holds none.
    """
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


def few_marks(text: str, cleaner: Cleaner) -> str:
    """A text in which thoughts are looked for, by Inspect, once more from each mark of them.

    Beyond a number that no answer needs, a mark loses its bracket.
    """
    for mark in _MARKS:
        first, *more = text.split(mark)
        if len(more) > MOST_MARKS:
            cleaner.note(f"the text held more than {MOST_MARKS} marks of thoughts; changed")
            kept = mark.join([first, *more[:MOST_MARKS]])
            text = (_REPLACED + mark[1:]).join([kept, *more[MOST_MARKS:]])
    return text


def list_of(value: Any, what: str, cleaner: Cleaner) -> list[Any]:
    """A list as it is; whatever else stands in its place is left out."""
    if value is None:
        return []
    if not isinstance(value, list):
        cleaner.note(f"{what} was no list; left out")
        return []
    return value


def arguments_text(told: Any, first: str | None, cleaner: Cleaner) -> str:
    """Arguments as JSON text.

    An object passes, cleaned within as well. A bare text becomes the tool's first argument, which
    is what Inspect makes of it by way of YAML, where a few bytes can stand for gigabytes. What
    begins as an object and is none passes as text: the model is told so, as a tool's error.
    """
    what = "a tool call's arguments"
    if told is None:
        return "{}"
    if isinstance(told, Mapping):
        return json.dumps(cleaner.plain(told, what))
    text = cleaner.text(told, what).strip()
    # Inspect reads anything else as YAML, in which an alias can stand for gigabytes.
    if not text.startswith("{"):
        return json.dumps({first: text}) if first and text else "{}"
    try:
        value = json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError):
        # Nothing that Python's own reader stumbles over in another way than "this is no JSON".
        return "{" + text[:MOST_NAME] if re.search(r"\d{200}", text) else text
    return json.dumps(cleaner.plain(value, what))


def model_named(told: Any, cleaner: Cleaner) -> str:
    """The name of the model that an endpoint says answered."""
    if isinstance(told, str) and 0 < len(told) <= MOST_NAME and not any(map(is_unseen, told)):
        return cleaner.redactor.of_answer(told)
    cleaner.note("the endpoint named no model")
    return "unnamed"
