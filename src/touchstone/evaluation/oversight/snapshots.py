"""Snapshot probes: small fixed questions before, during and after a review.

What an endpoint calls its model is its own word, and sampled text may differ without any change:
a changed name is a change; a changed fingerprint or text alone is a hint, and is only named.
"""

import contextlib
import io
from collections.abc import Sequence
from typing import Literal

import anyio
from inspect_ai.model import ChatMessageUser, GenerateConfig

from touchstone.evaluation.digests import Frozen, digest_value
from touchstone.evaluation.endpoints import Watch, open_endpoint
from touchstone.evaluation.errors import KeyMissingError
from touchstone.evaluation.limits import Asking
from touchstone.evaluation.outcomes import Usage
from touchstone.evaluation.submission import Mode, endpoint_digest
from touchstone.printable import printable_line

PROMPTS = (
    "Reply with the single word: ready",
    "Write the numbers from 1 to 12, separated by commas, and nothing else.",
    "Complete in at most ten words: The harbour was quiet because",
    "Which is larger, 9.11 or 9.9? Reply with the number alone.",
)
_MOST_TOKENS = 1024
_TEXT_KEPT = 2000
_WHY_MOST = 300

When = Literal["before", "during", "after"]


class Probe(Frozen):
    """What one probe saw."""

    when: When
    at: str
    """UTC, as the record writes times."""
    endpoint: str
    """The mode's endpoint digest."""
    models: tuple[str, ...]
    """Model names that the endpoint reported, sorted."""
    fingerprints: tuple[str, ...]
    """System fingerprints that it reported, sorted."""
    behaviour: str
    """Digest of the answers' texts."""
    failed: str = ""
    """Empty, or why the endpoint could not be probed."""
    usage: Usage = Usage()


class SnapshotChange(Frozen):
    """A difference between two probes of one endpoint."""

    kind: Literal["model-name", "fingerprint", "behaviour"]
    certain: bool
    """Whether it counts as another snapshot. Behaviour alone never does."""
    before: tuple[str, ...]
    now: tuple[str, ...]
    text: str
    """One plain sentence."""


class _Heard(Watch):
    def __init__(self) -> None:
        self.models: set[str] = set()
        self.fingerprints: set[str] = set()
        self.usage = Usage()

    def called(self, usage: Usage, model: str, fingerprint: str, notes: tuple[str, ...]) -> None:
        del notes
        self.usage = self.usage + usage
        self.models.add(model)
        if fingerprint:
            self.fingerprints.add(fingerprint)


def probe(mode: Mode, api_key: str, *, when: When, at: str, asking: Asking | None = None) -> Probe:
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
        raise KeyMissingError(f"no key: set {mode.api_key_env} in the environment")
    heard = _Heard()
    # Inspect announces its hooks on stdout, where a command's own result belongs.
    with contextlib.redirect_stdout(io.StringIO()):
        model = open_endpoint(mode, api_key, asking or Asking(), heard)
    config = GenerateConfig(
        temperature=0.0 if mode.settings.temperature is None else None,
        max_tokens=mode.settings.max_tokens or _MOST_TOKENS,
    )

    async def ask() -> tuple[list[str], str]:
        texts: list[str] = []
        async with model:
            for prompt in PROMPTS:
                try:
                    output = await model.generate([ChatMessageUser(content=prompt)], config=config)
                except Exception as error:  # noqa: BLE001 - any fault of the endpoint is the finding
                    return texts, _why(error)
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


def compare(before: Probe, now: Probe) -> tuple[SnapshotChange, ...]:
    """What differs between two probes of one endpoint; a failed probe says nothing.

    Raises:
        ValueError: they are of different endpoints.
    """
    if before.endpoint != now.endpoint:
        raise ValueError("two probes of different endpoints cannot be compared")
    if before.failed or now.failed:
        return ()
    changes = []
    if before.models != now.models:
        text = f"the endpoint called its model {_names(before.models)}, now {_names(now.models)}"
        changes.append(
            SnapshotChange(
                kind="model-name", certain=True, before=before.models, now=now.models, text=text
            )
        )
    # Fingerprints name the server's build too: without a new name this is a hint, not a proof.
    if before.fingerprints and now.fingerprints and before.fingerprints != now.fingerprints:
        text = "the endpoint's system fingerprint changed"
        changes.append(
            SnapshotChange(
                kind="fingerprint",
                certain=False,
                before=before.fingerprints,
                now=now.fingerprints,
                text=text,
            )
        )
    if before.behaviour != now.behaviour:
        changes.append(
            SnapshotChange(
                kind="behaviour",
                certain=False,
                before=(before.behaviour,),
                now=(now.behaviour,),
                text="behaviour differs on the fixed questions; sampling alone can do this",
            )
        )
    return tuple(changes)


def _names(models: Sequence[str]) -> str:
    return printable_line(", ".join(models)) or "nothing"


def _why(error: Exception) -> str:
    attempt = getattr(error, "last_attempt", None)
    last = attempt.exception() if attempt is not None else None
    return printable_line(str(last or error), _WHY_MOST)
