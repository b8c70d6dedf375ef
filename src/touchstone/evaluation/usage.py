"""The tokens that an endpoint says it used, held to what is possible."""

from typing import Any

from openai.types import CompletionUsage
from openai.types.completion_usage import CompletionTokensDetails, PromptTokensDetails

from touchstone.evaluation.outcomes import Usage

# A token is at least one byte of text; templates and tool schemas add some that were not sent.
_TEMPLATE = 16_384
_MOST_OUTPUT = 10_000_000
_BYTES_PER_TOKEN = 4
# A tokenizer packs a few bytes into a token, never this many on average.
_LEAST_DENSITY = 50


def sane_usage(
    told: Any, sent: int, answered: int, asked: int | None = None
) -> tuple[CompletionUsage, Usage, tuple[str, ...]]:
    """Usage that is possible, and a note for each number that was not.

    Args:
        told: What the endpoint reported: anything.
        sent: Bytes of the request's messages.
        answered: Bytes of the answer's message.
        asked: Most output tokens that the request allowed, if it said.

    Numbers that are missing, negative or far too small become an estimate from the bytes, so that
    a cap cannot be slipped; numbers that are far too large are clamped.
    """
    notes: list[str] = []
    prompt = _number(told, "prompt_tokens")
    if prompt is None or prompt < sent // _LEAST_DENSITY:
        notes.append(f"input tokens reported as {_shown(told, 'prompt_tokens')}; estimated")
        prompt = sent // _BYTES_PER_TOKEN + 1
    elif prompt > sent + _TEMPLATE:
        notes.append(f"input tokens reported as {prompt}; clamped to {sent + _TEMPLATE}")
        prompt = sent + _TEMPLATE
    output = _number(told, "completion_tokens")
    if output is None or output < answered // _LEAST_DENSITY:
        notes.append(f"output tokens reported as {_shown(told, 'completion_tokens')}; estimated")
        output = answered // _BYTES_PER_TOKEN + 1
    elif output > (most := max(asked, answered) if asked else _MOST_OUTPUT):
        notes.append(f"output tokens reported as {output}; clamped to {most}")
        output = most
    reasoning = _number(getattr(told, "completion_tokens_details", None), "reasoning_tokens") or 0
    if reasoning > output:
        notes.append(f"reasoning tokens reported as {reasoning}; clamped to {output}")
        reasoning = output
    cached = _number(getattr(told, "prompt_tokens_details", None), "cached_tokens") or 0
    usage = CompletionUsage(
        prompt_tokens=prompt,
        completion_tokens=output,
        total_tokens=prompt + output,
        completion_tokens_details=CompletionTokensDetails(reasoning_tokens=reasoning),
        prompt_tokens_details=PromptTokensDetails(cached_tokens=min(cached, prompt)),
    )
    return usage, Usage(input=prompt, output=output, reasoning=reasoning), tuple(notes)


def _number(told: Any, name: str) -> int | None:
    value = getattr(told, name, None)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


def _shown(told: Any, name: str) -> str:
    return repr(getattr(told, name, None))[:40]
