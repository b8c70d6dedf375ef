"""Snapshot probes: small fixed questions before, during and after a review.

What an endpoint calls its model is its own word, and sampled text may differ without any change: a
changed name is a change, and fingerprints and a digest of the texts are kept beside it.
"""

import contextlib
import io

import anyio
from inspect_ai.model import ChatMessageUser, GenerateConfig

from touchstone.evaluation.digests import digest_value
from touchstone.evaluation.endpoint_watch import EndpointWatch
from touchstone.evaluation.endpoints import open_endpoint
from touchstone.evaluation.errors import EndpointKeyMissingError
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.outcomes import Usage
from touchstone.evaluation.oversight.found import Probe, When
from touchstone.evaluation.submission import Mode, endpoint_digest
from touchstone.handin import printable_line

PROMPTS = (
    "Reply with the single word: ready",
    "Write the numbers from 1 to 12, separated by commas, and nothing else.",
    "Complete in at most ten words: The harbour was quiet because",
    "Which is larger, 9.11 or 9.9? Reply with the number alone.",
)
_MOST_TOKENS = 1024
_TEXT_KEPT = 2000
_WHY_MOST = 300


class _Heard(EndpointWatch):
    def __init__(self) -> None:
        self.models: set[str] = set()
        self.fingerprints: set[str] = set()
        self.usage = Usage()
        self.attempts = 0
        """At the question that was asked last."""

    def waited(self, seconds: float) -> None:
        del seconds
        self.attempts += 1

    def called(self, usage: Usage, model: str, fingerprint: str, notes: tuple[str, ...]) -> None:
        del notes
        self.usage = self.usage + usage
        self.models.add(model)
        if fingerprint:
            self.fingerprints.add(fingerprint)


def probe(
    mode: Mode, api_key: str, *, when: When, at: str, asking: EndpointLimits | None = None
) -> Probe:
    """Ask the fixed questions, at temperature 0 unless the mode sets one.

    Args:
        mode: From the submission.
        api_key: The endpoint's key.
        when: Where in the review this stands.
        at: The time, from the caller's clock.
        asking: The bounds; an endpoint that stays within none of them gives a failed probe.

    Raises:
        KeyMissingError: no key was given.
    """
    if not api_key:
        raise EndpointKeyMissingError(f"no key: set {mode.api_key_env} in the environment")
    heard = _Heard()
    # Inspect announces its hooks on stdout, where a command's own result belongs.
    with contextlib.redirect_stdout(io.StringIO()):
        model = open_endpoint(mode, api_key, asking or EndpointLimits(), heard)
    config = GenerateConfig(
        # So that two probes of one snapshot can agree at all.
        temperature=0.0 if mode.settings.temperature is None else None,
        max_tokens=mode.settings.max_tokens or _MOST_TOKENS,
    )

    async def ask() -> tuple[list[str], str]:
        texts: list[str] = []
        async with model:
            for prompt in PROMPTS:
                heard.attempts = 0
                try:
                    output = await model.generate([ChatMessageUser(content=prompt)], config=config)
                except Exception as error:  # noqa: BLE001 - any fault of the endpoint is the finding
                    return texts, no_answer(heard.attempts, error)
                # Bounded: the digest is kept, and an endpoint chooses how much it sends.
                texts.append(output.completion[:_TEXT_KEPT])
        return texts, ""

    texts, failed = anyio.run(ask)
    return Probe(
        when=when,
        at=at,
        endpoint=endpoint_digest(mode),
        models=tuple(sorted(heard.models)),
        fingerprints=tuple(sorted(heard.fingerprints)),
        behaviour=digest_value(texts),
        failed=failed,
        usage=heard.usage,
    )


def no_answer(attempts: int, error: Exception) -> str:
    """`no usable answer in 5 of 5 attempts, the last: HTTP 500: ...`: it may well have answered."""
    if attempts > 1:
        return f"no usable answer in {attempts} of {attempts} attempts, the last: {why_of(error)}"
    return f"no usable answer: {why_of(error)}"


def why_of(error: Exception) -> str:
    """Why a call came to nothing, after its last try: one plain line."""
    attempt = getattr(error, "last_attempt", None)
    last = attempt.exception() if attempt is not None else None
    return printable_line(str(last or error), _WHY_MOST)
