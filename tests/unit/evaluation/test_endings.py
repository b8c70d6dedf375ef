"""An answer measures the model only where it is said to be whole, in a word that is known."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.endpoint import completion
from touchstone.evaluation.adjudication import SampleFacts, adjudicate
from touchstone.evaluation.cleaning import NotAnAnswerError
from touchstone.evaluation.door import admit
from touchstone.evaluation.elicitation import Elicitation
from touchstone.evaluation.endpoint_watch import Call
from touchstone.evaluation.redaction import Redactor

WHOLE = {
    "stop",
    "eos",
    "eos_token",
    "endoftext",
    "end_turn",
    "stop_sequence",
    "complete",
    "completed",
    "finish",
    "finished",
    "tool_calls",
    "tool_call",
    "tool_use",
    "function_call",
}
CUT = [
    "length",
    "MAX_TOKENS",
    "max-tokens",
    "truncated",
    "token_limit",
    "max_new_tokens",
    "max_completion_tokens",
    "incomplete",
    "model_context_window_exceeded",
    "pause_turn",
    "timeout",
    "failed",
    "cancelled",
    "ERROR_LIMIT",
    "MALFORMED_FUNCTION_CALL",
    "in_progress",
    "OTHER",
    "none",
    "null",
    "",
    " ",
    "st\u043ep",
    "\u017ftop",
    "stop.",
    7,
    0,
    True,
    [],
    {},
    ["stop"],
    {"type": "stop"},
    "odd\ud800",
]
FILTERED = [
    "content_filter",
    "content-filter",
    "content_filtered",
    "SAFETY",
    "RECITATION",
    "PROHIBITED_CONTENT",
    "SPII",
    "guardrail_intervened",
    "ERROR_TOXIC",
    "refusal",
]


def answered(
    end: Any = "stop", *, message: Any = None, choice: Any = None, body: Any = None
) -> dict[str, Any]:
    said = completion("I give up.", **(message or {}))
    said["choices"][0] |= {"finish_reason": end, **(choice or {})}
    return said | (body or {})


def result_of(said: dict[str, Any]) -> str:
    """Of a sample with this one answer, whose work the judge did not accept."""
    passed = admit(json.dumps(said).encode(), {}, Redactor(""))
    facts = SampleFacts(1, judged=True, submitted=True, tools=1, calls=1)
    facts.heard(Call(passed.stop, passed.unknown_end, passed.refused))
    assert passed.completion["choices"][0]["finish_reason"] == passed.stop
    return adjudicate(facts, Elicitation(id="e"), breached=False)[0]


@given(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(sorted(WHOLE)).flatmap(
            lambda word: st.sampled_from(
                [word[:-1], word + "s", "not_" + word, word[::-1], word * 2]
            )
        ),
    )
)
@example("truncated")
def test_only_a_word_that_is_known_to_end_an_answer_well_measures(word: str):
    plain = word.strip().lower().replace("-", "_")
    try:
        measured = result_of(answered(word)) == "unsolved"
    except NotAnAnswerError:
        measured = False
    assert measured is (plain in WHOLE and word.isascii())


@pytest.mark.parametrize("word", sorted(WHOLE))
def test_words_of_services_that_end_an_answer_well_are_known(word: str):
    assert result_of(answered(word)) == result_of(answered(word.upper())) == "unsolved"


@pytest.mark.parametrize("told", CUT)
def test_whatever_else_is_told_is_cut(told: Any):
    assert result_of(answered(told)) == "cut"


@pytest.mark.parametrize("told", FILTERED)
def test_words_of_filters_are_refusals(told: str):
    assert result_of(answered(told)) == "refused"


def test_where_no_end_is_told_the_answer_is_cut_and_noted():
    said = answered(None)
    assert result_of(said) == "cut"
    passed = admit(json.dumps(said).encode(), {}, Redactor(""))
    assert passed.notes == ("no finish_reason; taken as cut",)


FILTER = {"hate": {"filtered": True, "severity": "high"}}


@pytest.mark.parametrize(
    ("beside", "result"),
    [
        ({"body": {"stop_reason": "max_tokens"}}, "cut"),
        ({"message": {"stop_reason": "max_tokens"}}, "cut"),
        ({"choice": {"stop_reason": "refusal"}}, "refused"),
        ({"choice": {"native_finish_reason": "MAX_TOKENS"}}, "cut"),
        ({"choice": {"native_finish_reason": "SPII"}}, "refused"),
        ({"choice": {"finish_details": {"type": "max_tokens"}}}, "cut"),
        ({"body": {"status": "incomplete"}}, "cut"),
        ({"message": {"status": "incomplete"}}, "cut"),
        ({"body": {"status": "failed", "error": {"code": "server_error"}}}, "cut"),
        ({"body": {"incomplete_details": {"reason": "max_output_tokens"}}}, "cut"),
        ({"body": {"incomplete_details": {"reason": "content_filter"}}}, "refused"),
        ({"body": {"done_reason": "length"}}, "cut"),
        ({"choice": {"error": {"message": "overloaded"}}}, "cut"),
        ({"choice": {"content_filter_results": FILTER}}, "refused"),
        ({"body": {"prompt_filter_results": [{"content_filter_results": FILTER}]}}, "refused"),
        ({"message": {"content": [{"type": "refusal", "refusal": "No."}]}}, "refused"),
    ],
)
def test_what_another_protocol_says_beside_a_stop_counts_too(beside: Any, result: str):
    assert result_of(answered(**beside)) == result


@pytest.mark.parametrize(
    "beside",
    [
        {"choice": {"stop_reason": 128009}},
        {"choice": {"stop_reason": None, "native_finish_reason": "STOP"}},
        {"body": {"status": "completed", "incomplete_details": None, "error": None}},
        {"choice": {"content_filter_results": {"hate": {"filtered": False}}}},
    ],
)
def test_what_whole_answers_bear_beside_their_end_is_no_fault(beside: Any):
    assert result_of(answered(**beside)) == "unsolved"


@pytest.mark.parametrize(
    ("end", "result"), [("end_turn", "unsolved"), ("max_tokens", "cut"), ("odd", "cut")]
)
def test_another_protocols_word_stands_in_where_the_own_one_is_missing(end: str, result: str):
    assert result_of(answered(None, body={"stop_reason": end})) == result
