"""What an endpoint says it used, held to what is possible."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.evaluation.usage import HIDDEN_A_SECOND, sane_usage, seen_tokens, text_bytes


def told(prompt: object, output: object) -> SimpleNamespace:
    return SimpleNamespace(prompt_tokens=prompt, completion_tokens=output)


def test_possible_usage_is_believed():
    _, usage, notes = sane_usage(told(120, 30), sent=400, answered=90, asked=256)
    assert (usage.input, usage.output, notes) == (120, 30, ())


@pytest.mark.parametrize("prompt", [-7, None, "many", 0])
def test_impossible_input_is_estimated(prompt: object):
    _, usage, notes = sane_usage(told(prompt, 30), sent=400, answered=90)
    assert usage.input == 101
    assert "estimated" in notes[0]


def test_output_beyond_what_the_request_allowed_is_clamped_to_that():
    _, usage, notes = sane_usage(told(120, 10**12), sent=400, answered=90, asked=256)
    assert usage.output == 256
    assert "clamped to 256" in notes[0]


def test_where_the_request_set_no_bound_a_large_output_stands():
    """Hidden reasoning may be long: only the absurd is clamped."""
    _, usage, notes = sane_usage(told(120, 90_000), sent=400, answered=90)
    assert (usage.output, notes) == (90_000, ())


def test_output_beyond_what_bytes_and_seconds_allow_is_clamped():
    _, usage, notes = sane_usage(told(120, 10**18), sent=400, answered=40, seconds=2.0)
    assert usage.output == 40 + 2 * HIDDEN_A_SECOND
    assert "clamped" in notes[0]
    _, usage, notes = sane_usage(told(120, 9_000), sent=400, answered=40, seconds=2.0)
    assert (usage.output, notes) == (9_000, ())


@pytest.mark.parametrize(("output", "noted"), [(99, True), (101, False)])
def test_a_twelfth_of_what_the_bytes_imply_is_the_least_that_is_believed(output: int, noted: bool):
    _, usage, notes = sane_usage(told(120, output), sent=400, answered=4_800, seconds=9.0)
    assert bool(notes) == noted
    assert usage.output == (1_201 if noted else output)


@given(st.integers(0, 10**20), st.integers(0, 10**20), st.integers(0, 10**6), st.integers(0, 10**6))
def test_what_counts_as_seen_is_bounded_by_the_bytes(
    prompt: int, output: int, sent: int, answered: int
):
    _, usage, _ = sane_usage(told(prompt, output), sent, answered, seconds=3600.0)
    seen = seen_tokens(usage, sent, answered)
    assert seen <= min(usage.total, (sent + answered) // 2 + 1_024)


@pytest.mark.parametrize(
    ("text", "each"), [("a", 1), ("é", 2), ("模", 3), ("\N{GRINNING FACE}", 4), ("\ud800", 3)]
)
def test_a_character_counts_the_bytes_that_a_tokenizer_reads(text: str, each: int):
    assert text_bytes(text * 100) == 100 * each + len('""')


def test_who_reports_nothing_is_charged_alike_for_what_was_sent_and_said_in_any_script():
    plain, other = text_bytes("abcd" * 300), text_bytes("模型" * 300)
    _, usage, _ = sane_usage(None, sent=other, answered=other)
    # Less than a token a character, where it was one and a half of them.
    assert usage.input == usage.output == other // 4 + 1 < 600
    assert sane_usage(None, sent=plain, answered=plain)[1].total < usage.total
