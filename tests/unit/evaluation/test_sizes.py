"""What a stranger's text costs grows with its size, never with its square.

One search of a text holds the whole process: for a minute, and a healthy worker counts as dead, and
its samples run again. So every text here is long enough to take several times the bound, or far
more, if it is looked at again from each of its places.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from inspect_ai.model._openai import chat_message_assistant_from_openai
from openai.types.chat import ChatCompletion

from support.endpoint import completion
from touchstone.evaluation.cleaning import MOST_MARKS
from touchstone.evaluation.door import admit
from touchstone.evaluation.errors import SubmissionError
from touchstone.evaluation.redaction import Redactor
from touchstone.evaluation.untrusted_input import refuse_keys
from touchstone.handin import printable_line

KEY = "sk-live-Zq81mWc47RtYpL2x"
SIZE = 30_000
SECONDS = 4.0
# The beginning of each thing that is looked for, so that every place of a text may begin one.
BEGUN = [
    "\\",
    "\\u",
    "\\u{0",
    "\\u{0\\",
    "\\\\x",
    "%",
    "%25",
    "&#",
    "&#x",
    "&a",
    "*",
    "....",
    KEY[:5],
    "\u0301",
    "\u2800a",
    "\ufffd",
    "<U+",
    "<x",
    " \t",
    '"',
    "1",
    "<think",
    "<think>",
    "<summary>",
    "<think><summary>",
    "<think a></think",
    "</think>",
    "<content-internal>",
    "data:",
    "eyJ-",
    "-----BEGIN ",
    "Bearer ",
    "https://",
    "(",
    "input length ",
    "exceeds ",
]


def cost(work: Callable[[], object]) -> float:
    """Seconds of this thread's own work: those of a busy machine do not count."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def long(begun: str, size: int = SIZE) -> str:
    return (begun * size)[:size]


def heard(told: str, **more: Any) -> None:
    """All that is done with an answer before its samples go on: our door, then Inspect's reader."""
    said = completion(told, [(told, {"command": told})], model=told, **more)
    said |= {"id": told, "system_fingerprint": told}
    passed = admit(json.dumps(said).encode(), {told: "command"}, Redactor(KEY))
    known = ChatCompletion.model_validate({**passed.completion, "usage": None})
    chat_message_assistant_from_openai("m", known.choices[0].message, [])


@pytest.mark.parametrize("begun", BEGUN)
def test_an_answer_costs_by_its_size_wherever_its_text_stands(begun: str):
    assert cost(lambda: heard(long(begun))) < SECONDS
    assert cost(lambda: heard("", reasoning=long(begun))) < SECONDS


@pytest.mark.parametrize("begun", BEGUN)
def test_an_error_and_a_line_of_one_cost_by_their_size(begun: str):
    redactor = Redactor(KEY)
    assert cost(lambda: printable_line(redactor.of_error(long(begun)), 300)) < SECONDS


@pytest.mark.parametrize("begun", BEGUN)
def test_what_is_handed_in_costs_by_its_size(begun: str):
    text = long(begun, 4 * SIZE)

    def read() -> None:
        with suppress(SubmissionError):
            refuse_keys({"description": text, text: ""})

    assert cost(read) < SECONDS


def test_thoughts_in_the_text_are_still_found_and_few_marks_stay():
    marks = "<think>" * (MOST_MARKS - 1)
    for text in ("<think a='b'>so</think>then", f"it prints {marks} and </think>"):
        said = admit(json.dumps(completion(text)).encode(), {}, Redactor(KEY))
        assert said.completion["choices"][0]["message"]["content"] == text
        assert said.notes == ()


@pytest.mark.parametrize("mark", ["<think>", "<summary>"])
def test_marks_beyond_a_number_lose_their_bracket_with_a_note(mark: str):
    text = mark * (MOST_MARKS + 2)
    said = admit(json.dumps(completion(text)).encode(), {}, Redactor(KEY))
    kept = mark * MOST_MARKS + ("\ufffd" + mark[1:]) * 2
    assert said.completion["choices"][0]["message"]["content"] == kept
    assert said.notes == (f"the text held more than {MOST_MARKS} marks of thoughts; changed",)


def test_marks_stay_where_nobody_looks_for_them():
    """Thoughts that stand in a field of their own are taken from there."""
    text = "<think>" * (MOST_MARKS + 2)
    told = completion(text, reasoning_content="so")
    said = admit(json.dumps(told).encode(), {}, Redactor(KEY))
    assert said.completion["choices"][0]["message"]["content"] == text
