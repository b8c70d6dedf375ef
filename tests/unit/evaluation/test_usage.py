"""What an endpoint says it used, held to what is possible."""

from types import SimpleNamespace

import pytest

from touchstone.evaluation.usage import sane_usage


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
