"""What a mode may set in the format that it names, and that an unnamed one is the chat format."""

from typing import Any

import pytest
from pydantic import ValidationError

from touchstone.evaluation.submission import Mode, endpoint_digest

PLAIN: dict[str, Any] = {
    "id": "m",
    "variant": "v",
    "model": "openai-api/example/tiny",
    "base_url": "https://models.example/v1",
    "api_key_env": "EXAMPLE_KEY",
}


@pytest.mark.parametrize(
    ("spoken", "settings", "says"),
    [
        ("anthropic-messages", {}, "settings.max_tokens: anthropic-messages needs it"),
        ("anthropic-messages", {"max_tokens": 9, "seed": 0}, "settings.seed: .* take it out"),
        ("anthropic-messages", {"max_tokens": 9, "temperature": "1.5"}, "takes 1 at most"),
        (
            "anthropic-messages",
            {"max_tokens": 4000, "reasoning_tokens": 1023},
            "takes 1024 to less than max_tokens",
        ),
        (
            "anthropic-messages",
            {"max_tokens": 4000, "reasoning_tokens": 4000},
            "takes 1024 to less than max_tokens",
        ),
        (
            "anthropic-messages",
            {"max_tokens": 4000, "reasoning_effort": "low", "temperature": "0"},
            "settings.temperature: .* none beside reasoning",
        ),
        (
            "anthropic-messages",
            {"max_tokens": 4000, "reasoning_tokens": 2000, "top_p": "0.5"},
            "settings.top_p: .* none beside reasoning",
        ),
        ("anthropic-messages", {"max_tokens": 9, "reasoning_effort": "minimal"}, "'minimal'"),
        ("openai-responses", {"seed": 7}, "settings.seed: openai-responses has none"),
        ("openai-responses", {"reasoning_tokens": 7}, "settings.reasoning_tokens: "),
        ("google-generate", {"reasoning_effort": "xhigh"}, "google-generate has no 'xhigh'"),
        ("morse", {}, "format"),
    ],
)
def test_what_a_format_has_no_word_for_is_refused_by_name(
    spoken: str, settings: dict[str, Any], says: str
):
    with pytest.raises(ValidationError, match=says):
        Mode(**PLAIN, format=spoken, settings=settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spoken", "settings"),
    [
        ("anthropic-messages", {"max_tokens": 9, "temperature": "1", "reasoning_effort": "none"}),
        ("anthropic-messages", {"max_tokens": 4000, "reasoning_tokens": 3999}),
        ("openai-responses", {"temperature": "2", "reasoning_effort": "xhigh"}),
        ("google-generate", {"seed": 7, "reasoning_tokens": 0, "reasoning_effort": "minimal"}),
        ("chat", {"seed": 7, "reasoning_tokens": 1, "temperature": "2"}),
    ],
)
def test_what_a_format_has_words_for_is_taken(spoken: str, settings: dict[str, Any]):
    assert Mode(**PLAIN, format=spoken, settings=settings).format == spoken  # type: ignore[arg-type]


def test_a_submission_from_before_formats_keeps_its_digest():
    mode, named = Mode(**PLAIN), Mode(**PLAIN, format="chat")
    assert "format" not in mode.model_dump(mode="json")
    assert endpoint_digest(mode) == endpoint_digest(named)
    other = Mode(**PLAIN, format="google-generate")
    assert other.model_dump(mode="json")["format"] == "google-generate"
    assert Mode.model_validate(other.model_dump(mode="json")) == other
    assert endpoint_digest(other) != endpoint_digest(mode)
