"""The tokens that an endpoint says it used, held to what is possible."""

import json
from collections.abc import Mapping
from typing import Any

from openai.types import CompletionUsage
from openai.types.completion_usage import CompletionTokensDetails, PromptTokensDetails

from touchstone.evaluation.outcomes import Usage

# A token is at least one byte of text; templates and tool schemas add some that were not sent.
_TEMPLATE = 16_384
_MOST_OUTPUT = 10_000_000
_BYTES_PER_TOKEN = 4
_LEAST_SHARE = 12
"""Below this part of what the bytes imply, a number is taken for wrong: no tokenizer packs 48 bytes
into a token on average."""
HIDDEN_A_SECOND = 5_000
"""Output tokens a second that may have been made and not shown, as hidden reasoning is: about twice
what the fastest public services gave when this was written."""
_SEEN_BYTES_PER_TOKEN = 2
_SEEN_TEMPLATE = 1_024


def text_bytes(value: object) -> int:
    """How many bytes a JSON value has as UTF-8, which is what tokenizers read."""
    # Not as JSON escapes it: there a Chinese character has six bytes and an emoji twelve, and who
    # reports no usage would be charged twice as much for them as for any other text.
    return len(json.dumps(value, default=str, ensure_ascii=False).encode(errors="surrogatepass"))


def seen_tokens(used: Usage, sent: int, answered: int) -> int:
    """How many of a call's tokens the bytes that went to and fro can account for, generously."""
    # Two bytes a token, where four are usual: what an endpoint may claim against a model's budget.
    return min(used.total, (sent + answered) // _SEEN_BYTES_PER_TOKEN + _SEEN_TEMPLATE)


def sane_usage(
    told: Any, sent: int, answered: int, asked: int | None = None, seconds: float | None = None
) -> tuple[CompletionUsage, Usage, tuple[str, ...]]:
    """Usage that is possible, and a note for each number that was not.

    Args:
        told: What the endpoint reported: anything.
        sent: Bytes of the request's messages, as `text_bytes` counts them.
        answered: Bytes of the answer's message, likewise.
        asked: Most output tokens that the request allowed, if it said.
        seconds: How long the answer took, where that is known.

    Numbers that are missing, negative or below a twelfth of what the bytes imply become an estimate
    from the bytes, so that a cap cannot be slipped. Numbers above what the bytes allow (a byte is a
    token at most; `HIDDEN_A_SECOND` more of output may be hidden) are clamped to that.
    """
    notes: list[str] = []
    prompt = _number(told, "prompt_tokens")
    # An endpoint that reports nothing, or one, would never come to a cap.
    if prompt is None or prompt * _LEAST_SHARE < sent // _BYTES_PER_TOKEN:
        notes.append(f"input tokens reported as {_shown(told, 'prompt_tokens')}; estimated")
        prompt = sent // _BYTES_PER_TOKEN + 1
    elif prompt > sent + _TEMPLATE:
        # Above what the bytes allow it is no count of this call, and would eat a review's cap.
        notes.append(f"input tokens reported as {prompt}; clamped to {sent + _TEMPLATE}")
        prompt = sent + _TEMPLATE
    output = _number(told, "completion_tokens")
    if output is None or output * _LEAST_SHARE < answered // _BYTES_PER_TOKEN:
        notes.append(f"output tokens reported as {_shown(told, 'completion_tokens')}; estimated")
        output = answered // _BYTES_PER_TOKEN + 1
    elif output > (most := _most_output(answered, asked, seconds)):
        notes.append(f"output tokens reported as {output}; clamped to {most}")
        output = most
    reasoning = _number(_part(told, "completion_tokens_details"), "reasoning_tokens") or 0
    if reasoning > output:
        notes.append(f"reasoning tokens reported as {reasoning}; clamped to {output}")
        reasoning = output
    cached = _number(_part(told, "prompt_tokens_details"), "cached_tokens") or 0
    usage = CompletionUsage(
        prompt_tokens=prompt,
        completion_tokens=output,
        total_tokens=prompt + output,
        completion_tokens_details=CompletionTokensDetails(reasoning_tokens=reasoning),
        prompt_tokens_details=PromptTokensDetails(cached_tokens=min(cached, prompt)),
    )
    return usage, Usage(input=prompt, output=output, reasoning=reasoning), tuple(notes)


def _most_output(answered: int, asked: int | None, seconds: float | None) -> int:
    # Hidden reasoning leaves no bytes; how fast it can be made bounds it all the same.
    most = _MOST_OUTPUT if seconds is None else answered + int(seconds * HIDDEN_A_SECOND)
    return min(most, max(asked, answered)) if asked else most


def _part(told: Any, name: str) -> Any:
    """A field of what may be an object, a mapping or anything else."""
    return told.get(name) if isinstance(told, Mapping) else getattr(told, name, None)


def _number(told: Any, name: str) -> int | None:
    value = _part(told, name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


def _shown(told: Any, name: str) -> str:
    return ascii(_part(told, name))[:40]
